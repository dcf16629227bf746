#include "object/lifecycle.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/encoding.h"

namespace forebay::object {
namespace {

WallTime at(std::string_view text) { return parse_iso8601(text).value(); }
Day day(std::string_view date) { return day_of(at(std::string(date) + "T00:00:00Z")); }

TEST(Lifecycle, days_end_at_the_midnight_after) {
  struct Vector {
    const char* when;
    uint32_t days;
    const char* end;
  };
  for (const Vector& v : {
           Vector{"2014-01-15T10:30:00Z", 3, "2014-01-19"},  // the example of S3's guide
           Vector{"2014-01-15T00:00:00Z", 1, "2014-01-17"},
           Vector{"2014-01-15T23:59:59.999Z", 1, "2014-01-17"},
           Vector{"2016-02-28T12:00:00Z", 1, "2016-03-01"},
           Vector{"2016-02-27T12:00:00Z", 1, "2016-02-29"},
           Vector{"1970-01-01T00:00:00Z", 365, "1971-01-02"},
       }) {
    EXPECT_EQ(end_of(at(v.when), v.days), day(v.end)) << v.when;
  }
  EXPECT_EQ(day_of({-1}), -1);
  EXPECT_EQ(end_of({-1}, 1), 1);
  EXPECT_EQ(day_of({0}), 0);
  EXPECT_EQ(iso8601(midnight(20454)), "2026-01-01T00:00:00.000Z");
  // Nothing overflows, and what is far away stays far away.
  constexpr uint32_t kMost = 0x7fffffff;
  EXPECT_EQ(end_of({std::numeric_limits<int64_t>::max()}, kMost), 106'751 + Day{kMost} + 1);
  EXPECT_EQ(iso8601(midnight(end_of({0}, kMost))), "2262-04-11T00:00:00.000Z");
  EXPECT_EQ(midnight(-1'000'000'000), midnight(-106'751));
}

/// One rule about everything.
Lifecycle one(LifecycleRule rule) {
  Lifecycle out;
  out.rules.push_back(std::move(rule));
  return out;
}
Aging version(std::string_view key, uint64_t size = 10) {
  return {.key = key, .size = size, .modified = at("2026-01-10T12:00:00Z")};
}
/// The day on which it ends, or "never".
std::string told(const std::optional<Ending>& ending) {
  return ending ? iso8601(midnight(ending->day)).substr(0, 10) : "never";
}

TEST(Lifecycle, a_filter_is_met_as_a_whole) {
  const origin::TagSet none, both{{"a", "1"}, {"b", "2"}}, other{{"a", "2"}, {"b", "2"}};
  struct Vector {
    LifecycleFilter filter;
    std::string_view key;
    uint64_t size;
    const origin::TagSet* tags;
    bool met;
  };
  LifecycleFilter logs{.prefix = "logs/"}, sizes{.larger = 10, .smaller = 20},
      a{.tags = {{"a", "1"}}}, ab{.tags = {{"a", "1"}, {"b", "2"}}},
      all{.prefix = "logs/", .tags = {{"a", "1"}}, .larger = 10};
  for (const Vector& v : {
           Vector{{}, "any", 0, &none, true},
           Vector{{.prefix = ""}, "any", 0, nullptr, true},
           Vector{logs, "logs/", 1, &none, true},
           Vector{logs, "logs/x", 1, &none, true},
           Vector{logs, "logs", 1, &none, false},
           Vector{logs, "Logs/x", 1, &none, false},
           Vector{logs, "x/logs/", 1, &none, false},
           Vector{sizes, "k", 10, &none, false},
           Vector{sizes, "k", 11, &none, true},
           Vector{sizes, "k", 19, &none, true},
           Vector{sizes, "k", 20, &none, false},
           Vector{{.larger = 0}, "k", 0, &none, false},
           Vector{{.smaller = 1}, "k", 0, &none, true},
           Vector{a, "k", 1, &both, true},
           Vector{a, "k", 1, &other, false},
           Vector{a, "k", 1, &none, false},
           Vector{a, "k", 1, nullptr, false},
           Vector{ab, "k", 1, &both, true},
           Vector{ab, "k", 1, &other, false},
           Vector{all, "logs/x", 11, &both, true},
           Vector{all, "logs/x", 10, &both, false},
           Vector{all, "logx", 11, &both, false},
           Vector{all, "logs/x", 11, &other, false},
       }) {
    Aging about{.key = v.key, .size = v.size, .tags = v.tags, .modified = {}};
    EXPECT_EQ(ending_of(one({.filter = v.filter, .days = 1}), about).has_value(), v.met)
        << v.key << " " << v.size;
    EXPECT_EQ(
        ending_of_older(one({.filter = v.filter, .noncurrent_days = 1}), about, {}, 0).has_value(),
        v.met);
    EXPECT_FALSE(ending_of(one({.enabled = false, .filter = v.filter, .days = 1}), about));
    about.marker = true;
    bool plain = v.filter.tags.empty() && !v.filter.sizes();
    EXPECT_EQ(ending_of_marker(one({.filter = v.filter, .days = 1}), about).has_value(),
              v.met && plain);
  }
}

TEST(Lifecycle, of_several_rules_the_first_day_counts) {
  Lifecycle rules;
  rules.rules = {{.id = "a", .filter = {.prefix = "k"}, .days = 5},
                 {.id = "b", .filter = {}, .days = 3},
                 {.id = "off", .enabled = false, .days = 1},
                 {.id = "c", .filter = {.prefix = "k"}, .days = 3},
                 {.id = "d", .filter = {.prefix = "z"}, .date = day("2026-01-11")}};
  auto ending = ending_of(rules, version("k"));
  ASSERT_TRUE(ending);
  EXPECT_EQ(told(ending), "2026-01-14");
  EXPECT_EQ(ending->rule->id, "b");
  EXPECT_EQ(told(ending_of(rules, version("z"))), "2026-01-11");
  EXPECT_EQ(told(ending_of({}, version("k"))), "never");
  // A date that is over is told as it is.
  EXPECT_EQ(told(ending_of(one({.date = day("2020-02-29")}), version("k"))), "2020-02-29");
  // Rules about other things say nothing of it.
  EXPECT_EQ(told(ending_of(one({.noncurrent_days = 1, .abort_days = 1}), version("k"))), "never");
  EXPECT_EQ(told(ending_of(one({.lone_markers = true}), version("k"))), "never");
}

TEST(Lifecycle, markers_that_are_alone) {
  Aging marker = version("k");
  marker.marker = true;
  EXPECT_EQ(told(ending_of_marker(one({.lone_markers = true}), marker)), "2026-01-10");
  EXPECT_EQ(told(ending_of_marker(one({.lone_markers = false}), marker)), "never");
  EXPECT_EQ(told(ending_of_marker(one({.days = 2}), marker)), "2026-01-13");
  EXPECT_EQ(told(ending_of_marker(one({.date = day("2026-01-12")}), marker)), "2026-01-12");
  EXPECT_EQ(told(ending_of_marker(one({.noncurrent_days = 1}), marker)), "never");
  EXPECT_EQ(told(ending_of_marker(one({.filter = {.prefix = "l"}, .lone_markers = true}), marker)),
            "never");
}

TEST(Lifecycle, older_versions_end_by_when_they_were_replaced_and_how_many_are_newer) {
  const WallTime replaced = at("2026-03-01T08:00:00Z");
  Lifecycle days = one({.noncurrent_days = 2});
  EXPECT_EQ(told(ending_of_older(days, version("k"), replaced, 0)), "2026-03-04");
  Lifecycle three = one({.noncurrent_days = 2, .newer_noncurrent = 3});
  EXPECT_EQ(told(ending_of_older(three, version("k"), replaced, 2)), "never");
  EXPECT_EQ(told(ending_of_older(three, version("k"), replaced, 3)), "2026-03-04");
  Aging marker = version("k");
  marker.marker = true;
  EXPECT_EQ(told(ending_of_older(days, marker, replaced, 0)), "2026-03-04");
  EXPECT_EQ(told(ending_of_older(one({.days = 1}), version("k"), replaced, 9)), "never");
}

TEST(Lifecycle, uploads) {
  Lifecycle rules = one({.filter = {.prefix = "up/"}, .abort_days = 7});
  WallTime began = at("2026-01-31T23:00:00Z");
  EXPECT_EQ(told(ending_of_upload(rules, "up/x", began)), "2026-02-08");
  EXPECT_EQ(told(ending_of_upload(rules, "down/x", began)), "never");
  rules.rules[0].enabled = false;
  EXPECT_EQ(told(ending_of_upload(rules, "up/x", began)), "never");
  EXPECT_EQ(told(ending_of_upload(one({.days = 1}), "up/x", began)), "never");
}

TEST(Lifecycle, prefixes_of_which_none_covers_another) {
  using Texts = std::vector<std::string>;
  Lifecycle rules;
  auto add = [&](const char* prefix, LifecycleRule rule) {
    rule.filter.prefix = prefix;
    rules.rules.push_back(std::move(rule));
  };
  EXPECT_EQ(object_prefixes(rules), Texts());
  add("b", {.days = 1});
  add("a/b/", {.noncurrent_days = 1});
  add("a/", {.date = 1});
  add("a/c", {.lone_markers = true});
  add("a", {.enabled = false, .days = 1});
  add("c", {.abort_days = 1});
  add("d", {.lone_markers = false});
  EXPECT_EQ(object_prefixes(rules), (Texts{"a/", "b"}));
  EXPECT_EQ(upload_prefixes(rules), Texts{"c"});
  rules.rules.push_back({.days = 1, .abort_days = 1});
  EXPECT_EQ(object_prefixes(rules), Texts{""});
  EXPECT_EQ(upload_prefixes(rules), Texts{""});
}

TEST(Lifecycle, only_rules_in_force_make_tags_be_read) {
  LifecycleRule tagged{.filter = {.tags = {{"a", "b"}}}, .days = 1};
  EXPECT_TRUE(looks_at_tags(one(tagged)));
  tagged.enabled = false;
  EXPECT_FALSE(looks_at_tags(one(tagged)));
}

TEST(Lifecycle, the_row_tells_all_of_it) {
  using Form = LifecycleFilter::Form;
  Lifecycle all;
  all.varies = true;
  all.rules = {{.id = "a \"b\" \\ é",
                .enabled = false,
                .filter = {.form = Form::all,
                           .prefix = "x\n",
                           .tags = {{"a", ""}, {"b", "c"}},
                           .larger = 0,
                           .smaller = std::numeric_limits<uint64_t>::max()},
                .days = 0x7fffffff,
                .noncurrent_days = 1,
                .newer_noncurrent = 100},
               {.id = "b", .filter = {.form = Form::rule, .prefix = ""}, .date = -5},
               {.id = "c", .lone_markers = false, .abort_days = 3}};
  Json json = *Json::parse(lifecycle_json(all).dump());
  auto read = lifecycle_of(&json);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(**read, all);
  EXPECT_EQ(*lifecycle_of(nullptr), nullptr);
  Json null;
  EXPECT_EQ(*lifecycle_of(&null), nullptr);
}

// A rule that was half understood would remove what it must not.
TEST(Lifecycle, a_row_that_is_not_understood_is_refused) {
  auto refused = [](std::string rule) {
    auto json = Json::parse(R"({"varies":false,"rules":[)" + rule + "]}");
    ASSERT_TRUE(json) << rule;
    auto read = lifecycle_of(&*json);
    ASSERT_FALSE(read) << rule;
    EXPECT_EQ(read.error().code(), Code::invalid);
  };
  const std::string good = R"("id":"a","enabled":true,"form":"single")";
  for (const char* bad :
       {R"(,"days":-1)", R"(,"days":"1")", R"(,"days":4294967296)", R"(,"date":"x")",
        R"(,"tags":[["a"]])", R"(,"tags":{})", R"(,"tags":[["a",1]])", R"(,"larger":-1)",
        R"(,"prefix":1)", R"(,"lone_markers":1)", R"(,"later":1)", R"(,"abort_days":null)"}) {
    refused("{" + good + bad + "}");
  }
  refused(R"({"id":"a","enabled":true,"form":"other"})");
  refused(R"({"enabled":true,"form":"single"})");
  refused(R"({"id":"a","form":"single"})");
  refused(R"({"id":"a","enabled":true})");
  refused(R"({"id":"a","enabled":"yes","form":"single"})");
  refused("1");
  for (const char* bad :
       {"[]", "1", R"({"rules":[]})", R"({"varies":true})", R"({"varies":true,"rules":{}})"}) {
    auto json = Json::parse(bad);
    EXPECT_FALSE(lifecycle_of(&*json)) << bad;
  }
}

}  // namespace
}  // namespace forebay::object
