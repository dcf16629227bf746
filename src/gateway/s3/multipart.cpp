// The multipart family. Parts go to the origin as they come; completion is the commit.
#include <charconv>

#include "base/encoding.h"
#include "gateway/s3/call.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

namespace {

struct Target {
  object::BucketRef bucket;
  ObjectKey key;
  std::string upload_id;
};

Result<Target> read_target(Call& call) {
  Result<> supported = refuse_unsupported(call);
  if (!supported) return std::move(supported.error());
  auto bucket = call.bucket();
  if (!bucket) return std::move(bucket.error());
  auto key = call.key();
  if (!key) return std::move(key.error());
  std::string id(call.parameter("uploadId").value_or(""));
  if (id.empty()) {
    return fail(Code::not_found, "The specified multipart upload does not exist.", "NoSuchUpload");
  }
  return Target{std::move(*bucket), std::move(*key), std::move(id)};
}

void write_owner(Xml& xml, std::string_view element) {
  xml.open(element).text("ID", "forebay").text("DisplayName", "forebay").close();
}

void write_plan(Xml& xml, const std::optional<origin::ChecksumPlan>& plan) {
  if (!plan) return;
  xml.text("ChecksumAlgorithm", name(plan->kind)).text("ChecksumType", name(plan->type));
}

// "base64", or "base64-N" of an object in parts.
bool is_checksum(ChecksumKind kind, std::string_view text) {
  text = text.substr(0, text.find('-'));
  auto raw = from_base64(text);
  return raw && raw->size() == Checksum::make(kind)->digest().size();
}

// What CompleteMultipartUpload says of the object it makes.
Result<> read_expectations(const Call& call, origin::PutOptions& options) {
  auto invalid = [](std::string text) {
    return fail(Code::invalid, std::move(text), "InvalidRequest");
  };
  for (ChecksumKind kind : kAllChecksumKinds) {
    std::string header(header_name(kind));
    auto value = call.header(header);
    if (!value) continue;
    if (!is_checksum(kind, *value)) return invalid("Value for " + header + " header is invalid.");
    if (!options.checksums.empty()) {
      return invalid(
          "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
    }
    options.checksums[header] = *value;
  }
  if (auto text = call.header(origin::kChecksumTypeHeader)) {
    auto type = origin::parse_checksum_type(*text);
    if (!type) return invalid("Value for x-amz-checksum-type header is invalid.");
    options.checksums[std::string(origin::kChecksumTypeHeader)] = name(*type);
  }
  if (auto text = call.header("x-amz-mp-object-size")) {
    uint64_t size = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), size);
    if (error != std::errc() || end != text->data() + text->size()) {
      return invalid("Value for x-amz-mp-object-size header is invalid.");
    }
    options.size = size;
  }
  return ok;
}

}  // namespace

Task<http::Response> create_multipart_upload(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  origin::PutOptions options = co_await read_put_options(call, *bucket);
  options.plan = co_await origin::plan_checksums(call.header("x-amz-checksum-algorithm"),
                                                 call.header(origin::kChecksumTypeHeader));
  std::optional<origin::ChecksumPlan> plan = options.plan;
  std::string id = co_await co_await bucket->origin->create_upload(key, std::move(options), ctx);
  Xml xml("InitiateMultipartUploadResult");
  xml.text("Bucket", call.bucket_name).text("Key", key.text()).text("UploadId", id);
  http::Response response = xml.response();
  if (plan) {
    response.fields.add("x-amz-checksum-algorithm", name(plan->kind));
    response.fields.add(origin::kChecksumTypeHeader, name(plan->type));
  }
  co_return response;
}

Task<http::Response> upload_part(Call& call, Context ctx) {
  Target target = co_await read_target(call);
  uint32_t number = co_await call.number("partNumber", 0, 10'000);
  if (number == 0) {
    co_return fail(Code::invalid, "Part number must be an integer between 1 and 10000, inclusive",
                   "InvalidArgument");
  }
  origin::PutOptions options = co_await read_put_options(call, *target.bucket);
  Payload payload = co_await open_payload(call);
  add_checksums(payload, options);
  io::Body body{payload.length, std::move(payload.source)};
  auto part = co_await co_await target.bucket->origin->put_part(
      target.key, target.upload_id, number, std::move(options), std::move(body), ctx);
  http::Response response = http::Response::make(200);
  response.fields.add("ETag", part.etag.text());
  for (auto& [name, value] : part.checksums) response.fields.add(name, value);
  // What the origin does not keep was verified all the same.
  for (auto& [name, value] : *payload.trailing) {
    if (!part.checksums.contains(name)) response.fields.add(name, value);
  }
  co_return response;
}

Task<http::Response> complete_multipart_upload(Call& call, Context ctx) {
  Target target = co_await read_target(call);
  object::CompleteRequest request{target.bucket, target.key, target.upload_id, {}, {}};
  request.options = co_await read_put_options(call, *target.bucket);
  co_await read_expectations(call, request.options);
  request.parts = co_await parse_complete(
      (co_await co_await read_payload(call, kMaxXmlBody, ctx, ChecksumsOf::object)).text);
  auto done = co_await co_await call.services.objects.complete(std::move(request), ctx);
  Xml out("CompleteMultipartUploadResult");
  std::string place = "/" + call.bucket_name + "/" + percent_encode(target.key.text(), true);
  out.text("Location", "http://" + std::string(call.request.authority) + place)
      .text("Bucket", call.bucket_name)
      .text("Key", target.key.text())
      .text("ETag", done.etag.text());
  write_checksums(out, done.checksums);
  if (auto kept = origin::plan_of(done.checksums)) out.text("ChecksumType", name(kept->type));
  http::Response response = out.response();
  if (!done.version_id.empty()) response.fields.add("x-amz-version-id", done.version_id);
  co_return response;
}

Task<http::Response> abort_multipart_upload(Call& call, Context ctx) {
  Target target = co_await read_target(call);
  co_await co_await target.bucket->origin->abort_upload(target.key, target.upload_id, ctx);
  co_return http::Response::make(204);
}

Task<http::Response> list_parts(Call& call, Context ctx) {
  Target target = co_await read_target(call);
  uint32_t max = std::min<uint32_t>(co_await call.number("max-parts", 1000, 0x7fffffff), 1000);
  uint32_t marker = co_await call.number("part-number-marker", 0, 10'000);
  auto page = co_await co_await target.bucket->origin->list_parts(target.key, target.upload_id,
                                                                  marker, max, ctx);
  Xml xml("ListPartsResult");
  xml.text("Bucket", call.bucket_name).text("Key", target.key.text());
  xml.text("UploadId", target.upload_id);
  write_owner(xml, "Initiator");
  write_owner(xml, "Owner");
  xml.text("StorageClass", "STANDARD").number("PartNumberMarker", marker);
  write_plan(xml, page.plan);
  if (page.truncated) xml.number("NextPartNumberMarker", page.next_marker);
  xml.number("MaxParts", max).boolean("IsTruncated", page.truncated);
  for (const origin::PartInfo& part : page.parts) {
    xml.open("Part")
        .number("PartNumber", part.number)
        .text("LastModified", iso8601(part.modified))
        .text("ETag", part.etag.text())
        .number("Size", part.size);
    write_checksums(xml, part.checksums);
    xml.close();
  }
  co_return xml.response();
}

Task<http::Response> list_multipart_uploads(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  origin::ListUploadsOptions options;
  options.prefix = call.parameter("prefix").value_or("");
  options.delimiter = call.parameter("delimiter").value_or("");
  options.key_marker = call.parameter("key-marker").value_or("");
  options.upload_id_marker = call.parameter("upload-id-marker").value_or("");
  options.max_uploads =
      std::min<uint32_t>(co_await call.number("max-uploads", 1000, 0x7fffffff), 1000);
  bool url = co_await wants_url_encoding(call);
  auto shown = [&](const std::string& text) { return url ? percent_encode(text, true) : text; };
  auto page = co_await co_await bucket->origin->list_uploads(options, ctx);
  Xml xml("ListMultipartUploadsResult");
  xml.text("Bucket", call.bucket_name)
      .text("KeyMarker", shown(options.key_marker))
      .text("UploadIdMarker", options.upload_id_marker)
      .text("Prefix", shown(options.prefix));
  if (!options.delimiter.empty()) xml.text("Delimiter", shown(options.delimiter));
  if (url) xml.text("EncodingType", "url");
  if (page.truncated) {
    xml.text("NextKeyMarker", shown(page.next_key)).text("NextUploadIdMarker", page.next_upload);
  }
  xml.number("MaxUploads", options.max_uploads).boolean("IsTruncated", page.truncated);
  for (const origin::UploadInfo& upload : page.uploads) {
    xml.open("Upload").text("Key", shown(upload.key)).text("UploadId", upload.upload_id);
    write_owner(xml, "Initiator");
    write_owner(xml, "Owner");
    xml.text("StorageClass", "STANDARD").text("Initiated", iso8601(upload.initiated));
    write_plan(xml, upload.plan);
    xml.close();
  }
  for (const std::string& prefix : page.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", shown(prefix)).close();
  }
  co_return xml.response();
}

}  // namespace forebay::gateway::s3
