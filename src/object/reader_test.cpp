#include "object/reader.h"

#include "object/world_test.h"

namespace forebay::object {
namespace {

class ReaderTest : public ObjectTest {
 protected:
  HeadRef make(std::string bytes, uint64_t unit_max) {
    bucket_ = make_bucket(origin_, "immutable", unit_max);
    auto info = origin_->change("key", std::move(bytes));
    uint64_t size = info.size;
    return Heads::head_with(*bucket_, key_, std::move(info), Layout::whole(size, unit_max),
                            loop_.now());
  }
  Task<std::string> read_on(Reader& reader, Context ctx) {
    std::string out;
    std::vector<std::byte> buffer(64 << 10);
    while (true) {
      io::Chunk chunk = co_await co_await reader.next(ctx);
      if (io::size(chunk) == 0) co_return out;
      for (uint64_t done = 0; done < io::size(chunk);) {
        ByteView part = co_await co_await io::load(chunk, done, buffer, ctx);
        out += as_text(part);
        done += part.size();
      }
    }
  }
  Result<std::string> read(const HeadRef& head, ByteRange range,
                           unit::Mode mode = unit::Mode::normal) {
    Reader reader(*cache_, heads_, head, range, mode);
    auto opened = run(reader.open(nullptr, ctx()));
    if (!opened) return std::move(opened.error());
    served_ = *opened;
    return run(read_on(reader, ctx()));
  }
  uint64_t gets() { return origin_->counts("get").requests; }

  BucketRef bucket_;
  unit::Served served_ = unit::Served::hit;
};

TEST_F(ReaderTest, a_range_over_many_units) {
  constexpr uint64_t kUnit = 100'000;
  std::string bytes = pattern(10 * kUnit);
  HeadRef head = make(bytes, kUnit);
  for (ByteRange range :
       {ByteRange{0, 10 * kUnit}, ByteRange{kUnit - 1, 2}, ByteRange{kUnit, kUnit},
        ByteRange{150'000, 700'001}, ByteRange{10 * kUnit - 1, 1}}) {
    auto text = read(head, range);
    ASSERT_TRUE(text);
    EXPECT_TRUE(*text == bytes.substr(range.offset, range.length));
  }
  world_->settle();
  EXPECT_EQ(origin_->counts("get").bytes, 10 * kUnit) << "every byte was fetched once";
  origin_->reset_counts();
  EXPECT_TRUE(*read(head, {0, 10 * kUnit}) == bytes);
  EXPECT_EQ(served_, unit::Served::hit);
  EXPECT_EQ(gets(), 0U);
}

TEST_F(ReaderTest, the_next_unit_is_fetched_meanwhile) {
  constexpr uint64_t kUnit = 100'000;
  HeadRef head = make(pattern(4 * kUnit), kUnit);
  Reader reader(*cache_, heads_, head, {0, 4 * kUnit}, unit::Mode::normal);
  EXPECT_TRUE(run(reader.open(nullptr, ctx())));
  world_->settle();
  EXPECT_TRUE(cache_->contains(head->unit_at(kUnit).id));
  EXPECT_FALSE(cache_->contains(head->unit_at(2 * kUnit).id)) << "one ahead, not all";
}

TEST_F(ReaderTest, past_the_cache_nothing_is_fetched_ahead) {
  constexpr uint64_t kUnit = 100'000;
  std::string bytes = pattern(3 * kUnit);
  HeadRef head = make(bytes, kUnit);
  EXPECT_TRUE(*read(head, {0, 3 * kUnit}, unit::Mode::past) == bytes);
  EXPECT_EQ(served_, unit::Served::bypass);
  world_->settle();
  for (uint64_t at = 0; at < 3 * kUnit; at += kUnit) {
    EXPECT_FALSE(cache_->contains(head->unit_at(at).id));
  }
  EXPECT_EQ(gets(), 3U);
}

TEST_F(ReaderTest, a_version_that_goes_before_the_first_byte_is_a_conflict) {
  HeadRef head = make(pattern(1000), 0);
  origin_->change("key", pattern(1000, 1));
  EXPECT_EQ(read(head, {0, 1000}).error().code(), Code::conflict);
}

TEST_F(ReaderTest, a_version_that_goes_later_ends_the_body) {
  constexpr uint64_t kUnit = 100'000;
  HeadRef head = make(pattern(4 * kUnit), kUnit);
  Reader reader(*cache_, heads_, head, {0, 4 * kUnit}, unit::Mode::normal);
  EXPECT_TRUE(run(reader.open(nullptr, ctx())));
  world_->settle();
  origin_->change("key", pattern(4 * kUnit, 1));
  EXPECT_EQ(run(read_on(reader, ctx())).error().code(), Code::conflict);
}

TEST_F(ReaderTest, where_the_origin_has_versions_the_body_goes_on) {
  constexpr uint64_t kUnit = 100'000;
  origin_->options().capabilities.versions = true;
  std::string bytes = pattern(4 * kUnit);
  HeadRef head = make(bytes, kUnit);
  Reader reader(*cache_, heads_, head, {0, 4 * kUnit}, unit::Mode::normal);
  EXPECT_TRUE(run(reader.open(nullptr, ctx())));
  origin_->change("key", pattern(4 * kUnit, 1));
  auto text = run(read_on(reader, ctx()));
  ASSERT_TRUE(text);
  EXPECT_TRUE(*text == bytes);
}

}  // namespace
}  // namespace forebay::object
