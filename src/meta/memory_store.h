// MemoryStore: rows in this process's memory. Stands in for RocksStore in simulation and tests:
// it has no threads and never waits. What was committed stays as long as the object lives.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "meta/store.h"

namespace forebay::meta {

/// See the top of this file. Any loop.
class MemoryStore final : public Store {
 public:
  Task<std::optional<std::string>> get(std::string key, Context ctx) override;
  Task<Page> scan(Range range, uint32_t limit, Context ctx) override;
  Task<> commit(Txn txn, Context ctx) override;

 private:
  std::mutex mutex_;  ///< never held across an await
  std::map<std::string, std::string, std::less<>> rows_;
};

}  // namespace forebay::meta
