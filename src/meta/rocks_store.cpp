#include "meta/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/rocks.h"
#include "io/loop.h"

namespace forebay::meta {

namespace {

using Space = io::Directory::Space;

/// Transactions and bytes of one shared write.
constexpr size_t kBatchTxns = 128;
constexpr size_t kBatchBytes = 8 << 20;

Error error_from(const rocksdb::Status& status, std::string_view what) {
  std::string text = std::string(what) + ": " + status.ToString();
  if (status.IsCorruption()) return fail(Code::corrupt, text);
  if (status.IsNoSpace()) return fail(Code::busy, text, "ENOSPC");
  if (status.IsBusy() || status.IsTryAgain()) return fail(Code::busy, text);
  if (status.IsIOError()) return fail(Code::unavailable, text);
  return fail(Code::internal, text);
}

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

// Closing it would end the process: RocksDB asserts that its log could be written. All that was
// acknowledged is on the disk, so it stays open until the process ends.
void leave_open(std::unique_ptr<rocksdb::DB> db) {
  static std::mutex mutex;
  static auto* left = new std::vector<std::unique_ptr<rocksdb::DB>>;
  std::scoped_lock lock(mutex);
  left->push_back(std::move(db));
}

/// `why` names files, and is the operator's to know.
Error no_rows(std::string_view why) {
  return fail(Code::busy, "nothing can be written just now; try again", "SlowDown").in(why);
}

// Rows that are written to files of a removed folder would be acknowledged and lost.
struct Folder {
  io::Loop* loop;
  std::string path;
  io::FileStat home;  ///< as it was opened

  Result<Space> space() const {
    auto folder = loop->open_directory(path, false);
    if (!folder) return no_rows("the folder of rows: " + folder.error().text());
    auto stat = (*folder)->stat("");
    if (!stat) return no_rows("the folder of rows: " + stat.error().text());
    if (stat->inode != home.inode || stat->device != home.device) {
      return no_rows("another folder is in the place of " + path);
    }
    return (*folder)->space();
  }
};

Error no_room(const Space& space) {
  return fail(Code::busy,
              "no room for rows: " + std::to_string(space.free >> 10) + " KiB of " +
                  std::to_string(row_reserve(space.total) >> 10) + " KiB are free",
              "InsufficientStorage");
}

// One commit that waits. Lives in the frame of the coroutine that waits for it.
struct Pending {
  const Txn* txn;
  io::Loop* loop;
  std::coroutine_handle<> handle;
  Result<> result = ok;
};

class OpenRocksStore final : public RocksStore {
 public:
  OpenRocksStore(std::unique_ptr<rocksdb::DB> db, std::function<Result<Space>()> space,
                 std::shared_ptr<io::Lane> lane)
      : db_(std::move(db)), space_(std::move(space)), lane_(std::move(lane)) {}
  ~OpenRocksStore() override {
    check(queue_.empty() && !committing_, "a store is destroyed under a commit");
    if (failed_) leave_open(std::move(db_));
  }

  Task<std::optional<std::string>> get(std::string key, Context ctx) override;
  Task<Page> scan(Range range, uint32_t limit, Context ctx) override;
  Task<> commit(Txn txn, Context ctx) override;
  Task<std::string> trouble(Context ctx) override;

 private:
  using Batch = std::vector<Pending*>;
  class Committed;

  Result<std::optional<std::string>> read(std::string_view key, rocksdb::ReadTier tier,
                                          bool* incomplete);
  Result<Page> read_page(const Range& range, uint32_t limit);
  void enqueue(Pending& pending);
  void refuse_without_room(const Batch& batch) const;
  Result<std::string> look() const;
  void offload_batch(io::Loop& loop);
  Batch take_batch();
  void write(const Batch& batch);
  void answer(const Batch& batch, io::Loop& loop);

  std::unique_ptr<rocksdb::DB> db_;
  const std::function<Result<Space>()> space_;
  std::shared_ptr<io::Lane> lane_;  ///< without patience: nothing is ever refused
  std::mutex mutex_;
  std::deque<Pending*> queue_;
  std::atomic<bool> failed_ = false;  ///< the last write has
  bool committing_ = false;  ///< a batch is with the pool; when it is done the next one follows
};

// Not a Leaf: a commit that was handed over cannot be taken back, so deadline and cancel do not
// end the wait. The local disk answers, or the process has lost more than this commit.
class OpenRocksStore::Committed {
 public:
  Committed(OpenRocksStore& store, const Txn& txn, io::Loop& loop)
      : store_(store), pending_{&txn, &loop, nullptr} {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    pending_.handle = handle;
    store_.enqueue(pending_);
  }
  Result<> await_resume() { return std::move(pending_.result); }

 private:
  OpenRocksStore& store_;
  Pending pending_;
};

Result<std::optional<std::string>> OpenRocksStore::read(std::string_view key,
                                                        rocksdb::ReadTier tier, bool* incomplete) {
  rocksdb::ReadOptions options;
  options.read_tier = tier;
  std::string value;
  rocksdb::Status status = db_->Get(options, slice(key), &value);
  // For a row in a table that is not open it answers OK, without its value (7.8: the table cache
  // takes "cannot tell" for "found").
  bool maybe = tier == rocksdb::kBlockCacheTier && status.ok() && value.empty();
  *incomplete = status.IsIncomplete() || maybe;
  if (status.ok()) return std::optional<std::string>(std::move(value));
  if (status.IsNotFound() || status.IsIncomplete()) return std::optional<std::string>();
  return error_from(status, "read a row");
}

Task<std::optional<std::string>> OpenRocksStore::get(std::string key, Context ctx) {
  co_await check_key(key);
  // Most rows are in memory: asking there first saves two thread changes.
  bool incomplete = false;
  Result<std::optional<std::string>> found = read(key, rocksdb::kBlockCacheTier, &incomplete);
  if (!incomplete) co_return found;
  co_return co_await io::run_blocking(ctx, lane_.get(), [this, &key] {
    bool never = false;
    return read(key, rocksdb::kReadAllTier, &never);
  });
}

Result<Page> OpenRocksStore::read_page(const Range& range, uint32_t limit) {
  rocksdb::ReadOptions options;
  rocksdb::Slice end = slice(range.to);
  if (!range.to.empty()) options.iterate_upper_bound = &end;
  std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  Page page;
  size_t bytes = 0;
  for (at->Seek(slice(range.from)); at->Valid(); at->Next()) {
    if (page.rows.size() == limit || bytes >= kMaxPageBytes) {
      page.more = true;
      break;
    }
    page.rows.push_back({at->key().ToString(), at->value().ToString()});
    bytes += at->key().size() + at->value().size();
  }
  if (!at->status().ok()) return error_from(at->status(), "scan rows");
  return page;
}

Task<Page> OpenRocksStore::scan(Range range, uint32_t limit, Context ctx) {
  if (limit == 0 || limit > kMaxPageRows) co_return fail(Code::invalid, "a page has 1–1000 rows");
  co_return co_await io::run_blocking(ctx, lane_.get(), [&] { return read_page(range, limit); });
}

Task<> OpenRocksStore::commit(Txn txn, Context ctx) {
  co_await check_limits(txn);
  Committed committed(*this, txn, *ctx.loop);
  co_return co_await committed;
}

Result<std::string> OpenRocksStore::look() const {
  if (failed_)
    return "the last write has failed: where room was missing it goes on by itself, else after a "
           "restart";
  Result<Space> space = space_();
  if (!space) return space.error().text();
  if (space->free < row_reserve(space->total)) return no_room(*space).text();
  return {};
}

Task<std::string> OpenRocksStore::trouble(Context ctx) {
  co_return co_await io::run_blocking(ctx, lane_.get(), [this] { return look(); });
}

void OpenRocksStore::enqueue(Pending& pending) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(&pending);
    if (std::exchange(committing_, true)) return;
  }
  offload_batch(*pending.loop);
}

void OpenRocksStore::offload_batch(io::Loop& loop) {
  auto batch = std::make_shared<Batch>();
  loop.offload(
      lane_.get(),
      [this, batch] {
        *batch = take_batch();
        write(*batch);
      },
      [this, batch, &loop] { answer(*batch, loop); });
}

OpenRocksStore::Batch OpenRocksStore::take_batch() {
  Batch batch;
  size_t bytes = 0;
  std::lock_guard lock(mutex_);
  while (!queue_.empty() && batch.size() < kBatchTxns && bytes < kBatchBytes) {
    for (const Txn::Change& change : queue_.front()->txn->changes) {
      bytes += change.key.size() + (change.value ? change.value->size() : 0);
    }
    batch.push_back(queue_.front());
    queue_.pop_front();
  }
  return batch;
}

// Before RocksDB learns of it: after one write that met a full disk it takes none until the process
// has ended. Removals go on for longer, for they are what makes room again.
void OpenRocksStore::refuse_without_room(const Batch& batch) const {
  Result<Space> space = space_();
  if (!space) {
    for (Pending* pending : batch) pending->result = Error(space.error());
    return;
  }
  uint64_t reserve = row_reserve(space->total);
  if (space->free >= reserve) return;
  for (Pending* pending : batch) {
    bool adds = std::ranges::any_of(
        pending->txn->changes, [](const Txn::Change& change) { return change.value.has_value(); });
    if (!adds && space->free >= reserve / 4) continue;
    pending->result = no_room(*space);
  }
}

// On a pool thread, one batch at a time: conditions are decided in order, each on what the ones
// before it would leave, then all changes are one write with one sync.
void OpenRocksStore::write(const Batch& batch) {
  std::map<std::string_view, const std::optional<std::string>*> overlay;
  rocksdb::WriteBatch rows;
  rocksdb::WriteOptions options;
  auto value_of = [&](const std::string& key) -> Result<std::optional<std::string>> {
    if (auto found = overlay.find(key); found != overlay.end()) return *found->second;
    bool never = false;
    return read(key, rocksdb::kReadAllTier, &never);
  };
  refuse_without_room(batch);
  for (Pending* pending : batch) {
    if (!pending->result) continue;
    for (const Txn::Condition& condition : pending->txn->conditions) {
      Result<std::optional<std::string>> value = value_of(condition.key);
      if (!value) {
        pending->result = std::move(value.error());
      } else if (*value != condition.value) {
        pending->result = fail(Code::conflict, "a row is not as required", condition.key);
      }
      if (!pending->result) break;
    }
    if (!pending->result) continue;
    options.sync = options.sync || pending->txn->sync;
    for (const Txn::Change& change : pending->txn->changes) {
      rocksdb::Status added = change.value ? rows.Put(slice(change.key), slice(*change.value))
                                           : rows.Delete(slice(change.key));
      check(added.ok(), "a write batch refuses a row");
      // Only others look at it.
      if (batch.size() > 1) overlay.insert_or_assign(change.key, &change.value);
    }
  }
  if (rows.Count() == 0) return;
  rocksdb::Status written = db_->Write(options, &rows);
  failed_ = !written.ok();
  if (written.ok()) return;
  // While it has not recovered from an error RocksDB takes no write, and says so in this way: of
  // these it is sure that nothing of them is anywhere.
  if (written.severity() >= rocksdb::Status::Severity::kHardError) {
    for (Pending* pending : batch) {
      pending->result = no_rows("rows are not written: " + written.ToString());
    }
    return;
  }
  // Bytes may have reached the log before the error: nobody knows, also for a condition that was
  // decided on rows of this batch.
  for (Pending* pending : batch) {
    pending->result = fail(Code::unavailable, "commit rows: " + written.ToString());
  }
}

// On the loop that handed the batch over; nothing here touches the store after the last answer.
void OpenRocksStore::answer(const Batch& batch, io::Loop& loop) {
  bool more = false;
  {
    std::lock_guard lock(mutex_);
    more = committing_ = !queue_.empty();
  }
  if (more) offload_batch(loop);
  for (Pending* pending : batch) {
    io::Loop* home = pending->loop;
    if (home == &loop) {
      home->ready(pending->handle);
    } else {
      home->post([home, handle = pending->handle] { home->ready(handle); });
    }
  }
}

rocksdb::Options tuned(const RocksOptions& from) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = from.memtable;
  options.max_write_buffer_number = 2;
  options.max_total_wal_size = 4 * from.memtable;
  options.target_file_size_base = 4 * from.memtable;
  options.max_bytes_for_level_base = 16 * from.memtable;
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.max_open_files = 64;
  options.max_background_jobs = 2;
  bear_full_disk(options);
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  // A torn last record was never acknowledged; anything else that does not read is damage, and
  // must not be skipped in silence.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(from.block_cache, 0);
  table.cache_index_and_filter_blocks = true;
  // Of a key that is read for the first time a head is looked for, which is not there.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Result<std::unique_ptr<RocksStore>> open_now(const RocksOptions& options, io::Loop& loop,
                                             std::shared_ptr<io::Lane> lane) {
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(tuned(options), options.path, &db);
  if (status.ok()) {
    auto space = options.space;
    if (space == nullptr) {
      auto folder = loop.open_directory(options.path, false);
      auto home = folder ? (*folder)->stat("") : Result<io::FileStat>(folder.error());
      if (!home) return home.error_in("open rows at " + options.path);
      space = [at = Folder{&loop, options.path, *home}] { return at.space(); };
    }
    return std::make_unique<OpenRocksStore>(std::unique_ptr<rocksdb::DB>(db), std::move(space),
                                            std::move(lane));
  }
  // RocksDB tells a lock held elsewhere from other I/O errors only by its text.
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    return fail(Code::busy, "open rows at " + options.path + ": used by another process");
  }
  return error_from(status, "open rows at " + options.path);
}

}  // namespace

uint64_t row_reserve(uint64_t total) {
  return std::clamp<uint64_t>(total / 128, kLeastRowReserve, kMostRowReserve);
}

Task<std::unique_ptr<RocksStore>> RocksStore::open(RocksOptions options, Context ctx) {
  // One thread commits, the others read.
  auto lane = ctx.loop->make_lane({.kind = "rows", .subject = options.path, .threads = 4});
  co_return co_await io::run_blocking(ctx, lane.get(),
                                      [&] { return open_now(options, *ctx.loop, lane); });
}

}  // namespace forebay::meta
