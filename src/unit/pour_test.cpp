#include "unit/pour.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/bytes.h"
#include "disk/index/index.h"
#include "io/engine.h"
#include "testkit/pattern.h"
#include "unit/ranges.h"

namespace forebay::unit {
namespace {

using testkit::pattern;

// One fill on a real disk: there the kernel judges what goes past its page cache, and how.
class PourTest : public testing::Test {
 protected:
  PourTest() {
    char name[] = "/var/tmp/forebay-pour-XXXXXX";
    folder_ = ::mkdtemp(name);
    engine_ = std::move(*io::Engine::make({.loops = 1, .pool_threads = 2}));
  }
  ~PourTest() override { std::filesystem::remove_all(folder_); }
  Context ctx() { return {.loop = &engine_->loop(0)}; }

  template <class T>
  Result<T> run(Task<T> task) {
    std::optional<Result<T>> out;
    io::start<T>(engine_->loop(0), std::move(task), [&](Result<T> result) {
      out.emplace(std::move(result));
      engine_->stop();
    });
    engine_->run();
    return std::move(*out);
  }

  Task<> open(uint64_t length) {
    disk::Options options;
    options.disks.push_back({.path = folder_, .capacity = 512 * kMiB, .open_index = [this] {
                               return Result<std::shared_ptr<disk::Index>>(index_);
                             }});
    options.boot_id = "boot";
    store_ = co_await co_await disk::Store::open(std::move(options), ctx());
    auto version = std::make_shared<const Version>(
        Version{nullptr, *ObjectKey::parse("key"), Tag("t"), ETag("\"t\""), "", length});
    Unit unit{UnitName{.incarnation = 1, .key = "key", .tag = "t", .length = length}.id(),
              {0, length}};
    fill_ = std::make_shared<Fill>(version, unit);
    auto room = co_await store_->reserve(unit.id, length);
    fill_->set_writer(co_await co_await store_->create(unit.id, length, std::move(room),
                                                       disk::Admission::hot, ctx()));
    co_return ok;
  }

  // Pours `range` of `bytes` in pieces of `piece`, checking that each can be read at once.
  Task<> pour(BlockPool& pool, std::string bytes, ByteRange range, uint64_t piece) {
    for (Claim* claim : fill_->demand(range)) {
      Pour pour(pool, fill_, ctx());
      for (uint64_t at = claim->at; at < claim->end; at = fill_->state(*claim).at) {
        ByteView next = as_bytes(bytes).subspan(at, std::min(piece, claim->end - at));
        EXPECT_TRUE(co_await pour.put(*claim, next));
        Fill::View view = fill_->look(at);
        EXPECT_GE(view.available, 1U);
        if (!view.bytes.empty()) {
          EXPECT_EQ(view.bytes.text().substr(0, 1), bytes.substr(at, 1));
        }
      }
      EXPECT_TRUE(co_await pour.finish());
      (void)fill_->release(*claim);
    }
    co_return ok;
  }

  // What the file holds, once everything is published.
  Task<std::string> stored() {
    co_await co_await fill_->writer()->commit(ctx());
    (void)fill_->leave();
    ByteRange all = fill_->unit().range;
    auto slice = co_await co_await store_->open(fill_->unit().id, all, disk::Verify::always, ctx());
    std::string out(all.length, '\0');
    auto count = co_await slice.file->read_at(
        slice.offset, std::as_writable_bytes(std::span(out.data(), out.size())));
    EXPECT_EQ(count, all.length);
    co_return out;
  }

  std::string folder_;
  std::unique_ptr<io::Engine> engine_;
  std::shared_ptr<disk::Index> index_ = std::make_shared<disk::MemoryIndex>();
  std::shared_ptr<disk::Store> store_;
  std::shared_ptr<Fill> fill_;
};

TEST_F(PourTest, ranges_that_meet_anywhere_make_one_whole_unit) {
  std::string bytes = pattern(5 * kMiB + 777);
  ASSERT_TRUE(run(open(bytes.size())));
  BlockPool pool(16 * kMiB);
  // Borders at no page's begin, within a page of each other, and at a block's begin.
  for (ByteRange range :
       {ByteRange{1'500'001, 2'000'000}, ByteRange{1'499'990, 11}, ByteRange{0, 4096},
        ByteRange{4 * kMiB, kMiB}, ByteRange{0, bytes.size()}}) {
    ASSERT_TRUE(run(pour(pool, bytes, range, 100'000)));
  }
  EXPECT_TRUE(*run(stored()) == bytes);
  EXPECT_EQ(pool.left(), 16U) << "all memory came back";
}

TEST_F(PourTest, without_memory_it_goes_through_the_page_cache) {
  std::string bytes = pattern(3 * kMiB);
  ASSERT_TRUE(run(open(bytes.size())));
  BlockPool none(0);
  ASSERT_TRUE(run(pour(none, bytes, {0, bytes.size()}, 300'000)));
  EXPECT_TRUE(*run(stored()) == bytes);
}

TEST_F(PourTest, what_is_held_keeps_readers_from_what_is_not_yet_in_the_file) {
  std::string bytes = pattern(3 * kMiB);
  ASSERT_TRUE(run(open(bytes.size())));
  if (!fill_->writer()->direct()) GTEST_FAIL() << "/var/tmp cannot be written past its page cache";
  BlockPool pool(8 * kMiB);
  Pour pour(pool, fill_, ctx());
  Claim* claim = fill_->demand({0, bytes.size()}).front();
  ASSERT_TRUE(run(pour.put(*claim, as_bytes(bytes).first(1000))));
  EXPECT_EQ(fill_->look(0).available, 1000U);
  EXPECT_EQ(fill_->look(0).bytes.text(), bytes.substr(0, 1000));
  EXPECT_EQ(fill_->look(999).bytes.text(), bytes.substr(999, 1));
  EXPECT_EQ(fill_->look(1000).available, 0U);
  ASSERT_TRUE(run(pour.finish()));
  EXPECT_FALSE(fill_->look(0).bytes.empty()) << "kept for readers just behind";
  (void)fill_->leave();
  EXPECT_TRUE(fill_->look(0).bytes.empty());
  EXPECT_EQ(fill_->look(0).available, 1000U) << "and in the file";
  EXPECT_EQ(pool.left(), 8U);
}

}  // namespace
}  // namespace forebay::unit
