#include "base/result.h"

namespace forebay {

std::string_view name(Code code) {
  switch (code) {
    case Code::not_found: return "not_found";
    case Code::exists: return "exists";
    case Code::invalid: return "invalid";
    case Code::denied: return "denied";
    case Code::conflict: return "conflict";
    case Code::too_large: return "too_large";
    case Code::busy: return "busy";
    case Code::timeout: return "timeout";
    case Code::cancelled: return "cancelled";
    case Code::corrupt: return "corrupt";
    case Code::unavailable: return "unavailable";
    case Code::internal: return "internal";
  }
  return "internal";
}

Error Error::in(std::string_view what) && {
  text_.insert(0, " : ");
  text_.insert(0, what);
  return std::move(*this);
}

Error Error::in(std::string_view what) const& { return Error(*this).in(what); }

}  // namespace forebay
