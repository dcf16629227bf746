#include "cluster/fence.h"

#include <charconv>

#include "meta/schema.h"

namespace forebay::cluster {

Task<> StoreFence::raise(uint64_t term, Context ctx) {
  const std::string key(meta::schema::kTerm);
  std::optional<std::string> row = co_await co_await rows_.get(key, ctx);
  meta::Txn txn;
  if (row) {
    uint64_t there = 0;
    auto [end, error] = std::from_chars(row->data(), row->data() + row->size(), there);
    if (error != std::errc() || end != row->data() + row->size()) {
      co_return fail(Code::corrupt, "the fence of the rows holds no term");
    }
    if (there >= term) co_return ok;
    txn.require(key, std::move(*row));
  } else {
    txn.require_absent(key);
  }
  txn.put(key, std::to_string(term));
  co_return co_await rows_.commit(std::move(txn), ctx);
}

}  // namespace forebay::cluster
