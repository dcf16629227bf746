// What the operations on one multipart upload have in common. Parts go to the origin as they come;
// completion is the commit.
#pragma once

#include <optional>
#include <string>

#include "gateway/s3/call.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

/// The upload that a call names. No id → Code::not_found, "NoSuchUpload".
struct UploadTarget {
  object::BucketRef bucket;
  ObjectKey key;
  std::string upload_id;
};
Result<UploadTarget> read_upload_target(Call& call);

/// Who began an upload and whose it is.
void write_upload_owner(Xml& xml);
void write_checksum_plan(Xml& xml, const std::optional<origin::ChecksumPlan>& plan);

}  // namespace forebay::gateway::s3
