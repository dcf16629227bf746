// What a server can do, found by asking. A refusal is an answer; a server that cannot be reached
// is not, because what is found here is stored.
#include "origin/s3/origin.h"

namespace forebay::origin {

namespace {

/// Higher than the only part of a probe's object.
constexpr uint32_t kNoSuchPart = 10'000;

}  // namespace

Task<bool> S3Origin::probe_writes(ObjectKey key, std::vector<std::string>& versions,
                                  Capabilities& out, Context ctx) {
  auto keep = [&](const Result<PutAnswer>& put) {
    if (put && !put->version_id.empty()) versions.push_back(put->version_id);
  };
  PutOptions create{.conditions = {.if_none_match_any = true}};
  PutOptions match{.conditions = {.if_match = ETag(std::string(kNobodysEtag))}};
  Result<PutAnswer> created =
      co_await put_as(key, create, s3_probe_body(), S3MatchForm::quoted, ctx);
  keep(created);
  co_await s3_answered(created);
  if (!created) {
    // Perhaps it was only the condition that was refused.
    Result<PutAnswer> plain = co_await put_as(key, {}, s3_probe_body(), S3MatchForm::quoted, ctx);
    keep(plain);
    co_await s3_answered(plain);
    // A yes that is not S3's may have written all the same (WebDAV): it is cleaned up as well.
    co_return plain.has_value() || s3_is_unclear(plain.error());
  }
  Result<PutAnswer> again = co_await put_as(key, create, s3_probe_body(), S3MatchForm::quoted, ctx);
  keep(again);
  co_await s3_answered(again);
  if (!s3_judged(again)) co_return true;
  Result<PutAnswer> other = co_await put_as(key, match, s3_probe_body(), S3MatchForm::quoted, ctx);
  keep(other);
  co_await s3_answered(other);
  if (!s3_judged(other)) co_return true;
  S3MatchForm form = co_await co_await try_forms(key, created->etag, versions, ctx);
  match_form_.store(form, std::memory_order_relaxed);
  out.conditional_put = form != S3MatchForm::none;
  co_return true;
}

Task<> S3Origin::probe_reads(ObjectKey key, Capabilities& out, Context ctx) {
  S3Call get{.key = key.text()};
  get.fields.add("if-match", kNobodysEtag);
  get.fields.add("range", "bytes=0-0");
  Result<http::ClientResponse> other = co_await wire_.send(std::move(get), ctx);
  co_await s3_answered(other);
  out.conditional_get = s3_judged(other);

  // A server that knows part numbers cannot agree to this one; head() sees through the rest.
  S3Call head{
      .method = "HEAD", .key = key.text(), .query = {{"partNumber", std::to_string(kNoSuchPart)}}};
  Result<http::ClientResponse> part = co_await wire_.send(std::move(head), ctx);
  co_await s3_answered(part);
  out.part_number = !part.has_value();
  co_return ok;
}

Task<bool> S3Origin::probe_versions(Context ctx) {
  Result<Versioning> now = co_await versioning_now(ctx);
  co_await s3_answered(now);
  co_return now && *now == Versioning::enabled;
}

Task<Capabilities> S3Origin::probe_now(Context ctx) {
  ListAnswer there = co_await co_await list_now({.max_keys = 1}, ctx);
  Capabilities out{.start_after = true};
  ObjectKey key = co_await s3_probe_key(*ctx.loop);
  std::vector<std::string> versions;
  Result<bool> written = co_await probe_writes(key, versions, out, ctx);
  if (written && *written) {
    Result<> read = co_await probe_reads(key, out, ctx);
    Result<> cleaned = co_await clean_up(key, std::move(versions), ctx);
    co_await std::move(read);
    co_await s3_answered(cleaned);
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
