// What looks at a server's manners share: an object of Forebay's own, and what its answers tell.
#pragma once

#include <string_view>

#include "io/body.h"
#include "io/loop.h"
#include "origin/s3/answer.h"

namespace forebay::origin {

/// No server gives this ETag to anything.
inline constexpr std::string_view kNobodysEtag = "\"forebay-probe-no-such-etag\"";
/// A key that nobody else uses, and what is put there.
Result<ObjectKey> s3_probe_key(io::Loop& loop);
io::Body s3_probe_body();

/// Whether the server judged the condition, and by S3's rules.
template <class T>
bool s3_judged(const Result<T>& result) {
  return !result && result.error().code() == Code::conflict &&
         result.error().detail() == "PreconditionFailed";
}

/// Passes on what is no answer: what a probe finds is kept, so it must have been found.
template <class T>
Result<> s3_answered(const Result<T>& result) {
  // A server that says yes in words of its own is there, and is what it is.
  if (result || s3_is_unclear(result.error())) return ok;
  Code code = result.error().code();
  if (!retryable(code) && code != Code::cancelled) return ok;
  return result.error_in("probe the origin");
}

}  // namespace forebay::origin
