#include "job/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/sim.h"

namespace forebay::job {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Runs as its script says: each step is a length of time and then an end, good or not.
class Scripted final : public Job {
 public:
  struct Step {
    Duration length;
    bool good = true;
  };
  Scripted(std::string name, std::vector<Step> steps)
      : name_(std::move(name)), steps_(std::move(steps)) {}
  std::string name() const override { return name_; }
  std::string unit() const override { return "bytes"; }
  Task<> run(Progress& progress, Context ctx) override {
    starts.push_back(ctx.loop->now());
    Step step = steps_[std::min(at_++, steps_.size() - 1)];
    progress.start(10);
    progress.add(4);
    if (deaf) {
      co_await co_await io::sleep_until(ctx.loop->now() + step.length, {.loop = ctx.loop});
    } else {
      co_await co_await io::sleep_until(ctx.loop->now() + step.length, ctx);
    }
    progress.add(6);
    if (!step.good) co_return fail(Code::busy, "no luck");
    co_return ok;
  }
  std::vector<Time> starts;
  bool deaf = false;  ///< does not hear of a cancel

 private:
  std::string name_;
  std::vector<Step> steps_;
  size_t at_ = 0;
};

class RunnerTest : public testing::Test {
 protected:
  ~RunnerTest() override { EXPECT_TRUE(stop()); }

  std::shared_ptr<Scripted> add(std::string name, std::vector<Scripted::Step> steps,
                                Schedule schedule) {
    auto job = std::make_shared<Scripted>(std::move(name), std::move(steps));
    EXPECT_TRUE(runner_.start(job, schedule));
    return job;
  }
  void pass(Duration length) {
    io::Loop& loop = world_->loop();
    EXPECT_TRUE(world_->run(io::sleep_until(loop.now() + length, {.loop = &loop})));
  }
  Result<> stop(Duration limit = seconds(100)) {
    Context ctx{.loop = &world_->loop()};
    return world_->run(runner_.stop(ctx.until(ctx.loop->now() + limit)));
  }
  Status status(std::string_view name) {
    for (Status& one : runner_.list()) {
      if (one.name == name) return one;
    }
    ADD_FAILURE() << "no job " << name;
    return {};
  }
  // Starts relative to the first one.
  static std::vector<int64_t> gaps(const Scripted& job) {
    std::vector<int64_t> out;
    for (Time start : job.starts) out.push_back((start - job.starts[0]).milliseconds());
    return out;
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 3});
  obs::Registry metrics_;
  Runner runner_{world_->loop(), obs::Log::none(), metrics_};
};

TEST_F(RunnerTest, AFailureThatComesAgainIsToldOnceAMinute) {
  std::vector<std::string> lines;
  auto log = obs::Log::make(
      {.asynchronous = false, .sink = [&](std::string_view line) { lines.emplace_back(line); }},
      world_->loop());
  ASSERT_TRUE(log);
  Runner runner(world_->loop(), **log, metrics_);
  auto job = std::make_shared<Scripted>("evict", std::vector<Scripted::Step>{{seconds(0), false}});
  ASSERT_TRUE(runner.start(job, {.period = seconds(1)}));
  pass(seconds(59));
  EXPECT_GT(job->starts.size(), 50u);
  EXPECT_EQ(lines.size(), 1u);
  pass(seconds(2));
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines.back(), HasSubstr("left_out="));
  EXPECT_TRUE(world_->run(runner.stop({.loop = &world_->loop()})));
}

TEST_F(RunnerTest, AJobRunsOnceAndIsShown) {
  auto job = add("copy", {{seconds(2)}}, {});
  pass(seconds(1));
  Status now = status("copy");
  EXPECT_EQ(now.state, State::running);
  EXPECT_EQ(now.unit, "bytes");
  EXPECT_EQ(now.done, 4u);
  EXPECT_EQ(now.total, 10u);
  EXPECT_TRUE(now.started);
  EXPECT_FALSE(now.ended);
  pass(seconds(10));
  now = status("copy");
  EXPECT_EQ(now.state, State::done);
  EXPECT_EQ(now.done, 10u);
  EXPECT_EQ(now.runs, 1u);
  EXPECT_EQ(now.failures, 0u);
  EXPECT_TRUE(now.ended);
  EXPECT_EQ(job->starts.size(), 1u);
}

TEST_F(RunnerTest, AFailedOneSaysWhy) {
  add("copy", {{seconds(1), false}}, {});
  pass(seconds(2));
  Status now = status("copy");
  EXPECT_EQ(now.state, State::failed);
  EXPECT_EQ(now.last_error, "busy: no luck");
  EXPECT_EQ(now.failures, 1u);
  EXPECT_THAT(metrics_.render(),
              HasSubstr("forebay_job_runs_total{job=\"copy\",result=\"error\"} 1\n"));
}

TEST_F(RunnerTest, APeriodicOneComesAgain) {
  auto job = add("scrub", {{milliseconds(100)}}, {.period = seconds(1)});
  pass(milliseconds(3000));
  EXPECT_THAT(gaps(*job), ElementsAre(0, 1100, 2200));
  EXPECT_EQ(status("scrub").state, State::waiting);
  EXPECT_EQ(status("scrub").runs, 3u);
}

TEST_F(RunnerTest, TheFirstRunMayWait) {
  Time begin = world_->loop().now();
  auto job = add("scrub", {{{}}}, {.period = seconds(5), .delay_first = true});
  EXPECT_EQ(status("scrub").state, State::waiting);
  pass(seconds(6));
  ASSERT_EQ(job->starts.size(), 1u);
  EXPECT_EQ((job->starts[0] - begin).milliseconds(), 5000);
}

TEST_F(RunnerTest, FailuresAreRetriedSlowerAndSlower) {
  auto job =
      add("drain", {{{}, false}, {{}, false}, {{}, false}, {{}, false}, {{}, true}, {{}, false}},
          {.period = seconds(3), .retry = seconds(1)});
  pass(milliseconds(13500));
  // 1 s, 2 s, then never slower than the period; a good run begins anew.
  EXPECT_THAT(gaps(*job), ElementsAre(0, 1000, 3000, 6000, 9000, 12000, 13000));
  EXPECT_EQ(status("drain").last_error, "busy: no luck");
}

TEST_F(RunnerTest, AGoodRunClearsTheError) {
  add("drain", {{{}, false}, {{}, true}}, {.period = seconds(3), .retry = seconds(1)});
  pass(milliseconds(500));
  EXPECT_EQ(status("drain").last_error, "busy: no luck");
  pass(milliseconds(1000));
  EXPECT_EQ(status("drain").last_error, "");
  EXPECT_EQ(status("drain").failures, 1u);
}

TEST_F(RunnerTest, StopEndsRunningAndWaitingOnes) {
  add("long", {{seconds(1000)}}, {});
  add("scrub", {{{}}}, {.period = seconds(1000)});
  add("quick", {{{}}}, {});
  pass(seconds(1));
  EXPECT_TRUE(stop(milliseconds(1)));
  EXPECT_EQ(status("long").state, State::stopped);
  EXPECT_EQ(status("long").last_error, "");
  EXPECT_EQ(status("scrub").state, State::stopped);
  EXPECT_EQ(status("quick").state, State::done);
  EXPECT_EQ(runner_.start(std::make_shared<Scripted>("late", std::vector<Scripted::Step>{{{}}}), {})
                .error()
                .code(),
            Code::cancelled);
}

TEST_F(RunnerTest, StopNamesWhatDoesNotEnd) {
  auto job = add("deaf", {{seconds(50)}}, {});
  job->deaf = true;
  add("good", {{seconds(50)}}, {});
  pass(seconds(1));
  Result<> stopped = stop(seconds(1));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), Code::timeout);
  EXPECT_THAT(stopped.error().text(), HasSubstr("deaf"));
  EXPECT_THAT(stopped.error().text(), testing::Not(HasSubstr("good")));
  EXPECT_TRUE(stop(seconds(60)));
}

TEST_F(RunnerTest, ANameIsThereOnce) {
  add("copy", {{seconds(1)}}, {});
  EXPECT_EQ(runner_.start(std::make_shared<Scripted>("copy", std::vector<Scripted::Step>{{{}}}), {})
                .error()
                .code(),
            Code::exists);
  pass(seconds(2));
  add("copy", {{seconds(1)}}, {});
  EXPECT_EQ(runner_.list().size(), 1u);
}

TEST(State, NamesDiffer) {
  EXPECT_EQ(name(State::waiting), "waiting");
  EXPECT_EQ(name(State::running), "running");
  EXPECT_EQ(name(State::done), "done");
  EXPECT_EQ(name(State::failed), "failed");
  EXPECT_EQ(name(State::stopped), "stopped");
}

}  // namespace
}  // namespace forebay::job
