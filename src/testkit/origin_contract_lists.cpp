// The origin contract: lists.
#include <algorithm>

#include "testkit/origin_contract_cases.h"

namespace forebay::testkit {

using origin::ListAnswer;
using origin::ListOptions;

namespace {

/// Keys and common prefixes of one answer, merged in order, without the suite's prefix.
std::vector<std::string> names(const OriginUnderTest& under, const ListAnswer& answer) {
  std::vector<std::string> out;
  for (const auto& object : answer.objects) out.push_back(object.key);
  for (const auto& prefix : answer.prefixes) out.push_back(prefix);
  EXPECT_TRUE(std::is_sorted(answer.objects.begin(), answer.objects.end(),
                             [](const auto& a, const auto& b) { return a.key < b.key; }));
  EXPECT_TRUE(std::is_sorted(answer.prefixes.begin(), answer.prefixes.end()));
  std::sort(out.begin(), out.end());
  if (!out.empty()) EXPECT_EQ(answer.last_name, out.back());
  for (std::string& name : out) {
    EXPECT_TRUE(name.starts_with(under.prefix)) << name;
    name.erase(0, under.prefix.size());
  }
  return out;
}

/// All pages of a list, `options.max_keys` names each.
Task<std::vector<std::string>> pages(OriginUnderTest& under, ListOptions options, Context ctx) {
  std::vector<std::string> out;
  for (int page = 0; page < 1000; ++page) {
    ListAnswer answer = co_await co_await under.origin.list(options, ctx);
    std::vector<std::string> more = names(under, answer);
    EXPECT_LE(more.size(), options.max_keys);
    EXPECT_TRUE(out.empty() || more.empty() || out.back() < more.front());
    out.insert(out.end(), more.begin(), more.end());
    if (!answer.truncated) co_return out;
    EXPECT_FALSE(answer.next.empty());
    options.continuation = answer.next;
  }
  co_return fail(Code::internal, "a list does not end");
}

using Names = std::vector<std::string>;

// In key order: '-' and '.' come before '/', so a folder's entries follow "a-b" and "a.txt".
const Names kKeys = {"l/a-b",   "l/a.txt",   "l/a/1",   "l/a/2",      "l/a/b/c",
                     "l/a/b/d", "l/a0",      "l/b",     "l/c/deep/x", "l/c/deep/y",
                     "l/d",     "l/dir.d/f", "l/dir/e", "l/dir0/g",   "l/z"};

Task<> put_keys(OriginUnderTest& under, Context ctx) {
  for (const std::string& name : kKeys) co_await co_await put_text(under, name, name, ctx);
  co_return ok;
}

Task<> lists_in_key_order(OriginUnderTest& under, Context ctx) {
  co_await co_await put_keys(under, ctx);
  for (uint32_t size : {1u, 2u, 3u, 7u, 14u, 15u, 1000u}) {
    Names all =
        co_await co_await pages(under, {.prefix = under.prefix + "l/", .max_keys = size}, ctx);
    EXPECT_EQ(all, kKeys) << size;
  }
  ListAnswer one = co_await co_await under.origin.list({.prefix = under.prefix + "l/a.t"}, ctx);
  EXPECT_EQ(one.objects.size(), 1u);
  if (one.objects.size() == 1) {
    EXPECT_EQ(one.objects[0].size, 7u);
    auto head = co_await co_await under.origin.head(key_of(under.prefix + "l/a.txt"), {}, ctx);
    EXPECT_EQ(one.objects[0].etag.text(), head.etag.text());
    EXPECT_GT(one.objects[0].modified.seconds(), 1'000'000'000);
  }
  co_return ok;
}

Task<> lists_by_delimiter(OriginUnderTest& under, Context ctx) {
  co_await co_await put_keys(under, ctx);
  Names expected = {"l/a-b", "l/a.txt",  "l/a/",   "l/a0",    "l/b", "l/c/",
                    "l/d",   "l/dir.d/", "l/dir/", "l/dir0/", "l/z"};
  for (uint32_t size : {1u, 2u, 4u, 10u, 11u, 12u}) {
    Names all = co_await co_await pages(
        under, {.prefix = under.prefix + "l/", .delimiter = "/", .max_keys = size}, ctx);
    EXPECT_EQ(all, expected) << size;
  }
  Names below =
      co_await co_await pages(under, {.prefix = under.prefix + "l/a/", .delimiter = "/"}, ctx);
  EXPECT_EQ(below, (Names{"l/a/1", "l/a/2", "l/a/b/"}));
  Names half =
      co_await co_await pages(under, {.prefix = under.prefix + "l/di", .delimiter = "/"}, ctx);
  EXPECT_EQ(half, (Names{"l/dir.d/", "l/dir/", "l/dir0/"}));
  Names none =
      co_await co_await pages(under, {.prefix = under.prefix + "l/nothing", .delimiter = "/"}, ctx);
  EXPECT_EQ(none, Names());
  co_return ok;
}

Task<> lists_by_any_delimiter(OriginUnderTest& under, Context ctx) {
  co_await co_await put_keys(under, ctx);
  Names eep = co_await co_await pages(
      under, {.prefix = under.prefix + "l/c", .delimiter = "eep", .max_keys = 1}, ctx);
  EXPECT_EQ(eep, (Names{"l/c/deep"}));
  Names dot = co_await co_await pages(
      under, {.prefix = under.prefix + "l/d", .delimiter = ".", .max_keys = 2}, ctx);
  EXPECT_EQ(dot, (Names{"l/d", "l/dir.", "l/dir/e", "l/dir0/g"}));
  co_return ok;
}

Task<> lists_after_a_key(OriginUnderTest& under, Context ctx) {
  if (!under.capabilities.start_after) co_return ok;
  co_await co_await put_keys(under, ctx);
  for (size_t i = 0; i < kKeys.size(); ++i) {
    Names rest = co_await co_await pages(
        under,
        {.prefix = under.prefix + "l/", .start_after = under.prefix + kKeys[i], .max_keys = 4},
        ctx);
    EXPECT_EQ(rest, Names(kKeys.begin() + static_cast<ptrdiff_t>(i) + 1, kKeys.end())) << kKeys[i];
  }
  Names between = co_await co_await pages(
      under, {.prefix = under.prefix + "l/", .start_after = under.prefix + "l/a/b"}, ctx);
  EXPECT_EQ(between, Names(kKeys.begin() + 4, kKeys.end()));
  // A common prefix that was given already is not given again.
  Names rolled = co_await co_await pages(under,
                                         {.prefix = under.prefix + "l/",
                                          .delimiter = "/",
                                          .start_after = under.prefix + "l/c/",
                                          .max_keys = 2},
                                         ctx);
  EXPECT_EQ(rolled, (Names{"l/d", "l/dir.d/", "l/dir/", "l/dir0/", "l/z"}));
  co_return ok;
}

// Where nothing keeps versions each object is one; where something does, the latest come first.
Task<> lists_versions(OriginUnderTest& under, Context ctx) {
  co_await co_await put_keys(under, ctx);
  for (uint32_t size : {1u, 2u, 7u, 1000u}) {
    origin::ListVersionsOptions options{.prefix = under.prefix + "l/", .max_keys = size};
    Names latest;
    std::string before;
    for (int page = 0; page < 1000; ++page) {
      auto answer = co_await co_await under.origin.list_versions(options, ctx);
      EXPECT_LE(answer.versions.size(), size);
      for (const origin::ListedVersion& version : answer.versions) {
        EXPECT_FALSE(version.marker);
        EXPECT_EQ(version.latest, version.object.key != before) << before;
        before = version.object.key;
        if (!under.capabilities.versions) EXPECT_EQ(version.version_id, "null");
        EXPECT_EQ(version.object.size, before.size() - under.prefix.size());
        EXPECT_FALSE(version.object.etag.empty());
        if (version.latest) latest.push_back(before.substr(under.prefix.size()));
      }
      if (!answer.truncated) break;
      options.key_marker = answer.next_key;
      options.version_marker = answer.next_version;
    }
    EXPECT_EQ(latest, kKeys) << size;
  }
  co_return ok;
}

Task<> lists_versions_by_delimiter(OriginUnderTest& under, Context ctx) {
  co_await co_await put_keys(under, ctx);
  const Names expected = {"l/a-b", "l/a.txt",  "l/a/",   "l/a0",    "l/b", "l/c/",
                          "l/d",   "l/dir.d/", "l/dir/", "l/dir0/", "l/z"};
  for (uint32_t size : {1u, 4u, 1000u}) {
    origin::ListVersionsOptions options{
        .prefix = under.prefix + "l/", .delimiter = "/", .max_keys = size};
    Names found;
    for (int page = 0; page < 1000; ++page) {
      auto answer = co_await co_await under.origin.list_versions(options, ctx);
      EXPECT_LE(answer.versions.size() + answer.prefixes.size(), size);
      for (const auto& one : answer.versions) {
        if (one.latest) found.push_back(one.object.key.substr(under.prefix.size()));
      }
      for (const auto& one : answer.prefixes) found.push_back(one.substr(under.prefix.size()));
      if (!answer.truncated) break;
      options.key_marker = answer.next_key;
      options.version_marker = answer.next_version;
    }
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, expected) << size;
  }
  co_return ok;
}

}  // namespace

std::vector<OriginCase> list_cases() {
  return {{"lists_in_key_order", lists_in_key_order},
          {"lists_by_delimiter", lists_by_delimiter},
          {"lists_by_any_delimiter", lists_by_any_delimiter},
          {"lists_after_a_key", lists_after_a_key},
          {"lists_versions", lists_versions},
          {"lists_versions_by_delimiter", lists_versions_by_delimiter}};
}

}  // namespace forebay::testkit
