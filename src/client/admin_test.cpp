#include "client/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/session.h"
#include "testkit/stub_world.h"

namespace forebay::client {
namespace {

class AdminClientTest : public testing::Test {
 protected:
  AdminClientTest() {
    SessionOptions options;
    options.admin = "127.0.0.1:9000";
    options.credentials = Credentials{"KEY", Secret("secret")};
    session_ = std::move(world_.run(Session::open(options, ctx())).value());
  }
  Context ctx() { return world_.context(); }
  AdminClient& admin() { return session_->admin(); }

  testkit::StubWorld world_;
  std::unique_ptr<Session> session_;
};

TEST_F(AdminClientTest, BucketsAreMadeShownAndRemoved) {
  BucketSpec spec{.name = "data",
                  .origin = "s3://b?endpoint=http://h",
                  .freshness = "ttl:60s",
                  .fill = "adaptive",
                  .verify = "always",
                  .hedge = "p99",
                  .origin_access_key = "A",
                  .origin_secret_key = Secret("S"),
                  .origin_region = "r"};
  Result<Json> made = world_.run(admin().create_bucket(spec, ctx()));
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(world_.stub().admin_buckets["data"].dump(),
            R"({"name":"data","origin":"s3://b?endpoint=http://h","freshness":"ttl:60s",)"
            R"("fill":"adaptive",)"
            R"("verify":"always","hedge":"p99",)"
            R"("origin_access_key":"A","origin_secret_key":"S","origin_region":"r"})");
  Result<Json> again = world_.run(admin().create_bucket(spec, ctx()));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::exists);
  EXPECT_EQ(again.error().detail(), "BucketAlreadyExists");
  EXPECT_EQ(world_.run(admin().bucket("data", ctx()))->string("name").value(), "data");
  EXPECT_EQ(world_.run(admin().buckets(ctx()))->size(), 1u);
  EXPECT_TRUE(world_.run(admin().remove_bucket("data", ctx())));
  EXPECT_EQ(world_.run(admin().bucket("data", ctx())).error().code(), Code::not_found);
  EXPECT_EQ(world_.run(admin().buckets(ctx()))->size(), 0u);
}

TEST_F(AdminClientTest, WhatIsEmptyIsNotSaid) {
  EXPECT_EQ(BucketSpec{.name = "n"}.to_json().dump(), R"({"name":"n"})");
}

TEST_F(AdminClientTest, StatusIsWhatTheServerSays) {
  world_.stub().status.set("version", "0.1.0");
  EXPECT_EQ(world_.run(admin().status(ctx()))->string("version").value(), "0.1.0");
}

TEST_F(AdminClientTest, JobsAreOrderedShownAndCancelled) {
  Json job = Json().set("id", "j1").set("state", "running");
  world_.stub().jobs["j1"] = {job};
  EXPECT_EQ(world_.run(admin().prefetch("data", "img/", ctx())).value(), job);
  EXPECT_EQ(world_.stub().orders.at(0).dump(), R"({"bucket":"data","prefix":"img/"})");
  EXPECT_EQ(world_.run(admin().removal("data", "", ctx())).value(), job);
  EXPECT_EQ(world_.stub().orders.at(1).dump(), R"({"bucket":"data","prefix":""})");
  EXPECT_THAT(world_.stub().log, testing::Contains(testing::HasSubstr("POST /v1/removal")));
  EXPECT_EQ(world_.run(admin().jobs(ctx())).value(), std::vector<Json>{job});
  EXPECT_EQ(world_.run(admin().job("j1", ctx())).value(), job);
  auto gone = world_.run(admin().cancel_job("j1", ctx()));
  EXPECT_EQ(gone.value().string("state").value(), "cancelled");
  EXPECT_EQ(world_.run(admin().job("j2", ctx())).error().detail(), "NoSuchJob");
}

TEST_F(AdminClientTest, WhatIsNoAnswerIsCorrupt) {
  world_.stub().status = Json();
  EXPECT_TRUE(world_.run(admin().status(ctx()))->is_null());
  world_.stub().faults = {{"GET /v1/buckets", 500, 1}};
  Result<std::vector<Json>> failed = world_.run(admin().buckets(ctx()));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::unavailable);
  EXPECT_EQ(failed.error().text(), "the server answered 500");
}

TEST(ParseProblem, TakesWhatIsThere) {
  Error error = parse_problem(400, R"({"title":"Bad","detail":"no such origin","code":"X"})");
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_EQ(error.text(), "no such origin");
  EXPECT_EQ(error.detail(), "X");
  EXPECT_EQ(parse_problem(403, R"({"title":"Forbidden"})").text(), "Forbidden");
  EXPECT_EQ(parse_problem(502, "<html>").text(), "the server answered 502");
  EXPECT_EQ(parse_problem(409, R"({"code":"BucketNotEmpty"})").code(), Code::conflict);
}

}  // namespace
}  // namespace forebay::client
