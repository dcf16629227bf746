// What ends by the rules of a native bucket: what a walk finds day by day, and that nothing ends
// which is another than the walk has seen.
#include "object/native/native_expiry.h"

#include <gtest/gtest.h>

#include "object/native/native_world_test.h"
#include "origin/parts.h"

namespace forebay::object {
namespace {

class NativeExpiryTest : public NativeTest {
 protected:
  using State = origin::Versioning;
  using What = NativeDue::What;
  NativeExpiryTest() : NativeTest(256 << 20, seconds(60)) {}

  void versioning(State to) { ASSERT_TRUE(run(origin().set_versioning(to, ctx()))); }
  std::string put_id(std::string_view key, std::string text, origin::PutOptions options = {}) {
    auto done = put(key, std::move(text), std::move(options));
    EXPECT_TRUE(done) << done.error().text();
    return done ? done->version_id : "";
  }
  /// So many days later for who looks; what is written is written today.
  void days(int64_t days) { ahead_ += days; }
  /// A day that passes for all, which takes its time.
  void a_day_passes() {
    constexpr Duration kDay = seconds(24 * 3600);
    auto slept = io::sleep_until(loop().now() + kDay, ctx());
    EXPECT_TRUE(machine_.sim->run(std::move(slept), kDay + seconds(1)));
  }

  static LifecycleRef rules(std::vector<LifecycleRule> all) {
    auto out = std::make_shared<Lifecycle>();
    out->rules = std::move(all);
    return out;
  }
  /// All that a walk finds; each page is put to `between`, if there is one.
  std::vector<NativeDue> find(LifecycleRef rules, std::function<void()> between = nullptr) {
    NativeExpiry walk(machine_.process->meta, NativeMachine::kIncarnation, std::move(rules));
    std::vector<NativeDue> out;
    damaged_ = rows_ = 0;
    while (!walk.ended()) {
      auto page = run(walk.next(day_of(loop().wall_now()) + ahead_, ctx()));
      EXPECT_TRUE(page);
      if (!page) break;
      EXPECT_LE(page->rows, NativeExpiry::kRows);
      rows_ += page->rows;
      damaged_ += page->damaged;
      for (NativeDue& due : page->due) out.push_back(std::move(due));
      if (between) between();
    }
    return out;
  }
  /// "WHAT KEY" of each.
  static std::vector<std::string> words(const std::vector<NativeDue>& all) {
    static constexpr const char* kWords[] = {"object", "older", "marker", "upload"};
    std::vector<std::string> out;
    for (const NativeDue& due : all) {
      out.push_back(std::string(kWords[static_cast<size_t>(due.what)]) + " " + due.key.text());
    }
    return out;
  }
  std::vector<std::string> found(LifecycleRef rules) { return words(find(std::move(rules))); }
  Result<> expire(NativeDue due) { return run(origin().expire(std::move(due), ctx())); }
  /// Ends all that is found; how many were another by then.
  size_t apply(LifecycleRef rules) {
    size_t others = 0;
    for (NativeDue& due : find(std::move(rules))) {
      Result<> done = expire(std::move(due));
      if (!done) {
        EXPECT_EQ(done.error().code(), Code::conflict) << done.error().text();
        ++others;
      }
    }
    return others;
  }
  /// Ids of a key in the order of the list; markers with a "-" before.
  std::vector<std::string> ids(std::string_view key) {
    auto page = run(origin().list_versions({.prefix = std::string(key)}, ctx()));
    EXPECT_TRUE(page);
    std::vector<std::string> out;
    for (const auto& one : page->versions) {
      out.push_back((one.marker ? "-" : "") + (one.version_id.empty() ? "null" : one.version_id));
    }
    return out;
  }
  void usage_is(uint64_t bytes, uint64_t objects) {
    ASSERT_TRUE(run(origin().count(ctx())));
    EXPECT_EQ(origin().usage(), (origin::Usage{bytes, objects}));
    machine_.stop();
    machine_.start();
    ASSERT_TRUE(run(origin().count(ctx())));
    EXPECT_EQ(origin().usage(), (origin::Usage{bytes, objects})) << "what a new process counts";
    expect_swept();
  }

  uint64_t damaged_ = 0, rows_ = 0;
  Day ahead_ = 0;
};
using Words = std::vector<std::string>;

TEST_F(NativeExpiryTest, objects_end_on_their_day_and_not_before) {
  ASSERT_TRUE(put("a", "1"));
  a_day_passes();
  ASSERT_TRUE(put("b", "2"));
  auto two = rules({{.days = 2}});
  EXPECT_EQ(found(two), Words{});
  days(1);
  EXPECT_EQ(found(two), Words{}) << "two days are not over before the midnight after them";
  days(1);
  EXPECT_EQ(found(two), Words{"object a"});
  EXPECT_EQ(apply(two), 0U);
  EXPECT_EQ(get("a").error().detail(), "NoSuchKey");
  EXPECT_EQ(*get("b"), "2");
  EXPECT_EQ(found(two), Words{});
  usage_is(1, 1);
  EXPECT_EQ(found(rules({{.date = 1}})), Words{"object b"});
  EXPECT_EQ(found(rules({{.enabled = false, .date = 1}})), Words{});
}

TEST_F(NativeExpiryTest, only_rows_that_rules_are_about_are_read) {
  for (const char* key : {"a", "b/1", "b/2", "c", "c\x01"}) ASSERT_TRUE(put(key, "x"));
  ASSERT_TRUE(put("b/tagged", "xyz", {.tags = {{"end", "yes"}}}));
  EXPECT_EQ(found(rules({{.filter = {.prefix = "b/"}, .date = 1}})),
            (Words{"object b/1", "object b/2", "object b/tagged"}));
  EXPECT_EQ(rows_, 3U);
  EXPECT_EQ(found(rules({{.filter = {.tags = {{"end", "yes"}}}, .date = 1}})),
            Words{"object b/tagged"});
  EXPECT_EQ(found(rules({{.filter = {.tags = {{"end", "no"}}}, .date = 1}})), Words{});
  EXPECT_EQ(found(rules({{.filter = {.larger = 1}, .date = 1}})), Words{"object b/tagged"});
  EXPECT_EQ(found(rules({{.filter = {.prefix = "c"}, .date = 1}})),
            (Words{"object c", "object c\x01"}));
  EXPECT_EQ(found(rules({{.abort_days = 1}})), Words{});
  EXPECT_EQ(rows_, 0U);
}

TEST_F(NativeExpiryTest, another_object_than_was_seen_stays) {
  ASSERT_TRUE(put("put", "old"));
  ASSERT_TRUE(put("tagged", "old"));
  ASSERT_TRUE(put("gone", "old"));
  auto all = find(rules({{.date = 1}}));
  ASSERT_EQ(words(all), (Words{"object gone", "object put", "object tagged"}));
  ASSERT_TRUE(put("put", "new"));
  ASSERT_TRUE(run(origin().set_tags(key_of("tagged"), {{"keep", "yes"}}, ctx())));
  ASSERT_TRUE(remove("gone"));
  for (NativeDue& due : all) {
    Result<> done = expire(std::move(due));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::conflict);
  }
  EXPECT_EQ(*get("put"), "new");
  EXPECT_EQ(*get("tagged"), "old");
  usage_is(6, 2);
}

// Between the look at the row and the commit, which only the transaction can tell.
TEST_F(NativeExpiryTest, another_object_that_comes_just_before_the_commit_stays) {
  auto swap = [this](auto& steps) {
    steps.push_back([](NativeOrigin& to, Context ctx) -> Task<> {
      co_await co_await to.put(key_of("k"), {}, testkit::body_of("new"), ctx);
      co_return ok;
    }(origin(), ctx()));
  };
  for (State state : {State::never, State::enabled, State::suspended}) {
    if (state != State::never) versioning(state);
    ASSERT_TRUE(put("k", "old"));
    auto all = find(rules({{.filter = {.prefix = "k"}, .date = 1}}));
    ASSERT_EQ(words(all), Words{"object k"});
    rows().before_next_commit = swap;
    Result<> done = expire(std::move(all[0]));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::conflict);
    EXPECT_EQ(*get("k"), "new");
  }
}

TEST_F(NativeExpiryTest, current_versions_are_hidden_where_versions_are_kept) {
  versioning(State::enabled);
  std::string first = put_id("k", "1"), second = put_id("k", "22");
  auto over = rules({{.date = 1}});
  EXPECT_EQ(found(over), Words{"object k"});
  EXPECT_EQ(apply(over), 0U);
  auto now = ids("k");
  ASSERT_EQ(now.size(), 3U);
  EXPECT_EQ(now[0].substr(0, 1), "-");
  EXPECT_EQ((Words{now[1], now[2]}), (Words{second, first}));
  EXPECT_EQ(found(over), Words{}) << "a marker that hides something stays";
  usage_is(3, 2);
}

TEST_F(NativeExpiryTest, the_null_version_is_replaced_by_a_marker_while_suspended) {
  versioning(State::enabled);
  std::string first = put_id("k", "1");
  versioning(State::suspended);
  EXPECT_EQ(put_id("k", "22"), "null");
  put_id("own", "3");
  EXPECT_EQ(apply(rules({{.date = 1}})), 0U);
  EXPECT_EQ(ids("k"), (Words{"-null", first}));
  EXPECT_EQ(ids("own"), Words{"-null"});
  EXPECT_EQ(found(rules({{.lone_markers = true}})), Words{"marker own"});
  EXPECT_EQ(apply(rules({{.lone_markers = true}})), 0U);
  EXPECT_EQ(ids("own"), Words{});
  usage_is(1, 1);
}

TEST_F(NativeExpiryTest, older_versions_end_by_the_day_on_which_they_were_replaced) {
  versioning(State::enabled);
  put_id("k", "1");
  a_day_passes();
  std::string second = put_id("k", "22");
  a_day_passes();
  std::string third = put_id("k", "333");
  auto one = rules({{.noncurrent_days = 1}});
  EXPECT_EQ(found(one), Words{}) << "it is two days old, and was replaced yesterday";
  days(1);
  EXPECT_EQ(found(one), Words{"older k"});
  EXPECT_EQ(apply(one), 0U);
  EXPECT_EQ(ids("k"), (Words{third, second}));
  run(origin().remove_version(key_of("k"), {}, ctx())).value();
  days(2);
  EXPECT_EQ(found(one), (Words{"older k", "older k"})) << "a marker replaces too";
  EXPECT_EQ(apply(one), 0U);
  EXPECT_EQ(ids("k").size(), 1U);
  EXPECT_EQ(found(rules({{.days = 3}})), Words{}) << "the marker is three days old";
  EXPECT_EQ(found(rules({{.days = 2}})), Words{"marker k"});
  EXPECT_EQ(found(rules({{.lone_markers = true}})), Words{"marker k"});
  EXPECT_EQ(apply(rules({{.lone_markers = true}})), 0U);
  EXPECT_EQ(ids("k"), Words{});
  usage_is(0, 0);
}

TEST_F(NativeExpiryTest, the_newest_older_versions_stay_as_many_as_the_rule_says) {
  versioning(State::enabled);
  std::vector<std::string> put;
  for (int i = 0; i < 6; ++i) put.push_back(put_id("k", std::to_string(i)));
  run(origin().remove_version(key_of("k"), {}, ctx())).value();
  put.push_back(put_id("k", "6"));
  put_id("l", "x");
  days(2);
  auto two = rules({{.noncurrent_days = 1, .newer_noncurrent = 2}});
  EXPECT_EQ(find(two).size(), 4U) << "markers are not counted among those that stay";
  EXPECT_EQ(apply(two), 0U);
  auto left = ids("k");
  ASSERT_EQ(left.size(), 4U);
  EXPECT_EQ((Words{left[0], left[2], left[3]}), (Words{put[6], put[5], put[4]}));
  EXPECT_EQ(left[1].substr(0, 1), "-");
}

TEST_F(NativeExpiryTest, versions_that_become_current_stay) {
  versioning(State::enabled);
  put_id("k", "1");
  std::string second = put_id("k", "2");
  days(2);
  auto all = find(rules({{.noncurrent_days = 1}}));
  ASSERT_EQ(words(all), Words{"older k"});
  run(origin().remove_version(key_of("k"), second, ctx())).value();
  EXPECT_FALSE(expire(std::move(all[0]))) << "it is the current one now";
  EXPECT_EQ(*get("k"), "1");
}

TEST_F(NativeExpiryTest, a_marker_that_hides_something_by_now_stays) {
  versioning(State::enabled);
  run(origin().remove_version(key_of("k"), {}, ctx())).value();
  auto all = find(rules({{.lone_markers = true}}));
  ASSERT_EQ(words(all), Words{"marker k"});
  put_id("k", "1");
  EXPECT_FALSE(expire(all[0]));
  run(origin().remove_version(key_of("k"), {}, ctx())).value();
  EXPECT_FALSE(expire(all[0]));
  auto again = find(rules({{.lone_markers = true}}));
  EXPECT_EQ(words(again), Words{});
  // As at the end of a page, where what is behind it is not known.
  auto row = machine_.all(meta::schema::objects(NativeMachine::kIncarnation)).front();
  NativeDue blind{NativeDue::What::marker, key_of("k"), ids("k")[0].substr(1), row.key, row.value};
  EXPECT_FALSE(expire(std::move(blind)));
  EXPECT_EQ(ids("k").size(), 3U);
}

TEST_F(NativeExpiryTest, uploads_end_with_their_parts) {
  auto old = run(origin().create_upload(key_of("up/a"), {}, ctx())).value();
  ASSERT_TRUE(run(
      origin().put_part(key_of("up/a"), old, 1, {}, testkit::body_of(bytes_of(200'000)), ctx())));
  a_day_passes();
  days(2);
  run(origin().create_upload(key_of("up/b"), {}, ctx())).value();
  run(origin().create_upload(key_of("other"), {}, ctx())).value();
  auto two = rules({{.filter = {.prefix = "up/"}, .abort_days = 2}});
  auto all = find(two);
  ASSERT_EQ(words(all), Words{"upload up/a"});
  EXPECT_TRUE(expire(all[0]));
  EXPECT_FALSE(expire(all[0])) << "it is gone";
  EXPECT_EQ(run(origin().list_uploads({.max_uploads = 10}, ctx()))->uploads.size(), 2U);
  EXPECT_EQ(units(), 0U);
  usage_is(0, 0);
}

TEST_F(NativeExpiryTest, many_keys_and_versions_page_by_page) {
  versioning(State::enabled);
  for (int i = 0; i < 250; ++i) put_id("a", std::to_string(i));
  for (int i = 0; i < 250; ++i) put_id("k" + std::to_string(1000 + i), "x");
  days(2);
  auto both = rules({{.filter = {.prefix = "k"}, .days = 1},
                     {.filter = {.prefix = "a"}, .noncurrent_days = 1, .newer_noncurrent = 100}});
  EXPECT_EQ(find(both).size(), 250U + 149U);
  EXPECT_EQ(rows_, 500U);
  EXPECT_EQ(apply(both), 0U);
  EXPECT_EQ(ids("a").size(), 101U);
  EXPECT_EQ(find(both).size(), 0U);
}

// Versions that were counted as newer and are gone when the next page is looked at.
TEST_F(NativeExpiryTest, what_has_gone_between_two_pages_is_not_counted) {
  versioning(State::enabled);
  std::vector<std::string> put;
  for (int i = 0; i < 250; ++i) put.push_back(put_id("a", std::to_string(i)));
  days(2);
  bool removed = false;
  auto due = find(rules({{.noncurrent_days = 1, .newer_noncurrent = 100}}), [&] {
    if (std::exchange(removed, true)) return;
    // All but 20 of those that the first page has seen.
    for (size_t i = 249; i > 70; --i) {
      run(origin().remove_version(key_of("a"), put[i], ctx())).value();
    }
  });
  size_t second_page = std::ranges::count_if(due, [&](const NativeDue& one) {
    return std::ranges::find(put.begin(), put.begin() + 50, one.id) != put.begin() + 50;
  });
  EXPECT_EQ(second_page, 0U) << "of 70 older versions a hundred stay";
}

TEST_F(NativeExpiryTest, rows_that_cannot_be_read_stay_and_are_counted) {
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(put(key, "x"));
  std::string row = meta::schema::object(NativeMachine::kIncarnation, key_of("b"));
  ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().put(row, "damaged"), ctx())));
  EXPECT_EQ(found(rules({{.date = 1}})), (Words{"object a", "object c"}));
  EXPECT_EQ(damaged_, 1U);
}

TEST_F(NativeExpiryTest, a_commit_whose_answer_is_lost_is_settled_by_the_row) {
  for (State state : {State::never, State::enabled}) {
    if (state != State::never) versioning(state);
    ASSERT_TRUE(put("k", "old"));
    auto all = find(rules({{.filter = {.prefix = "k"}, .date = 1}}));
    ASSERT_EQ(all.size(), 1U);
    rows().lose_next = true;
    Result<> done = expire(std::move(all[0]));
    EXPECT_TRUE(done) << done.error().text();
    EXPECT_FALSE(get("k"));
  }
  usage_is(3, 1);
}

}  // namespace
}  // namespace forebay::object
