#include "gateway/s3/call.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

namespace {

// What CreateBucket may ask for: what every bucket here is.
Result<> check_wishes(const Call& call) {
  struct Wish {
    std::string_view header, only, what;
  };
  for (const Wish& wish : {
           Wish{"x-amz-bucket-object-lock-enabled", "false", "Object lock"},
           Wish{"x-amz-object-ownership", "BucketOwnerEnforced", "Object ownership with ACLs"},
           Wish{"x-amz-bucket-namespace", "global", "A namespace of buckets"},
       }) {
    auto value = call.header(wish.header);
    if (value && !http::same_name(*value, wish.only)) return not_implemented(wish.what);
  }
  auto acl = call.header("x-amz-acl");
  return acl ? check_acl(*acl) : Result<>(ok);
}

// There is one place here; a bucket that must lie elsewhere cannot be made.
Result<> check_location(const Call& call, std::string_view xml) {
  auto place = parse_create_bucket(xml);
  if (!place) return std::move(place.error());
  if (place->empty() || *place == call.services.region) return ok;
  return fail(Code::invalid,
              "The " + *place +
                  " location constraint is incompatible for the region specific endpoint this "
                  "request was sent to.",
              "IllegalLocationConstraintException");
}

}  // namespace

Task<http::Response> create_bucket(Call& call, Context ctx) {
  BucketName name = co_await BucketName::parse(call.bucket_name);
  co_await check_wishes(call);
  // Also where none comes: a body that was lost on the way may have named another place.
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  if (!sent.text.empty()) co_await check_location(call, sent.text);
  auto made =
      co_await call.services.buckets.create(name, {.freshness = call.services.freshness}, ctx);
  // Creating what one owns already succeeds, as in us-east-1; rclone and others rely on it.
  bool owned = !made && made.error().detail() == "BucketAlreadyOwnedByYou";
  if (!made && !owned) co_return std::move(made.error());
  http::Response response = http::Response::make(200);
  response.fields.add("Location", "/" + name.text());
  co_return response;
}

}  // namespace forebay::gateway::s3
