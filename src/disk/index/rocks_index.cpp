// The production index. The only file of this room that includes RocksDB.
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>

#include "base/rocks.h"
#include "disk/index/index.h"

namespace forebay::disk {

namespace {

rocksdb::Slice slice(const UnitId& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

Error error_of(const rocksdb::Status& status, const char* what) {
  std::string text = std::string(what) + ": " + status.ToString();
  if (status.IsNoSpace()) return fail(Code::busy, std::move(text), "ENOSPC");
  if (status.IsCorruption()) return fail(Code::corrupt, std::move(text));
  return fail(Code::unavailable, std::move(text));
}

// There are up to three of these in memory and four in the log, which takes its room ahead.
constexpr uint64_t kLogBuffers = 4;
uint64_t buffer_bytes(uint64_t capacity) {
  return std::clamp<uint64_t>(capacity / 256, 256 << 10, 16 << 20);
}

/// Rows are written only while so much is free beside them: less than what units leave alone on the
/// smallest disk (disk/space.cpp), so only others can use it up.
constexpr uint64_t kLeastFree = 256 << 10;

// Rows are read whole once, at open, and never looked up: no bloom filters, a small cache. Writes
// come in batches from one thread at a time.
rocksdb::Options options_for_rows(uint64_t capacity) {
  uint64_t buffer = buffer_bytes(capacity);
  rocksdb::Options options;
  options.create_if_missing = true;
  // After a power loss the log ends at the first batch that is not whole: a prefix of what was
  // applied, as Index promises.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.write_buffer_size = buffer;
  options.max_write_buffer_number = 3;
  options.max_background_jobs = 2;
  options.max_open_files = 128;
  options.max_total_wal_size = kLogBuffers * buffer;
  options.manifest_preallocation_size = 64 << 10;
  // Rows are never looked up, so those in memory need no order before they are written out.
  options.memtable_factory = std::make_shared<rocksdb::VectorRepFactory>();
  options.allow_concurrent_memtable_write = false;
  options.compression = rocksdb::kNoCompression;  // ids and checksums do not compress
  bear_full_disk(options);
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(4 << 20);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

class RocksIndex final : public Index {
 public:
  RocksIndex(std::unique_ptr<rocksdb::DB> db, std::filesystem::path folder)
      : db_(std::move(db)), folder_(std::move(folder)) {}

  Result<> load(const std::function<void(const UnitId&, ByteView)>& row) override {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    options.readahead_size = 2 << 20;
    std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
    for (at->SeekToFirst(); at->Valid(); at->Next()) {
      UnitId id;
      if (at->key().size() != id.bytes.size()) continue;  // not a key this room writes
      std::memcpy(id.bytes.data(), at->key().data(), id.bytes.size());
      row(id, as_bytes(at->value().ToStringView()));
    }
    if (!at->status().ok()) return error_of(at->status(), "read the index");
    return ok;
  }

  Result<> apply(std::span<const Change> changes) override {
    rocksdb::WriteBatch batch;
    for (const Change& change : changes) {
      rocksdb::Status status = change.value ? batch.Put(slice(change.id), *change.value)
                                            : batch.Delete(slice(change.id));
      if (!status.ok()) return error_of(status, "fill an index batch");
    }
    std::error_code error;
    auto space = std::filesystem::space(folder_, error);
    if (!error && space.available < kLeastFree + batch.GetDataSize()) {
      return fail(Code::busy, "no room to write the index", "ENOSPC");
    }
    rocksdb::Status status = db_->Write(rocksdb::WriteOptions(), &batch);
    if (!status.ok()) return error_of(status, "write the index");
    return ok;
  }

  Result<> flush() override {
    rocksdb::Status status = db_->SyncWAL();
    if (!status.ok()) return error_of(status, "sync the index");
    return ok;
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  const std::filesystem::path folder_;  ///< where it was opened
};

}  // namespace

// What the log holds is written out as tables.
uint64_t rocks_index_room(uint64_t capacity) { return kLogBuffers * buffer_bytes(capacity); }

Result<std::shared_ptr<Index>> open_rocks_index(const std::string& path, uint64_t capacity) {
  // What it writes while it opens must fit: a part of an index is of no use.
  std::error_code error;
  auto room = std::filesystem::space(std::filesystem::path(path).parent_path(), error);
  uint64_t need = rocks_index_room(capacity);
  if (!error && room.available < need) {
    return fail(Code::busy,
                "no room to open the index: " + std::to_string(need >> 10) +
                    " KiB must be free in " + path + ", not " +
                    std::to_string(room.available >> 10) + " KiB",
                "ENOSPC");
  }
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options_for_rows(capacity), path, &db);
  if (!status.ok()) return error_of(status, "open the index");
  return std::make_shared<RocksIndex>(std::unique_ptr<rocksdb::DB>(db), path);
}

}  // namespace forebay::disk
