// Puts, removals and tags of a native bucket: what is kept, what goes when, and what happens when
// others are at the same row, or the rows do not answer.
#include <gtest/gtest.h>

#include "object/native/native_rows.h"
#include "object/native/native_world_test.h"

namespace forebay::object {
namespace {

class NativeWrite : public NativeTest {
 protected:
  /// What is due by then is removed.
  void grow_older(Duration time) {
    sleep(time);
    origin().remove_due(loop().now());
  }
  std::string row_key(std::string_view key) {
    return meta::schema::object(NativeMachine::kIncarnation, key_of(key));
  }
  NativeHead row(std::string_view key) {
    Context none{.loop = &loop()};
    auto found = run(machine_.rows.get(row_key(key), none));
    return parse_native_head(found->value()).value();
  }
  /// Puts a row as another process would, that many times before the next commits.
  void meddle(std::string_view key, int times) {
    rows().before_commit = [this, key = std::string(key),
                            times](const meta::Txn&) mutable -> std::optional<meta::Txn> {
      if (times-- <= 0) return std::nullopt;
      NativeHead other;
      other.copies = {std::string(32, 'a')};
      loop().random_bytes(other.write);
      return meta::Txn().put(row_key(key), encode(other).value());
    };
  }
};

TEST_F(NativeWrite, sizes_around_those_of_units_come_back) {
  for (uint64_t size :
       {uint64_t{1}, NativeMachine::kSmallMax, NativeMachine::kSmallMax + 1, kNativeUnit - 1,
        kNativeUnit, kNativeUnit + 1, 3 * kNativeUnit, 3 * kNativeUnit + 1}) {
    std::string text = bytes_of(size, size);
    auto put = this->put("k", text);
    ASSERT_TRUE(put) << put.error().text();
    EXPECT_TRUE(*get("k") == text) << size;
    EXPECT_EQ(machine_.named().size(), (size + kNativeUnit - 1) / kNativeUnit);
    EXPECT_EQ(put->etag.text(), "\"" + to_hex(as_bytes(testkit::md5(text))) + "\"");
    EXPECT_EQ(put->tag, head("k")->tag);
    EXPECT_EQ(put->modified, head("k")->modified);
  }
}

TEST_F(NativeWrite, an_empty_object_has_no_unit) {
  ASSERT_TRUE(put("empty", ""));
  EXPECT_EQ(units(), 0U);
  EXPECT_EQ(*get("empty"), "");
  EXPECT_EQ(head("empty")->etag.text(), "\"d41d8cd98f00b204e9800998ecf8427e\"");
  EXPECT_TRUE(remove("empty"));
}

TEST_F(NativeWrite, ranges_across_units_come_back) {
  std::string text = bytes_of(5 * kNativeUnit / 2);
  ASSERT_TRUE(put("k", text));
  for (ByteRange range :
       {ByteRange{0, 1}, ByteRange{kNativeUnit - 1, 2}, ByteRange{kNativeUnit - 1, kNativeUnit + 2},
        ByteRange{kNativeUnit / 2, 2 * kNativeUnit}, ByteRange{text.size() - 1, 1}}) {
    EXPECT_TRUE(*get("k", {.range = range}) == text.substr(range.offset, range.length))
        << range.offset;
  }
}

TEST_F(NativeWrite, a_body_of_another_length_keeps_nothing) {
  for (int more : {-1, 1}) {
    for (uint64_t size : {uint64_t{100}, kNativeUnit, 2 * kNativeUnit + 50}) {
      io::Body body = testkit::body_of(bytes_of(size), 7000);
      body.length = size + static_cast<uint64_t>(more);
      auto done = run(origin().put(key_of("k"), {}, std::move(body), ctx()));
      ASSERT_FALSE(done) << size;
      EXPECT_EQ(done.error().detail(), "IncompleteBody");
      EXPECT_FALSE(head("k"));
      EXPECT_EQ(units(), 0U) << size;
    }
  }
  io::Body empty = testkit::body_of("not empty");
  empty.length = 0;
  EXPECT_EQ(run(origin().put(key_of("k"), {}, std::move(empty), ctx())).error().detail(),
            "IncompleteBody");
}

TEST_F(NativeWrite, a_body_that_fails_keeps_nothing_and_leaves_what_was_there) {
  ASSERT_TRUE(put("k", "before"));
  for (uint64_t size : {uint64_t{0}, uint64_t{100}, kNativeUnit, 3 * kNativeUnit}) {
    auto done =
        run(origin().put(key_of("k"), {}, testkit::body_of(bytes_of(size), 9000, true), ctx()));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().detail(), "IncompleteBody");
    EXPECT_EQ(units(), 1U);
  }
  EXPECT_EQ(*get("k"), "before");
}

TEST_F(NativeWrite, no_object_is_larger_than_any) {
  io::Body body = testkit::body_of("");
  body.length = origin::kMaxObjectBytes + 1;
  auto done = run(origin().put(key_of("k"), {}, std::move(body), ctx()));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::too_large);
}

TEST_F(NativeWrite, metadata_past_its_limit_is_refused_before_the_body) {
  origin::PutOptions options;
  options.fields["x-amz-meta-a"] = std::string(kMaxHeadRow, 'm');
  auto done = put("k", "text", options);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail(), "MetadataTooLarge");
  EXPECT_EQ(units(), 0U);
}

TEST_F(NativeWrite, fields_it_cannot_keep_are_refused) {
  auto refused = [&](origin::Fields fields) {
    auto done = put("k", "text", {.fields = std::move(fields)});
    return done ? std::string() : done.error().detail();
  };
  EXPECT_EQ(refused({{"x-amz-storage-class", "GLACIER"}}), "InvalidStorageClass");
  EXPECT_EQ(refused({{"x-amz-server-side-encryption", "AES256"}}), "NotImplemented");
  EXPECT_EQ(refused({{"x-amz-meta-a", "\xff"}}), "InvalidArgument");
  EXPECT_EQ(put("k", "text", {.tags = {{"a", "\xff"}}}).error().detail(), "InvalidTag");
  EXPECT_EQ(refused({{"x-amz-storage-class", "STANDARD"}}), "");
  EXPECT_FALSE(head("k")->fields.contains("x-amz-storage-class"));
}

TEST_F(NativeWrite, what_is_replaced_goes_after_its_grace) {
  std::string first = bytes_of(2 * kNativeUnit, 1), second = bytes_of(2 * kNativeUnit, 2);
  ASSERT_TRUE(put("k", first));
  auto open = run(origin().get(key_of("k"), {}, ctx()));
  ASSERT_TRUE(open);
  ASSERT_TRUE(put("k", second));
  EXPECT_EQ(units(), 4U);
  EXPECT_EQ(origin().loose().retired(), 2U);
  expect_swept_but(2);
  EXPECT_TRUE(*run(io::read_all(std::move(open->body), 1 << 20, ctx())) == first)
      << "who began before comes to his end";
  grow_older(LooseUnits::kGrace - seconds(1));
  EXPECT_EQ(units(), 4U);
  grow_older(seconds(2));
  EXPECT_EQ(units(), 2U);
  EXPECT_EQ(machine_.units(), machine_.named());
  ASSERT_TRUE(remove("k"));
  EXPECT_EQ(units(), 2U);
  grow_older(LooseUnits::kGrace);
  EXPECT_EQ(units(), 0U);
}

TEST_F(NativeWrite, who_comes_too_late_is_told_of_another_version) {
  ASSERT_TRUE(put("k", bytes_of(2 * kNativeUnit)));
  auto open = run(origin().get(key_of("k"), {}, ctx()));
  auto gone = run(origin().get(key_of("k"), {}, ctx()));
  ASSERT_TRUE(open && gone);
  ASSERT_TRUE(put("k", "other"));
  grow_older(LooseUnits::kGrace);
  auto read = run(io::read_all(std::move(open->body), 1 << 20, ctx()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().detail(), "PreconditionFailed");
  ASSERT_TRUE(remove("k"));
  read = run(io::read_all(std::move(gone->body), 1 << 20, ctx()));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().detail(), "NoSuchKey");
}

TEST_F(NativeWrite, bytes_that_are_lost_are_told_of) {
  ASSERT_TRUE(put("k", bytes_of(2 * kNativeUnit)));
  machine_.process->units->remove(machine_.units().front());
  auto read = get("k");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Code::corrupt);
  EXPECT_EQ(read.error().detail(), "InternalError");
  EXPECT_NE(read.error().text().find("lost on this node"), std::string::npos);
  EXPECT_TRUE(head("k"));
  EXPECT_TRUE(put("k", "anew"));
  EXPECT_EQ(*get("k"), "anew");
}

TEST_F(NativeWrite, another_version_than_the_pinned_one_is_a_conflict) {
  auto first = put("k", "one");
  EXPECT_EQ(*get("k", {.tag = first->tag}), "one");
  EXPECT_EQ(*get("k", {.etag = first->etag}), "one");
  auto second = put("k", "one");
  EXPECT_EQ(first->etag, second->etag);
  EXPECT_NE(first->tag, second->tag) << "never the MD5";
  EXPECT_EQ(get("k", {.tag = first->tag}).error().detail(), "PreconditionFailed");
  EXPECT_EQ(get("k", {.etag = ETag("\"other\"")}).error().detail(), "PreconditionFailed");
}

TEST_F(NativeWrite, conditions_are_decided_on_the_row_that_is_replaced) {
  EXPECT_EQ(put("k", "a", {.conditions = {.if_match = ETag("\"x\"")}}).error().detail(),
            "NoSuchKey");
  auto made = put("k", "a", {.conditions = {.if_none_match_any = true}});
  ASSERT_TRUE(made);
  auto refused = put("k", bytes_of(2 * kNativeUnit), {.conditions = {.if_none_match_any = true}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail(), "PreconditionFailed");
  EXPECT_EQ(units(), 1U) << "nothing is kept of what is refused";
  // Another comes in between: the condition is decided anew.
  meddle("k", 1);
  refused = put("k", "b", {.conditions = {.if_match = made->etag}});
  rows().before_commit = nullptr;
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail(), "PreconditionFailed");
}

TEST_F(NativeWrite, a_row_that_others_change_is_followed_and_not_for_ever) {
  ASSERT_TRUE(put("k", "a"));
  meddle("k", kNativeAttempts - 1);
  EXPECT_TRUE(put("k", "b"));
  meddle("k", kNativeAttempts - 1);
  EXPECT_TRUE(remove("k"));
  rows().before_commit = nullptr;
  ASSERT_TRUE(put("k", "c"));
  meddle("k", kNativeAttempts);
  auto late = put("k", "d");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::busy);
  EXPECT_EQ(late.error().detail(), "SlowDown");
  rows().before_commit = nullptr;
  expect_swept();
}

TEST_F(NativeWrite, a_lost_answer_is_settled_by_the_row) {
  rows().answer = fail(Code::unavailable, "lost");
  rows().happens = true;
  EXPECT_TRUE(put("k", bytes_of(2 * kNativeUnit, 1)));
  EXPECT_TRUE(put("k", bytes_of(2 * kNativeUnit, 2)));
  EXPECT_TRUE(run(origin().set_tags(key_of("k"), {{"a", "b"}}, ctx())));
  EXPECT_TRUE(*get("k") == bytes_of(2 * kNativeUnit, 2));
  EXPECT_EQ(origin().loose().retired(), 2U);
  EXPECT_TRUE(remove("k"));
  EXPECT_FALSE(head("k"));
  EXPECT_EQ(origin().loose().retired(), 4U);
}

TEST_F(NativeWrite, what_may_still_happen_keeps_its_bytes) {
  ASSERT_TRUE(put("k", "before"));
  rows().answer = fail(Code::unavailable, "not answered");
  std::optional<meta::Txn> late;
  rows().before_commit = [&](const meta::Txn& txn) -> std::optional<meta::Txn> {
    late = txn;
    return std::nullopt;
  };
  auto done = put("k", bytes_of(2 * kNativeUnit));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::unavailable);
  rows().answer.reset();
  rows().before_commit = nullptr;
  EXPECT_EQ(*get("k"), "before");
  ASSERT_TRUE(run(origin().sweep(ctx())));
  EXPECT_EQ(units(), 3U) << "a row may name them yet";
  Context none{.loop = &loop()};
  ASSERT_TRUE(run(machine_.rows.commit(*late, none)));
  EXPECT_TRUE(*get("k") == bytes_of(2 * kNativeUnit));
  // The one that was there before is garbage: whoever replaced it was not told.
  expect_swept_but(0);
  // What never happens is found by the next process.
  machine_.stop();
  machine_.start();
  expect_swept();
  EXPECT_TRUE(*get("k") == bytes_of(2 * kNativeUnit));
}

TEST_F(NativeWrite, a_refused_commit_keeps_nothing) {
  rows().answer = fail(Code::busy, "no", "SlowDown");
  EXPECT_FALSE(put("k", bytes_of(2 * kNativeUnit)));
  rows().answer.reset();
  EXPECT_EQ(units(), 0U);
  EXPECT_FALSE(head("k"));
}

TEST_F(NativeWrite, a_damaged_row_is_told_of_and_can_be_replaced_and_removed) {
  ASSERT_TRUE(put("k", "a"));
  Context none{.loop = &loop()};
  auto damage = [&](std::string bytes) {
    ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().put(row_key("k"), bytes), none)));
  };
  damage("");
  EXPECT_EQ(head("k").error().code(), Code::corrupt);
  EXPECT_EQ(run(origin().sweep(ctx())).error().code(), Code::corrupt);
  EXPECT_EQ(run(origin().list({}, ctx())).error().code(), Code::corrupt) << "complete or error";
  EXPECT_EQ(units(), 1U) << "nobody knows whose they are";
  EXPECT_TRUE(put("k", "b"));
  expect_swept();
  damage("\x01");
  EXPECT_TRUE(remove("k"));
  damage("\x04");
  EXPECT_EQ(head("k").error().code(), Code::invalid) << "of a later program";
  EXPECT_EQ(put("k", "c").error().code(), Code::invalid);
}

TEST_F(NativeWrite, rows_tell_where_the_bytes_are) {
  ASSERT_TRUE(put("k", "a", {.tags = {{"a", "b"}}}));
  EXPECT_EQ(row("k").copies, std::vector<std::string>{std::string(32, 'a')});
  Sixteen write = row("k").write;
  ASSERT_TRUE(run(origin().set_tags(key_of("k"), {}, ctx())));
  EXPECT_EQ(row("k").write, write) << "the same bytes";
  EXPECT_TRUE(row("k").tags.empty());
}

TEST_F(NativeWrite, side_by_side_each_write_is_whole) {
  auto many = [](NativeOrigin& to, Context ctx) -> Task<> {
    io::Group group(ctx);
    auto one = [](NativeOrigin& origin, uint64_t seed, Context inner) -> Task<> {
      auto done =
          co_await origin.put(testkit::key_of("k"), {},
                              testkit::body_of(bytes_of(2 * kNativeUnit, seed), 30'000), inner);
      if (!done) co_return std::move(done.error());
      co_return ok;
    };
    for (uint64_t seed = 1; seed <= 20; ++seed) group.spawn(one(to, seed, ctx));
    co_return co_await group.join();
  };
  Result<> done = run(many(origin(), ctx()));
  EXPECT_TRUE(done) << done.error().text();
  std::string now = *get("k");
  bool whole = false;
  for (uint64_t seed = 1; seed <= 20; ++seed)
    whole = whole || now == bytes_of(2 * kNativeUnit, seed);
  EXPECT_TRUE(whole);
  EXPECT_EQ(origin().loose().retired(), 38U);
}

class NativeFull : public NativeTest {
 protected:
  NativeFull() : NativeTest(12 << 20) {}
};

TEST_F(NativeFull, retired_units_make_room_at_once) {
  std::string text = bytes_of(3 << 20);
  int stored = 0;
  // Each replaces the one before, whose bytes would have a minute yet.
  for (; stored < 20; ++stored) {
    auto done = put("k", text);
    ASSERT_TRUE(done) << stored << ": " << done.error().text();
  }
  EXPECT_TRUE(*get("k") == text);
}

TEST_F(NativeFull, a_full_disk_refuses_and_keeps_what_is_there) {
  std::string text = bytes_of(3 << 20);
  int stored = 0;
  Result<origin::PutAnswer> done = put("0", text);
  for (; done && stored < 20; done = put(std::to_string(stored), text)) ++stored;
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::busy);
  EXPECT_EQ(done.error().detail(), "InsufficientStorage");
  for (int i = 0; i < stored; ++i) EXPECT_TRUE(*get(std::to_string(i)) == text) << i;
  expect_swept();
  ASSERT_TRUE(remove("0"));
  EXPECT_TRUE(put("more", text));
}

}  // namespace
}  // namespace forebay::object
