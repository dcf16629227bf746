#include <algorithm>

#include "base/encoding.h"
#include "gateway/s3/document.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/upload.h"

namespace forebay::gateway::s3 {

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
    write_upload_owner(xml);
    xml.text("StorageClass", "STANDARD").text("Initiated", iso8601(upload.initiated));
    write_checksum_plan(xml, upload.plan);
    xml.close();
  }
  for (const std::string& prefix : page.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", shown(prefix)).close();
  }
  co_return document(call, xml, std::move(page.share));
}

}  // namespace forebay::gateway::s3
