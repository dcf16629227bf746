// Uploads in parts.

#include "base/encoding.h"
#include "origin/checksums.h"
#include "origin/parts.h"
#include "origin/s3/origin.h"
#include "origin/s3/trailer.h"
#include "origin/tags.h"

namespace forebay::origin {

namespace {

constexpr std::string_view kMissing = "NoSuchUpload";

/// The ETag S3 gives to these parts, when theirs are MD5s; else empty.
ETag expected_etag(const std::vector<CompletedPart>& parts) {
  std::string digests;
  for (const CompletedPart& part : parts) {
    std::string_view text = part.etag.text();
    if (text.starts_with('"') && text.ends_with('"') && text.size() > 1) {
      text = text.substr(1, text.size() - 2);
    }
    auto digest = from_hex(text);
    if (!digest || digest->size() != 16) return ETag();
    digests += *digest;
  }
  return multipart_etag(digests);
}

/// What the answer to CreateMultipartUpload says.
std::optional<ChecksumPlan> told_plan(const http::ClientResponse& response) {
  auto plan = plan_checksums(response.header("x-amz-checksum-algorithm"),
                             response.header(kChecksumTypeHeader));
  return plan ? *plan : std::nullopt;
}

}  // namespace

void S3Plans::add(const std::string& upload_id, std::optional<ChecksumPlan> plan) {
  std::lock_guard lock(mutex_);
  if (!plans_.insert_or_assign(upload_id, plan).second) return;
  order_.push_back(upload_id);
  if (order_.size() <= kLimit) return;
  plans_.erase(order_.front());
  order_.pop_front();
}

std::optional<std::optional<ChecksumPlan>> S3Plans::find(const std::string& upload_id) const {
  std::lock_guard lock(mutex_);
  auto found = plans_.find(upload_id);
  if (found == plans_.end()) return std::nullopt;
  return std::optional<std::optional<ChecksumPlan>>(std::in_place, found->second);
}

Task<std::string> S3Origin::create_upload_now(ObjectKey key, PutOptions options, Context ctx) {
  S3Call call{.method = "POST", .key = key.text(), .query = {{"uploads", ""}}};
  add_s3_fields(options.fields, call.fields);
  add_s3_tags(options.tags, call.fields);
  if (options.plan) {
    call.fields.add("x-amz-checksum-algorithm", name(options.plan->kind));
    call.fields.add(kChecksumTypeHeader, name(options.plan->type));
  }
  S3Text answer = co_await co_await wire_.send_for_text(std::move(call), ctx);
  std::string id = co_await parse_s3_upload_id(answer.text);
  plans_.add(id, told_plan(answer.head));
  co_return id;
}

Task<std::optional<ChecksumPlan>> S3Origin::plan_of_upload(ObjectKey key, std::string upload_id,
                                                           Context ctx) {
  if (auto known = plans_.find(upload_id)) co_return *known;
  auto page = co_await co_await list_parts_now(std::move(key), upload_id, 0, 1, ctx);
  plans_.add(upload_id, page.plan);
  co_return page.plan;
}

Task<PartInfo> S3Origin::put_part_now(ObjectKey key, std::string upload_id, uint32_t number,
                                      PutOptions options, io::Body body, Context ctx) {
  S3Call call{.method = "PUT",
              .key = key.text(),
              .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_id}},
              .missing = kMissing};
  add_s3_fields(options.fields, call.fields);
  PartInfo out;
  out.number = number;
  out.size = body.length;
  bool summed = !options.checksums.empty() || !options.trailing_name.empty();
  std::optional<ChecksumPlan> plan;
  if (summed) plan = co_await co_await plan_of_upload(key, upload_id, ctx);
  co_await check_part(plan, options.checksums, options.trailing_name);
  call.body = co_await co_await s3_body(std::move(body), ctx);
  // S3 takes checksums only in uploads that announced their algorithm. One that comes behind the
  // body goes so, or is known by now when there is no body.
  if (plan && !options.trailing_name.empty() && call.body.length > 0) {
    call.body = s3_with_trailer(std::move(call.body), plan->kind, options.trailing, call.fields);
    call.trailer = true;
  } else if (plan) {
    add_s3_fields(options.all_checksums(), call.fields);
  }
  http::ClientResponse response = co_await co_await wire_.send(std::move(call), ctx);
  out.etag = s3_etag_of(response);
  if (response.status != 200 || out.etag.empty()) co_return s3_unclear(response);
  if (plan) out.checksums = options.all_checksums();
  co_return out;
}

// radosgw 16 tells no ETag, later ones none when a completion is repeated. What is there then is
// the upload's only if it is the version that was named, or has the ETag that S3 gives such parts.
Task<PutAnswer> S3Origin::learn(ObjectKey key, PutAnswer answer, std::vector<CompletedPart> parts,
                                Error unclear, Context ctx) {
  HeadOptions options{.checksums = false, .version_id = answer.version_id};
  Result<ObjectInfo> info = co_await head_now(std::move(key), std::move(options), ctx);
  bool told = !answer.etag.empty();
  ETag expected = told ? answer.etag : expected_etag(parts);
  bool named = info && !answer.version_id.empty() && info->version_id == answer.version_id;
  bool ours = named || (info && !expected.empty() && info->etag == expected);
  if (!ours && !told) co_return unclear;
  if (!ours) co_return answer;
  answer.etag = info->etag;
  answer.tag = info->tag;
  answer.version_id = info->version_id;
  answer.modified = info->modified;
  co_return answer;
}

Task<PutAnswer> S3Origin::complete_upload_now(ObjectKey key, std::string upload_id,
                                              std::vector<CompletedPart> parts, PutOptions options,
                                              Context ctx) {
  const WriteConditions& conditions = options.conditions;
  bool conditional = conditions.if_none_match_any || !conditions.if_match.empty();
  if (conditional && !co_await co_await judges_completions(ctx)) {
    co_return fail(Code::invalid, "the origin completes uploads without heeding conditions",
                   "NotImplemented");
  }
  if (options.size || !options.checksums.empty()) {
    Result<> checked = co_await check_whole(key, upload_id, parts, options, ctx);
    // An upload that has completed is gone, and the origin may know what it came to.
    bool gone = !checked && checked.error().detail() == kMissing;
    if (!checked && !gone) co_return std::move(checked.error());
  }
  co_return co_await finish_upload(std::move(key), std::move(upload_id), std::move(parts),
                                   std::move(options), ctx);
}

// A server that knows no checksums passes over them, and nobody could tell from its answer.
Task<> S3Origin::check_whole(ObjectKey key, std::string upload_id, std::vector<CompletedPart> parts,
                             PutOptions options, Context ctx) {
  std::map<uint32_t, PartInfo> there;
  ListPartsAnswer page{.truncated = true};
  while (page.truncated) {
    uint32_t after = page.next_marker;
    page = co_await co_await list_parts_now(key, upload_id, after, 1000, ctx);
    if (page.truncated && page.next_marker <= after) {
      co_return fail(Code::corrupt, "the origin's list of parts does not go on");
    }
    for (PartInfo& part : page.parts) there[part.number] = std::move(part);
  }
  std::vector<PartInfo> chosen = co_await choose_parts(there, parts, 0);
  Fields whole = checksums_of_whole(page.plan, chosen);
  if (plan_of(options.checksums) && whole.empty()) {
    co_return fail(Code::invalid, "the origin does not tell the checksums of this upload's parts",
                   "NotImplemented");
  }
  co_return check_completion(page.plan, parts, chosen, options, whole);
}

Task<PutAnswer> S3Origin::finish_upload(ObjectKey key, std::string upload_id,
                                        std::vector<CompletedPart> parts, PutOptions options,
                                        Context ctx) {
  S3Call call{.method = "POST",
              .key = key.text(),
              .query = {{"uploadId", std::move(upload_id)}},
              .document = s3_complete_document(parts),
              .missing = kMissing};
  call.fields.add("content-type", "application/xml");
  add_s3_conditions(options.conditions, S3MatchForm::quoted, call.fields);
  add_s3_fields(options.checksums, call.fields);
  auto type = options.checksums.find(std::string(kChecksumTypeHeader));
  if (type != options.checksums.end()) call.fields.add(kChecksumTypeHeader, type->second);
  if (options.size) call.fields.add("x-amz-mp-object-size", std::to_string(*options.size));
  S3Text text = co_await co_await wire_.send_for_text(std::move(call), ctx);
  Result<S3Completed> completed = parse_s3_completed(text.text);
  // Not understood: it may be done or not.
  if (!completed) co_return completed.error().as(Code::unavailable);
  if (const auto& fault = completed->fault) co_return s3_late_error(*fault, kMissing);
  PutAnswer answer;
  answer.etag = completed->etag;
  answer.checksums = std::move(completed->checksums);
  answer.version_id = s3_version(text.head);
  answer.encryption = s3_encryption(text.head);
  if (!answer.version_id.empty()) {
    answer.tag = version_tag(answer.version_id, answer.etag, 0);
    if (!answer.etag.empty()) co_return answer;
  }
  co_return co_await learn(std::move(key), std::move(answer), std::move(parts),
                           s3_unclear(text.head).in("an upload completed without an ETag"), ctx);
}

Task<> S3Origin::abort_upload_now(ObjectKey key, std::string upload_id, Context ctx) {
  S3Call call{.method = "DELETE",
              .key = key.text(),
              .query = {{"uploadId", std::move(upload_id)}},
              .missing = kMissing};
  co_return s3_removed(co_await co_await wire_.send(std::move(call), ctx));
}

Task<ListPartsAnswer> S3Origin::list_parts_now(ObjectKey key, std::string upload_id,
                                               uint32_t part_marker, uint32_t max_parts,
                                               Context ctx) {
  S3Call call{
      .key = key.text(), .query = {{"uploadId", std::move(upload_id)}}, .missing = kMissing};
  if (part_marker > 0) call.query.emplace_back("part-number-marker", std::to_string(part_marker));
  S3Text answer =
      co_await co_await wire_.send_for_page(std::move(call), "max-parts", max_parts, ctx);
  ListPartsAnswer out = co_await parse_s3_parts(answer.text);
  out.share = std::move(answer.share);
  co_return out;
}

Task<ListUploadsAnswer> S3Origin::list_uploads_now(ListUploadsOptions options, Context ctx) {
  S3Call call{.query = {{"uploads", ""},
                        {"encoding-type", "url"},
                        {"prefix", wire_.prefixed(options.prefix)}},
              .missing = "NoSuchBucket"};
  if (!options.delimiter.empty()) call.query.emplace_back("delimiter", options.delimiter);
  if (!options.key_marker.empty()) {
    call.query.emplace_back("key-marker", wire_.prefixed(options.key_marker));
  }
  if (!options.upload_id_marker.empty()) {
    call.query.emplace_back("upload-id-marker", options.upload_id_marker);
  }
  S3Text answer = co_await co_await wire_.send_for_page(std::move(call), "max-uploads",
                                                        options.max_uploads, ctx);
  ListUploadsAnswer out = co_await parse_s3_uploads(answer.text);
  out.share = std::move(answer.share);
  for (UploadInfo& upload : out.uploads) {
    upload.key = co_await wire_.stripped(std::move(upload.key));
  }
  for (std::string& prefix : out.prefixes) {
    prefix = co_await wire_.stripped(std::move(prefix));
  }
  if (out.truncated) out.next_key = co_await wire_.stripped(std::move(out.next_key));
  co_return out;
}

}  // namespace forebay::origin
