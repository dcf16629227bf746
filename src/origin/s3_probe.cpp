// What a server can do, found by asking. A refusal is an answer; a server that cannot be reached
// is not, because what is found here is stored.
#include <array>

#include "base/encoding.h"
#include "origin/s3_origin.h"

namespace forebay::origin {

namespace {

constexpr std::string_view kProbeName = ".forebay-probe-";
constexpr std::string_view kProbeText = "forebay";
/// No server gives this ETag to anything.
constexpr std::string_view kNobodysEtag = "\"forebay-probe-no-such-etag\"";
/// Higher than the only part of a probe's object.
constexpr uint32_t kNoSuchPart = 10'000;

io::Body probe_body() { return io::Body::of(Bytes(std::string(kProbeText))); }

Result<ObjectKey> probe_key(io::Loop& loop) {
  std::array<std::byte, 16> bytes;
  loop.random_bytes(bytes);
  return ObjectKey::parse(std::string(kProbeName) + to_hex(bytes));
}

/// Whether the server judged the condition, and by S3's rules.
template <class T>
bool judged(const Result<T>& result) {
  return !result && result.error().code() == Code::conflict &&
         result.error().detail() == "PreconditionFailed";
}

/// Passes on what is no answer.
template <class T>
Result<> answer_of(const Result<T>& result) {
  if (!result && retryable(result.error().code())) return result.error_in("probe the origin");
  if (!result && result.error().code() == Code::cancelled) return result.error();
  return ok;
}

}  // namespace

Task<bool> S3Origin::probe_writes(ObjectKey key, std::vector<std::string>& versions,
                                  Capabilities& out, Context ctx) {
  auto keep = [&](const Result<PutAnswer>& put) {
    if (put && !put->version_id.empty()) versions.push_back(put->version_id);
  };
  PutOptions create{.conditions = {.if_none_match_any = true}};
  PutOptions match{.conditions = {.if_match = ETag(std::string(kNobodysEtag))}};
  Result<PutAnswer> created = co_await put_now(key, create, probe_body(), ctx);
  keep(created);
  co_await answer_of(created);
  if (!created) {
    // Perhaps it was only the condition that was refused.
    Result<PutAnswer> plain = co_await put_now(key, {}, probe_body(), ctx);
    keep(plain);
    co_await answer_of(plain);
    co_return plain.has_value();
  }
  Result<PutAnswer> again = co_await put_now(key, create, probe_body(), ctx);
  keep(again);
  co_await answer_of(again);
  if (!judged(again)) co_return true;
  Result<PutAnswer> other = co_await put_now(key, match, probe_body(), ctx);
  keep(other);
  co_await answer_of(other);
  out.conditional_put = judged(other);
  co_return true;
}

Task<> S3Origin::probe_reads(ObjectKey key, Capabilities& out, Context ctx) {
  S3Call get{.key = key.text()};
  get.fields.add("if-match", kNobodysEtag);
  get.fields.add("range", "bytes=0-0");
  Result<http::ClientResponse> other = co_await wire_.send(std::move(get), ctx);
  co_await answer_of(other);
  out.conditional_get = judged(other);

  // A server that knows part numbers cannot agree to this one; head() sees through the rest.
  S3Call head{
      .method = "HEAD", .key = key.text(), .query = {{"partNumber", std::to_string(kNoSuchPart)}}};
  Result<http::ClientResponse> part = co_await wire_.send(std::move(head), ctx);
  co_await answer_of(part);
  out.part_number = !part.has_value();
  co_return ok;
}

Task<bool> S3Origin::probe_versions(Context ctx) {
  S3Call call{.query = {{"versioning", ""}}, .missing = "NoSuchBucket"};
  Result<S3Text> answer = co_await wire_.send_for_text(std::move(call), ctx);
  co_await answer_of(answer);
  if (!answer) co_return false;
  co_return parse_s3_versioning(answer->text).value_or(false);
}

Task<> S3Origin::clean_up(ObjectKey key, std::vector<std::string> versions, Context ctx) {
  // Where there are versions, a plain delete would leave a marker behind.
  if (versions.empty()) co_return co_await remove_now(key, {}, ctx);
  for (std::string& version : versions) {
    co_await co_await remove_now(key, std::move(version), ctx);
  }
  co_return ok;
}

Task<Capabilities> S3Origin::probe_now(Context ctx) {
  ListAnswer there = co_await co_await list_now({.max_keys = 1}, ctx);
  Capabilities out{.start_after = true};
  ObjectKey key = co_await probe_key(*ctx.loop);
  std::vector<std::string> versions;
  Result<bool> written = co_await probe_writes(key, versions, out, ctx);
  if (written && *written) {
    Result<> read = co_await probe_reads(key, out, ctx);
    Result<> cleaned = co_await clean_up(key, std::move(versions), ctx);
    co_await std::move(read);
    co_await answer_of(cleaned);
  } else if (!written) {
    (void)co_await clean_up(key, std::move(versions), ctx);
    co_return std::move(written.error());
  } else {
    out.part_number = true;
    auto some = there.objects.empty() ? Result<ObjectKey>(fail(Code::not_found, "no object"))
                                      : ObjectKey::parse(there.objects.front().key);
    if (some) co_await co_await probe_reads(std::move(*some), out, ctx);
  }
  out.versions = co_await co_await probe_versions(ctx);
  co_return out;
}

}  // namespace forebay::origin
