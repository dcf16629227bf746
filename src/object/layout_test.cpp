#include "object/layout.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>

#include "base/bytes.h"

namespace forebay::object {
namespace {

ETag etag(uint32_t parts) {
  std::string hex(32, 'a');
  return ETag("\"" + hex + (parts == 0 ? "" : "-" + std::to_string(parts)) + "\"");
}

// Units follow one another without gaps, and every byte is in the unit that says so.
void expect_units(const Layout& layout, std::vector<uint64_t> sizes) {
  uint64_t at = 0;
  for (uint64_t size : sizes) {
    ByteRange unit{at, size};
    EXPECT_EQ(layout.unit_at(at), unit);
    EXPECT_EQ(layout.unit_at(at + size - 1), unit);
    at += size;
  }
  EXPECT_EQ(at, layout.size());
}

TEST(LayoutTest, an_object_put_at_once_is_one_unit) {
  Layout layout = Layout::whole(100, 0);
  EXPECT_TRUE(layout.known());
  EXPECT_EQ(layout.parts(), 1U);
  EXPECT_EQ(layout.part(1), (ByteRange{0, 100}));
  EXPECT_EQ(layout.part(0), std::nullopt);
  EXPECT_EQ(layout.part(2), std::nullopt);
  expect_units(layout, {100});
}

TEST(LayoutTest, a_small_object_is_one_unit_whatever_its_parts) {
  for (uint32_t parts : {0U, 1U, 2U, 1000U}) {
    Layout layout = Layout::small(100, etag(parts), 0);
    EXPECT_EQ(layout.known(), parts <= 1) << parts;
    expect_units(layout, {100});
  }
}

TEST(LayoutTest, an_empty_object_has_one_empty_part) {
  for (const Layout& layout : {Layout::whole(0, 10), *Layout::of_parts({0}, 10)}) {
    EXPECT_EQ(layout.size(), 0U);
    EXPECT_EQ(layout.parts(), 1U);
    EXPECT_EQ(layout.part(1), (ByteRange{0, 0}));
  }
}

TEST(LayoutTest, a_unit_above_the_limit_is_split_evenly) {
  expect_units(Layout::whole(100, 100), {100});
  expect_units(Layout::whole(101, 100), {51, 50});
  expect_units(Layout::whole(1000, 300), {250, 250, 250, 250});
  expect_units(*Layout::of_parts({7, 25, 3}, 10), {7, 9, 9, 7, 3});
  EXPECT_EQ(Layout::whole(101, 100).parts(), 1U) << "parts stay what was uploaded";
}

TEST(LayoutTest, known_parts_are_as_uploaded) {
  Layout equal = *Layout::of_parts({5, 5, 2}, 0);
  Layout unequal = *Layout::of_parts({5, 2, 5}, 0);
  EXPECT_EQ(equal.part_sizes(), (std::vector<uint64_t>{5, 5, 2}));
  EXPECT_EQ(unequal.part_sizes(), (std::vector<uint64_t>{5, 2, 5}));
  EXPECT_EQ(unequal.part(3), (ByteRange{7, 5}));
  expect_units(equal, {5, 5, 2});
  expect_units(unequal, {5, 2, 5});
  for (const Layout& layout : {equal, unequal}) EXPECT_TRUE(layout.known());
}

TEST(LayoutTest, an_empty_last_part_is_a_part) {
  Layout layout = *Layout::of_parts({5, 0}, 0);
  EXPECT_EQ(layout.parts(), 2U);
  EXPECT_EQ(layout.part(2), (ByteRange{5, 0}));
  expect_units(layout, {5});
}

TEST(LayoutTest, a_guess_explains_size_and_count) {
  EXPECT_TRUE(Layout::guess(100 * kMiB, etag(0), 0, 0).known());
  EXPECT_TRUE(Layout::guess(100 * kMiB, etag(1), 0, 0).known());
  struct Case {
    uint64_t size;
    uint32_t count;
    uint64_t first_part;
    uint64_t part;
  };
  for (const Case& c : {Case{20 * kMiB, 4, 5 * kMiB, 5 * kMiB},      // told
                        Case{20 * kMiB - 1, 4, 5 * kMiB, 5 * kMiB},  // the last one shorter
                        Case{20 * kMiB + 1, 4, 5 * kMiB, 6 * kMiB},  // told, but it cannot be
                        Case{20 * kMiB, 4, 0, 5 * kMiB},             // not told
                        Case{20'000'000, 3, 0, 7 * kMiB},
                        Case{kMiB, 5, 0, Layout::kFixedPart}}) {  // nothing explains it
    Layout layout = Layout::guess(c.size, etag(c.count), c.first_part, 0);
    EXPECT_FALSE(layout.known());
    EXPECT_EQ(layout.unit_at(0).length, std::min(c.part, c.size)) << c.size << " " << c.count;
  }
}

TEST(LayoutTest, parts_beyond_all_numbers_are_no_layout) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  // Added up without a look they come to 300,000.
  EXPECT_FALSE(Layout::of_parts({100'000, kMost - 149'999, 350'000}, 0));
  EXPECT_FALSE(Layout::of_parts({kMost, 1}, 0));
  EXPECT_EQ(Layout::of_parts({kMost - 1, 1}, 0)->size(), kMost);
}

TEST(LayoutTest, a_size_near_the_end_of_all_numbers_is_cut_too) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  for (uint64_t size : {kMost, kMost - 1, kMost - 2, kMost / 2 + 1, kMost / 256 + 2}) {
    for (uint64_t unit_max : {0ULL, 2ULL << 20, 1ULL << 63}) {
      for (uint32_t count : {0U, 2U, 3U, 10'000U}) {
        Layout layout = Layout::guess(size, etag(count), 0, unit_max);
        EXPECT_EQ(layout.unit_at(size - 1).end(), size) << size << " " << count;
        EXPECT_LE(layout.unit_at(10'000'000).offset, 10'000'000U) << size << " " << count;
      }
    }
  }
}

// Whatever the numbers are: units have bytes, hold what they are asked for and follow one another.
TEST(LayoutTest, any_numbers_make_units_without_gaps) {
  std::mt19937_64 random(7);
  auto number = [&] {
    uint64_t bits = random() % 65;
    return bits == 0 ? 0 : random() >> (64 - bits);
  };
  for (int round = 0; round < 20'000; ++round) {
    uint64_t unit_max = random() % 3 == 0 ? 0 : number();
    std::vector<uint64_t> sizes(random() % 5);
    for (uint64_t& size : sizes) size = number();
    uint64_t size = number();
    std::array<std::optional<Layout>, 2> layouts = {
        Layout::guess(size, etag(static_cast<uint32_t>(number())), number(), unit_max),
        Layout::of_parts(sizes, unit_max)};
    for (const std::optional<Layout>& layout : layouts) {
      if (!layout || layout->size() == 0) continue;
      uint64_t at = number() % layout->size();
      ByteRange unit = layout->unit_at(at);
      ASSERT_LE(unit.offset, at);
      ASSERT_GT(unit.length, at - unit.offset);
      ASSERT_LE(unit.length, layout->size() - unit.offset);
      if (unit_max > 0) ASSERT_LE(unit.length, unit_max);
      ASSERT_EQ(layout->unit_at(unit.offset), unit);
      ASSERT_EQ(layout->unit_at(unit.end() - 1), unit);
      if (unit.end() < layout->size()) ASSERT_EQ(layout->unit_at(unit.end()).offset, unit.end());
      auto part = layout->part(static_cast<uint32_t>(number()));
      if (part) ASSERT_LE(part->length, layout->size() - part->offset);
    }
  }
}

origin::Pieces pieces(std::vector<uint64_t> sizes) {
  std::vector<origin::Piece> out;
  for (uint64_t size : sizes) {
    origin::Piece piece{.size = size};
    piece.id[0] = static_cast<std::byte>(out.size() + 1);
    out.push_back(piece);
  }
  return origin::Pieces(std::move(out));
}

TEST(LayoutTest, pieces_are_cut_as_parts_are_and_named_by_themselves) {
  for (std::vector<uint64_t> sizes :
       {std::vector<uint64_t>{7, 25, 3}, {10, 10, 4}, {5}, {0, 12, 0, 0, 30, 0}}) {
    origin::Pieces all = pieces(sizes);
    Layout layout = Layout::of_pieces(all, 10).value();
    Layout parts = Layout::of_parts(sizes, 10).value();
    EXPECT_TRUE(layout.known());
    EXPECT_EQ(layout.part_sizes(), sizes);
    uint64_t begin = 0;
    for (size_t i = 0; i < sizes.size(); begin += sizes[i++]) {
      Layout alone = Layout::whole(sizes[i], 10);
      for (uint64_t at = begin; at < begin + sizes[i]; ++at) {
        Layout::Named named = layout.named_at(at);
        EXPECT_EQ(named.unit, layout.unit_at(at));
        EXPECT_EQ(named.unit, parts.unit_at(at));
        ASSERT_EQ(named.piece, &all[i]);
        EXPECT_EQ(named.base, begin);
        ByteRange in_piece{named.unit.offset - named.base, named.unit.length};
        EXPECT_EQ(in_piece, alone.unit_at(at - begin)) << "as the piece was cut by itself";
      }
    }
  }
}

TEST(LayoutTest, pieces_larger_than_any_object_are_none) {
  EXPECT_FALSE(Layout::of_pieces(pieces({1, std::numeric_limits<uint64_t>::max()}), 10));
}

TEST(LayoutTest, without_pieces_the_object_names_its_units) {
  Layout::Named named = Layout::of_parts({5, 6}, 10)->named_at(7);
  EXPECT_EQ(named.unit, (ByteRange{5, 6}));
  EXPECT_EQ(named.base, 0U);
  EXPECT_EQ(named.piece, nullptr);
}

}  // namespace
}  // namespace forebay::object
