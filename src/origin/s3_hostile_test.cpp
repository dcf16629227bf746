// Answers of servers that are broken, or are no S3 at all: none of them is believed.
#include "origin/s3_script_test.h"
#include "origin/tags.h"

namespace forebay::origin {
namespace {

class S3Hostile : public S3 {
 protected:
  Result<ObjectInfo> head(uint32_t part_number = 0) {
    HeadOptions options{.part_number = part_number};
    return run(origin_->head(testkit::key_of("key"), options, ctx()));
  }
  template <class T>
  void expect_bad(const Result<T>& result, std::string_view why = {}) {
    ASSERT_FALSE(result) << why;
    EXPECT_EQ(result.error().code(), Code::corrupt) << why << ": " << result.error().text();
    EXPECT_EQ(result.error().detail(), "BadGateway") << why;
  }
};

TEST_F(S3Hostile, an_object_larger_than_any_is_not_believed) {
  for (uint64_t bytes : {kMaxObjectBytes + 1, UINT64_MAX - 1}) {
    std::string size = std::to_string(bytes);
    script_.replies.push_back({.fields = {{"ETag", "\"e-3\""}}, .length = bytes});
    expect_bad(head(), size);
    reply_range("bytes 2-4/" + size, "234");
    expect_bad(get({.range = ByteRange{2, 3}}), size);
    reply(206, {{"ETag", "\"e-3\""}, {"Content-Range", "bytes 0-4/" + size}}, "01234");
    expect_bad(head(1), size);
  }
  script_.replies.push_back({.fields = {{"ETag", "\"e-3\""}}, .length = kMaxObjectBytes});
  auto largest = head();
  ASSERT_TRUE(largest) << largest.error().text();
  EXPECT_EQ(largest->size, kMaxObjectBytes);
  script_.replies.push_back({.fields = {{"ETag", "\"e-3\""}}, .length = kMaxObjectBytes + 1});
  expect_bad(get({}), "all of it");
}

TEST_F(S3Hostile, a_part_whose_place_cannot_be_is_no_place) {
  for (const char* range : {"bytes 500000-599999/300000", "bytes 5-4/10", "bytes 0-4/*", "x"}) {
    reply(206, {{"ETag", "\"e-3\""}, {"Content-Range", range}, {"x-amz-mp-parts-count", "3"}},
          "01234");
    expect_bad(head(2), range);
  }
  reply(206, {{"ETag", "\"e-3\""}, {"Content-Range", "bytes 5-9/30"}}, "56789");
  auto part = head(2);
  ASSERT_TRUE(part) << part.error().text();
  EXPECT_EQ(part->part, (ByteRange{5, 5}));
  EXPECT_EQ(part->part_of, 30u);
}

}  // namespace
}  // namespace forebay::origin
