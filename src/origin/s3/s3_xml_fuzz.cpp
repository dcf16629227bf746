// Feeds arbitrary bytes to every reader of answers.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "origin/s3/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forebay::origin;
  std::string_view xml(reinterpret_cast<const char*>(data), size);
  (void)parse_s3_list(xml);
  (void)parse_s3_upload_id(xml);
  (void)parse_s3_versioning(xml);
  (void)parse_s3_fault(xml);
  auto parts = parse_s3_parts(xml);
  if (parts && parts->truncated) forebay::check(!parts->parts.empty(), "a page that goes on");
  auto uploads = parse_s3_uploads(xml);
  if (uploads && uploads->truncated) forebay::check(!uploads->next_key.empty(), "a way on");
  auto versions = parse_s3_versions(xml);
  if (versions && versions->truncated) forebay::check(!versions->next_key.empty(), "a way on");
  auto completed = parse_s3_completed(xml);
  if (completed && completed->fault) forebay::check(completed->etag.empty(), "an error or an ETag");
  return 0;
}
