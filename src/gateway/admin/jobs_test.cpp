#include "gateway/admin/world_test.h"

namespace forebay::gateway::admin {
namespace {

class AdminJobsTest : public AdminDoorTest {
 protected:
  static std::string text(const Json& json, const char* name) {
    return json.string_or(name, "").value_or("");
  }
  void run_jobs() {
    EXPECT_TRUE(batch_.start(jobs_));
    running_ = true;
  }
  ~AdminJobsTest() override {
    if (!running_) return;
    EXPECT_TRUE(world_.run(batch_.stop(world_.ctx())));
    EXPECT_TRUE(world_.run(jobs_.stop(world_.ctx())));
  }
  bool running_ = false;
};

TEST_F(AdminJobsTest, a_prefetch_is_ordered_shown_and_done) {
  world_.origin().change("img/a", std::string(100'000, 'a'));
  world_.origin().change("img/b", "b");
  world_.origin().change("other", "c");
  Answer made = answer("POST", "/v1/prefetch", R"({"bucket":"data","prefix":"img/"})");
  ASSERT_EQ(made.status, 202);
  EXPECT_EQ(text(made.body, "state"), "waiting");
  EXPECT_EQ(text(made.body, "bucket"), "data");
  EXPECT_EQ(text(made.body, "prefix"), "img/");
  std::string id = text(made.body, "id");
  ASSERT_EQ(id.size(), 16U);
  Answer status = answer("GET", "/v1/status");
  ASSERT_NE(status.body.find("batch"), nullptr);
  EXPECT_EQ(text(status.body.find("batch")->as_array()->at(0), "id"), id);
  run_jobs();
  (void)world_.run(io::sleep_until(world_.loop().now() + seconds(10), world_.ctx()));
  Answer done = answer("GET", "/v1/jobs/" + id);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(text(done.body, "state"), "done");
  EXPECT_EQ(done.body.unsigned_integer("objects").value(), 2U);
  EXPECT_EQ(done.body.unsigned_integer("objects_known").value(), 2U);
  EXPECT_EQ(done.body.unsigned_integer("bytes").value(), 100'001U);
  EXPECT_EQ(done.body.boolean("all_known").value(), true);
  EXPECT_EQ(world_.origin().counts("get").bytes, 100'001U);
  Answer list = answer("GET", "/v1/jobs");
  ASSERT_EQ(list.body.find("jobs")->as_array()->size(), 1U);
  EXPECT_EQ(answer("GET", "/v1/status").body.find("batch"), nullptr);
  Answer late = answer("DELETE", "/v1/jobs/" + id);
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(text(late.body, "code"), "JobEnded");
}

TEST_F(AdminJobsTest, one_that_waits_is_cancelled) {
  std::string id = text(answer("POST", "/v1/prefetch", R"({"bucket":"data"})").body, "id");
  Answer gone = answer("DELETE", "/v1/jobs/" + id);
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(text(gone.body, "state"), "cancelled");
  EXPECT_EQ(text(answer("GET", "/v1/jobs/" + id).body, "state"), "cancelled");
}

TEST_F(AdminJobsTest, what_is_no_order_is_refused_and_leaves_none) {
  struct Case {
    const char* method;
    const char* path;
    const char* body;
    int status;
    const char* code;
  };
  std::string longest = R"({"bucket":"data","prefix":")" + std::string(1025, 'p') + "\"}";
  const Case cases[] = {
      {"POST", "/v1/prefetch", R"({"bucket":"data","prefix":"a","rate":1})", 400, ""},
      {"POST", "/v1/prefetch", R"({"prefix":"a"})", 400, ""},
      {"POST", "/v1/prefetch", R"({"bucket":"data","prefix":7})", 400, ""},
      {"POST", "/v1/prefetch", R"(["data"])", 400, ""},
      {"POST", "/v1/prefetch", "x", 400, ""},
      {"POST", "/v1/prefetch", longest.c_str(), 413, "KeyTooLongError"},
      {"POST", "/v1/prefetch", R"({"bucket":"none"})", 404, "NoSuchBucket"},
      {"POST", "/v1/removal", R"({"bucket":"data","prefix":"a","versions":true})", 400, ""},
      {"POST", "/v1/removal", R"({"bucket":"data"})", 400, ""},
      {"POST", "/v1/removal", longest.c_str(), 413, "KeyTooLongError"},
      {"POST", "/v1/removal", R"({"bucket":"none","prefix":""})", 404, "NoSuchBucket"},
      {"GET", "/v1/removal", "", 404, ""},
      {"PUT", "/v1/prefetch", "", 404, ""},
      {"GET", "/v1/prefetch", "", 404, ""},
      {"POST", "/v1/jobs", "{}", 404, ""},
      {"GET", "/v1/jobs/0123456789abcdef", "", 404, "NoSuchJob"},
      {"DELETE", "/v1/jobs/", "", 404, "NoSuchJob"}};
  for (const Case& one : cases) {
    Answer refused = answer(one.method, one.path, one.body);
    EXPECT_EQ(refused.status, one.status) << one.method << one.path << one.body;
    EXPECT_EQ(text(refused.body, "code"), one.code) << one.method << one.path << one.body;
  }
  EXPECT_TRUE(answer("GET", "/v1/jobs").body.find("jobs")->as_array()->empty());
}

TEST_F(AdminJobsTest, the_same_twice_is_told_of_the_first) {
  std::string id = text(answer("POST", "/v1/prefetch", R"({"bucket":"data"})").body, "id");
  Answer again = answer("POST", "/v1/prefetch", R"({"bucket":"data","prefix":""})");
  EXPECT_EQ(again.status, 409);
  EXPECT_NE(text(again.body, "detail").find(id), std::string::npos);
  EXPECT_EQ(answer("POST", "/v1/prefetch", R"({"bucket":"data","prefix":"x"})").status, 202);
}

}  // namespace
}  // namespace forebay::gateway::admin
