// Any bytes as a row of a native bucket: refused, or what was read says the same when written
// again, and cuts into units without a gap.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "object/native/head_row.h"
#include "object/native/upload_rows.h"

namespace {

using namespace forebay;
using namespace forebay::object;

void read_head(std::string_view text) {
  auto summary = parse_native_summary(text);
  auto head = parse_native_head(text);
  if (!head) return;
  check(summary.has_value(), "a head without a summary");
  check(summary->size == head->size && summary->write == head->write, "another object");
  check(summary->etag == head->etag(), "another ETag");
  auto layout = head->layout(1 << 20);
  check(layout && layout->size() == head->size, "parts that are not the object");
  if (head->size > 0) {
    check(layout->named_at(head->size - 1).unit.end() == head->size, "units end with the object");
  }
  auto row = encode(*head);
  if (!row) return;
  auto again = parse_native_head(*row);
  check(again && (*again == *head || row->size() > kMaxHeadRow / 2), "another head came back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  read_head(text);
  if (auto upload = parse_native_upload(text)) {
    auto row = encode(*upload);
    check(!row || *parse_native_upload(*row) == *upload, "another upload came back");
  }
  if (auto part = parse_native_part(text)) {
    check(*parse_native_part(encode(*part)) == *part, "another part came back");
  }
  return 0;
}
