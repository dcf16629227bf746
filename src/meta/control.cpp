#include "meta/control.h"

namespace forebay::meta {

Result<int64_t> whole_seconds(Duration ttl) {
  constexpr int64_t kSecond = seconds(1).ns;
  if (ttl < seconds(1) || ttl > Control::kMaxTtl) {
    return fail(Code::invalid, "a lease is for 1–3600 s");
  }
  return (ttl.ns + kSecond - 1) / kSecond;
}

}  // namespace forebay::meta
