// Versions of a native bucket: what is kept when another comes on top, what deletes uncover, and
// what happens when others are at the same rows, or the rows do not answer.
#include <gtest/gtest.h>

#include "object/native/native_rows.h"
#include "object/native/native_world_test.h"

namespace forebay::object {
namespace {

class NativeVersions : public NativeTest {
 protected:
  using State = origin::Versioning;
  void versioning(State to) { ASSERT_TRUE(run(origin().set_versioning(to, ctx()))); }
  std::string put_id(std::string_view key, std::string text, origin::PutOptions options = {}) {
    auto done = put(key, std::move(text), std::move(options));
    EXPECT_TRUE(done) << done.error().text();
    return done ? done->version_id : "";
  }
  Result<std::string> get_id(std::string_view key, std::string id) {
    return get(key, {.version_id = std::move(id)});
  }
  /// Its bytes, or the word of the error.
  std::string text_of(std::string_view key, std::string id = {}) {
    auto text = get_id(key, std::move(id));
    return text ? *text : text.error().detail();
  }
  /// A version whose date is an hour ahead of the clock.
  NativeHead put_late(std::string_view key) {
    NativeHead late;
    late.own_id = true;
    late.modified.ns = loop().wall_now().ns + 3'600'000'000'000;
    late.copies = {std::string(32, 'a')};
    std::string row = meta::schema::object(NativeMachine::kIncarnation, key_of(key));
    EXPECT_TRUE(run(machine_.rows.commit(meta::Txn().put(row, *encode(late)), ctx())));
    return late;
  }
  origin::Removed remove_id(std::string_view key, std::string id = {}) {
    auto done = run(origin().remove_version(key_of(key), std::move(id), ctx()));
    EXPECT_TRUE(done) << done.error().text();
    return done.value_or(origin::Removed{});
  }
  template <class T>
  static void refused(const Result<T>& result, Code code, std::string_view detail) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), code) << result.error().text();
    EXPECT_EQ(result.error().detail(), detail);
  }
  std::optional<ETag> head_etag(std::string_view key) {
    auto now = head(key);
    return now ? std::optional(now->etag) : std::nullopt;
  }
  void marked(std::string_view key) {
    refused(get(key), Code::not_found, origin::kDeleteMarker);
    refused(head(key), Code::not_found, origin::kDeleteMarker);
  }
  /// Ids of a key in the order of the list; markers with a "-" before.
  std::vector<std::string> ids(std::string_view key) {
    auto page = run(origin().list_versions({.prefix = std::string(key)}, ctx()));
    EXPECT_TRUE(page);
    std::vector<std::string> out;
    for (const auto& one : page->versions) {
      EXPECT_EQ(one.latest, out.empty());
      out.push_back((one.marker ? "-" : "") + one.version_id);
    }
    return out;
  }
  /// What others do, for ProcessRows.
  using Hook = ProcessRows::Hook;
  static Task<> put_task(NativeOrigin& to, std::string key, std::string text, std::string* id,
                         Context ctx) {
    auto done = co_await co_await to.put(key_of(key), {}, testkit::body_of(text), ctx);
    if (id != nullptr) *id = done.version_id;
    co_return ok;
  }
  static Task<> remove_task(NativeOrigin& from, std::string key, std::string id, Context ctx) {
    co_await co_await from.remove_version(key_of(key), std::move(id), ctx);
    co_return ok;
  }
  Hook puts(std::string key, std::string text, std::string* id = nullptr) {
    return [this, key, text, id](auto& steps) {
      steps.push_back(put_task(origin(), key, text, id, ctx()));
    };
  }
  Hook removes(std::string key, const std::string& id) {
    return
        [this, key, &id](auto& steps) { steps.push_back(remove_task(origin(), key, id, ctx())); };
  }
  Hook says(State state) {
    return [this, state](auto& steps) { steps.push_back(origin().set_versioning(state, ctx())); };
  }
  static Hook in_turn(Hook first, Hook second) {
    return [first, second](auto& steps) {
      first(steps);
      second(steps);
    };
  }
  /// After the next scan then.
  Task<> arm(Hook hook) {
    rows().after_next_scan = std::move(hook);
    co_return ok;
  }
  size_t listed() { return run(origin().list({}, ctx()))->objects.size(); }
  void usage_is(uint64_t bytes, uint64_t objects) {
    ASSERT_TRUE(run(origin().count(ctx())));
    EXPECT_EQ(origin().usage(), (origin::Usage{bytes, objects}));
  }
  /// What a new process counts, and that nothing is there which no row names.
  void whole(uint64_t bytes, uint64_t objects) {
    usage_is(bytes, objects);
    machine_.stop();
    machine_.start();
    usage_is(bytes, objects);
    expect_swept();
  }
};

TEST_F(NativeVersions, are_kept_from_when_that_is_said_and_after_a_restart) {
  EXPECT_EQ(*run(origin().versioning(ctx())), State::never);
  EXPECT_FALSE(*run(origin().has_versions(ctx())));
  EXPECT_EQ(put_id("k", "0"), "");
  EXPECT_EQ(head("k")->version_id, "");
  for (State state : {State::enabled, State::suspended, State::enabled}) {
    versioning(state);
    EXPECT_EQ(*run(origin().versioning(ctx())), state);
    EXPECT_TRUE(*run(origin().has_versions(ctx())));
    machine_.stop();
    machine_.start();
    EXPECT_EQ(*run(origin().versioning(ctx())), state);
  }
  EXPECT_EQ(head("k")->version_id, "null");
}

TEST_F(NativeVersions, a_versioning_row_that_says_nothing_refuses_reads_and_writes) {
  std::string row = meta::schema::versioning(NativeMachine::kIncarnation);
  for (const char* text : {"x", "{}", R"({"version":1,"status":"On","change":1})",
                           R"({"version":1,"status":"Enabled"})"}) {
    ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().put(row, text), ctx())));
    EXPECT_EQ(run(origin().versioning(ctx())).error().code(), Code::corrupt) << text;
    EXPECT_EQ(put("k", "text").error().code(), Code::corrupt);
    EXPECT_EQ(remove("k").error().code(), Code::corrupt);
  }
  EXPECT_EQ(units(), 0U);
  ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().put(row, R"({"version":2})"), ctx())));
  EXPECT_EQ(run(origin().versioning(ctx())).error().code(), Code::invalid);
}

TEST_F(NativeVersions, a_lost_answer_to_versioning_is_looked_up) {
  rows().answer = fail(Code::unavailable, "lost");
  EXPECT_FALSE(run(origin().set_versioning(State::enabled, ctx())));
  rows().happens = true;
  EXPECT_TRUE(run(origin().set_versioning(State::enabled, ctx())));
  rows().answer.reset();
  EXPECT_EQ(*run(origin().versioning(ctx())), State::enabled);
}

TEST_F(NativeVersions, each_put_makes_one_and_each_is_read_by_its_id) {
  versioning(State::enabled);
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    made.push_back(put_id("k", bytes_of(1000 + static_cast<uint64_t>(i), 7)));
  }
  EXPECT_EQ(head("k")->version_id, made.back());
  for (size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(made[i].size(), 32U);
    EXPECT_TRUE(text_of("k", made[i]) == bytes_of(1000 + i, 7));
    auto info = run(origin().head(key_of("k"), {.version_id = made[i]}, ctx()));
    ASSERT_TRUE(info);
    EXPECT_EQ(info->version_id, made[i]);
    EXPECT_EQ(info->size, 1000 + i);
  }
  std::vector<std::string> newest_first(made.rbegin(), made.rend());
  EXPECT_EQ(ids("k"), newest_first);
  EXPECT_EQ(listed(), 1U);
  for (const std::string& id : {std::string("null"), std::string(32, '0'), std::string(32, 'V')}) {
    refused(get_id("k", id), Code::not_found, "NoSuchVersion");
    EXPECT_EQ(remove_id("k", std::string(32, '0')).version_id, std::string(32, '0'));
  }
  refused(get_id("k", "1"), Code::invalid, "InvalidArgument");
  refused(run(origin().remove_version(key_of("k"), "1", ctx())), Code::invalid, "InvalidArgument");
  refused(get_id("other", made[0]), Code::not_found, "NoSuchVersion");
  whole(5010, 5);
}

TEST_F(NativeVersions, deletes_by_id_uncover_what_was_before) {
  put_id("k", "null");
  versioning(State::enabled);
  std::string one = put_id("k", "one"), two = put_id("k", "two"), three = put_id("k", "three");
  EXPECT_EQ(remove_id("k", two).version_id, two);
  EXPECT_EQ(ids("k"), (std::vector<std::string>{three, one, "null"}));
  EXPECT_EQ(text_of("k"), "three");
  EXPECT_FALSE(remove_id("k", three).marker);
  EXPECT_EQ(text_of("k"), "one");
  EXPECT_EQ(head("k")->version_id, one);
  refused(get_id("k", three), Code::not_found, "NoSuchVersion");
  EXPECT_EQ(text_of("k", "null"), "null") << "the row that was uncovered knows of it";
  remove_id("k", one);
  EXPECT_EQ(text_of("k"), "null");
  EXPECT_EQ(head("k")->version_id, "null");
  remove_id("k", "null");
  refused(get("k"), Code::not_found, "NoSuchKey");
  EXPECT_TRUE(machine_.all(meta::schema::objects(NativeMachine::kIncarnation)).empty());
  EXPECT_EQ(origin().loose().retired(), 4U) << "their readers come to their end";
  whole(0, 0);
  EXPECT_EQ(units(), 0U);
}

TEST_F(NativeVersions, a_delete_puts_a_marker_and_its_delete_uncovers) {
  versioning(State::enabled);
  std::string one = put_id("k", "one");
  auto gone = remove_id("k");
  EXPECT_TRUE(gone.marker);
  EXPECT_EQ(gone.version_id.size(), 32U);
  marked("k");
  EXPECT_EQ(listed(), 0U);
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"-" + gone.version_id, one}));
  refused(get_id("k", gone.version_id), Code::invalid, origin::kDeleteMarker);
  EXPECT_GT(run(origin().marker_date(key_of("k"), gone.version_id, ctx()))->ns, 0);
  EXPECT_EQ(run(origin().marker_date(key_of("k"), one, ctx()))->ns, 0);
  EXPECT_EQ(text_of("k", one), "one");
  auto again = remove_id("k");
  EXPECT_TRUE(again.marker) << "S3 puts another on top";
  usage_is(3, 1);
  for (const std::string& id : {again.version_id, gone.version_id}) {
    auto removed = remove_id("k", id);
    EXPECT_TRUE(removed.marker);
    EXPECT_EQ(removed.version_id, id);
  }
  EXPECT_EQ(text_of("k"), "one");
  EXPECT_TRUE(remove_id("never").marker) << "also where there is nothing";
  marked("never");
  whole(3, 1);
}

TEST_F(NativeVersions, while_suspended_null_is_what_is_replaced) {
  versioning(State::enabled);
  std::string one = put_id("k", "one");
  versioning(State::suspended);
  EXPECT_EQ(put_id("k", "null 1"), "null");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"null", one}));
  EXPECT_EQ(put_id("k", "null 2"), "null");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"null", one}));
  EXPECT_EQ(text_of("k", "null"), "null 2");
  versioning(State::enabled);
  std::string two = put_id("k", "two");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{two, "null", one}));
  EXPECT_EQ(text_of("k", "null"), "null 2");
  versioning(State::suspended);
  EXPECT_EQ(put_id("k", "null 3"), "null");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"null", two, one})) << "of a key there is one";
  auto gone = remove_id("k");
  EXPECT_TRUE(gone.marker);
  EXPECT_EQ(gone.version_id, "null");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"-null", two, one}));
  marked("k");
  refused(get_id("k", "null"), Code::invalid, origin::kDeleteMarker);
  EXPECT_TRUE(remove_id("k", "null").marker);
  EXPECT_EQ(text_of("k"), "two");
  versioning(State::enabled);
  whole(6, 2);
}

TEST_F(NativeVersions, an_older_null_is_removed_by_its_name) {
  put_id("k", "null");
  versioning(State::enabled);
  std::string one = put_id("k", "one"), two = put_id("k", "two");
  EXPECT_FALSE(remove_id("k", "null").marker);
  refused(get_id("k", "null"), Code::not_found, "NoSuchVersion");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{two, one}));
  versioning(State::suspended);
  put_id("k", "null again");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"null", two, one}));
  whole(6 + 10, 3);
}

TEST_F(NativeVersions, conditions_hold_against_the_current_version) {
  versioning(State::enabled);
  put_id("k", "one");
  ETag etag = head("k")->etag;
  put_id("k", "two");
  origin::PutOptions options;
  options.conditions.if_match = etag;
  refused(put("k", "x", options), Code::conflict, "PreconditionFailed");
  remove_id("k");
  refused(put("k", "x", options), Code::not_found, "NoSuchKey");
  options.conditions = {.if_none_match_any = true};
  EXPECT_NE(put_id("k", "three", options), "") << "a marker is no object";
  refused(put("k", "x", options), Code::conflict, "PreconditionFailed");
  EXPECT_EQ(ids("k").size(), 4U);
}

TEST_F(NativeVersions, dates_are_in_the_order_of_versions_when_the_clock_goes_back) {
  versioning(State::enabled);
  NativeHead late = put_late("k");
  auto done = put("k", "now");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->modified.ns, late.modified.ns + 1);
  EXPECT_EQ(head("k")->modified, done->modified);
  EXPECT_EQ(ids("k"), (std::vector<std::string>{done->version_id, late.order()}));
}

// While versions are suspended a null version replaces another, before older ones that stay.
TEST_F(NativeVersions, a_clock_that_goes_back_loses_no_version_while_they_are_suspended) {
  versioning(State::enabled);
  NativeHead late = put_late("k");
  versioning(State::suspended);
  ASSERT_TRUE(put("k", "one"));
  auto done = put("k", "two");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->modified.ns, late.modified.ns + 2);
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"null", late.order()}));
  remove_id("k", "null");
  EXPECT_EQ(ids("k"), std::vector<std::string>{late.order()});
  EXPECT_EQ(head("k")->modified, late.modified);
}

// A row of the form before that is longer than what is written now.
TEST_F(NativeVersions, a_long_row_of_the_form_before_becomes_an_older_version) {
  NativeHead head;
  head.size = 10'000;
  head.copies = {std::string(32, 'a')};
  std::string row = encode(head).value();
  row[0] = 1;
  for (size_t i = 0; i < 4; ++i) row[4 + i] = static_cast<char>(head.size >> (8 * i));
  std::string parts = R"(,"parts":[)";
  for (int i = 0; i < 10'000; ++i) parts += R"([1,")" + std::string(32, 'b') + R"("],)";
  parts.back() = ']';
  row.insert(row.size() - 1, parts);
  ASSERT_GT(row.size(), kMaxHeadRow);
  std::string row_key = meta::schema::object(NativeMachine::kIncarnation, key_of("k"));
  ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().put(row_key, row), ctx())));
  versioning(State::enabled);
  std::string one = put_id("k", "one");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{one, "null"}));
  auto old = run(origin().head(key_of("k"), {.version_id = "null"}, ctx()));
  ASSERT_TRUE(old);
  EXPECT_EQ(old->pieces.size(), 10'000U);
}

TEST_F(NativeVersions, uploads_and_their_repetition_make_one) {
  versioning(State::enabled);
  std::string one = put_id("k", "one");
  std::string id = run(origin().create_upload(key_of("k"), {}, ctx())).value();
  auto part = run(origin().put_part(key_of("k"), id, 1, {}, testkit::body_of("part"), ctx()));
  std::vector<origin::CompletedPart> parts{{1, part->etag, {}}};
  auto done = run(origin().complete_upload(key_of("k"), id, parts, {}, ctx()));
  ASSERT_TRUE(done);
  EXPECT_EQ(ids("k"), (std::vector<std::string>{done->version_id, one}));
  put_id("k", "two");
  auto again = run(origin().complete_upload(key_of("k"), id, parts, {}, ctx()));
  ASSERT_TRUE(again) << "it stands among the older ones";
  EXPECT_EQ(again->version_id, done->version_id);
  EXPECT_EQ(ids("k").size(), 3U);
  EXPECT_EQ(text_of("k", done->version_id), "part");
  whole(3 + 4 + 3, 3);
}

TEST_F(NativeVersions, tags_are_those_of_one_version) {
  versioning(State::enabled);
  std::string one = put_id("k", "one"), two = put_id("k", "two");
  origin::TagSet tags{{"a", "b"}};
  ASSERT_TRUE(run(origin().set_tags_of_version(key_of("k"), one, tags, ctx())));
  EXPECT_EQ(*run(origin().tags_of_version(key_of("k"), one, ctx())), tags);
  EXPECT_TRUE(run(origin().tags(key_of("k"), ctx()))->empty());
  EXPECT_EQ(text_of("k", one), "one");
  remove_id("k", two);
  EXPECT_EQ(*run(origin().tags(key_of("k"), ctx())), tags);
  std::string marker = remove_id("k").version_id;
  refused(run(origin().tags_of_version(key_of("k"), marker, ctx())), Code::invalid,
          origin::kDeleteMarker);
  refused(run(origin().set_tags(key_of("k"), tags, ctx())), Code::not_found, origin::kDeleteMarker);
}

// --- others at the same rows

// A commit whose answer is lost, and on top of which another has come before it is looked up.
TEST_F(NativeVersions, a_commit_that_was_overtaken_is_found_among_the_older_ones) {
  for (State state : {State::enabled, State::suspended}) {
    versioning(State::enabled);
    put_id("k", "before");
    versioning(state);
    rows().lose_next = true;
    rows().after_next_commit = in_turn(says(State::enabled), puts("k", ""));
    auto done = put("k", "written");
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(text_of("k", done->version_id), "written");
    EXPECT_EQ(text_of("k"), "");
    expect_swept_but(origin().loose().retired());
  }
}

TEST_F(NativeVersions, tags_whose_answer_was_lost_are_found_among_the_older_ones) {
  versioning(State::enabled);
  std::string one = put_id("k", "one");
  origin::TagSet tags{{"a", "b"}};
  rows().lose_next = true;
  rows().after_next_commit = puts("k", "on top");
  ASSERT_TRUE(run(origin().set_tags(key_of("k"), tags, ctx())));
  EXPECT_EQ(*run(origin().tags_of_version(key_of("k"), one, ctx())), tags);
}

// Tags must not bring back a row that has moved, or been replaced, since it was read.
TEST_F(NativeVersions, tags_are_set_on_the_row_that_was_read_or_not_at_all) {
  versioning(State::enabled);
  std::string one = put_id("k", "one"), two = put_id("k", "two");
  origin::TagSet tags{{"a", "b"}};
  rows().before_next_commit = removes("k", one);
  refused(run(origin().set_tags_of_version(key_of("k"), one, tags, ctx())), Code::not_found,
          "NoSuchVersion");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{two}));
  std::string three = put_id("k", "three");
  rows().before_next_commit = removes("k", three);  // `two` becomes the current one
  ASSERT_TRUE(run(origin().set_tags_of_version(key_of("k"), two, tags, ctx())));
  EXPECT_EQ(*run(origin().tags(key_of("k"), ctx())), tags);
  rows().before_next_commit = puts("k", "four");  // `two` is an older one again
  ASSERT_TRUE(run(origin().set_tags_of_version(key_of("k"), two, {{"c", "d"}}, ctx())));
  EXPECT_EQ(*run(origin().tags_of_version(key_of("k"), two, ctx())), (origin::TagSet{{"c", "d"}}));
  EXPECT_TRUE(run(origin().tags(key_of("k"), ctx()))->empty());
  EXPECT_EQ(ids("k").size(), 2U);
}

TEST_F(NativeVersions, deletes_and_puts_beside_one_another_lose_nothing) {
  versioning(State::enabled);
  std::string one = put_id("k", "one"), two = put_id("k", "two"), three;
  rows().before_next_commit = puts("k", "three", &three);
  remove_id("k", two);  // an older one by then
  EXPECT_EQ(ids("k"), (std::vector<std::string>{three, one}));
  rows().before_next_commit = removes("k", three);
  remove_id("k", one);  // the current one by then
  EXPECT_TRUE(ids("k").empty());
  one = put_id("k", "one");
  two = put_id("k", "two");
  rows().before_next_commit = removes("k", one);
  remove_id("k", two);  // `one` would have been uncovered
  EXPECT_TRUE(ids("k").empty());
  whole(0, 0);
}

TEST_F(NativeVersions, a_delete_of_an_older_null_beside_a_put_loses_nothing) {
  put_id("k", "null");
  versioning(State::enabled);
  std::string one = put_id("k", "one"), two;
  rows().before_next_commit = puts("k", "two", &two);
  remove_id("k", "null");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{two, one}));
  EXPECT_EQ(text_of("k"), "two");
}

TEST_F(NativeVersions, one_that_becomes_current_while_it_is_looked_for_is_found) {
  versioning(State::enabled);
  std::string one = put_id("k", "one"), two = put_id("k", "two");
  rows().after_next_get = removes("k", two);
  EXPECT_EQ(text_of("k", one), "one");
  EXPECT_EQ(rows().after_next_get, nullptr);
}

TEST_F(NativeVersions, a_put_begun_before_versions_were_kept_replaces_none_that_has_an_id) {
  put_id("k", "null");
  std::string one;
  rows().before_next_commit =
      in_turn(in_turn(says(State::enabled), puts("k", "one", &one)), says(State::suspended));
  EXPECT_EQ(put_id("k", "late"), "null");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"null", one}));
  EXPECT_EQ(text_of("k", one), "one");
}

TEST_F(NativeVersions, a_delete_begun_before_versions_were_kept_leaves_a_marker) {
  put_id("k", "null");
  rows().before_next_commit = in_turn(says(State::enabled), puts("k", "one"));
  EXPECT_TRUE(remove_id("k").marker);
  EXPECT_EQ(ids("k").size(), 3U);
}

TEST_F(NativeVersions, a_delete_whose_answer_was_lost_is_looked_up) {
  versioning(State::enabled);
  put_id("k", "one");
  std::string two = put_id("k", "two");
  rows().answer = fail(Code::unavailable, "lost");
  refused(run(origin().remove_version(key_of("k"), two, ctx())), Code::unavailable, "");
  rows().happens = true;
  EXPECT_EQ(run(origin().remove_version(key_of("k"), two, ctx()))->version_id, two);
  EXPECT_TRUE(run(origin().remove_version(key_of("k"), "", ctx()))->marker);
  rows().answer.reset();
  EXPECT_EQ(ids("k").size(), 2U);
  expect_swept_but(origin().loose().retired());
}

TEST_F(NativeVersions, a_delete_on_a_condition_is_of_what_is_current_when_it_is_done) {
  auto remove_if = [&](const ETag& wanted) {
    return run(origin().remove_matching(key_of("k"), wanted, ctx()));
  };
  auto etag_of = [&](std::string_view text) {
    return ETag("\"" + to_hex(as_bytes(testkit::md5(text))) + "\"");
  };
  put_id("k", "null");
  // Another comes between the look and the commit.
  rows().before_next_commit = puts("k", "other");
  refused(remove_if(etag_of("null")), Code::conflict, "PreconditionFailed");
  EXPECT_EQ(*get("k"), "other");
  rows().before_next_commit = puts("k", "again");
  EXPECT_FALSE(remove_if(ETag("*"))->marker);
  refused(get("k"), Code::not_found, "NoSuchKey");
  versioning(State::enabled);
  refused(remove_if(ETag("*")), Code::not_found, "NoSuchKey");
  EXPECT_TRUE(ids("k").empty());
  std::string one = put_id("k", "one"), two;
  rows().before_next_commit = puts("k", "two", &two);
  refused(remove_if(etag_of("one")), Code::conflict, "PreconditionFailed");
  EXPECT_EQ(ids("k"), (std::vector<std::string>{two, one}));
  rows().lose_next = true;
  auto marked = remove_if(etag_of("two"));
  ASSERT_TRUE(marked && marked->marker);
  EXPECT_EQ(ids("k"), (std::vector<std::string>{"-" + marked->version_id, two, one}));
  for (const ETag& wanted : {etag_of("two"), ETag("*")}) {
    refused(remove_if(wanted), Code::not_found, "NoSuchKey");
  }
  versioning(State::suspended);
  refused(remove_if(ETag("*")), Code::not_found, "NoSuchKey");
  put_id("k", "three");
  EXPECT_EQ(remove_if(ETag("*"))->version_id, "null");
  expect_swept_but(origin().loose().retired());
}

TEST_F(NativeVersions, a_delete_on_a_condition_begun_before_versions_were_kept) {
  put_id("k", "null");
  rows().before_next_commit = in_turn(says(State::enabled), puts("k", "one"));
  refused(run(origin().remove_matching(key_of("k"), *head_etag("k"), ctx())), Code::conflict,
          "PreconditionFailed");
  EXPECT_EQ(*get("k"), "one");
  EXPECT_EQ(ids("k").size(), 2U);
}

TEST_F(NativeVersions, older_ones_take_room_and_give_it_back) {
  ASSERT_TRUE(run(origin().count(ctx())));
  ASSERT_TRUE(origin().limit({.bytes = 100, .objects = 3}));
  versioning(State::enabled);
  std::string one = put_id("k", bytes_of(60));
  refused(put("k", bytes_of(41)), Code::denied, "QuotaExceeded");
  put_id("k", bytes_of(40));
  refused(put("k", "1"), Code::denied, "QuotaExceeded");
  put_id("k", "");
  refused(put("k", ""), Code::denied, "QuotaExceeded");
  EXPECT_TRUE(remove_id("k").marker) << "no delete is refused";
  usage_is(100, 3);
  remove_id("k", one);
  usage_is(40, 2);
  EXPECT_NE(put_id("k", bytes_of(60)), "");
}

// Ten thousand of one key: neither a page nor a delete reads them all.
TEST_F(NativeVersions, many_of_one_key_are_not_read_for_a_page_or_a_delete) {
  versioning(State::enabled);
  constexpr int kMany = 10'000;
  NativeHead head;
  head.own_id = true;
  head.copies = {std::string(32, 'a')};
  std::vector<std::string> made;
  for (int i = 0; i < kMany; ++i) {
    head.modified.ns = 1'000'000 - i;
    head.write[0] = static_cast<std::byte>(i);
    made.push_back(head.order());
    std::string row =
        i == 0 ? meta::schema::object(NativeMachine::kIncarnation, key_of("k"))
               : meta::schema::object_version(NativeMachine::kIncarnation, key_of("k"), made[i]);
    ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().put(row, *encode(head)), ctx())));
  }
  put_id("l", "behind it");
  rows().read = 0;
  EXPECT_EQ(listed(), 2U);
  EXPECT_LE(rows().read, 1100U) << "a list jumps over them";
  rows().read = 0;
  auto page = run(origin().list_versions(
      {.key_marker = "k", .version_marker = made[5000], .max_keys = 10}, ctx()));
  ASSERT_EQ(page->versions.size(), 10U);
  EXPECT_EQ(page->versions[0].version_id, made[5001]);
  EXPECT_TRUE(page->truncated);
  remove_id("k", made[0]);
  remove_id("k", made[7000]);
  EXPECT_LE(rows().read, 40U);
  EXPECT_EQ(this->head("k")->version_id, made[1]);
}

// --- lists

class NativeVersionLists : public NativeVersions {
 protected:
  using Names = std::vector<std::string>;
  /// Every key and id, page by page.
  Names all(origin::ListVersionsOptions options) {
    Names out;
    for (int pages = 0; pages < 10'000; ++pages) {
      auto page = run(origin().list_versions(options, ctx()));
      EXPECT_TRUE(page) << page.error().text();
      if (!page) return out;
      size_t entries = page->versions.size() + page->prefixes.size();
      EXPECT_LE(entries, options.max_keys);
      for (const auto& one : page->versions) {
        out.push_back(one.object.key + " " + (one.marker ? "-" : "") + one.version_id +
                      (one.latest ? " latest" : ""));
      }
      for (const std::string& prefix : page->prefixes) out.push_back(prefix);
      if (!page->truncated) return out;
      EXPECT_EQ(entries, options.max_keys) << "a page that is cut off is full";
      options.key_marker = page->next_key;
      options.version_marker = page->next_version;
    }
    ADD_FAILURE() << "a list does not end";
    return out;
  }
};

TEST_F(NativeVersionLists, pages_of_any_size_are_the_same_list) {
  Names expected;
  for (int i = 0; i < 12; ++i) put_id("k" + std::to_string(i), "null");
  versioning(State::enabled);
  std::map<std::string, Names> made;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 12; i += 1 + round) {
      std::string key = "k" + std::to_string(i);
      bool marker = (i + round) % 3 == 0;
      std::string id = marker ? "-" + remove_id(key).version_id : put_id(key, "text");
      made[key].insert(made[key].begin(), id);
    }
  }
  for (int i = 0; i < 12; ++i) made["k" + std::to_string(i)].emplace_back("null");
  for (const auto& [key, list] : made) {
    for (size_t i = 0; i < list.size(); ++i) {
      expected.push_back(key + " " + list[i] + (i == 0 ? " latest" : ""));
    }
  }
  for (uint32_t size : {1000U, 5U, 3U, 2U, 1U})
    EXPECT_EQ(all({.max_keys = size}), expected) << size;
  EXPECT_EQ(all({.prefix = "k1", .max_keys = 2}).size(),
            made["k1"].size() + made["k10"].size() + made["k11"].size());
  EXPECT_EQ(all({.key_marker = "k9"}), Names{});
  EXPECT_EQ(all({.prefix = std::string("k1\0", 3)}), Names{});
  EXPECT_EQ(all({.max_keys = 0}), Names{});
}

TEST_F(NativeVersionLists, common_prefixes_stand_for_versions_and_markers) {
  versioning(State::enabled);
  for (std::string key : {"a", "b/1", "b/2", "c/1", "d"}) {
    put_id(key, "1");
    put_id(key, "2");
  }
  remove_id("c/1");
  for (uint32_t size : {1000U, 2U, 1U}) {
    Names found = all({.delimiter = "/", .max_keys = size});
    ASSERT_EQ(found.size(), 6U) << size;
    EXPECT_EQ(std::ranges::count(found, "b/"), 1);
    EXPECT_EQ(std::ranges::count(found, "c/"), 1) << "though a list of objects has none";
  }
  auto objects = run(origin().list({.delimiter = "/"}, ctx()));
  EXPECT_EQ(objects->prefixes, Names{"b/"});
  EXPECT_EQ(objects->objects.size(), 2U);
  EXPECT_EQ(all({.prefix = "b/", .delimiter = "/"}).size(), 4U);
}

TEST_F(NativeVersionLists, markers_of_a_page_are_ids_or_null) {
  put_id("k", "null");
  versioning(State::enabled);
  put_id("k", "one");
  std::string two = put_id("k", "two");
  put_id("l", "x");
  EXPECT_EQ(all({.key_marker = "k", .version_marker = two}).size(), 3U);
  EXPECT_EQ(all({.key_marker = "k", .version_marker = "null"}).size(), 1U);
  EXPECT_EQ(all({.key_marker = "k"}).size(), 1U);
  EXPECT_EQ(all({.key_marker = "j", .version_marker = "null"}).size(), 4U);
  refused(run(origin().list_versions({.key_marker = "k", .version_marker = "1"}, ctx())),
          Code::invalid, "InvalidArgument");
}

// Whoever deletes page by page finds the rest, also where what stood at the marker has gone.
TEST_F(NativeVersionLists, what_is_deleted_between_pages_hides_nothing) {
  for (State state : {State::suspended, State::enabled}) {
    versioning(state);
    put_id("k", "first");
    versioning(State::enabled);
    for (int i = 0; i < 7; ++i) put_id("k", "text");
    origin::ListVersionsOptions options{.max_keys = 3};
    size_t removed = 0;
    for (bool more = true; more;) {
      auto page = run(origin().list_versions(options, ctx()));
      for (const auto& one : page->versions) remove_id("k", one.version_id), ++removed;
      more = page->truncated;
      options.key_marker = page->next_key;
      options.version_marker = page->next_version;
    }
    EXPECT_EQ(removed, 8U);
    EXPECT_TRUE(ids("k").empty());
  }
}

// Between the scans of one page the current version goes, and the one behind it takes its place.
TEST_F(NativeVersionLists, a_version_that_moves_during_a_page_is_in_it) {
  versioning(State::enabled);
  for (int i = 0; i < 3; ++i) put_id("k", "text");
  std::vector<std::string> before = ids("k");
  // The page begins behind the current one.
  rows().before_next_scan = removes("k", before[0]);
  auto page = run(origin().list_versions({.key_marker = "k", .version_marker = before[0]}, ctx()));
  ASSERT_EQ(page->versions.size(), 2U);
  EXPECT_EQ(page->versions[0].version_id, before[1]);
  EXPECT_TRUE(page->versions[0].latest);
  EXPECT_EQ(page->versions[1].version_id, before[2]);
}

// The same beside a sweep, which must not take it for garbage.
TEST_F(NativeVersionLists, a_version_that_moves_during_a_sweep_keeps_its_bytes) {
  for (int moves = 1; moves <= 2; ++moves) {
    std::string key = "k" + std::to_string(moves);
    for (int i = 0; i < 99; ++i) put_id("a" + std::to_string(i), "");
    versioning(State::enabled);
    std::string one = put_id(key, "one"), two = put_id(key, "two");
    // A page ends with `two`; then that goes, and with two moves another comes on top.
    rows().after_scan_ends = meta::schema::object(NativeMachine::kIncarnation, key_of(key));
    rows().after_next_scan = [&](auto&) {
      rows().after_scan_ends.clear();
      rows().before_next_scan = removes(key, two);
      if (moves == 1) return;
      rows().before_next_scan = in_turn(
          removes(key, two), [&](auto& steps) { steps.push_back(arm(puts(key, "three"))); });
    };
    ASSERT_TRUE(run(origin().sweep(ctx())));
    EXPECT_EQ(rows().before_next_scan, nullptr) << "a page has ended there";
    EXPECT_EQ(text_of(key, one), "one");
    for (const auto& row : machine_.all(meta::schema::objects(NativeMachine::kIncarnation))) {
      ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().remove(row.key), ctx())));
    }
  }
}

}  // namespace
}  // namespace forebay::object
