// Renames of a native bucket: the row moves and the bytes do not, whatever else happens meanwhile.
#include <gtest/gtest.h>

#include "object/native/native_world_test.h"
#include "object/native/rename_rows.h"

namespace forebay::object {
namespace {

using Objects = std::map<std::string, std::string>;

origin::RenameOrder order_of(std::string_view from, std::string token = {},
                             std::string says = "this") {
  auto all = [](const origin::ObjectInfo&, const origin::ObjectInfo*) { return Result<>(ok); };
  return {.from = testkit::key_of(from),
          .allow = all,
          .token = std::move(token),
          .says = std::move(says)};
}

Task<> rename_task(NativeOrigin& origin, std::string from, std::string to, Context ctx) {
  co_return co_await origin.rename(testkit::key_of(to), order_of(from), ctx);
}

/// What a client finds, by lists and reads.
Task<Objects> objects_of(NativeOrigin& origin, Context ctx) {
  Objects out;
  auto page = co_await co_await origin.list({}, ctx);
  for (const auto& one : page.objects) {
    auto answer = co_await co_await origin.get(testkit::key_of(one.key), {}, ctx);
    out[one.key] = co_await co_await io::read_all(std::move(answer.body), 8 << 20, ctx);
  }
  co_return out;
}

class NativeRenamed : public NativeTest {
 protected:
  Result<> rename(std::string_view from, std::string_view to, std::string token = {},
                  std::string says = "this") {
    return run(
        origin().rename(key_of(to), order_of(from, std::move(token), std::move(says)), ctx()));
  }
  void refused(const Result<>& result, Code code, std::string_view word) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), code) << result.error().text();
    EXPECT_EQ(result.error().detail(), word);
  }
  /// What was remembered is too old.
  void forget() {
    for (int i = 0; i < 2; ++i) sleep(seconds(origin::kRenameRemembered / 2 + 1));
  }
  Objects objects() { return run(objects_of(origin(), ctx())).value(); }
  size_t remembered() {
    return machine_.all(meta::schema::renames(NativeMachine::kIncarnation)).size();
  }
  ProcessRows::Hook renames(std::string from, std::string to) {
    return
        [this, from, to](auto& steps) { steps.push_back(rename_task(origin(), from, to, ctx())); };
  }
};

TEST_F(NativeRenamed, is_the_same_object_under_another_key) {
  origin::PutOptions options;
  options.fields = {{"content-type", "text/x"}};
  options.tags = {{"a", "b"}};
  options.checksums = {{"x-amz-checksum-crc32", "AAAAAA=="}};
  std::string text = bytes_of(2 * kNativeUnit + 1);
  ASSERT_TRUE(put("a", text, options));
  auto before = head("a");
  std::vector<UnitId> here = machine_.units();
  ASSERT_TRUE(rename("a", "b"));
  EXPECT_EQ(machine_.units(), here) << "no byte moves";
  auto after = head("b");
  EXPECT_EQ(after->named_by, "a");
  after->named_by.clear();
  EXPECT_TRUE(*after == *before);
  EXPECT_FALSE(head("a"));
  EXPECT_EQ(objects(), (Objects{{"b", text}}));
  ASSERT_TRUE(put("a", "new"));
  ASSERT_TRUE(rename("b", "c"));
  EXPECT_EQ(head("c")->named_by, "a");
  EXPECT_EQ(objects(), (Objects{{"a", "new"}, {"c", text}}));
  ASSERT_TRUE(rename("c", "a"));
  EXPECT_TRUE(*head("a") == *before);
  EXPECT_EQ(objects(), (Objects{{"a", text}}));
  expect_swept_but(origin().loose().retired());
  machine_.stop();
  machine_.start();
  EXPECT_EQ(objects(), (Objects{{"a", text}}));
  expect_swept();
}

TEST_F(NativeRenamed, what_is_replaced_goes_after_its_grace_and_off_the_sum) {
  ASSERT_TRUE(run(origin().count(ctx())));
  ASSERT_TRUE(put("a", bytes_of(1000, 1)));
  ASSERT_TRUE(put("b", bytes_of(kNativeUnit, 2)));
  ASSERT_TRUE(origin().limit({.bytes = 1000 + kNativeUnit, .objects = 2}));
  ASSERT_TRUE(rename("a", "c")) << "nothing more is held";
  EXPECT_EQ(origin().usage(), (origin::Usage{1000 + kNativeUnit, 2}));
  ASSERT_TRUE(rename("c", "b"));
  EXPECT_EQ(origin().usage(), (origin::Usage{1000, 1}));
  EXPECT_EQ(units(), 2U);
  sleep(seconds(61));
  origin().remove_due(loop().now());
  EXPECT_EQ(units(), 1U);
  EXPECT_EQ(objects(), (Objects{{"b", bytes_of(1000, 1)}}));
  ASSERT_TRUE(remove("b"));
  EXPECT_EQ(origin().usage(), (origin::Usage{0, 0}));
  sleep(seconds(61));
  origin().remove_due(loop().now());
  EXPECT_EQ(units(), 0U) << "of a renamed object too";
}

TEST_F(NativeRenamed, uploads_keep_their_parts_units) {
  std::string id = run(origin().create_upload(key_of("a"), {}, ctx())).value();
  std::string text = bytes_of(kNativeUnit + 1);
  auto part = run(origin().put_part(key_of("a"), id, 1, {}, testkit::body_of(text), ctx()));
  std::vector<origin::CompletedPart> parts{{1, part->etag, {}}};
  ASSERT_TRUE(run(origin().complete_upload(key_of("a"), id, parts, {}, ctx())));
  ASSERT_TRUE(rename("a", "b"));
  EXPECT_EQ(*get("b"), text);
  for (std::string_view key : {"a", "b"}) {
    auto again = run(origin().complete_upload(key_of(key), id, parts, {}, ctx()));
    EXPECT_TRUE(!again && again.error().detail() == "NoSuchUpload") << key;
  }
  expect_swept();
  EXPECT_EQ(*get("b"), text);
}

TEST_F(NativeRenamed, becomes_an_older_version_and_is_read_as_one) {
  std::string text = bytes_of(kNativeUnit + 1);
  ASSERT_TRUE(put("a", text));
  ASSERT_TRUE(rename("a", "b"));
  ASSERT_TRUE(run(origin().set_versioning(origin::Versioning::enabled, ctx())));
  refused(rename("b", "c"), Code::invalid, "NotImplemented");
  ASSERT_TRUE(put("b", "newer"));
  expect_swept();
  EXPECT_EQ(*get("b", {.version_id = "null"}), text);
  ASSERT_TRUE(run(origin().set_versioning(origin::Versioning::suspended, ctx())));
  refused(rename("b", "c"), Code::invalid, "NotImplemented");
}

TEST_F(NativeRenamed, is_refused_and_nothing_is_done) {
  ASSERT_TRUE(put("a", "one"));
  ASSERT_TRUE(put("b", "two"));
  refused(rename("none", "b"), Code::not_found, "NoSuchKey");
  origin::RenameOrder no = order_of("a", "token");
  no.allow = [](const origin::ObjectInfo& source, const origin::ObjectInfo* target) -> Result<> {
    EXPECT_EQ(source.size, 3U);
    EXPECT_EQ(target->size, 3U);
    return fail(Code::conflict, "no", "PreconditionFailed");
  };
  refused(run(origin().rename(key_of("b"), no, ctx())), Code::conflict, "PreconditionFailed");
  no.allow = [](const origin::ObjectInfo&, const origin::ObjectInfo* target) -> Result<> {
    EXPECT_EQ(target, nullptr);
    return fail(Code::conflict, "no", "PreconditionFailed");
  };
  refused(run(origin().rename(key_of("c"), no, ctx())), Code::conflict, "PreconditionFailed");
  EXPECT_EQ(objects(), (Objects{{"a", "one"}, {"b", "two"}}));
  EXPECT_EQ(remembered(), 0U);
  uint64_t commits = rows().commits;
  EXPECT_TRUE(rename("a", "a"));
  EXPECT_EQ(rows().commits, commits) << "nothing to do";
}

TEST_F(NativeRenamed, others_at_the_same_rows_are_followed) {
  ASSERT_TRUE(put("a", "one"));
  ASSERT_TRUE(put("b", "two"));
  auto puts = [&](std::string key, std::string text) -> ProcessRows::Hook {
    return [this, key, text](auto& steps) {
      auto task = [](NativeOrigin& to, std::string k, std::string t, Context c) -> Task<> {
        co_await co_await to.put(key_of(k), {}, testkit::body_of(t), c);
        co_return ok;
      };
      steps.push_back(task(origin(), key, text, ctx()));
    };
  };
  rows().before_next_commit = puts("a", "newer");
  ASSERT_TRUE(rename("a", "b"));
  EXPECT_EQ(objects(), (Objects{{"b", "newer"}}));
  rows().before_next_commit = puts("c", "there now");
  ASSERT_TRUE(rename("b", "c"));
  EXPECT_EQ(objects(), (Objects{{"c", "newer"}}));
  rows().before_next_commit = renames("c", "d");
  refused(rename("c", "e"), Code::not_found, "NoSuchKey");
  EXPECT_EQ(objects(), (Objects{{"d", "newer"}}));
  rows().lose_next = true;
  ASSERT_TRUE(rename("d", "e")) << "the row tells";
  rows().answer = fail(Code::unavailable, "lost");
  refused(rename("e", "f"), Code::unavailable, "");
  rows().answer.reset();
  EXPECT_EQ(objects(), (Objects{{"e", "newer"}}));
  expect_swept_but(origin().loose().retired());
}

// From behind the place where the sweep reads to before it, and the other way.
TEST_F(NativeRenamed, no_sweep_takes_it_for_garbage) {
  for (int i = 0; i < 250; ++i) ASSERT_TRUE(put("k" + std::to_string(1000 + i), ""));
  std::string text = bytes_of(kNativeUnit + 1);
  ASSERT_TRUE(put("z", text));
  std::string from = "z", to = "a";
  for (int turn = 0; turn < 4; ++turn) {
    rows().after_scan_ends = meta::schema::object(NativeMachine::kIncarnation,
                                                  key_of(turn % 2 == 0 ? "k1099" : "k1098"));
    rows().after_next_scan = renames(from, to);
    expect_swept();
    EXPECT_EQ(rows().after_next_scan, nullptr) << "it was renamed meanwhile";
    EXPECT_EQ(*get(to), text) << turn;
    std::swap(from, to);
  }
}

TEST_F(NativeRenamed, onto_itself_a_token_is_remembered_too) {
  ASSERT_TRUE(put("a", "one"));
  ASSERT_TRUE(rename("a", "a", "token", "this"));
  EXPECT_EQ(remembered(), 1U);
  refused(rename("a", "b", "token", "that"), Code::invalid, "IdempotencyParameterMismatch");
  ASSERT_TRUE(rename("a", "a", "token", "this"));
  EXPECT_EQ(objects(), (Objects{{"a", "one"}}));
}

TEST_F(NativeRenamed, a_token_makes_the_second_one_nothing) {
  ASSERT_TRUE(put("a", "one"));
  ASSERT_TRUE(rename("a", "b", "token"));
  ASSERT_TRUE(put("a", "another"));
  ASSERT_TRUE(rename("a", "b", "token"));
  EXPECT_EQ(objects(), (Objects{{"a", "another"}, {"b", "one"}}));
  refused(rename("a", "b", "token", "that"), Code::invalid, "IdempotencyParameterMismatch");
  machine_.kill();
  machine_.start();
  ASSERT_TRUE(rename("a", "b", "token"));
  EXPECT_EQ(objects(), (Objects{{"a", "another"}, {"b", "one"}}));
  forget();
  ASSERT_TRUE(rename("a", "b", "token", "that"));
  EXPECT_EQ(objects(), (Objects{{"b", "another"}}));
  EXPECT_EQ(remembered(), 1U);
  // Those that are too old go as others come.
  for (int i = 0; i < 100; ++i) {
    std::string from = i % 2 == 0 ? "b" : "c", to = i % 2 == 0 ? "c" : "b";
    ASSERT_TRUE(rename(from, to, "t" + std::to_string(i)));
  }
  EXPECT_EQ(remembered(), 101U);
  forget();
  for (int i = 0; i < 60; ++i) {
    std::string from = i % 2 == 0 ? "b" : "c", to = i % 2 == 0 ? "c" : "b";
    ASSERT_TRUE(rename(from, to, "u" + std::to_string(i)));
  }
  EXPECT_EQ(remembered(), 60U);
  ASSERT_TRUE(run(origin().drop_uploads(ctx())));
  EXPECT_EQ(remembered(), 0U);
}

TEST(NativeRenameRow, comes_back_as_it_was_and_what_is_none_is_refused) {
  NativeRename row{.done = {1'700'000'000'123'456'789}, .says = std::string(64, 'a')};
  EXPECT_TRUE(parse_native_rename(encode(row)).value() == row);
  EXPECT_EQ(parse_native_rename(R"({"version":2})").error().code(), Code::invalid);
  for (std::string_view bad :
       {"", "x", "[]", "{}", R"({"version":1})", R"({"version":1,"done_ns":"1","says":"x"})",
        R"({"version":1,"done_ns":1})"}) {
    EXPECT_EQ(parse_native_rename(bad).error().code(), Code::corrupt) << bad;
  }
}

// --- deaths

/// What the bucket was after each step that was acknowledged, and what the next one makes of it.
struct RenameStates {
  std::vector<Objects> states = {{}};
  size_t done = 0;
};

Task<> step_rename(NativeOrigin& origin, RenameStates& told, std::string from, std::string to,
                   Context ctx) {
  Objects next = told.states.back();
  next[to] = next[from];
  next.erase(from);
  told.states.push_back(std::move(next));
  co_await co_await origin.rename(testkit::key_of(to), order_of(from, from + to), ctx);
  ++told.done;
  co_return ok;
}

Task<> step_put(NativeOrigin& origin, RenameStates& told, std::string key, std::string text,
                Context ctx) {
  Objects next = told.states.back();
  next[key] = text;
  told.states.push_back(std::move(next));
  co_await co_await origin.put(testkit::key_of(key), {}, testkit::body_of(text), ctx);
  ++told.done;
  co_return ok;
}

Task<> rename_script(NativeOrigin& origin, RenameStates& told, bool* done, Context ctx) {
  co_await co_await step_put(origin, told, "a", bytes_of(kNativeUnit + 1, 1), ctx);
  co_await co_await step_put(origin, told, "b", bytes_of(100, 2), ctx);
  co_await co_await step_rename(origin, told, "a", "c", ctx);
  co_await co_await step_rename(origin, told, "c", "b", ctx);
  co_await co_await step_put(origin, told, "a", bytes_of(10, 3), ctx);
  co_await co_await origin.sweep(ctx);
  co_await co_await step_rename(origin, told, "b", "a", ctx);
  *done = true;
  co_return ok;
}

void cut_renames(bool power) {
  bool done = false;
  for (uint64_t cut = 1; !done; ++cut) {
    SCOPED_TRACE("cut after step " + std::to_string(cut));
    NativeMachine machine(17);
    RenameStates told;
    machine.start();
    machine.spawn(rename_script(machine.origin(), told, &done, machine.ctx()));
    for (uint64_t i = 0; i < cut && machine.sim->step(); ++i) {
    }
    power ? machine.power_loss() : machine.kill();
    machine.start();
    Objects found = machine.run(objects_of(machine.origin(), machine.ctx())).value();
    bool next = told.done + 1 < told.states.size() && found == told.states[told.done + 1];
    EXPECT_TRUE(next || found == told.states[told.done]) << "after " << told.done << " steps";
    ASSERT_TRUE(machine.run(machine.origin().sweep(machine.ctx())));
    EXPECT_EQ(machine.units(), machine.named());
    EXPECT_EQ(machine.run(objects_of(machine.origin(), machine.ctx())).value(), found);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(NativeRenameCrash, a_kill_after_each_step_leaves_one_name) { cut_renames(false); }
TEST(NativeRenameCrash, a_power_loss_after_each_step_leaves_one_name) { cut_renames(true); }

}  // namespace
}  // namespace forebay::object
