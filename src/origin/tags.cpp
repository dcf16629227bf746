#include "origin/tags.h"

#include <string>

#include "base/encoding.h"
#include "base/hash.h"

namespace forebay::origin {

Tag version_tag(std::string_view version_id, const ETag& etag, uint64_t size) {
  if (!version_id.empty() && version_id != "null") return Tag("v:" + std::string(version_id));
  if (etag.empty() || etag.weak()) return Tag();
  return Tag("e:" + etag.text() + ":" + std::to_string(size));
}

ETag multipart_etag(std::string_view part_digests) {
  auto md5 = Checksum::make(ChecksumKind::md5);
  md5->update(as_bytes(part_digests));
  return ETag("\"" + to_hex(as_bytes(md5->digest())) + "-" +
              std::to_string(part_digests.size() / 16) + "\"");
}

}  // namespace forebay::origin
