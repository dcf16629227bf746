// What a head means for its connection (RFC 9112): where the body ends, whether the connection
// goes on, whom the request is for. Pure. Anything two readers could understand differently is
// refused, because that difference is how requests are smuggled.
#pragma once

#include <optional>
#include <string_view>

#include "http/head.h"
#include "http/message.h"

namespace forebay::http {

/// How a body is delimited.
enum class Framing {
  none,
  length,       ///< Content-Length
  chunked,      ///< Transfer-Encoding: chunked
  until_close,  ///< responses only
};

struct RequestMeaning {
  Framing framing = Framing::none;
  bool keep_alive = false;
};

/// Decides what `head` means and fills the parts of `out` that come from it.
Fault interpret(const RequestHead& head, Request& out, RequestMeaning& meaning);

struct ResponseMeaning {
  Framing framing = Framing::none;
  std::optional<uint64_t> content_length;  ///< as stated, body or not
  bool keep_alive = false;
};

/// The same for a final (not 1xx) response to `method`.
Fault interpret(const ResponseHead& head, std::string_view method, ResponseMeaning& meaning);

}  // namespace forebay::http
