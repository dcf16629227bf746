// Any bytes as what is kept of a head: nothing, or what was read says the same when written again,
// and cuts into units without a gap.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "object/kept/kept_row.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forebay;
  using namespace forebay::object;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto head = read_kept(text, 1 << 20);
  if (!head) return 0;
  check(read_kept_stamp(text) == head->stamp, "another stamp");
  check(head->info.tag.strong(), "a row without a tag is believed");
  check(head->layout.size() == head->info.size, "parts that are not the object");
  for (uint64_t at = 0, units = 0; at < head->info.size && units < 100; ++units) {
    ByteRange unit = head->layout.unit_at(at);
    check(unit.offset == at && unit.length > 0, "units lie one behind the other");
    at = unit.end();
  }
  if (head->info.size > 0) {
    check(head->layout.unit_at(head->info.size - 1).end() == head->info.size, "the last unit");
  }
  auto row = write_kept(head->stamp, head->info, head->layout);
  if (!row) return 0;  // a text that takes more room than what it was read from
  auto again = read_kept(*row, 1 << 20);
  check(again && again->stamp == head->stamp && again->info == head->info, "another head");
  check(again->layout.known() == head->layout.known(), "another layout");
  check(again->layout.uniform_part() == head->layout.uniform_part(), "other parts");
  return 0;
}
