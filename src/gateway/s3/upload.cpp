#include "gateway/s3/upload.h"

#include "gateway/s3/fields.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

Result<UploadTarget> read_upload_target(Call& call) {
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
  return UploadTarget{std::move(*bucket), std::move(*key), std::move(id)};
}

void write_upload_owner(Xml& xml) {
  for (std::string_view element : {"Initiator", "Owner"}) {
    xml.open(element).text("ID", kOwner).text("DisplayName", kOwner).close();
  }
}

void write_checksum_plan(Xml& xml, const std::optional<origin::ChecksumPlan>& plan) {
  if (!plan) return;
  xml.text("ChecksumAlgorithm", name(plan->kind)).text("ChecksumType", name(plan->type));
}

}  // namespace forebay::gateway::s3
