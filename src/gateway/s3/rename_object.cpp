// RenameObject, which S3 has for directory buckets: here wherever the bucket's origin can do it in
// one step.
#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/hash.h"
#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"
#include "object/conditions.h"

namespace forebay::gateway::s3 {

namespace {

constexpr std::string_view kSource = "x-amz-rename-source";
constexpr std::string_view kToken = "x-amz-client-token";
constexpr size_t kMaxToken = 64;

constexpr ConditionHeaders kOfSource{
    "x-amz-rename-source-if-match", "x-amz-rename-source-if-none-match",
    "x-amz-rename-source-if-modified-since", "x-amz-rename-source-if-unmodified-since"};
constexpr ConditionHeaders kOfTarget{"if-match", "if-none-match", "if-modified-since",
                                     "if-unmodified-since"};
constexpr std::array kSaid{kSource,
                           kOfSource.match,
                           kOfSource.none_match,
                           kOfSource.modified_since,
                           kOfSource.unmodified_since,
                           kOfTarget.match,
                           kOfTarget.none_match,
                           kOfTarget.modified_since,
                           kOfTarget.unmodified_since};

// A key of the same bucket; clients write it with a slash before it or without.
Result<ObjectKey> read_source(const Call& call) {
  std::string_view text = call.header(kSource).value_or("");
  if (text.starts_with('/')) text.remove_prefix(1);
  auto plain = percent_decode(text);
  bool good = plain && !plain->empty() && is_utf8(*plain) && !plain->contains('\0');
  if (!good) return bad_argument("x-amz-rename-source must name a key, percent-encoded");
  return ObjectKey::parse(*plain);
}

Result<std::string> read_token(const Call& call) {
  std::string token(call.header(kToken).value_or(""));
  bool good = std::ranges::all_of(token, [](char c) { return c >= '!' && c <= '~'; });
  bool there = call.header(kToken).has_value();
  if (good && token.size() <= kMaxToken && there == !token.empty()) return token;
  return bad_argument("x-amz-client-token must be 1 to 64 printable characters without blanks");
}

Result<> failed() {
  return fail(Code::conflict, "At least one of the pre-conditions you specified did not hold",
              "PreconditionFailed");
}

Result<> judge(const object::ReadConditions& conditions, const origin::ObjectInfo& there) {
  Result<> held = decide(conditions, there.etag, there.modified);
  return held ? held : failed();  // no 304 of a write
}

// What must match, or have changed, must be there.
Result<> judge_target(const object::ReadConditions& conditions, const origin::ObjectInfo* there) {
  if (there != nullptr) return judge(conditions, *there);
  return conditions.if_match || conditions.if_modified_since ? failed() : Result<>(ok);
}

std::string all_said(const Call& call) {
  std::string text = std::to_string(call.key_text.size()) + ":" + call.key_text;
  for (std::string_view name : kSaid) {
    auto value = call.header(name);
    text += value ? "+" + std::to_string(value->size()) + ":" + std::string(*value) : "-";
  }
  return to_hex(Sha256::of(as_bytes(text)));
}

}  // namespace

Task<http::Response> rename_object(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey to = co_await call.key();
  origin::RenameOrder order{.from = co_await read_source(call), .allow = {}};
  co_await auth::may(call.verdict.principal, "s3:DeleteObject", call.bucket_name,
                     order.from.text());
  if (order.from.text().ends_with('/') || to.text().ends_with('/')) {
    co_return fail(Code::invalid, "RenameObject is not for keys that end with a slash",
                   "InvalidRequest");
  }
  order.token = co_await read_token(call);
  co_await check_dates(call, kOfSource);
  co_await check_dates(call, kOfTarget);
  order.says = all_said(call);
  order.allow = [source = read_conditions(call, kOfSource),
                 target = read_conditions(call, kOfTarget)](
                    const origin::ObjectInfo& moves, const origin::ObjectInfo* there) -> Result<> {
    Result<> held = judge(source, moves);
    return held ? judge_target(target, there) : held;
  };
  co_await co_await call.services.objects.rename(bucket, std::move(to), std::move(order), ctx);
  co_return http::Response::make(200);
}

}  // namespace forebay::gateway::s3
