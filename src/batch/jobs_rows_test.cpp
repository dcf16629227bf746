// The rows of jobs: those that cannot be written, those that are read, and those that are removed.
#include <utility>

#include "batch/jobs_test.h"

namespace forebay::batch {
namespace {

TEST_F(JobsTest, old_ones_are_forgotten) {
  open();
  std::string id = order("none");
  wait(seconds(2));
  ASSERT_EQ(state(id), State::done);
  Duration longer = Jobs::kKept + seconds(1);
  EXPECT_TRUE(world_->run(io::sleep_until(loop_.now() + longer, ctx()), longer + seconds(1)));
  std::string later = order("nothing");
  wait(seconds(2));
  EXPECT_EQ(state(later), State::done);
  EXPECT_EQ(jobs_->get(id, loop_).error().detail(), "NoSuchJob");
  EXPECT_EQ(rows(), 1U);
}

TEST_F(JobsTest, an_order_that_may_have_been_kept_is_taken_back) {
  using Happens = Watched::Happens;
  fill("k", 10, 10);
  // The second failure is that of the row that takes it back.
  for (int fails : {1, 2}) {
    for (Happens happens : {Happens::never, Happens::all_the_same, Happens::late}) {
      SCOPED_TRACE(std::to_string(fails) + " " + std::to_string(static_cast<int>(happens)));
      open();
      size_t listed = jobs_->list(loop_).size();
      watched_.fails = fails;
      watched_.happens = happens;
      auto made = run(jobs_->prefetch("data", "k", ctx()));
      ASSERT_FALSE(made);
      EXPECT_EQ(made.error().code(), Code::unavailable);
      EXPECT_EQ(watched_.fails, 0);
      if (fails == 2) {
        std::string other = order("none");
        EXPECT_EQ(jobs_->list(loop_).at(listed).record.state, State::cancelled)
            << "before anything else is kept";
        wait(seconds(2));
        EXPECT_EQ(state(other), State::done);
      }
      if (happens == Happens::late) (void)run(rows_.commit(*watched_.late, ctx()));
      close();
      open();
      wait(seconds(5));
      for (const Shown& one : jobs_->list(loop_)) {
        if (one.record.prefix == "k") EXPECT_EQ(one.record.state, State::cancelled);
      }
      close();
    }
  }
  EXPECT_EQ(bytes(), 0U);
  open();
  std::string id = order("k");
  wait(seconds(5));
  EXPECT_EQ(state(id), State::done) << "and may be given again";
}

TEST_F(JobsTest, a_cancel_that_cannot_be_written_changes_nothing) {
  fill("k", 300, 1000);
  origin_->options().delay = milliseconds(300);
  open();
  std::string id = order("");
  while (shown(id).record.counts.objects < 50) ASSERT_TRUE(world_->step());
  for (Code code : {Code::unavailable, Code::busy}) {
    watched_.fails = 1;
    watched_.code = code;
    auto told = run(jobs_->cancel(id, ctx()));
    // The job's own row may have been the one that failed.
    if (watched_.fails > 0 || told) GTEST_FAIL() << "another commit failed";
    EXPECT_EQ(told.error().code(), code);
    EXPECT_EQ(state(id), State::running);
    EXPECT_FALSE(shown(id).record.ended);
  }
  ASSERT_TRUE(run(jobs_->cancel(id, ctx())));
  world_->settle();
  EXPECT_EQ(state(id), State::cancelled);
  close();
  open(false);
  EXPECT_EQ(state(id), State::cancelled);
  std::string waiting = order("k");
  watched_.fails = 1;
  EXPECT_FALSE(run(jobs_->cancel(waiting, ctx())));
  close();
  open();
  world_->settle();
  EXPECT_EQ(state(waiting), State::done) << "who was told of an error need not wonder";
}

TEST_F(JobsTest, a_cancel_meets_an_end) {
  fill("k", 40, 1000);
  origin_->options().delay = milliseconds(20);
  watched_.delay = milliseconds(15);
  open();  // the first brings them, so that all others last about as long
  order("");
  world_->settle();
  close();
  int met = 0;
  for (int64_t when = 0; when < 60; ++when) {
    open();
    std::string id = order("");
    wait(milliseconds(when));
    std::optional<Result<Shown>> answer;
    io::start<Shown>(loop_, jobs_->cancel(id, ctx()),
                     [&](Result<Shown> end) { answer.emplace(std::move(end)); });
    bool ran = state(id) == State::running, done = false;
    while (!answer && world_->step()) done = done || state(id) == State::done;
    ASSERT_TRUE(answer);
    const Result<Shown>& told = *answer;
    EXPECT_TRUE(told || told.error().detail() == "JobEnded");
    EXPECT_FALSE(told && done) << "it had ended before everybody's eyes";
    met += ran && done ? 1 : 0;
    EXPECT_EQ(state(id), told ? State::cancelled : State::done);
    wait(seconds(2));
    close();
    open(false);
    EXPECT_EQ(state(id), told ? State::cancelled : State::done) << "as it was told";
    close();
  }
  EXPECT_GT(met, 0);
}

TEST_F(JobsTest, cancelled_ones_are_forgotten_too) {
  open(false);
  std::string last;
  for (size_t i = 0; i < Jobs::kMostEnded + 20; ++i) {
    last = order(numbered("z", i));
    ASSERT_TRUE(run(jobs_->cancel(last, ctx())));
    wait(milliseconds(1));
  }
  EXPECT_EQ(jobs_->list(loop_).size(), Jobs::kMostEnded);
  EXPECT_EQ(rows(), Jobs::kMostEnded);
  EXPECT_EQ(state(last), State::cancelled);
}

TEST_F(JobsTest, any_number_of_rows_is_read_and_the_newest_are_kept) {
  meta::Txn txn;
  auto flush = [&] { EXPECT_TRUE(run(watched_.commit(std::exchange(txn, {}), ctx()))); };
  auto put = [&](uint64_t number, State state) {
    Record record;
    std::string digits = std::to_string(number * 7919 % 100'000);  // in no order
    record.id = std::string(16 - digits.size(), '0') + digits;
    record.bucket = "data";
    record.state = state;
    record.created = {static_cast<int64_t>(number)};
    WallTime end = loop_.wall_now();
    end.ns += static_cast<int64_t>(number);
    if (ended(state)) record.ended = end;
    txn.put(meta::schema::job(record.id), encode(record));
    if (number % 50 == 0) flush();
    return record.id;
  };
  std::string oldest = put(1, State::cancelled);
  for (uint64_t i = 2; i < 1000; ++i) put(i, State::cancelled);
  std::string newest = put(1000, State::failed);
  std::string going = put(1001, State::running);
  for (uint64_t i = 0; i < 300; ++i) {
    txn.put(meta::schema::job("ff" + numbered("00000000", i)), R"({"version":9})");
    if (i % 50 == 0) flush();
  }
  flush();
  open(false);
  EXPECT_EQ(jobs_->list(loop_).size(), Jobs::kMostEnded + 1);
  EXPECT_EQ(rows(), Jobs::kMostEnded + 1 + 300);
  EXPECT_EQ(jobs_->get(oldest, loop_).error().detail(), "NoSuchJob");
  EXPECT_EQ(state(newest), State::failed);
  EXPECT_EQ(state(going), State::waiting);
  EXPECT_EQ(jobs_->list(loop_).back().record.id, going) << "in the order of their orders";
  close();
  for (uint64_t i = 2001; i <= 2010; ++i) put(i, State::done);
  flush();
  watched_.fails = 5;
  open(false);
  EXPECT_EQ(jobs_->list(loop_).size(), Jobs::kMostEnded + 1) << "also when they cannot be removed";
  EXPECT_EQ(rows(), Jobs::kMostEnded + 1 + 300 + 5);
}

TEST_F(JobsTest, a_row_that_is_not_understood_is_left_alone) {
  std::string key = meta::schema::job("00112233aabbccdd");
  ASSERT_TRUE(run(watched_.commit(meta::Txn().put(key, R"({"version":9})"), ctx())));
  open();
  EXPECT_TRUE(jobs_->list(loop_).empty());
  order("none");
  world_->settle();
  EXPECT_EQ(rows(), 2U);
  EXPECT_EQ(watched_.rows[key], R"({"version":9})");
}

}  // namespace
}  // namespace forebay::batch
