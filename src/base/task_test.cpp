#include "base/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace forebay {
namespace {

// The least that can start a Task and learn its result; io's loop does this in production.
struct Driver {
  struct promise_type {
    Driver get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::abort(); }
  };
};

template <class T>
Driver start(Task<T> task, std::optional<Result<T>>* out) {
  out->emplace(co_await std::move(task));
}

// Runs a Task that never waits.
template <class T>
Result<T> run(Task<T> task) {
  std::optional<Result<T>> out;
  start(std::move(task), &out);
  EXPECT_TRUE(out.has_value()) << "the task waits";
  return std::move(*out);
}

// A leaf that waits until somebody fires it.
struct Gate {
  std::coroutine_handle<> waiting;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { waiting = handle; }
  void await_resume() const noexcept {}
  void fire() { std::exchange(waiting, nullptr).resume(); }
};

// Writes its name when it is destroyed.
class Note {
 public:
  Note(std::vector<std::string>* log, std::string name) : log_(log), name_(std::move(name)) {}
  Note(Note&& other) noexcept : log_(std::exchange(other.log_, nullptr)), name_(other.name_) {}
  ~Note() {
    if (log_ != nullptr) log_->push_back(name_);
  }

 private:
  std::vector<std::string>* log_;
  std::string name_;
};

Task<int> value(int n) { co_return n; }
Task<int> failing(Code code) { co_return fail(code, "failed", "detail"); }
Task<> nothing() { co_return ok; }
Task<> failing_void() { co_return fail(Code::busy, "full"); }

Task<int> sum(int a, int b) {
  int left = co_await co_await value(a);
  Result<int> right = co_await value(b);
  co_return left + co_await std::move(right);
}

TEST(Task, GivesItsValue) {
  EXPECT_EQ(*run(value(7)), 7);
  EXPECT_EQ(*run(sum(2, 3)), 5);
  EXPECT_TRUE(run(nothing()));
}

TEST(Task, GivesItsError) {
  auto result = run(failing(Code::not_found));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::not_found);
  EXPECT_EQ(result.error().detail(), "detail");
  EXPECT_EQ(run(failing_void()).error().code(), Code::busy);
}

Task<int> inspects(Code code) {
  Result<int> result = co_await failing(code);
  co_return result ? 0 : 1;
}

TEST(Task, AnErrorMayBeLookedAtAndSwallowed) { EXPECT_EQ(*run(inspects(Code::timeout)), 1); }

Task<std::string> stops_at_error(bool* went_on) {
  int n = co_await co_await failing(Code::corrupt);
  *went_on = true;
  co_return std::to_string(n);
}

TEST(Task, AwaitingAnErrorEndsTheBody) {
  bool went_on = false;
  auto result = run(stops_at_error(&went_on));
  EXPECT_EQ(result.error().code(), Code::corrupt);
  EXPECT_FALSE(went_on);
}

Task<> lvalue_results() {
  Result<int> number = 4;
  Result<> good = ok;
  co_await std::move(good);
  if (co_await std::move(number) != 4) co_return fail(Code::internal, "another number");
  Result<> bad = fail(Code::denied, "no");
  co_await std::move(bad);
  co_return fail(Code::internal, "went on");
}

TEST(Task, ResultsInVariablesCanBeAwaited) {
  EXPECT_EQ(run(lvalue_results()).error().code(), Code::denied);
}

TEST(Task, IsLazyAndMayBeDropped) {
  bool went_on = false;
  {
    Task<std::string> never = stops_at_error(&went_on);
  }
  EXPECT_FALSE(went_on);
  Task<int> first = value(1);
  Task<int> second = value(2);
  first = std::move(second);
  EXPECT_EQ(*run(std::move(first)), 2);
}

Task<int> child_with_note(std::vector<std::string>* log, bool good) {
  Note local(log, "child local");
  if (!good) co_await Result<>(fail(Code::conflict, "lost"));
  co_return 1;
}

Task<int> parent_with_note(std::vector<std::string>* log, bool good) {
  Note local(log, "parent local");
  Result<int> result = co_await child_with_note(log, good);
  log->push_back(result ? "parent saw value" : "parent saw error");
  co_return co_await std::move(result);
}

// A parent may rely on it that what its child held is released.
TEST(Task, AFinishedChildIsGoneBeforeItsParentGoesOn) {
  for (bool good : {true, false}) {
    std::vector<std::string> log;
    auto result = run(parent_with_note(&log, good));
    EXPECT_EQ(result.has_value(), good);
    EXPECT_EQ(log,
              (std::vector<std::string>{
                  "child local", good ? "parent saw value" : "parent saw error", "parent local"}));
  }
}

Task<int> takes_note(Note) { co_return 1; }

Task<> parameters_die_with_the_frame(std::vector<std::string>* log) {
  co_await co_await takes_note(Note(log, "argument"));
  log->push_back("after");
  co_return ok;
}

TEST(Task, ArgumentsAreReleasedWithTheFrame) {
  std::vector<std::string> log;
  ASSERT_TRUE(run(parameters_die_with_the_frame(&log)));
  EXPECT_EQ(log, (std::vector<std::string>{"argument", "after"}));
}

Task<int> chain(int depth, Code code) {
  if (depth == 0) {
    if (code != Code::internal) co_return fail(code, "bottom");
    co_return 0;
  }
  co_return 1 + co_await co_await chain(depth - 1, code);
}

TEST(Task, ChainsOfTwentyThousandAwaits) {
  constexpr int kDepth = 20'000;
  EXPECT_EQ(*run(chain(kDepth, Code::internal)), kDepth);
  auto result = run(chain(kDepth, Code::cancelled));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text(), "bottom");
}

Task<int> chain_over(Gate* gate, int depth) {
  if (depth == 0) {
    co_await *gate;
    co_return 0;
  }
  co_return 1 + co_await co_await chain_over(gate, depth - 1);
}

TEST(Task, AChainThatWaitedUnwindsToo) {
  constexpr int kDepth = 20'000;
  Gate gate;
  std::optional<Result<int>> out;
  start(chain_over(&gate, kDepth), &out);
  EXPECT_FALSE(out);
  gate.fire();
  ASSERT_TRUE(out);
  EXPECT_EQ(**out, kDepth);
}

Task<int64_t> many_awaits(int count) {
  int64_t total = 0;
  for (int i = 0; i < count; ++i) total += co_await co_await value(1);
  co_return total;
}

TEST(Task, AwaitsInALoopUseNoStack) { EXPECT_EQ(*run(many_awaits(1'000'000)), 1'000'000); }

Task<> waits_twice(Gate* gate, std::vector<std::string>* log) {
  Note local(log, "local");
  co_await *gate;
  log->push_back("once");
  co_await *gate;
  log->push_back("twice");
  co_return ok;
}

TEST(Task, GoesOnWhereItWaited) {
  Gate gate;
  std::vector<std::string> log;
  std::optional<Result<>> out;
  start(waits_twice(&gate, &log), &out);
  EXPECT_TRUE(log.empty());
  gate.fire();
  EXPECT_EQ(log, std::vector<std::string>{"once"});
  gate.fire();
  EXPECT_EQ(log, (std::vector<std::string>{"once", "twice", "local"}));
  EXPECT_TRUE(out->has_value());
}

Task<std::unique_ptr<int>> move_only() { co_return std::make_unique<int>(5); }

Task<int> uses_move_only() {
  std::unique_ptr<int> pointer = co_await co_await move_only();
  co_return *pointer;
}

TEST(Task, CarriesMoveOnlyValues) { EXPECT_EQ(*run(uses_move_only()), 5); }

Task<> throws() {
  throw 1;
  co_return ok;
}

TEST(TaskDeath, AnExceptionStopsTheProcess) { EXPECT_DEATH((void)run(throws()), "exception left"); }

}  // namespace
}  // namespace forebay
