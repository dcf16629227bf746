// `s3`: a bucket, or a prefix of one, in any server that speaks S3, as an origin. Every request is
// signed; what the server cannot do is found out by probe() or refused, never guessed around.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "http/client.h"
#include "origin/origin.h"
#include "origin/s3/hedge.h"
#include "origin/s3/pace.h"

namespace forebay::origin {

/// Where an s3 origin lies.
struct S3Url {
  std::string bucket = {};       ///< empty only in a template for default origins
  std::string prefix = {};       ///< before every key; empty or ends with '/'
  http::Endpoint endpoint = {};  ///< of the service, without the bucket
  std::string region = {};       ///< what signatures name
  bool virtual_style = false;    ///< the bucket stands in the host name, not in the path
};

/// Reads s3://BUCKET[/PREFIX][?endpoint=http[s]://HOST[:PORT]][&region=R][&style=path|virtual].
/// Without an endpoint it is AWS in that region (us-east-1 when none is named). Style is path with
/// an endpoint, virtual with AWS (path there too when the bucket's name has a dot: no certificate
/// covers it). PREFIX and values may be percent-encoded; "PREFIX" means "PREFIX/". Anything else,
/// credentials too → Code::invalid, "InvalidArgument".
Result<S3Url> parse_s3_url(std::string_view text);

struct S3Options {
  S3Url url = {};
  std::string access_key = {};  ///< empty: requests are not signed
  Secret secret = {};
  std::shared_ptr<Meter> meter = nullptr;
  /// What documents may take, all together: the server's answers to lists, and what becomes of
  /// them.
  std::shared_ptr<Allowance> documents = std::make_shared<Allowance>(64 << 20);
  /// The HTTP client of a loop; must outlive the origin's use of that loop.
  std::function<http::Client&(io::Loop&)> client = {};
  /// The endpoint's pace on a loop, which lives as long as the client. Without one every request is
  /// sent at once, and once.
  std::function<Pace&(io::Loop&)> pace = {};
  /// What is known of its late answers on a loop, which lives as long; none without a pace.
  std::function<Hedge&(io::Loop&)> hedge = {};
};

/// Touches nothing yet. Any loop; the client of Context::loop is used.
std::shared_ptr<Origin> make_s3_origin(S3Options options);

/// Makes the bucket that `options` names. One that is there already and ours is no error; somebody
/// else's → Code::exists, "BucketAlreadyExists".
[[clang::coro_wrapper]] Task<> create_s3_bucket(S3Options options, Context ctx);

}  // namespace forebay::origin
