#include "object/held_parts.h"

#include <gtest/gtest.h>

namespace forebay::object {
namespace {

ETag etag(int n) { return ETag("\"0cc175b9c0f1b6a831c399e26977266" + std::to_string(n) + "\""); }
HeldParts::Part part(int n, uint64_t size = 10) {
  origin::Piece piece{.size = size};
  piece.id.fill(static_cast<std::byte>(n));
  return {etag(n), piece};
}
UploadName upload(std::string id) { return {1, "key", std::move(id)}; }

TEST(HeldParts, only_a_digest_names_bytes) {
  EXPECT_TRUE(HeldParts::names_bytes(etag(1)));
  for (const char* text :
       {"", "\"\"", "\"0cc175b9c0f1b6a831c399e269772661-1\"",
        "\"Zcc175b9c0f1b6a831c399e269772661\"", "\"0cc175b9c0f1b6a831c399e2697\"",
        "W/\"0cc175b9c0f1b6a831c399e269772661\"", "00cc175b9c0f1b6a831c399e2697726610"}) {
    EXPECT_FALSE(HeldParts::names_bytes(ETag(text))) << text;
  }
}

TEST(HeldParts, pieces_are_those_of_the_chosen_parts) {
  HeldParts held;
  EXPECT_FALSE(held.add(upload("u"), 1, part(1)));
  EXPECT_FALSE(held.add(upload("u"), 7, part(2, 5)));
  auto pieces =
      held.pieces(upload("u"), {{1, etag(1), {}}, {2, etag(3), {}}, {7, etag(2), {}}}, {10, 4, 5});
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(pieces[0], part(1).piece);
  EXPECT_EQ(pieces[1], (origin::Piece{.size = 4}));
  EXPECT_EQ(pieces[2], part(2, 5).piece);
  EXPECT_TRUE(held.pieces(upload("u"), {{1, etag(2), {}}}, {10}).empty()) << "another ETag";
  EXPECT_TRUE(held.pieces(upload("u"), {{1, etag(1), {}}}, {11}).empty()) << "another size";
  EXPECT_TRUE(held.pieces(upload("u"), {{1, etag(1), {}}}, {}).empty());
  EXPECT_TRUE(held.pieces(upload("v"), {{1, etag(1), {}}}, {10}).empty()) << "another upload";
  EXPECT_TRUE(held.pieces({2, "key", "u"}, {{1, etag(1), {}}}, {10}).empty()) << "another bucket";
  EXPECT_TRUE(held.pieces({1, "other", "u"}, {{1, etag(1), {}}}, {10}).empty()) << "another key";
  EXPECT_EQ(held.add(upload("u"), 1, part(4)), part(1).piece);
  EXPECT_TRUE(held.pieces(upload("u"), {{1, etag(1), {}}}, {10}).empty()) << "it was replaced";
  EXPECT_EQ(held.take(upload("u")).size(), 2U);
  EXPECT_TRUE(held.take(upload("u")).empty());
  EXPECT_TRUE(held.pieces(upload("u"), {{1, etag(4), {}}}, {10}).empty());
}

TEST(HeldParts, beyond_the_limit_the_upload_that_waits_longest_goes) {
  HeldParts held;
  constexpr size_t kName = HeldParts::kUploadBytes + 2 * 4;
  constexpr uint32_t kMost = (HeldParts::kMostBytes - kName) / HeldParts::kPartBytes;
  uint32_t half = (HeldParts::kMostBytes / 2 - kName) / HeldParts::kPartBytes;
  for (uint32_t i = 1; i <= half; ++i) held.add(upload("a"), i, part(1));
  for (uint32_t i = 1; i <= half; ++i) held.add(upload("b"), i, part(1));
  held.add(upload("a"), 1, part(2));  // a part of it, once more
  EXPECT_FALSE(held.pieces(upload("b"), {{1, etag(1), {}}}, {10}).empty());
  for (uint32_t i = 1; i <= 9; ++i) held.add(upload("c"), i, part(1));
  EXPECT_TRUE(held.pieces(upload("b"), {{1, etag(1), {}}}, {10}).empty());
  EXPECT_EQ(held.take(upload("a")).size(), half);
  EXPECT_EQ(held.take(upload("c")).size(), 9U);
  // What went is not counted any more.
  for (uint32_t i = 1; i <= kMost; ++i) held.add(upload("d"), i, part(1));
  EXPECT_EQ(held.take(upload("d")).size(), kMost);
  // Names weigh too.
  for (int i = 0; i < 20'000; ++i) {
    held.add({1, std::string(1000, 'k'), std::to_string(i)}, 1, part(1));
  }
  EXPECT_TRUE(held.take({1, std::string(1000, 'k'), "0"}).empty());
  EXPECT_EQ(held.take({1, std::string(1000, 'k'), "19999"}).size(), 1U);
}

}  // namespace
}  // namespace forebay::object
