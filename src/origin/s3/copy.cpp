// Copies that the server makes by itself: x-amz-copy-source, pinned to one version. A server is
// asked only when it has been seen to heed the pin.
#include "base/encoding.h"
#include "origin/s3/origin.h"
#include "origin/tags.h"

namespace forebay::origin {

namespace {

/// No version's.
constexpr std::string_view kNobodys = "\"00000000000000000000000000000000\"";

bool conditional(const WriteConditions& conditions) {
  return conditions.if_none_match_any || !conditions.if_match.empty();
}

std::string copy_source(std::string_view bucket, std::string_view key, std::string_view version) {
  std::string out = "/";
  append_percent_encoded(out, bucket);
  append_percent_encoded(out += '/', key, true);
  if (!version.empty()) append_percent_encoded(out += "?versionId=", version);
  return out;
}

/// Whether a copy failed because its pin did not hold; passes on what is no answer.
Result<bool> refused_by_pin(const Result<PutAnswer>& copied) {
  if (Result<> answered = s3_answered(copied); !answered) return std::move(answered.error());
  return s3_judged(copied);
}

}  // namespace

bool S3Origin::same_place(const S3Origin& other) const {
  const S3Options& a = wire_.options();
  const S3Options& b = other.wire_.options();
  auto mine = wire_.keys(), theirs = other.wire_.keys();
  return a.url.endpoint == b.url.endpoint && a.url.region == b.url.region &&
         mine->access_key == theirs->access_key && mine->secret.same_as(theirs->secret.reveal());
}

Task<PutAnswer> S3Origin::copy_as(ObjectKey key, std::string bucket, std::string from,
                                  CopyOrder order, Context ctx) {
  S3Call call{.method = "PUT", .key = key.text()};
  call.fields.add("x-amz-copy-source", copy_source(bucket, from, order.version_id));
  call.fields.add("x-amz-copy-source-if-match", order.etag.text());
  bool part = order.part_number > 0;
  if (part) {
    call.query = {{"partNumber", std::to_string(order.part_number)}, {"uploadId", order.upload_id}};
    // A range of nothing has no words; all of an empty object needs none.
    if (order.range && order.range->length > 0) {
      call.fields.add("x-amz-copy-source-range", "bytes=" + std::to_string(order.range->offset) +
                                                     "-" + std::to_string(order.range->end() - 1));
    }
  } else {
    add_s3_fields(order.fields, call.fields);
    call.fields.add("x-amz-metadata-directive", order.replace_fields ? "REPLACE" : "COPY");
    if (order.replace_tags) {
      call.fields.add("x-amz-tagging-directive", "REPLACE");
      add_s3_tags(order.tags, call.fields);
    }
    if (order.checksum) call.fields.add("x-amz-checksum-algorithm", name(*order.checksum));
  }
  S3Text text = co_await co_await wire_.send_for_text(std::move(call), ctx);
  Result<S3Copied> copied = parse_s3_copied(text.text);
  // Not understood: it may be done or not.
  if (!copied) co_return copied.error().as(Code::unavailable);
  if (text.head.status != 200) co_return s3_unclear(text.head);
  if (const auto& fault = copied->fault) co_return s3_late_error(*fault, "NoSuchKey");
  PutAnswer answer;
  answer.etag = std::move(copied->etag);
  answer.modified = copied->modified;
  answer.checksums = std::move(copied->checksums);
  answer.version_id = s3_version(text.head);
  answer.encryption = s3_encryption(text.head);
  if (!part) answer.tag = version_tag(answer.version_id, answer.etag, order.size);
  co_return answer;
}

Task<std::optional<PutAnswer>> S3Origin::copy_now(ObjectKey key, CopyOrder order, Context ctx) {
  const auto* source = dynamic_cast<const S3Origin*>(order.source);
  // Conditions of the target are newer than those of the source, and servers that do not know them
  // pass over them.
  bool can = source != nullptr && same_place(*source) && !order.etag.empty() &&
             !order.etag.weak() && !conditional(order.conditions);
  if (!can) co_return std::optional<PutAnswer>();
  S3Copies seen = co_await co_await copies(ctx);
  if (!(order.part_number > 0 ? seen.pinned_parts : seen.pinned) ||
      (order.checksum && !seen.sums)) {
    co_return std::optional<PutAnswer>();
  }
  std::string bucket = source->wire_.options().url.bucket;
  std::string from = source->wire_.prefixed(order.from.text());
  co_return co_await co_await copy_as(std::move(key), std::move(bucket), std::move(from),
                                      std::move(order), ctx);
}

Task<bool> S3Origin::pins_parts(ObjectKey key, CopyOrder order, Context ctx) {
  order.upload_id = co_await co_await create_upload_now(key, {}, ctx);
  order.part_number = 1;
  order.etag = ETag(std::string(kNobodys));
  Result<PutAnswer> part = co_await copy_as(key, wire_.options().url.bucket,
                                            wire_.prefixed(order.from.text()), order, ctx);
  (void)co_await abort_upload_now(key, order.upload_id, ctx);
  co_return refused_by_pin(part);
}

Task<S3Copies> S3Origin::try_copies(ObjectKey from, ObjectKey to, Probed& probed, Context ctx) {
  PutAnswer put = co_await co_await put_as(from, {}, s3_probe_body(), S3MatchForm::quoted, ctx);
  probed.note(probed.from, put);
  S3Copies out{.asked = true};
  const std::string& bucket = wire_.options().url.bucket;
  CopyOrder order{.source = this, .from = from, .etag = put.etag};
  CopyOrder wrong = order;
  wrong.etag = ETag(std::string(kNobodys));
  Result<PutAnswer> refused =
      co_await copy_as(to, bucket, wire_.prefixed(from.text()), std::move(wrong), ctx);
  if (refused) probed.note(probed.to, *refused);
  out.pinned = co_await refused_by_pin(refused);
  if (!out.pinned) co_return out;
  CopyOrder summed = order;
  summed.checksum = ChecksumKind::sha256;
  Result<PutAnswer> made =
      co_await copy_as(to, bucket, wire_.prefixed(from.text()), std::move(summed), ctx);
  if (made) probed.note(probed.to, *made);
  co_await s3_answered(made);
  out.pinned = made.has_value();
  if (!made) co_return out;
  out.sums = made->checksums.contains(std::string(header_name(ChecksumKind::sha256)));
  Result<bool> parts = co_await pins_parts(to, std::move(order), ctx);
  co_await s3_answered(parts);
  out.pinned_parts = parts && *parts;
  co_return out;
}

Task<S3Copies> S3Origin::copies(Context ctx) {
  S3Copies known = copies_.load(std::memory_order_relaxed);
  if (known.asked) co_return known;
  ObjectKey from = co_await s3_probe_key(*ctx.loop);
  ObjectKey to = co_await s3_probe_key(*ctx.loop);
  Probed probed;
  Result<S3Copies> seen = co_await try_copies(from, to, probed, ctx);
  (void)co_await clean_up(std::move(from), std::move(probed.from), ctx);
  (void)co_await clean_up(std::move(to), std::move(probed.to), ctx);
  // Whoever refuses objects of ours (keys that may write below some names only) copies nothing
  // that is pinned, as far as can be seen; the bytes can still pass through here.
  bool refuses = !seen && !retryable(seen.error().code()) && seen.error().code() != Code::cancelled;
  if (refuses) seen = S3Copies{.asked = true};
  if (seen) copies_.store(*seen, std::memory_order_relaxed);
  co_return seen;
}

}  // namespace forebay::origin
