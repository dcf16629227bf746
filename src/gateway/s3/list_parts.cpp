#include <algorithm>

#include "base/encoding.h"
#include "gateway/s3/document.h"
#include "gateway/s3/lifecycle.h"
#include "gateway/s3/upload.h"

namespace forebay::gateway::s3 {

Task<http::Response> list_parts(Call& call, Context ctx) {
  UploadTarget target = co_await read_upload_target(call);
  uint32_t max = std::min<uint32_t>(co_await call.number("max-parts", 1000, 0x7fffffff), 1000);
  uint32_t marker = co_await call.number("part-number-marker", 0, 10'000);
  auto page = co_await co_await target.bucket->origin->list_parts(target.key, target.upload_id,
                                                                  marker, max, ctx);
  Xml xml("ListPartsResult");
  xml.text("Bucket", call.bucket_name).text("Key", target.key.text());
  xml.text("UploadId", target.upload_id);
  write_upload_owner(xml);
  xml.text("StorageClass", "STANDARD").number("PartNumberMarker", marker);
  write_checksum_plan(xml, page.plan);
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
  http::Response response = co_await document(call, xml, std::move(page.share));
  if (page.initiated) {
    write_abort(response.fields, *target.bucket, target.key, *page.initiated);
  }
  co_return response;
}

}  // namespace forebay::gateway::s3
