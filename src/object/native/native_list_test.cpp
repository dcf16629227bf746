// Lists of a native bucket: jumps over common prefixes, pages, limits.
#include <gtest/gtest.h>

#include "object/native/native_world_test.h"

namespace forebay::object {
namespace {

class NativeList : public NativeTest {
 protected:
  /// A row as a put of no bytes leaves it.
  void add(const std::string& key) {
    NativeHead head;
    head.copies = {std::string(32, 'a')};
    std::string row_key = meta::schema::object(NativeMachine::kIncarnation, key_of(key));
    Context none{.loop = &loop()};
    ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().put(row_key, encode(head).value()), none)));
  }
  origin::ListAnswer page(origin::ListOptions options) {
    auto answer = run(origin().list(std::move(options), ctx()));
    EXPECT_TRUE(answer) << answer.error().text();
    return answer ? std::move(*answer) : origin::ListAnswer();
  }
  static std::vector<std::string> names(const origin::ListAnswer& answer) {
    std::vector<std::string> out = answer.prefixes;
    for (const auto& object : answer.objects) out.push_back(object.key);
    std::ranges::sort(out);
    return out;
  }
  /// All names, page by page.
  std::vector<std::string> all(origin::ListOptions options) {
    std::vector<std::string> out;
    for (int pages = 0; pages < 20'000; ++pages) {
      origin::ListAnswer answer = page(options);
      for (std::string& name : names(answer)) {
        EXPECT_TRUE(out.empty() || out.back() < name) << name;
        out.push_back(std::move(name));
      }
      if (!answer.truncated) return out;
      EXPECT_FALSE(names(answer).empty()) << "a page that does not go on";
      options.continuation = answer.next;
    }
    ADD_FAILURE() << "a list does not end";
    return out;
  }
  static std::string number(int n, size_t digits = 5) {
    std::string text = std::to_string(n);
    return std::string(digits - text.size(), '0') + text;
  }
};

TEST_F(NativeList, ten_thousand_keys_come_in_order_whatever_the_page) {
  std::vector<std::string> expected;
  for (int i = 0; i < 10'000; ++i) {
    expected.push_back("k" + number(i));
    add(expected.back());
  }
  for (uint32_t size : {1000U, 999U, 7U}) {
    EXPECT_TRUE(all({.max_keys = size}) == expected) << size;
  }
  EXPECT_EQ(all({.prefix = "k0999"}).size(), 10U);
  EXPECT_EQ(page({.start_after = "k09989"}).objects.size(), 10U);
  EXPECT_FALSE(page({.max_keys = 0}).truncated);
}

TEST_F(NativeList, folders_are_jumped_over) {
  std::vector<std::string> expected;
  for (int folder = 0; folder < 20; ++folder) {
    for (int i = 0; i < 500; ++i) add("d" + number(folder, 2) + "/" + number(i));
    expected.push_back("d" + number(folder, 2) + "/");
  }
  for (uint32_t size : {1000U, 3U, 1U}) {
    EXPECT_EQ(all({.delimiter = "/", .max_keys = size}), expected) << size;
  }
  uint64_t before = rows().scans;
  page({.delimiter = "/"});
  EXPECT_LE(rows().scans - before, 25U) << "one a folder, and not its 500 rows";
  EXPECT_EQ(page({.prefix = "d03/", .delimiter = "/"}).objects.size(), 500U);
  EXPECT_EQ(all({.delimiter = "/", .start_after = "d18/00499"}),
            (std::vector<std::string>{"d19/"}));
  EXPECT_EQ(all({.delimiter = "/", .start_after = "d18/"}), (std::vector<std::string>{"d19/"}));
  EXPECT_EQ(all({.delimiter = "/", .start_after = "d18"}),
            (std::vector<std::string>{"d18/", "d19/"}));
}

TEST_F(NativeList, bytes_that_end_the_key_space_are_passed) {
  for (std::string key : {"a", "a/\xf4\x8f\xbf\xbf", "a/\xf4\x8f\xbf\xbf/x", "b"}) add(key);
  EXPECT_EQ(all({.delimiter = "/", .max_keys = 1}), (std::vector<std::string>{"a", "a/", "b"}));
  EXPECT_EQ(all({.prefix = "a/", .delimiter = "/", .max_keys = 1}),
            (std::vector<std::string>{"a/\xf4\x8f\xbf\xbf", "a/\xf4\x8f\xbf\xbf/"}));
  EXPECT_EQ(all({.delimiter = "\xf4\x8f\xbf\xbf", .max_keys = 1}),
            (std::vector<std::string>{"a", "a/\xf4\x8f\xbf\xbf", "b"}));
  EXPECT_TRUE(all({.prefix = "z"}).empty());
  EXPECT_TRUE(all({.start_after = "z"}).empty());
  EXPECT_TRUE(all({.prefix = "a", .start_after = "b"}).empty());
}

TEST_F(NativeList, other_buckets_rows_are_not_listed) {
  add("k");
  Context none{.loop = &loop()};
  for (uint64_t other : {NativeMachine::kIncarnation - 1, NativeMachine::kIncarnation + 1}) {
    ASSERT_TRUE(run(machine_.rows.commit(
        meta::Txn().put(meta::schema::object(other, key_of("k")), "x"), none)));
  }
  EXPECT_EQ(all({}), std::vector<std::string>{"k"});
}

TEST_F(NativeList, tells_sizes_and_etags) {
  auto put = this->put("k", "text");
  origin::ListAnswer answer = page({});
  ASSERT_EQ(answer.objects.size(), 1U);
  EXPECT_EQ(answer.objects[0].size, 4U);
  EXPECT_EQ(answer.objects[0].etag, put->etag);
  EXPECT_EQ(answer.objects[0].modified, put->modified);
}

TEST_F(NativeList, pages_end_where_documents_find_no_more_room) {
  for (int i = 0; i < 200; ++i) add("k" + number(i));
  auto small = std::make_shared<Allowance>(8 << 10);
  NativeOrigin tight(NativeOptions{.incarnation = NativeMachine::kIncarnation,
                                   .unit_max = NativeMachine::kUnitMax,
                                   .self = std::string(32, 'a'),
                                   .units = *machine_.process->units,
                                   .meta = machine_.process->meta,
                                   .documents = small});
  origin::ListOptions options;
  size_t seen = 0, pages = 0;
  while (true) {
    auto answer = run(tight.list(options, ctx()));
    ASSERT_TRUE(answer);
    EXPECT_LT(answer->objects.size(), 100U);
    EXPECT_FALSE(answer->objects.empty());
    EXPECT_EQ(answer->share.bytes() + small->left(), 8U << 10);
    seen += answer->objects.size();
    ++pages;
    if (!answer->truncated) break;
    options.continuation = answer->next;
  }
  EXPECT_EQ(seen, 200U);
  EXPECT_GT(pages, 2U);
  EXPECT_EQ(small->left(), 8U << 10);
  auto all_taken = small->take(8 << 10);
  auto answer = run(tight.list({}, ctx()));
  ASSERT_TRUE(answer);
  EXPECT_GE(answer->objects.size(), 1U) << "what needs no share is given";
}

}  // namespace
}  // namespace forebay::object
