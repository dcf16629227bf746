#include "origin/parts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "origin/tags.h"

namespace forebay::origin {
namespace {

std::map<uint32_t, PartInfo> stored() {
  std::map<uint32_t, PartInfo> out;
  out[1] = {.number = 1, .size = kMinPart, .etag = ETag("\"a\"")};
  out[3] = {.number = 3, .size = kMinPart - 1, .etag = ETag("\"b\"")};
  out[10'000] = {.number = 10'000, .size = 0, .etag = ETag("\"c\"")};
  return out;
}

CompletedPart asked(uint32_t number, const char* etag) {
  return {.number = number, .etag = ETag(etag)};
}

TEST(Parts, chooses_in_order_with_or_without_quotes) {
  auto chosen = choose_parts(stored(), {asked(1, "a"), asked(10'000, "\"c\"")}, kMinPart);
  ASSERT_TRUE(chosen);
  ASSERT_EQ(chosen->size(), 2u);
  EXPECT_EQ((*chosen)[1].number, 10'000u);
}

TEST(Parts, refuses_with_s3s_own_words) {
  auto detail = [](std::vector<CompletedPart> parts) {
    auto chosen = choose_parts(stored(), parts, kMinPart);
    return chosen ? std::string("ok") : chosen.error().detail();
  };
  EXPECT_EQ(detail({}), "MalformedXML");
  EXPECT_EQ(detail({asked(3, "b"), asked(1, "a")}), "InvalidPartOrder");
  EXPECT_EQ(detail({asked(1, "a"), asked(1, "a")}), "InvalidPartOrder");
  EXPECT_EQ(detail({asked(1, "b")}), "InvalidPart");
  EXPECT_EQ(detail({asked(2, "a")}), "InvalidPart");
  // At the limit, one below it, and one below it as the last.
  EXPECT_EQ(detail({asked(1, "a"), asked(3, "b")}), "ok");
  EXPECT_EQ(detail({asked(3, "b"), asked(10'000, "c")}), "EntityTooSmall");
  EXPECT_EQ(detail({asked(3, "b")}), "ok");
}

/// What a listing of all shows, by hand: keys with ids, and common prefixes once.
std::vector<std::string> names_of(const std::vector<UploadInfo>& all, const std::string& prefix,
                                  const std::string& delimiter) {
  std::set<std::pair<std::string, std::string>> names;
  for (const UploadInfo& info : all) {
    if (!info.key.starts_with(prefix)) continue;
    size_t at = delimiter.empty() ? std::string::npos : info.key.find(delimiter, prefix.size());
    bool common = at != std::string::npos;
    names.emplace(common ? info.key.substr(0, at + delimiter.size()) : info.key,
                  common ? "" : info.upload_id);
  }
  std::vector<std::string> out;
  for (const auto& [key, id] : names) out.push_back(key + "#" + id);
  return out;
}

TEST(LeastUploads, pages_of_any_size_make_up_the_whole_list) {
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<UploadInfo> all;
    for (unsigned i = 0; i < 40; ++i) {
      std::string key;
      for (unsigned j = 0, n = 1 + random() % 4; j < n; ++j) key += "ab/"[random() % 3];
      all.push_back({.key = key, .upload_id = std::to_string(1000 + i)});
    }
    std::shuffle(all.begin(), all.end(), random);
    ListUploadsOptions options{.prefix = random() % 2 == 0 ? "" : "a",
                               .delimiter = random() % 2 == 0 ? "" : "/",
                               .max_uploads = 1 + static_cast<uint32_t>(random() % 5)};
    std::vector<std::string> seen;
    for (int pages = 0; pages < 100; ++pages) {
      LeastUploads least(options);
      for (const UploadInfo& info : all) least.offer(info);
      ListUploadsAnswer page = least.page();
      ASSERT_LE(page.uploads.size() + page.prefixes.size(), options.max_uploads);
      std::vector<std::string> names;
      for (const UploadInfo& info : page.uploads) names.push_back(info.key + "#" + info.upload_id);
      for (const std::string& prefix : page.prefixes) names.push_back(prefix + "#");
      std::ranges::sort(names);
      seen.insert(seen.end(), names.begin(), names.end());
      if (!page.truncated) break;
      options.key_marker = page.next_key;
      options.upload_id_marker = page.next_upload;
    }
    EXPECT_EQ(seen, names_of(all, options.prefix, options.delimiter)) << round;
  }
}

TEST(LeastUploads, a_page_of_none_is_the_end) {
  LeastUploads least({.max_uploads = 0});
  least.offer({.key = "a", .upload_id = "1"});
  ListUploadsAnswer page = least.page();
  EXPECT_FALSE(page.truncated);
  EXPECT_TRUE(page.uploads.empty());
}

TEST(Tags, prefer_version_ids_and_refuse_weak_etags) {
  EXPECT_EQ(version_tag("v1", ETag("\"a\""), 3).text(), "v:v1");
  EXPECT_EQ(version_tag("", ETag("\"a\""), 3).text(), "e:\"a\":3");
  EXPECT_EQ(version_tag("null", ETag("\"a\""), 3).text(), "e:\"a\":3");
  EXPECT_FALSE(version_tag("", ETag("W/\"a\""), 3).strong());
  EXPECT_FALSE(version_tag("", ETag(), 3).strong());
  EXPECT_TRUE(version_tag("v1", ETag("W/\"a\""), 3).strong());
}

TEST(Tags, join_part_digests_as_s3_does) {
  // Two parts whose MD5 is that of no bytes.
  std::string digest("\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e", 16);
  EXPECT_EQ(multipart_etag(digest + digest).text(), "\"5873dd45edd01f09c1ef2e7819369e8e-2\"");
}

}  // namespace
}  // namespace forebay::origin
