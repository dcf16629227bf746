// Md5Lanes: whose MD5 is due at the same time has it reckoned side by side (base/md5.h).
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "base/md5.h"
#include "io/sync.h"

namespace forebay::io {

/// For all bodies of a process, whatever loops they are on. Nobody is waited for: while some are
/// reckoned others come, and are the next ones together; who comes alone is reckoned alone.
class Md5Lanes {
 public:
  /// Fewer bytes than these are reckoned at once, here: a way to another thread costs as much.
  static constexpr size_t kLeast = 32 << 10;

  Md5Lanes() = default;
  Md5Lanes(const Md5Lanes&) = delete;
  Md5Lanes& operator=(const Md5Lanes&) = delete;

  /// sum.update(bytes), outside the loop when there are many. Both live until it returns, which it
  /// does not do before: neither a deadline nor a cancel is looked at. Any loop.
  Task<> update(Md5& sum, ByteView bytes, Context ctx);

  /// How often lanes were run, and for how many pieces in all. Any thread.
  struct Stats {
    uint64_t runs = 0, pieces = 0;
  };
  Stats stats() const;

 private:
  enum class State { waits, taken, done };
  struct Entry {
    Md5::Piece piece;
    State state = State::waits;
  };
  bool may_lead() const;
  Task<> lead(Context ctx);

  mutable std::mutex mutex_;
  std::vector<Entry*> waiting_;  ///< in the order they came
  size_t leaders_ = 0;
  Stats stats_;
  Progress ended_;  ///< of runs
};

}  // namespace forebay::io
