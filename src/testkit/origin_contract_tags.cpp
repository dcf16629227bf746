// The origin contract: the tags of an object, which change without it.
#include <algorithm>

#include "testkit/origin_contract_cases.h"

namespace forebay::testkit {

using origin::ObjectInfo;
using origin::TagSet;

namespace {

/// In an order that can be compared.
Task<TagSet> tags_of(OriginUnderTest& under [[clang::lifetimebound]], std::string name,
                     Context ctx) {
  TagSet tags = co_await co_await under.origin.tags(key_of(under.prefix + name), ctx);
  std::ranges::sort(tags);
  co_return tags;
}

Task<> expect_count(OriginUnderTest& under [[clang::lifetimebound]], std::string name,
                    std::string count, Context ctx) {
  ObjectInfo head = co_await co_await under.origin.head(key_of(under.prefix + name), {}, ctx);
  EXPECT_EQ(head.fields[std::string(origin::kTaggingCount)], count) << name;
  co_return ok;
}

Task<> tags_come_with_a_put_and_go_with_the_next(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "tags/put");
  origin::PutOptions options;
  options.tags = {{"a b", "c/d+e=f@g:h"}, {"empty", ""}, {"ü", "ö"}};
  co_await co_await under.origin.put(key, options, body_of("bytes"), ctx);
  TagSet tags = co_await co_await tags_of(under, "tags/put", ctx);
  EXPECT_EQ(tags, options.tags);
  co_await co_await expect_count(under, "tags/put", "3", ctx);
  co_await co_await put_text(under, "tags/put", "others", ctx);
  tags = co_await co_await tags_of(under, "tags/put", ctx);
  EXPECT_EQ(tags, TagSet());
  co_return co_await expect_count(under, "tags/put", "", ctx);
}

Task<> tags_are_replaced_and_nothing_else_is(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "tags/set");
  origin::PutOptions options;
  options.fields = {{"content-type", "text/x-forebay"}, {"x-amz-meta-color", "blue"}};
  co_await co_await under.origin.put(key, options, body_of("bytes"), ctx);
  ObjectInfo before = co_await co_await under.origin.head(key, {}, ctx);
  co_await co_await under.origin.set_tags(key, {{"one", "1"}, {"two", "2"}}, ctx);
  co_await co_await under.origin.set_tags(key, {{"three", "3 + @4"}}, ctx);
  TagSet tags = co_await co_await tags_of(under, "tags/set", ctx);
  EXPECT_EQ(tags, (TagSet{{"three", "3 + @4"}}));
  co_await co_await expect_count(under, "tags/set", "1", ctx);
  ObjectInfo after = co_await co_await under.origin.head(key, {}, ctx);
  EXPECT_EQ(after.etag, before.etag);
  EXPECT_EQ(after.size, before.size);
  EXPECT_EQ(after.fields["content-type"], "text/x-forebay");
  EXPECT_EQ(after.fields["x-amz-meta-color"], "blue");
  std::string back = co_await co_await get_text(under, "tags/set", {}, ctx);
  EXPECT_EQ(back, "bytes");
  co_await co_await under.origin.set_tags(key, {}, ctx);
  tags = co_await co_await tags_of(under, "tags/set", ctx);
  EXPECT_EQ(tags, TagSet());
  co_return co_await expect_count(under, "tags/set", "", ctx);
}

Task<> tags_of_an_upload_are_the_objects(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "tags/upload");
  origin::PutOptions options;
  options.tags = {{"a", "b"}};
  std::string id = co_await co_await under.origin.create_upload(key, options, ctx);
  auto part = co_await co_await under.origin.put_part(key, id, 1, {}, body_of("part"), ctx);
  std::vector<origin::CompletedPart> parts{{1, part.etag, {}}};
  co_await co_await under.origin.complete_upload(key, id, parts, {}, ctx);
  TagSet tags = co_await co_await tags_of(under, "tags/upload", ctx);
  EXPECT_EQ(tags, options.tags);
  co_return co_await expect_count(under, "tags/upload", "1", ctx);
}

Task<> tags_of_what_is_not_there(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "tags/none");
  auto read = co_await under.origin.tags(key, ctx);
  EXPECT_FALSE(read);
  if (!read) EXPECT_EQ(read.error().detail(), "NoSuchKey");
  auto set = co_await under.origin.set_tags(key, {{"a", "b"}}, ctx);
  EXPECT_FALSE(set);
  if (!set) EXPECT_EQ(set.error().detail(), "NoSuchKey");
  auto head = co_await under.origin.head(key, {}, ctx);
  EXPECT_FALSE(head);
  co_return ok;
}

}  // namespace

std::vector<OriginCase> tag_cases() {
  return {
      {"tags_come_with_a_put_and_go_with_the_next", tags_come_with_a_put_and_go_with_the_next},
      {"tags_are_replaced_and_nothing_else_is", tags_are_replaced_and_nothing_else_is},
      {"tags_of_an_upload_are_the_objects", tags_of_an_upload_are_the_objects},
      {"tags_of_what_is_not_there", tags_of_what_is_not_there},
  };
}

}  // namespace forebay::testkit
