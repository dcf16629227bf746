#include "object/kept/kept_row.h"

#include <gtest/gtest.h>

#include "origin/tags.h"

namespace forebay::object {
namespace {

origin::ObjectInfo usual_info(uint64_t size = 4096) {
  origin::ObjectInfo info;
  info.size = size;
  info.etag = ETag("\"0cc175b9c0f1b6a831c399e269772661\"");
  info.tag = origin::version_tag("", info.etag, size);
  info.modified = {1'700'000'000'000'000'000};
  info.fields = {{"content-type", "application/octet-stream"}};
  info.checksums = {{"x-amz-checksum-crc64nvme", "iAAAAAAAAAA="},
                    {"x-amz-checksum-type", "FULL_OBJECT"}};
  return info;
}

const KeptStamp kForEver{.kind = KeptKind::immutable};

void expect_same(const KeptStamp& stamp, const origin::ObjectInfo& info, const Layout& layout,
                 uint64_t unit_max = 1 << 20) {
  auto row = write_kept(stamp, info, layout);
  ASSERT_TRUE(row);
  EXPECT_EQ(read_kept_stamp(*row), stamp);
  auto read = read_kept(*row, unit_max);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->stamp, stamp);
  EXPECT_EQ(read->info, info);
  EXPECT_EQ(read->layout.size(), layout.size());
  EXPECT_EQ(read->layout.known(), layout.known());
  EXPECT_EQ(read->layout.parts(), layout.parts());
  EXPECT_EQ(read->layout.uniform_part(), layout.uniform_part());
  if (layout.parts() < 1000) {
    EXPECT_EQ(read->layout.part_sizes(), layout.part_sizes());
  }
}

TEST(KeptRow, what_is_usual_takes_little_and_comes_back) {
  origin::ObjectInfo info = usual_info();
  Layout layout = Layout::whole(info.size, 1 << 20);
  expect_same(kForEver, info, layout);
  EXPECT_LE(write_kept(kForEver, info, layout)->size(), 48U);
  expect_same({.kind = KeptKind::ttl, .life = ~uint64_t{0}, .until = {-5}}, info, layout);
  expect_same({.kind = KeptKind::layout}, info, layout);
}

TEST(KeptRow, whatever_an_origin_tells_comes_back) {
  for (const char* etag :
       {"\"0cc175b9c0f1b6a831c399e269772661-17\"", "\"OPAQUE\"", "\"\"",
        "\"0CC175B9C0F1B6A831C399E269772661\"", "abc", "\"0cc175b9c0f1b6a831c399e269772661-007\"",
        "\"-1\"", "\"0cc175b9c0f1b6a831c399e269772661-0\"",
        "\"0cc175b9c0f1b6a831c399e269772661-99999999999999999999\""}) {
    origin::ObjectInfo info = usual_info();
    info.etag = ETag(etag);
    expect_same(kForEver, info, Layout::whole(info.size, 0));  // the tag is another one's
    info.tag = origin::version_tag("", info.etag, info.size);
    expect_same(kForEver, info, Layout::whole(info.size, 0));
  }
  for (int64_t ns : {INT64_C(0), INT64_C(-1), INT64_C(-1'000'000'001), INT64_C(1'700'000'000'123),
                     INT64_C(9'000'000'000'000'000'000), INT64_C(-9'000'000'000'000'000'000)}) {
    origin::ObjectInfo info = usual_info();
    info.modified = {ns};
    expect_same(kForEver, info, Layout::whole(info.size, 0));
  }
  origin::ObjectInfo info = usual_info(origin::kMaxObjectBytes);
  info.version_id = "v1";
  info.tag = origin::version_tag("v1", info.etag, info.size);
  info.fields = {{"", ""},
                 {"cache-control", "text"},
                 {"content-encoding", "="},
                 {"x-amz-meta-a", std::string("\0\xff", 2)},
                 {"x-amz-meta-b", "YQ=="},
                 {"x-amz-meta-c", "YR=="}};
  expect_same(kForEver, info, Layout::whole(info.size, 0));
  expect_same(kForEver, usual_info(0), Layout::whole(0, 0));
}

TEST(KeptRow, every_layout_comes_back) {
  origin::ObjectInfo info = usual_info(70);
  expect_same(kForEver, info, *Layout::of_parts({30, 30, 10}, 0));
  expect_same(kForEver, info, *Layout::of_parts({10, 30, 30}, 0));
  expect_same(kForEver, info, *Layout::of_parts({70, 0}, 0));
  expect_same(kForEver, info, *Layout::of_parts({0, 0, 70}, 0));
  info.etag = ETag("\"0cc175b9c0f1b6a831c399e269772661-3\"");
  info.tag = origin::version_tag("", info.etag, info.size);
  expect_same(kForEver, info, Layout::guess(70, info.etag, 30, 0));
  expect_same(kForEver, info, Layout::guess(70, info.etag, 0, 0));
  expect_same(kForEver, info, Layout::small(70, info.etag, 0));
  info.size = 100 << 20;
  info.tag = origin::version_tag("", info.etag, info.size);
  expect_same(kForEver, info, Layout::guess(info.size, info.etag, 0, 8 << 20), 8 << 20);
}

TEST(KeptRow, units_are_cut_as_the_bucket_has_it_now) {
  origin::ObjectInfo info = usual_info(10 << 20);
  auto row = write_kept(kForEver, info, Layout::whole(info.size, 0));
  EXPECT_EQ(read_kept(*row, 0)->layout.unit_at(0).length, info.size);
  EXPECT_EQ(read_kept(*row, 1 << 20)->layout.unit_at(0).length, 1U << 20);
}

TEST(KeptRow, the_names_of_parts_come_back) {
  origin::ObjectInfo info = usual_info(70);
  std::vector<origin::Piece> pieces{{30, {}}, {30, {}}, {10, {}}};
  pieces[1].id.fill(std::byte{7});
  Layout layout = *Layout::of_pieces(origin::Pieces(pieces), 20);
  expect_same(kForEver, info, layout, 20);
  auto read = read_kept(*write_kept(kForEver, info, layout), 20);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->layout.pieces(), origin::Pieces(pieces));
  EXPECT_EQ(read->info.pieces, origin::Pieces());
  // As many as an upload can have.
  info.size = uint64_t{10'000} << 30;
  pieces.assign(10'000, {uint64_t{1} << 30, pieces[1].id});
  expect_same(kForEver, info, *Layout::of_pieces(origin::Pieces(pieces), 20), 20);
  info.size = 30;
  for (auto& id : {std::array<std::byte, 16>{}, pieces[0].id}) {
    auto one = Layout::of_pieces(origin::Pieces({{30, id}}), 20);
    EXPECT_EQ(read_kept(*write_kept(kForEver, info, *one), 20).has_value(), id == pieces[0].id);
  }
}

TEST(KeptRow, what_cannot_be_named_by_one_tag_is_not_kept) {
  Layout layout = Layout::whole(4096, 0);
  auto with = [&](auto change) {
    origin::ObjectInfo info = usual_info();
    change(info);
    return write_kept(kForEver, info, layout);
  };
  EXPECT_TRUE(with([](auto&) {}));
  EXPECT_FALSE(with([](auto& info) { info.tag = Tag(); }));
  EXPECT_FALSE(with([](auto& info) { info.size = 4095; })) << "another layout than its own";
  EXPECT_FALSE(with([](auto& info) { info.parts = 2; }));
  EXPECT_FALSE(with([](auto& info) { info.part = ByteRange{0, 1}; }));
  EXPECT_FALSE(with([](auto& info) { info.part_of = 1; }));
  EXPECT_FALSE(with([](auto& info) { info.modified = {INT64_MAX}; }));
  EXPECT_FALSE(with(
      [](auto& info) { info.pieces = origin::Pieces(std::vector<origin::Piece>{{4096, {}}}); }));
}

TEST(KeptRow, no_row_is_longer_than_the_limit) {
  origin::ObjectInfo info = usual_info();
  info.fields["x-amz-meta-a"] = "";
  Layout layout = Layout::whole(info.size, 0);
  size_t rest = write_kept(kForEver, info, layout)->size();
  // Its length takes two bytes more than that of none.
  info.fields["x-amz-meta-a"] = std::string(kMaxKeptRow - rest - 2, '-');
  auto longest = write_kept(kForEver, info, layout);
  ASSERT_TRUE(longest);
  EXPECT_EQ(longest->size(), kMaxKeptRow);
  EXPECT_TRUE(read_kept(*longest, 0));
  EXPECT_FALSE(read_kept(*longest + "a", 0));
  info.fields["x-amz-meta-a"] += '-';
  EXPECT_FALSE(write_kept(kForEver, info, layout));
}

TEST(KeptRow, what_is_no_row_is_nothing) {
  for (const char* text :
       {"", "{\"version\":1,\"tag\":\"e:\",\"parts\":[1]}", "\x02", "\x03\x02", "\x02\x03"}) {
    EXPECT_FALSE(read_kept(text, 0)) << text;
  }
  origin::ObjectInfo info = usual_info(70);
  std::string good = *write_kept(kForEver, info, *Layout::of_parts({10, 30, 30}, 0));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(read_kept(good.substr(0, size), 0)) << size;
  }
  EXPECT_FALSE(read_kept(good + '\0', 0));
}

// Whatever a byte turns into: nothing is read, or something that agrees with itself.
TEST(KeptRow, a_byte_that_changes_makes_no_object_that_cannot_be) {
  origin::ObjectInfo info = usual_info(70);
  info.modified.ns += 5;
  uint64_t read = 0;
  origin::Pieces named(std::vector<origin::Piece>{{30, {std::byte{9}}}, {40, {}}});
  for (const Layout& layout : {Layout::whole(70, 0), *Layout::of_parts({30, 30, 10}, 0),
                               *Layout::of_parts({10, 30, 30}, 0), *Layout::of_pieces(named, 0)}) {
    std::string good = *write_kept({.kind = KeptKind::ttl, .life = 7, .until = {9}}, info, layout);
    for (size_t at = 0; at < good.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        std::string row = good;
        row[at] = static_cast<char>(value);
        auto head = read_kept(row, 16);
        if (!head) continue;
        ++read;
        ASSERT_TRUE(head->info.tag.strong());
        ASSERT_EQ(head->layout.size(), head->info.size);
        auto again = write_kept(head->stamp, head->info, head->layout);
        ASSERT_TRUE(again);
        ASSERT_EQ(read_kept(*again, 16)->info, head->info) << at << " " << value;
      }
    }
  }
  EXPECT_GT(read, 1000U);
}

}  // namespace
}  // namespace forebay::object
