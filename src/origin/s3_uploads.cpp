// Uploads in parts.
#include "base/encoding.h"
#include "origin/s3_origin.h"
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

}  // namespace

Task<std::string> S3Origin::create_upload_now(ObjectKey key, PutOptions options, Context ctx) {
  S3Call call{.method = "POST", .key = key.text(), .query = {{"uploads", ""}}};
  add_s3_fields(options.fields, call.fields);
  S3Text answer = co_await co_await wire_.send_for_text(std::move(call), ctx);
  co_return parse_s3_upload_id(answer.text);
}

Task<PartInfo> S3Origin::put_part_now(ObjectKey key, std::string upload_id, uint32_t number,
                                      PutOptions options, io::Body body, Context ctx) {
  S3Call call{.method = "PUT",
              .key = key.text(),
              .query = {{"partNumber", std::to_string(number)}, {"uploadId", std::move(upload_id)}},
              .missing = kMissing};
  // Checksums are not passed on: S3 takes them only in uploads that announced their algorithm.
  add_s3_fields(options.fields, call.fields);
  PartInfo out;
  out.number = number;
  out.size = body.length;
  call.body = co_await co_await s3_body(std::move(body), ctx);
  http::ClientResponse response = co_await co_await wire_.send(std::move(call), ctx);
  out.etag = s3_etag_of(response);
  if (out.etag.empty()) co_return fail(Code::corrupt, "the origin gave a part no ETag");
  co_return out;
}

Task<PutAnswer> S3Origin::learn(ObjectKey key, PutAnswer answer, std::vector<CompletedPart> parts,
                                Context ctx) {
  Result<ObjectInfo> info = co_await head_now(key, {.checksums = false}, ctx);
  if (!info) co_return answer;
  ETag expected = answer.etag.empty() ? expected_etag(parts) : answer.etag;
  bool ours = expected.empty() ? info->etag.part_count() == parts.size() : info->etag == expected;
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
  S3Call call{.method = "POST",
              .key = key.text(),
              .query = {{"uploadId", std::move(upload_id)}},
              .document = s3_complete_document(parts),
              .missing = kMissing};
  call.fields.add("content-type", "application/xml");
  add_s3_conditions(options.conditions, call.fields);
  S3Text text = co_await co_await wire_.send_for_text(std::move(call), ctx);
  Result<S3Completed> completed = parse_s3_completed(text.text);
  // Not understood: it may be done or not.
  if (!completed) co_return fail(Code::unavailable, completed.error().text());
  if (completed->fault) {
    const std::string& code = completed->fault->code;
    int status = code == "InternalError" || code == "ServiceUnavailable" ? 500
                 : code == "PreconditionFailed"                          ? 412
                                                                         : 400;
    co_return s3_error(status, *completed->fault, {.write = true, .missing = kMissing});
  }
  PutAnswer answer;
  answer.etag = completed->etag;
  answer.version_id = s3_version(text.head);
  if (!answer.version_id.empty()) {
    answer.tag = version_tag(answer.version_id, answer.etag, 0);
    if (!answer.etag.empty()) co_return answer;
  }
  co_return co_await learn(std::move(key), std::move(answer), std::move(parts), ctx);
}

Task<> S3Origin::abort_upload_now(ObjectKey key, std::string upload_id, Context ctx) {
  S3Call call{.method = "DELETE",
              .key = key.text(),
              .query = {{"uploadId", std::move(upload_id)}},
              .missing = kMissing};
  co_await co_await wire_.send(std::move(call), ctx);
  co_return ok;
}

Task<ListPartsAnswer> S3Origin::list_parts_now(ObjectKey key, std::string upload_id,
                                               uint32_t part_marker, uint32_t max_parts,
                                               Context ctx) {
  S3Call call{
      .key = key.text(),
      .query = {{"uploadId", std::move(upload_id)}, {"max-parts", std::to_string(max_parts)}},
      .missing = kMissing};
  if (part_marker > 0) call.query.emplace_back("part-number-marker", std::to_string(part_marker));
  S3Text answer = co_await co_await wire_.send_for_text(std::move(call), ctx);
  co_return parse_s3_parts(answer.text);
}

Task<ListUploadsAnswer> S3Origin::list_uploads_now(ListUploadsOptions options, Context ctx) {
  S3Call call{.query = {{"uploads", ""},
                        {"encoding-type", "url"},
                        {"prefix", wire_.prefixed(options.prefix)},
                        {"max-uploads", std::to_string(options.max_uploads)}},
              .missing = "NoSuchBucket"};
  if (!options.delimiter.empty()) call.query.emplace_back("delimiter", options.delimiter);
  if (!options.key_marker.empty()) {
    call.query.emplace_back("key-marker", wire_.prefixed(options.key_marker));
  }
  if (!options.upload_id_marker.empty()) {
    call.query.emplace_back("upload-id-marker", options.upload_id_marker);
  }
  S3Text answer = co_await co_await wire_.send_for_text(std::move(call), ctx);
  ListUploadsAnswer out = co_await parse_s3_uploads(answer.text);
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
