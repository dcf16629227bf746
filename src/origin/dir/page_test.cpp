// Pages of the `dir` origin where documents have little room: shorter, never refused.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/held_text.h"
#include "io/sim.h"
#include "origin/dir/dir.h"
#include "testkit/origin_contract.h"

namespace forebay::origin {
namespace {

using testkit::body_of;
using testkit::key_of;

constexpr int kKeys = 100;
/// What a page of all keys counts: each four plain characters and its fields.
constexpr uint64_t kPage = kKeys * (4 + 400);

class DirPage : public testing::Test {
 protected:
  Context ctx() { return {.loop = &world_->loop(), .deadline = kNever}; }
  static Task<> fill(Origin& origin, Context ctx) {
    for (int i = 0; i < kKeys; ++i) {
      auto made = co_await origin.put(key_of("k" + std::to_string(100 + i)), {}, body_of("x"), ctx);
      if (!made) co_return std::move(made.error());
    }
    co_return ok;
  }
  /// The folder's origin, with so much room for documents.
  std::unique_ptr<Origin> open(uint64_t room) {
    documents_ = std::make_shared<Allowance>(room);
    DirOptions options{.path = "/bucket", .create = true};
    options.documents = documents_;
    return make_dir_origin(std::move(options));
  }
  void SetUp() override { ASSERT_TRUE(world_->run(fill(*open(0), ctx()))); }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 7});
  std::shared_ptr<Allowance> documents_;
};

TEST_F(DirPage, ends_where_there_is_no_more_room) {
  uint64_t needed = HeldText::share_of(kPage);
  {
    auto page = world_->run(open(needed)->list({}, ctx()));
    ASSERT_TRUE(page) << page.error().text();
    EXPECT_EQ(page->objects.size(), kKeys);
    EXPECT_FALSE(page->truncated);
    EXPECT_EQ(documents_->left(), 0U) << "it is held as long as the page";
  }
  EXPECT_EQ(documents_->left(), needed);
  auto origin = open(needed - 1);
  auto page = world_->run(origin->list({}, ctx()));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->objects.size(), kKeys - 1);
  EXPECT_TRUE(page->truncated);
  auto rest = world_->run(origin->list({.continuation = page->next}, ctx()));
  ASSERT_TRUE(rest) << rest.error().text();
  EXPECT_EQ(rest->objects.size(), 1U);
  EXPECT_FALSE(rest->truncated);
}

TEST_F(DirPage, every_list_comes_to_its_end_without_any_room) {
  auto origin = open(0);
  for (std::string delimiter : {"", "0"}) {
    ListOptions options{.delimiter = delimiter};
    size_t keys = 0;
    int pages = 0;
    for (; pages < kKeys; ++pages) {
      auto page = world_->run(origin->list(options, ctx()));
      ASSERT_TRUE(page) << page.error().text();
      keys += page->objects.size() + page->prefixes.size();
      if (!page->truncated) break;
      EXPECT_GE(page->objects.size() + page->prefixes.size(), HeldText::kFree / 404);
      options.continuation = page->next;
    }
    // k10, k110, k120, … k190 stand for those with a 0.
    EXPECT_EQ(keys, delimiter.empty() ? kKeys : 91U);
    EXPECT_EQ(pages, 2);
  }
}

}  // namespace
}  // namespace forebay::origin
