// KeptRows: heads on disk (docs/formats/head.md). They are written in the background, a hundred at
// a time, and taken away before a write begins; what was put before that is never found again,
// whatever dies in between. What the rows say is whoever's who puts and finds them.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/sync.h"
#include "job/crew.h"
#include "meta/store.h"
#include "object/kept/kept_row.h"
#include "obs/metrics.h"

namespace forebay::object {

/// What stays of a key's row when it is forgotten.
enum class Leaves {
  nothing,
  layout  ///< the parts of an upload, since the write does not touch the bytes
};

/// All loops share one. Its crews must have stopped before it is destroyed.
class KeptRows {
 public:
  /// Bytes of keys and rows that wait to be written; with more of them new ones are dropped.
  static constexpr size_t kMaxQueued = 4 << 20;
  /// How long the first row of a batch waits for others.
  static constexpr Duration kGather = milliseconds(25);
  /// How long forget() waits for a batch that holds the row.
  static constexpr Duration kPatience = seconds(10);

  KeptRows(meta::Meta& meta [[clang::lifetimebound]], job::Crews& crews [[clang::lifetimebound]],
           obs::Registry& registry);

  /// Whether a process before this one has begun writes and not ended orderly; what it has begun
  /// may still happen at the origins.
  Task<bool> were_writes_left(Context ctx);
  /// All writes that were begun have ended, and none is in doubt.
  Task<> no_writes_left(Context ctx);

  /// The row will be written in place of what is there, once somebody calls write_soon(). False:
  /// too many wait, and nothing will. Not to be called while the key is forgotten: the caller's
  /// tickets see to that. Any thread.
  bool put(uint64_t incarnation, std::string_view key, std::string row);
  /// Sees to it that what waits is written, in the background of `loop`.
  void write_soon(io::Loop& loop);
  /// Writes one row now, without waiting for the disk: a hint, which tells no version as current.
  Task<> put_hint(uint64_t incarnation, ObjectKey key, std::string row, Context ctx);

  /// The row, written or waiting; nothing when there is none.
  Task<std::optional<std::string>> find(uint64_t incarnation, ObjectKey key, Context ctx);

  /// A page of the rows of one bucket, without those that wait.
  Task<meta::Page> scan(uint64_t incarnation, meta::Range range, uint32_t limit, Context ctx);

  /// Takes the row away, for good once this has returned ok: neither what waits nor what is being
  /// written just then comes after it, and no power loss brings back what may be believed.
  /// Code::busy when the store has not told for kPatience what became of a batch with the row.
  Task<> forget(uint64_t incarnation, ObjectKey key, Leaves leaves, Context ctx);
  /// The same of many, with few waits for the disk. For speed only: errors are left to forget().
  Task<> forget_all(uint64_t incarnation, std::vector<ObjectKey> keys, Context ctx);

  /// Removes rows whose value is still the given one, durably; where one has another by now some of
  /// the others stay too.
  Task<> remove_as_read(meta::Store& store [[clang::lifetimebound]], std::vector<meta::Row> rows,
                        Context ctx);

 private:
  struct Waiting {
    meta::Store* store = nullptr;
    std::string row;
  };
  using Rows = std::unordered_map<std::string, Waiting>;

  meta::Store& store_of(uint64_t incarnation, std::string_view key) {
    return meta_.shard(incarnation, key);
  }
  Task<> run_writer(Context ctx);
  /// Up to a transaction of what waits, all of one store; it is in writing_ from then on.
  bool begin_batch();
  void end_batch();
  /// Fails only when it may still be written, after everything that happens here.
  Task<> write_batch(Context ctx);
  Task<> forget_as_read(meta::Store& store, std::string name, Leaves leaves, Context ctx);
  /// What its row says, as far as this process knows; empty: it does not.
  std::string fence_of(meta::Store& store);
  Task<> commit_batch(meta::Store& store, Context ctx);
  /// `writes`: and notes that writes are begun from now on.
  Task<> raise_fence(meta::Store& store, bool writes, Context ctx);
  Task<> note_writes(meta::Store& store, Context ctx);
  Task<> raise_fence_surely(meta::Store& store, Context ctx);
  /// Nothing of the key waits any more, nor is it being written.
  Task<> withdraw(std::string name, Context ctx);

  meta::Meta& meta_;
  job::Crews& crews_;
  obs::Counter& written_;
  obs::Counter& removed_;
  obs::Counter& dropped_;
  obs::Counter& stuck_;

  std::mutex mutex_;
  Rows waiting_;          ///< by the key of the row
  size_t bytes_ = 0;      ///< of waiting_
  Rows writing_;          ///< one batch; written by the writer alone
  bool running_ = false;  ///< the writer is, or is about to
  io::Progress ended_;    ///< of a batch
  struct Fence {
    std::string value;    ///< what its row says; empty: not known
    bool writes = false;  ///< it was raised by this process, with a note that it writes
  };
  std::unordered_map<meta::Store*, Fence> fences_;
};

}  // namespace forebay::object
