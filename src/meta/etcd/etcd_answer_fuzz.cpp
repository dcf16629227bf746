// Any bytes as an answer of etcd: refused, or rows that were asked for, in order, once each.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "meta/etcd/answer.h"

namespace {

using forebay::check;
using namespace forebay::meta;

const etcd::Ask kAsk{.from = "c/", .to = "c0", .limit = 3};

void read_range(std::string_view text) {
  auto answer = etcd::parse_range(text, kAsk);
  if (!answer) return;
  check(answer->revision > 0 && answer->rows.size() <= kAsk.limit, "more than was asked for");
  for (size_t i = 0; i < answer->rows.size(); ++i) {
    const Row& row = answer->rows[i];
    check(row.key.starts_with("c/"), "another cluster's row");
    check(i == 0 || answer->rows[i - 1].key < row.key, "rows out of order");
  }
}

void read_watch(std::string_view text) {
  constexpr uint64_t kTold = 5;
  auto answer = etcd::parse_watch(text, "c/", kAsk, kTold);
  if (!answer) return;
  uint64_t last = kTold;
  for (const Event& event : answer->events) {
    check(event.revision > kTold && event.revision >= last, "events out of order");
    last = event.revision;
  }
  check(answer->after >= kTold && answer->after <= last, "it goes on elsewhere");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  read_range(text);
  read_watch(text);
  if (auto lease = etcd::parse_grant(text)) check(lease->id != 0, "a lease without a name");
  if (auto left = etcd::parse_keep(text)) check(left->ns >= 0, "a lease that ended before");
  Txn txn = Txn().require("a", "1").require_absent("b").put("c", "");
  auto answer = etcd::parse_txn(text, "c/", txn);
  if (answer && !answer->succeeded) {
    check(answer->found.size() == txn.conditions.size(), "a condition without what stood there");
  }
  check(!etcd::parse_fault(500, text).error.text().empty(), "an error without words");
  return 0;
}
