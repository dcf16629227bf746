#include "io/body.h"

#include "io/stream_test.h"

namespace forebay::io {
namespace {

class BodyTest : public WorldTest {};
FOREBAY_IN_ALL_WORLDS(BodyTest);

/// Gives its chunks, then the end or an error.
class Chunks final : public Source {
 public:
  Chunks(std::vector<Chunk> chunks, Result<> end)
      : chunks_(std::move(chunks)), end_(std::move(end)) {}
  Task<Chunk> next(Context ctx) override {
    co_await co_await yield(ctx);
    if (at_ < chunks_.size()) co_return chunks_[at_++];
    if (!end_) co_return end_.error();
    co_return Bytes();
  }

 private:
  std::vector<Chunk> chunks_;
  Result<> end_;
  size_t at_ = 0;
};

Task<> in_memory(Context ctx) {
  EXPECT_EQ(co_await co_await read_all(Body::empty(), 0, ctx), "");
  Body body = Body::of(Bytes("seven b"));
  EXPECT_EQ(body.length, 7U);
  EXPECT_EQ(co_await co_await read_all(std::move(body), 7, ctx), "seven b");
  auto over = co_await read_all(Body::of(Bytes("seven b")), 6, ctx);
  EXPECT_EQ(code_of(over), Code::too_large);
  EXPECT_EQ(co_await co_await read_all(Body::of(Bytes("")), 0, ctx), "");
  co_return ok;
}
TEST_P(BodyTest, bytes_in_memory) { expect_ok(in_memory(context())); }

Task<> taken_whole(std::string folder, Context ctx) {
  Body body = Body::of(Bytes("seven b"));
  auto bytes = take_bytes(body);
  EXPECT_EQ(bytes ? bytes->text() : "nothing", "seven b");
  EXPECT_EQ(co_await co_await read_all(std::move(body), 7, ctx), "") << "it has ended";

  Body begun = Body::of(Bytes("seven b"));
  Chunk first = co_await co_await begun.source->next(ctx);
  EXPECT_EQ(size(first), 7U);
  EXPECT_FALSE(begun.source->take_whole()) << "some was taken before";

  std::string mine = "not theirs";
  Body borrowed = Body::of(Bytes(nullptr, as_bytes(mine)));
  EXPECT_FALSE(take_bytes(borrowed)) << "bytes of others do not outlive the source";
  EXPECT_EQ(co_await co_await read_all(std::move(borrowed), 100, ctx), mine);

  auto file = co_await co_await make_file(folder, pattern(1000, 9), ctx);
  Body slice = Body::of(FileSlice{file, 10, 900});
  EXPECT_FALSE(take_bytes(slice)) << "a file is not in memory";
  EXPECT_EQ(co_await co_await read_all(std::move(slice), 900, ctx),
            pattern(1000, 9).substr(10, 900));
  Body none = Body::empty();
  EXPECT_FALSE(take_bytes(none));
  co_return ok;
}
TEST_P(BodyTest, what_is_one_chunk_can_be_taken_whole) {
  expect_ok(taken_whole(folder(), context()));
}

Task<> sources(std::string folder, Context ctx) {
  std::string text = pattern(700'000, 9);
  auto file = co_await co_await make_file(folder, text, ctx);
  Body slice = Body::of(FileSlice{file, 1000, 600'000});
  EXPECT_EQ(slice.length, 600'000U);
  EXPECT_EQ(co_await co_await read_all(std::move(slice), 1 << 20, ctx), text.substr(1000, 600'000));

  std::vector<Chunk> mixed{Bytes("head "), FileSlice{file, 0, 300'000}, Bytes(" tail")};
  Body body{300'010, std::make_unique<Chunks>(mixed, ok)};
  EXPECT_EQ(co_await co_await read_all(std::move(body), 300'010, ctx),
            "head " + text.substr(0, 300'000) + " tail");

  // A length that lies does not lift the limit.
  Body liar{10, std::make_unique<Chunks>(mixed, ok)};
  EXPECT_EQ(code_of(co_await read_all(std::move(liar), 1000, ctx)), Code::too_large);
  Body failing{10, std::make_unique<Chunks>(mixed, fail(Code::unavailable, "origin"))};
  EXPECT_EQ(code_of(co_await read_all(std::move(failing), 1 << 20, ctx)), Code::unavailable);
  EXPECT_FALSE(file->is_short());
  Body short_file = Body::of(FileSlice{file, 699'990, 11});
  EXPECT_EQ(code_of(co_await read_all(std::move(short_file), 100, ctx)), Code::corrupt);
  EXPECT_TRUE(file->is_short());
  co_return ok;
}
TEST_P(BodyTest, files_and_mixtures) { expect_ok(sources(folder(), context())); }

Task<> loads(std::string folder, Context ctx) {
  std::string text = pattern(50'000, 10);
  auto file = co_await co_await make_file(folder, text, ctx);
  std::vector<std::byte> buffer(8192);
  Chunk bytes = Bytes("0123456789");
  EXPECT_EQ(as_text(co_await co_await load(bytes, 0, buffer, ctx)), "0123456789");
  EXPECT_EQ(as_text(co_await co_await load(bytes, 7, buffer, ctx)), "789");
  EXPECT_EQ((co_await co_await load(bytes, 10, buffer, ctx)).size(), 0U);
  EXPECT_EQ((co_await co_await load(bytes, 11, buffer, ctx)).size(), 0U);

  Chunk slice = FileSlice{file, 100, 20'000};
  EXPECT_EQ(size(slice), 20'000U);
  std::string got;
  while (got.size() < 20'000) {
    ByteView part = co_await co_await load(slice, got.size(), buffer, ctx);
    EXPECT_GT(part.size(), 0U);
    EXPECT_LE(part.size(), buffer.size());
    got.append(as_text(part));
  }
  EXPECT_EQ(got, text.substr(100, 20'000));
  EXPECT_EQ((co_await co_await load(slice, 20'000, buffer, ctx)).size(), 0U);
  co_return ok;
}
TEST_P(BodyTest, load_shows_a_part_in_memory) { expect_ok(loads(folder(), context())); }

}  // namespace
}  // namespace forebay::io
