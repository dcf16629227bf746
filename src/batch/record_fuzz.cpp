// Any bytes as a job's row: refused, or what was read says the same when written again.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "batch/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forebay;
  constexpr std::string_view kId = "0123456789abcdef";
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto record = batch::parse_record(kId, text);
  if (!record) return 0;
  auto again = batch::parse_record(kId, batch::encode(*record));
  check(again && *again == *record, "another job came back");
  record->add_failure("key", text);
  again = batch::parse_record(kId, batch::encode(*record));
  check(again && *again == *record, "another failure came back");
  return 0;
}
