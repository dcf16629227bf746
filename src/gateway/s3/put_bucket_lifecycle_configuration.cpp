#include <array>

#include "base/encoding.h"
#include "gateway/s3/lifecycle.h"
#include "gateway/s3/payload.h"
#include "io/loop.h"

namespace forebay::gateway::s3 {

namespace {

// Each rule has a name to be told by.
void name_rules(object::Lifecycle& lifecycle, io::Loop& loop) {
  for (object::LifecycleRule& rule : lifecycle.rules) {
    if (!rule.id.empty()) continue;
    std::array<std::byte, 16> name;
    loop.random_bytes(name);
    rule.id = to_hex(name);
  }
}

Result<bool> varies(const Call& call) {
  auto said = call.header(kTransitionSize);
  if (!said || *said == kTransitionUsual) return false;
  if (*said == kTransitionVaries) return true;
  return fail(Code::invalid,
              "The header " + std::string(kTransitionSize) + " has a value that S3 has not",
              "InvalidArgument");
}

}  // namespace

Task<http::Response> put_bucket_lifecycle_configuration(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  co_await has_lifecycle(*bucket, true);
  bool varying = co_await varies(call);
  HeldText sent = co_await co_await read_payload(call, kMaxLifecycleBody, ctx);
  object::Lifecycle lifecycle = co_await parse_lifecycle(sent.text);
  lifecycle.varies = varying;
  name_rules(lifecycle, *ctx.loop);
  if (object::lifecycle_json(lifecycle).dump().size() > kMaxLifecycleBody) {
    co_return fail(Code::invalid, "The rules are longer than a bucket can keep", "InvalidRequest");
  }
  auto kept = std::make_shared<const object::Lifecycle>(std::move(lifecycle));
  co_await co_await call.services.buckets.update(
      bucket, [&](object::BucketSettings& settings) { settings.lifecycle = kept; }, ctx);
  http::Response response = http::Response::make(200);
  response.fields.add(kTransitionSize, varying ? kTransitionVaries : kTransitionUsual);
  co_return response;
}

}  // namespace forebay::gateway::s3
