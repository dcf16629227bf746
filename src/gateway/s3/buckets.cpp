// Operations on buckets themselves.
#include <algorithm>

#include "base/encoding.h"
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

Task<http::Response> list_buckets(Call& call, Context) {
  uint32_t max = co_await call.number("max-buckets", 10'000, 10'000);
  if (max == 0) {
    co_return fail(Code::invalid, "Argument max-buckets must be an integer between 1 and 10000",
                   "InvalidArgument");
  }
  std::string_view region = call.parameter("bucket-region").value_or("");
  bool here = region.empty() || region == call.services.region;
  std::string_view prefix = call.parameter("prefix").value_or("");
  std::string_view after = call.parameter("continuation-token").value_or("");
  Xml xml("ListAllMyBucketsResult");
  xml.open("Owner").text("ID", kOwner).text("DisplayName", kOwner).close();
  xml.open("Buckets");
  uint32_t count = 0;
  std::string last;
  bool more = false;
  for (const object::BucketRef& bucket : call.services.buckets.list()) {
    const std::string& name = bucket->name.text();
    if (!here || name <= after || !name.starts_with(prefix)) continue;
    if (count == max) {
      more = true;
      break;
    }
    xml.open("Bucket").text("Name", name).text("CreationDate", iso8601(bucket->created)).close();
    last = name;
    ++count;
  }
  xml.close();
  if (more) xml.text("ContinuationToken", last);
  if (!prefix.empty()) xml.text("Prefix", prefix);
  co_return xml.response();
}

Task<http::Response> create_bucket(Call& call, Context ctx) {
  BucketName name = co_await BucketName::parse(call.bucket_name);
  co_await check_wishes(call);
  // Also where none comes: a body that was lost on the way may have named another place.
  Whole sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  if (!sent.text.empty()) co_await check_location(call, sent.text);
  auto made =
      co_await call.services.buckets.create(name, {.freshness = call.services.freshness}, ctx);
  // Creating what one owns already succeeds, as in us-east-1; rclone and others rely on it.
  bool owned = !made && made.error().code() == Code::exists;
  if (!made && !owned) co_return std::move(made.error());
  http::Response response = http::Response::make(200);
  response.fields.add("Location", "/" + name.text());
  co_return response;
}

Task<http::Response> head_bucket(Call& call, Context) {
  co_await call.bucket();
  http::Response response = http::Response::make(200);
  response.fields.add("x-amz-bucket-region", call.services.region);
  co_return response;
}

Task<http::Response> delete_bucket(Call& call, Context ctx) {
  // Not call.bucket(): it must not wait for itself.
  object::BucketRef bucket = co_await call.services.buckets.get(call.bucket_name);
  co_await co_await call.services.buckets.remove(bucket->name, object::Removal::if_empty, ctx);
  co_return http::Response::make(204);
}

Task<http::Response> get_bucket_location(Call& call, Context) {
  co_await call.bucket();
  // us-east-1 is told by an empty element (S3 API reference, GetBucketLocation).
  bool classic = call.services.region == "us-east-1";
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
      (classic ? "" : call.services.region) + "</LocationConstraint>";
  co_return http::Response::text(200, "application/xml", std::move(text));
}

}  // namespace forebay::gateway::s3
