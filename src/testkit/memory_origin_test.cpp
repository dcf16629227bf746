#include "testkit/memory_origin.h"

#include <gtest/gtest.h>

#include "io/engine.h"
#include "testkit/origin_contract.h"

namespace forebay::testkit {
namespace {

class Memory : public testing::Test {
 protected:
  Memory() : engine_(*io::Engine::make({.loops = 1, .pool_threads = 1})) {}
  Context ctx() {
    io::Loop& loop = engine_->loop(0);
    return {.loop = &loop, .deadline = loop.now() + seconds(60)};
  }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  std::unique_ptr<io::Engine> engine_;
  MemoryOrigin origin_{engine_->loop(0)};
};

class MemoryContract : public Memory, public testing::WithParamInterface<OriginCase> {};

TEST_P(MemoryContract, holds) {
  origin_.options().copies = true;
  OriginUnderTest under{.origin = origin_,
                        .capabilities = origin_.options().capabilities,
                        .prefix = "p/",
                        .copies = true};
  auto done = run(GetParam().run(under, ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

TEST_P(MemoryContract, holds_without_conditional_put_with_versions_and_small_chunks) {
  origin_.options().capabilities.conditional_put = false;
  origin_.options().capabilities.versions = true;
  origin_.options().opaque_etags = true;
  origin_.options().chunk = 1000;
  origin_.options().vary_chunks = true;
  OriginUnderTest under{.origin = origin_,
                        .capabilities = origin_.options().capabilities,
                        .prefix = "",
                        .etag_is_md5 = false,
                        .removes_matching = false};
  auto done = run(GetParam().run(under, ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

INSTANTIATE_TEST_SUITE_P(Origin, MemoryContract, testing::ValuesIn(origin_cases()),
                         origin_case_name);

Task<std::string> read(MemoryOrigin& origin, std::string key, origin::GetOptions options,
                       Context ctx) {
  auto answer = co_await co_await origin.get(key_of(key), std::move(options), ctx);
  co_return co_await io::read_all(std::move(answer.body), 64 << 20, ctx);
}

TEST_F(Memory, changes_behind_our_back) {
  auto first = origin_.change("k", "one");
  auto second = origin_.change("k", "two");
  EXPECT_NE(first.tag.text(), second.tag.text());
  EXPECT_EQ(*run(read(origin_, "k", {}, ctx())), "two");
  auto old = run(read(origin_, "k", {.tag = first.tag, .etag = first.etag}, ctx()));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().detail(), "PreconditionFailed");
  origin_.drop("k");
  EXPECT_EQ(run(origin_.head(key_of("k"), {}, ctx())).error().detail(), "NoSuchKey");
  EXPECT_EQ(origin_.history("k").size(), 3u);
  EXPECT_EQ(origin_.history("k")[0], "one");
  EXPECT_EQ(origin_.history("k")[2], std::nullopt);
}

TEST_F(Memory, without_conditional_get_answers_the_current_version) {
  origin_.options().capabilities.conditional_get = false;
  auto first = origin_.change("k", "one");
  origin_.change("k", "two");
  EXPECT_EQ(*run(read(origin_, "k", {.tag = first.tag, .etag = first.etag}, ctx())), "two");
}

TEST_F(Memory, gives_old_versions_by_id) {
  origin_.options().capabilities.versions = true;
  auto first = origin_.change("k", "one");
  origin_.change("k", "two");
  EXPECT_EQ(*run(read(origin_, "k", {.tag = first.tag, .version_id = first.version_id}, ctx())),
            "one");
}

TEST_F(Memory, knows_the_layout_of_foreign_uploads) {
  auto info = origin_.change_parts("k", {"aaaa", "bb"});
  EXPECT_EQ(info.etag.part_count(), 2u);
  auto part = run(origin_.head(key_of("k"), {.part_number = 1}, ctx()));
  EXPECT_EQ(part->size, 4u);
  EXPECT_EQ(part->parts, 2u);
  origin_.options().capabilities.part_number = false;
  EXPECT_EQ(run(origin_.head(key_of("k"), {.part_number = 1}, ctx()))->size, 6u);
}

TEST_F(Memory, breaks_bodies_before_their_end) {
  origin_.options().broken_body = 1;
  origin_.change("k", pattern(10'000));
  for (int i = 0; i < 20; ++i) {
    auto text = run(read(origin_, "k", {}, ctx()));
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code(), Code::unavailable);
  }
  EXPECT_LT(origin_.counts("get").bytes, 20u * 10'000);
}

TEST_F(Memory, loses_answers_and_delays_commits) {
  origin_.options().lost_answer = 1;
  auto lost = run(origin_.put(key_of("k"), {}, body_of("there"), ctx()));
  EXPECT_EQ(lost.error().code(), Code::unavailable);
  EXPECT_EQ(origin_.bytes("k"), "there");
  origin_.options().lost_answer = 0;
  origin_.options().late_commit = 1;
  origin_.options().late_by = seconds(3600);
  auto late = run(origin_.put(key_of("k"), {}, body_of("late"), ctx()));
  EXPECT_EQ(late.error().code(), Code::unavailable);
  EXPECT_EQ(origin_.bytes("k"), "there");
  origin_.settle();
  EXPECT_EQ(origin_.bytes("k"), "late");
}

TEST_F(Memory, fails_by_script_and_by_chance) {
  origin_.change("k", "one");
  origin_.fail_next("head", fail(Code::denied, "no", "AccessDenied"));
  EXPECT_EQ(run(origin_.head(key_of("k"), {}, ctx())).error().detail(), "AccessDenied");
  EXPECT_TRUE(run(origin_.head(key_of("k"), {}, ctx())));
  origin_.options().error = 1;
  EXPECT_TRUE(retryable(run(origin_.head(key_of("k"), {}, ctx())).error().code()));
  EXPECT_EQ(origin_.counts("head").requests, 3u);
}

TEST_F(Memory, counts_requests_and_body_bytes) {
  origin_.change("k", pattern(1000));
  EXPECT_TRUE(run(read(origin_, "k", {.range = ByteRange{10, 100}}, ctx())));
  EXPECT_TRUE(run(origin_.put(key_of("l"), {}, body_of(pattern(77)), ctx())));
  EXPECT_EQ(origin_.counts("get").requests, 1u);
  EXPECT_EQ(origin_.counts("get").bytes, 100u);
  EXPECT_EQ(origin_.counts("put").bytes, 77u);
  ASSERT_EQ(origin_.requests().size(), 2u);
  EXPECT_EQ(origin_.requests()[0].range, (ByteRange{10, 100}));
  origin_.reset_counts();
  EXPECT_EQ(origin_.counts("get").requests, 0u);
}

class Recorder final : public MemoryHook {
 public:
  Task<> at(MemoryStep step, MemoryRequest request, Context) override {
    steps.push_back(step);
    if (step == fails_at) co_return fail(Code::unavailable, request.operation + " fails here");
    co_return ok;
  }
  std::vector<MemoryStep> steps;
  std::optional<MemoryStep> fails_at;
};

TEST_F(Memory, shows_each_step_to_a_hook) {
  Recorder recorder;
  origin_.set_hook(&recorder);
  EXPECT_TRUE(run(origin_.put(key_of("k"), {}, body_of("one"), ctx())));
  EXPECT_EQ(recorder.steps,
            (std::vector{MemoryStep::arrive, MemoryStep::effect, MemoryStep::answer}));
  recorder.fails_at = MemoryStep::effect;
  EXPECT_FALSE(run(origin_.put(key_of("k"), {}, body_of("two"), ctx())));
  EXPECT_EQ(origin_.bytes("k"), "one");
  recorder.fails_at = MemoryStep::answer;
  EXPECT_FALSE(run(origin_.put(key_of("k"), {}, body_of("three"), ctx())));
  EXPECT_EQ(origin_.bytes("k"), "three");
}

}  // namespace
}  // namespace forebay::testkit
