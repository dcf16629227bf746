// prefetch and job, against a stub server.
#include "cli/world_test.h"

namespace forebay::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kId = "0011223344556677";

class JobTest : public CliTest {
 protected:
  static Json job(const std::string& state, uint64_t objects, uint64_t bytes) {
    Json job;
    job.set("id", kId)
        .set("work", "prefetch")
        .set("bucket", "data")
        .set("prefix", "img/")
        .set("state", state);
    job.set("objects", objects).set("objects_known", 40).set("bytes", bytes);
    job.set("bytes_known", uint64_t{40} << 20).set("all_known", true);
    return job;
  }
  static Json failed(Json job, uint64_t count) {
    Json::Array named;
    named.push_back(Json().set("key", "img/a").set("reason", "it is gone"));
    named.push_back(Json().set("key", "img/b").set("reason", "not yours"));
    return job.set("objects_failed", count).set("failures", std::move(named));
  }
  std::deque<Json>& looks() { return world_.stub().jobs[kId]; }
};

TEST_F(JobTest, prefetch_tells_how_to_watch_it) {
  looks() = {job("waiting", 0, 0)};
  EXPECT_EQ(run({"prefetch", "s3://data/img/"}), 0) << err_;
  EXPECT_EQ(out_, std::string("job ") + kId + " fetches data/img/\n  forebay job show " + kId +
                      "    tells how far it is\n  forebay job cancel " + kId + "  ends it\n");
  ASSERT_EQ(world_.stub().orders.size(), 1U);
  EXPECT_EQ(world_.stub().orders[0].dump(), R"({"bucket":"data","prefix":"img/"})");
  EXPECT_EQ(run({"prefetch", "data"}), 0);
  EXPECT_EQ(world_.stub().orders[1].dump(), R"({"bucket":"data","prefix":""})");
  EXPECT_EQ(run({"prefetch"}), 2);
  EXPECT_EQ(run({"prefetch", "/x"}), 2);
}

TEST_F(JobTest, a_bucket_that_is_not_there) {
  world_.stub().buckets["images"];
  EXPECT_EQ(run({"prefetch", "imagse"}), 1);
  EXPECT_THAT(err_,
              testing::AllOf(HasSubstr("bucket imagse: "), HasSubstr("did you mean images?")));
}

TEST_F(JobTest, who_waits_sees_it_come) {
  environment_.terminal = true;
  looks() = {job("waiting", 0, 0), job("running", 10, 10 << 20), job("running", 20, 20 << 20),
             job("done", 40, 40 << 20).set("objects_found", 3)};
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 0) << err_;
  EXPECT_EQ(out_, "40 of 40 objects, 40.0 MiB of 40.0 MiB (3 had been here before)\n");
  EXPECT_THAT(err_, HasSubstr("data/img/"));
  EXPECT_THAT(err_, HasSubstr(" 50%"));
  EXPECT_THAT(err_, HasSubstr("100%"));
  EXPECT_THAT(err_, testing::EndsWith("\n"));
}

TEST_F(JobTest, the_rate_is_of_what_is_fetched_not_of_what_was_here) {
  looks() = {job("running", 0, 0)};
  for (uint64_t i = 1; i <= 30; ++i) {
    looks().push_back(job("running", i, i << 20).set("bytes_per_second", 3 << 10));
  }
  looks().push_back(job("done", 40, 40 << 20));
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 0) << err_;
  EXPECT_THAT(err_, testing::AllOf(HasSubstr("3.0 KiB/s"), Not(HasSubstr("MiB/s"))));
}

TEST_F(JobTest, where_nothing_is_it_says_so) {
  Json none = job("done", 0, 0).set("objects_known", 0).set("bytes_known", 0);
  looks() = {job("waiting", 0, 0).set("all_known", false).set("objects_known", 0), none};
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 0) << err_;
  EXPECT_EQ(out_, "nothing found under data/img/\n");
  looks() = {none.set("prefix", "")};
  EXPECT_EQ(run({"job", "show", kId}), 0);
  EXPECT_THAT(out_, HasSubstr("\nnothing found in data\n"));
  // What is not all looked through, or could not be fetched, is something.
  looks() = {job("running", 0, 0).set("objects_known", 0).set("all_known", false)};
  EXPECT_EQ(run({"job", "show", kId}), 0);
  EXPECT_THAT(out_, HasSubstr("\n0 of 0 objects, "));
}

TEST_F(JobTest, without_a_terminal_it_is_a_line_now_and_then) {
  looks() = {job("waiting", 0, 0)};
  for (uint64_t i = 1; i <= 50; ++i) looks().push_back(job("running", 1, i << 19));
  looks().push_back(job("done", 40, 40 << 20));
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 0) << err_;
  EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 2) << err_;
  EXPECT_THAT(err_, HasSubstr("of 40.0 MiB"));
  EXPECT_THAT(err_, Not(HasSubstr("\r")));
}

TEST_F(JobTest, what_came_to_no_good_end_is_one_and_says_why) {
  looks() = {job("waiting", 0, 0), failed(job("done", 37, 40 << 20), 3)};
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 1);
  EXPECT_EQ(err_, std::string("forebay: job ") + kId +
                      " could not fetch 3 objects:\n  img/a: it is gone\n  img/b: not yours\n"
                      "  and 1 more\n");
  looks() = {job("waiting", 0, 0), job("failed", 3, 3).set("error", "the cache is full")};
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 1);
  EXPECT_EQ(err_, std::string("forebay: job ") + kId + " failed: the cache is full\n");
  looks() = {job("waiting", 0, 0), job("cancelled", 3, 3)};
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 1);
  EXPECT_EQ(err_, std::string("forebay: job ") + kId + " is cancelled\n");
}

TEST_F(JobTest, who_leaves_leaves_it_running) {
  looks() = {job("running", 1, 1)};
  CancelToken interrupt;
  std::optional<Result<int>> code;
  std::vector<std::string> arguments{"prefetch", "data/img/", "--wait"};
  io::Loop& loop = world_.world().loop();
  io::start<int>(loop,
                 cli::run(arguments, environment_, streams_, world_.context().under(interrupt)),
                 [&](Result<int> ended) { code.emplace(std::move(ended)); });
  EXPECT_TRUE(world_.run(io::sleep_until(loop.now() + seconds(3), world_.context())));
  ASSERT_FALSE(code);
  interrupt.cancel();
  EXPECT_TRUE(world_.run(io::sleep_until(loop.now() + seconds(1), world_.context())));
  ASSERT_TRUE(code && *code);
  EXPECT_EQ(**code, 1);
  EXPECT_THAT(err_, HasSubstr(std::string("job ") + kId + " is left to go on"));
  EXPECT_THAT(err_, HasSubstr(std::string("forebay job cancel ") + kId));
  for (const std::string& line : world_.stub().log) EXPECT_THAT(line, Not(HasSubstr("DELETE")));
}

TEST_F(JobTest, a_server_that_is_away_for_a_while_is_waited_for) {
  looks() = {job("running", 1, 1), job("done", 40, 40 << 20)};
  world_.stub().faults.push_back({"GET /v1/jobs/", 503, 5});
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 0) << err_;
  looks() = {job("running", 1, 1)};
  world_.stub().faults.push_back({"GET /v1/jobs/", 503, 100'000});
  EXPECT_EQ(run({"prefetch", "data/img/", "--wait"}), 1);
  EXPECT_THAT(err_, HasSubstr("is left to go on"));
}

TEST_F(JobTest, jobs_are_listed_shown_and_cancelled) {
  EXPECT_EQ(run({"job", "ls"}), 0);
  EXPECT_EQ(out_, "");
  Json now = failed(job("running", 10, 10 << 20), 2);
  now.set("bytes_per_second", uint64_t{5} << 20).set("seconds_left", 6).set("objects_found", 1);
  now.set("created", "2026-01-02T03:04:05.000Z");
  looks() = {now};
  EXPECT_EQ(run({"job", "ls"}), 0);
  EXPECT_EQ(
      out_,
      std::string(kId) +
          "  running    prefetch  data/img/  10 of 40 objects, 10.0 MiB of 40.0 MiB, 2 failed\n");
  EXPECT_EQ(run({"job", "ls", "--json"}), 0);
  EXPECT_THAT(out_, HasSubstr(R"([{"id":"0011)"));
  EXPECT_EQ(run({"job", "show", kId}), 0);
  EXPECT_EQ(out_,
            "prefetch of data/img/: running\n10 of 40 objects, 10.0 MiB of 40.0 MiB, 2 failed\n"
            "1 object of these had been here before\n5.0 MiB/s, 00:06 left\n"
            "created: 2026-01-02T03:04:05.000Z\nfailed:\n  img/a: it is gone\n"
            "  img/b: not yours\n");
  EXPECT_EQ(run({"job", "show", kId, "--json"}), 0);
  EXPECT_THAT(out_, HasSubstr(R"("objects_failed":2)"));
  EXPECT_EQ(run({"job", "cancel", kId}), 0);
  EXPECT_EQ(out_, std::string("cancelled job ") + kId + "; what it has fetched stays\n");
  EXPECT_EQ(run({"job", "show", "none"}), 1);
  EXPECT_EQ(err_, "forebay: stub: NoSuchJob\nforebay: 'forebay job ls' lists the jobs\n");
  EXPECT_EQ(run({"job"}), 2);
}

TEST_F(JobTest, a_removal_is_ordered_and_told_of_in_its_own_words) {
  Json going = job("running", 10, 10 << 20).set("work", "removal").set("all_known", false);
  looks() = {going};
  EXPECT_EQ(run({"rm", "-r", "--job", "s3://data/img/"}), 0) << err_;
  EXPECT_EQ(out_, std::string("job ") + kId + " removes data/img/\n  forebay job show " + kId +
                      "    tells how far it is\n  forebay job cancel " + kId + "  ends it\n");
  ASSERT_EQ(world_.stub().orders.size(), 1U);
  EXPECT_EQ(world_.stub().orders[0].dump(), R"({"bucket":"data","prefix":"img/"})");
  EXPECT_THAT(world_.stub().log, testing::Contains(HasSubstr("POST /v1/removal")));
  EXPECT_EQ(run({"job", "show", kId}), 0);
  EXPECT_EQ(out_,
            "removal of data/img/: running\n"
            "10 of 40 objects, 10.0 MiB of 40.0 MiB known so far\n");
  EXPECT_EQ(run({"job", "cancel", kId}), 0);
  EXPECT_THAT(out_, HasSubstr("what it has removed is gone"));
}

TEST_F(JobTest, a_removal_is_looked_on_at) {
  Json going = job("running", 10, 10 << 20).set("work", "removal");
  looks() = {going, job("done", 40, 40 << 20).set("work", "removal")};
  EXPECT_EQ(run({"rm", "-r", "--job", "--wait", "data/img/"}), 0) << err_;
  EXPECT_EQ(out_, "removed 40 of 40 objects, 40.0 MiB of 40.0 MiB\n");
  Json none = job("done", 0, 0).set("objects_known", 0).set("work", "removal");
  looks() = {none};
  EXPECT_EQ(run({"rm", "-r", "--job", "--wait", "data/img/"}), 0) << err_;
  EXPECT_EQ(out_, "nothing found under data/img/\n");
  looks() = {going, failed(job("done", 37, 37 << 20), 2).set("work", "removal")};
  EXPECT_EQ(run({"rm", "-r", "--job", "--wait", "data/img/"}), 1);
  EXPECT_THAT(err_, HasSubstr("could not remove 2 objects:"));
}

TEST_F(JobTest, who_has_ordered_it_may_wait_for_it_later) {
  looks() = {job("running", 10, 10 << 20), job("running", 20, 20 << 20), job("done", 40, 40 << 20)};
  EXPECT_EQ(run({"job", "wait", kId}), 0) << err_;
  EXPECT_EQ(out_, "40 of 40 objects, 40.0 MiB of 40.0 MiB\n");
  EXPECT_EQ(looks().size(), 1U) << "it looked on until the end";
  looks() = {failed(job("done", 38, 38 << 20), 2)};
  EXPECT_EQ(run({"job", "wait", kId}), 1) << "one that had ended";
  EXPECT_THAT(err_, HasSubstr("could not fetch 2 objects:"));
  EXPECT_EQ(run({"job", "wait", "none"}), 1);
  EXPECT_THAT(err_, HasSubstr("'forebay job ls' lists the jobs"));
  EXPECT_EQ(run({"job", "wait"}), 2);
  EXPECT_EQ(world_.stub().orders.size(), 0U);
}

TEST_F(JobTest, an_order_is_told_as_json) {
  looks() = {job("waiting", 0, 0)};
  for (std::vector<std::string> order :
       {std::vector<std::string>{"prefetch", "data/img/"}, {"rm", "-r", "--job", "data/img/"}}) {
    order.push_back("--json");
    looks() = {job("waiting", 0, 0)};
    EXPECT_EQ(run(order), 0) << err_;
    EXPECT_EQ(out_, job("waiting", 0, 0).dump() + '\n');
    order.push_back("--wait");
    looks() = {job("waiting", 0, 0), job("done", 40, 40 << 20)};
    EXPECT_EQ(run(order), 0) << err_;
    EXPECT_EQ(out_, job("done", 40, 40 << 20).dump() + '\n');
    looks() = {job("waiting", 0, 0), failed(job("done", 38, 38 << 20), 2)};
    EXPECT_EQ(run(order), 1);
    EXPECT_EQ(out_, failed(job("done", 38, 38 << 20), 2).dump() + '\n');
    EXPECT_THAT(err_, HasSubstr("img/a: it is gone"));
  }
  looks() = {job("done", 40, 40 << 20)};
  EXPECT_EQ(run({"job", "wait", kId, "--json"}), 0) << err_;
  EXPECT_EQ(out_, job("done", 40, 40 << 20).dump() + '\n');
  EXPECT_EQ(run({"rm", "-r", "--json", "data/img/"}), 2);
}

TEST_F(JobTest, a_job_is_for_many_objects) {
  EXPECT_EQ(run({"rm", "--job", "data/img/a"}), 2);
  EXPECT_EQ(run({"rm", "-r", "--wait", "data/img/"}), 2);
  EXPECT_EQ(world_.stub().orders.size(), 0U);
}

TEST_F(JobTest, the_status_tells_of_those_that_have_not_ended) {
  world_.stub()
      .status.set("version", "1")
      .set("batch", Json::Array{job("running", 1, 1 << 20).set("all_known", false)});
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(
      out_,
      std::string("version: 1\njobs over objects:\n  ") + kId +
          ": running, prefetch of data/img/, 1 of 40 objects, 1.0 MiB of 40.0 MiB known so far\n");
}

}  // namespace
}  // namespace forebay::cli
