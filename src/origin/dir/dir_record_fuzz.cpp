// Records of a `dir` origin, as a disk may give them back.
#include "base/bytes.h"
#include "base/check.h"
#include "origin/dir/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forebay;
  using namespace forebay::origin;
  std::string_view text = as_text({reinterpret_cast<const std::byte*>(data), size});
  if (auto record = parse_dir_record(text)) {
    auto again = parse_dir_record(encode(*record));
    check(again.has_value(), "a record does not come back");
    check(again->etag == record->etag && again->parts == record->parts, "a record changes");
    uint64_t sum = 0;
    for (const PartRun& run : record->parts) sum += run.size * run.count;
    check(record->parts.empty() || sum == record->size, "parts are not the file");
  }
  if (auto upload = parse_dir_upload(text)) {
    auto again = parse_dir_upload(encode(*upload));
    check(again && again->plan == upload->plan && again->fields == upload->fields,
          "an upload changes");
  }
  if (auto completed = parse_dir_completed(text)) {
    auto again = parse_dir_completed(encode(*completed));
    check(again && encode(*again) == encode(*completed), "a completed upload changes");
  }
  return 0;
}
