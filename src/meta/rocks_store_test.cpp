// What only a store on disk can show: reopening, two processes, damage.
#include "meta/rocks_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "io/engine.h"

namespace forebay::meta {
namespace {

namespace fs = std::filesystem;

class RocksStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  Context ctx() { return {.loop = &engine_->loop(0)}; }
  Result<std::unique_ptr<RocksStore>> open(const fs::path& path) {
    return engine_->run_task(RocksStore::open({.path = path}, ctx()));
  }
  Result<> commit(Store& store, Txn txn) {
    return engine_->run_task(store.commit(std::move(txn), ctx()));
  }
  std::optional<std::string> get(Store& store, std::string key) {
    return engine_->run_task(store.get(std::move(key), ctx())).value();
  }
  // The one write-ahead log that holds rows.
  static fs::path log_of(const fs::path& path) {
    fs::path found;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) found = entry.path();
    }
    return found;
  }
  static void overwrite(const fs::path& file, uint64_t offset, std::string_view bytes) {
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(offset));
    out << bytes;
  }

  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 1, .pool_threads = 2}).value());
  fs::path root_ = testing::TempDir() + "/meta_rocks_test-" + std::to_string(::getpid());
  fs::path live_ = root_ / "live";
  fs::path copy_ = root_ / "copy";
};

TEST_F(RocksStoreTest, RowsAreThereAfterReopening) {
  {
    auto store = std::move(open(live_).value());
    ASSERT_TRUE(commit(*store, Txn().put("a", "1").put("b", "2")));
    ASSERT_TRUE(commit(*store, Txn().without_sync().remove("b")));
  }
  auto store = std::move(open(live_).value());
  EXPECT_EQ(get(*store, "a"), "1");
  EXPECT_EQ(get(*store, "b"), std::nullopt);
}

TEST_F(RocksStoreTest, AnsweredCommitsAreInTheFilesAtOnce) {
  auto store = std::move(open(live_).value());
  ASSERT_TRUE(commit(*store, Txn().put("a", "1")));
  ASSERT_TRUE(commit(*store, Txn().without_sync().put("b", "2")));
  // The files as a process that dies now would leave them.
  fs::copy(live_, copy_, fs::copy_options::recursive);
  auto dead = std::move(open(copy_).value());
  EXPECT_EQ(get(*dead, "a"), "1");
  EXPECT_EQ(get(*dead, "b"), "2");
}

TEST_F(RocksStoreTest, ASecondOpenIsBusy) {
  auto store = std::move(open(live_).value());
  auto second = open(live_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::busy) << second.error().text();
  store.reset();
  EXPECT_TRUE(open(live_));
}

TEST_F(RocksStoreTest, ATornLastCommitIsDropped) {
  auto store = std::move(open(live_).value());
  ASSERT_TRUE(commit(*store, Txn().put("a", "1")));
  ASSERT_TRUE(commit(*store, Txn().put("b", std::string(1000, 'x'))));
  fs::copy(live_, copy_, fs::copy_options::recursive);
  fs::path log = log_of(copy_);
  fs::resize_file(log, fs::file_size(log) - 500);
  auto dead = std::move(open(copy_).value());
  EXPECT_EQ(get(*dead, "a"), "1");
  EXPECT_EQ(get(*dead, "b"), std::nullopt);
}

TEST_F(RocksStoreTest, DamageBeforeTheEndIsAnError) {
  auto store = std::move(open(live_).value());
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(
        commit(*store, Txn().without_sync().put("k" + std::to_string(i), std::string(1000, 'x'))));
  }
  fs::copy(live_, copy_, fs::copy_options::recursive);
  overwrite(log_of(copy_), 500, "damage");
  auto dead = open(copy_);
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error().code(), Code::corrupt) << dead.error().text();
}

TEST_F(RocksStoreTest, AFolderThatCannotBeMadeIsAnError) {
  auto store = open("/dev/null/rows");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Code::unavailable) << store.error().text();
}

// The first commit that meets a full disk may have happened; those after it have not, so that who
// made them can undo what belongs to them.
TEST_F(RocksStoreTest, WithoutRoomOnlyTheFirstCommitIsInDoubt) {
  static int runs = 0;
  // Stays open to the end of this process.
  const fs::path full = root_ / ("full" + std::to_string(++runs));
  auto store = std::move(open(full).value());
  ASSERT_TRUE(commit(*store, Txn().put("a", "1")));
  auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit none{.rlim_cur = 1, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  Result<> first = commit(*store, Txn().put("b", "1"));
  Result<> second = commit(*store, Txn().put("c", "1"));
  Result<> third = commit(*store, Txn().require("a", "1").put("a", "2"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code(), Code::unavailable);
  for (const Result<>* later : {&second, &third}) {
    ASSERT_FALSE(*later);
    EXPECT_EQ(later->error().code(), Code::busy);
  }
  EXPECT_EQ(get(*store, "a"), "1");
  EXPECT_NE(engine_->run_task(store->trouble(ctx())).value(), "");
  fs::copy(full, copy_, fs::copy_options::recursive);
  store.reset();  // without an end of the process
  store = std::move(open(copy_).value());
  EXPECT_EQ(get(*store, "a"), "1");
  EXPECT_EQ(get(*store, "c"), std::nullopt);
  ASSERT_TRUE(commit(*store, Txn().require("a", "1").put("d", "1")));
}

TEST_F(RocksStoreTest, WithoutRoomRowsAreNotBegunAndRemovalsGoOnForLonger) {
  constexpr uint64_t kTotal = 1 << 30;
  const uint64_t reserve = row_reserve(kTotal);
  std::atomic<uint64_t> free = kTotal;
  RocksOptions options{.path = live_};
  options.space = [&] {
    return Result<io::Directory::Space>(io::Directory::Space{.total = kTotal, .free = free});
  };
  auto store = std::move(engine_->run_task(RocksStore::open(options, ctx())).value());
  ASSERT_TRUE(commit(*store, Txn().put("a", "1").put("b", "1")));
  auto trouble = [&] { return engine_->run_task(store->trouble(ctx())).value(); };
  free = reserve;
  EXPECT_EQ(trouble(), "");
  ASSERT_TRUE(commit(*store, Txn().put("c", "1"))) << "at the limit";
  free = reserve - 1;
  EXPECT_EQ(trouble(), "no room for rows: 8191 KiB of 8192 KiB are free");
  for (Txn txn : {Txn().put("d", "1"), Txn().remove("a").put("d", "1")}) {
    Result<> refused = commit(*store, std::move(txn));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::busy);
    EXPECT_EQ(refused.error().detail(), "InsufficientStorage");
  }
  ASSERT_TRUE(commit(*store, Txn().require("b", "1").remove("b")));
  free = reserve / 4;
  ASSERT_TRUE(commit(*store, Txn().remove("c"))) << "at their limit";
  free = reserve / 4 - 1;
  EXPECT_FALSE(commit(*store, Txn().remove("a")));
  EXPECT_EQ(get(*store, "a"), "1") << "what is refused is not begun";
  EXPECT_EQ(get(*store, "b"), std::nullopt);
  EXPECT_EQ(get(*store, "d"), std::nullopt);
  free = reserve;
  ASSERT_TRUE(commit(*store, Txn().require("a", "1").put("d", "1"))) << "without a restart";
  EXPECT_EQ(get(*store, "d"), "1");
}

TEST_F(RocksStoreTest, TheReserveFollowsTheFileSystem) {
  EXPECT_EQ(row_reserve(0), kLeastRowReserve);
  EXPECT_EQ(row_reserve(128 * kLeastRowReserve), kLeastRowReserve);
  EXPECT_EQ(row_reserve(128 * (kLeastRowReserve + 1)), kLeastRowReserve + 1);
  EXPECT_EQ(row_reserve(128 * kMostRowReserve), kMostRowReserve);
  EXPECT_EQ(row_reserve(UINT64_MAX), kMostRowReserve);
}

TEST_F(RocksStoreTest, NothingIsAcknowledgedInAFolderThatIsGone) {
  const fs::path aside = root_ / "aside";
  auto store = std::move(open(live_).value());
  ASSERT_TRUE(commit(*store, Txn().put("a", "1")));
  auto refused = [&] {
    Result<> done = commit(*store, Txn().put("b", "1"));
    return !done && done.error().code() == Code::busy && done.error().detail() == "SlowDown";
  };
  fs::rename(live_, aside);
  EXPECT_TRUE(refused());
  EXPECT_EQ(get(*store, "a"), "1");
  fs::create_directory(live_);
  EXPECT_TRUE(refused()) << "another one in its place";
  fs::remove(live_);
  fs::rename(aside, live_);
  ASSERT_TRUE(commit(*store, Txn().put("b", "1"))) << "without a restart";
}

TEST_F(RocksStoreTest, NoFileOfItGrowsWithWhatGoesWrong) {
  auto store = std::move(open(live_).value());
  ASSERT_TRUE(commit(*store, Txn().put("a", "1")));
  EXPECT_FALSE(fs::exists(live_ / "LOG")) << "RocksDB ends the process when it cannot write it";
}

TEST_F(RocksStoreTest, RowsOutliveTheMemtable) {
  auto store =
      std::move(engine_
                    ->run_task(RocksStore::open(
                        {.path = live_, .block_cache = 64 << 10, .memtable = 64 << 10}, ctx()))
                    .value());
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(commit(*store, Txn().without_sync().put("k" + std::to_string(i),
                                                        std::string(2000, 'a' + i % 26))));
  }
  for (int i = 0; i < 500; i += 7) {
    EXPECT_EQ(get(*store, "k" + std::to_string(i)), std::string(2000, 'a' + i % 26));
  }
}

TEST_F(RocksStoreTest, RowsOfTablesThatAreNotOpenAreRead) {
  // More tables than are opened with the store: RocksDB says of a row in one of the others that it
  // is there, with an empty value, to who asks without wanting to wait.
  RocksOptions options{.path = live_, .block_cache = 64 << 10, .memtable = 64 << 10};
  auto value = [](int i) { return std::string(2000, static_cast<char>('a' + i % 26)); };
  constexpr int kRows = 6000;
  {
    auto store = std::move(engine_->run_task(RocksStore::open(options, ctx())).value());
    for (int i = 0; i < kRows;) {
      Txn txn = Txn().without_sync();
      for (int n = 0; n < 50; ++n, ++i) txn.put("k" + std::to_string(i), value(i));
      ASSERT_TRUE(commit(*store, std::move(txn)));
    }
    ASSERT_TRUE(commit(*store, Txn().put("empty", "")));
  }
  auto store = std::move(engine_->run_task(RocksStore::open(options, ctx())).value());
  for (int i = 0; i < kRows; i += 7) {
    ASSERT_EQ(get(*store, "k" + std::to_string(i)), value(i)) << i;
  }
  EXPECT_EQ(get(*store, "empty"), "");
  EXPECT_EQ(get(*store, "none"), std::nullopt);
}

}  // namespace
}  // namespace forebay::meta
