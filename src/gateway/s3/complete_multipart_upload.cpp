#include <charconv>

#include "base/encoding.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/upload.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

namespace {

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

Task<http::Response> complete_multipart_upload(Call& call, Context ctx) {
  UploadTarget target = co_await read_upload_target(call);
  object::CompleteRequest request{target.bucket, target.key, target.upload_id, {}, {}};
  request.options = co_await read_put_options(call, *target.bucket);
  co_await read_expectations(call, request.options);
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx, ChecksumsOf::object);
  request.parts = co_await parse_complete(sent.text);
  sent.text = {};  // its share is the parts' now, as long as the origin takes
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
  write_version(response.fields, done.version_id);
  for (auto& [name, value] : done.encryption) response.fields.add(name, value);
  co_return response;
}

}  // namespace forebay::gateway::s3
