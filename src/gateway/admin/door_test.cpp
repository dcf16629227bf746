#include "gateway/admin/world_test.h"

namespace forebay::gateway::admin {
namespace {

TEST_F(AdminDoorTest, a_page_of_metrics_is_made_once_for_all_who_are_reading_it) {
  obs::Counter& counter = metrics_.counter("forebay_test_total", "of this test");
  auto get = [&] {
    http::Request request;
    request.method = "GET";
    request.target = request.path = "/metrics";
    request.authority = "localhost";
    auto answer = world_.run(door_.handle(request, world_.ctx()));
    EXPECT_TRUE(answer);
    return *io::take_bytes(answer->body);
  };
  std::optional<Bytes> first = get();
  counter.add();
  std::optional<Bytes> second = get();
  EXPECT_EQ(first->view().data(), second->view().data());
  first.reset(), second.reset();
  Bytes fresh = get();
  EXPECT_NE(fresh.text().find("forebay_test_total 1"), std::string::npos);
  counter.add();
  (void)world_.run(io::sleep_until(world_.loop().now() + seconds(1), world_.ctx()));
  EXPECT_NE(get().text().find("forebay_test_total 2"), std::string::npos);
}

TEST_F(AdminDoorTest, a_body_has_a_time_in_all) {
  std::string body = R"({"name":"made"})";
  ASSERT_EQ(body.size(), 15U);
  EXPECT_EQ(order(body, milliseconds(1900)), 201);
  EXPECT_EQ(order(body, milliseconds(2100)), 408);
}

TEST_F(AdminDoorTest, a_body_where_a_call_has_none_is_not_dropped) {
  EXPECT_EQ(call("DELETE", "/v1/buckets/data", R"({"dry_run":true})"), 400);
  EXPECT_TRUE(world_.buckets.get("data")) << "nothing was done";
  EXPECT_EQ(call("GET", "/v1/buckets", "{}"), 400);
}

TEST_F(AdminDoorTest, what_cannot_be_changed_is_refused_whole) {
  for (const char* body :
       {"{}", "[]", "7", R"({"max_bytes":-1})", R"({"max_bytes":"1"})", R"({"max_bytes":null})",
        R"({"freshness":"exact"})", R"({"max_bytes":1,"max_object":1})",
        R"({"origin_access_key":"A"})", R"({"origin_secret_key":"B"})",
        R"({"origin_access_key":"","origin_secret_key":"B"})",
        R"({"origin_access_key":"A","origin_secret_key":""})",
        R"({"origin_access_key":"A","origin_secret_key":7})",
        R"({"origin_access_key":"A","origin_secret_key":"B","max_bytes":1})",
        R"({"origin_access_key":"A","origin_secret_key":"B","hedge":"off"})",
        R"({"hedge":"off","max_objects":0})", R"({"hedge":"p50"})", R"({"hedge":""})",
        R"({"hedge":99})",
        // The origin of this world knows of no keys, no limits, and no second question.
        R"({"origin_access_key":"A","origin_secret_key":"B"})", R"({"max_bytes":1})",
        R"({"hedge":"p99"})"}) {
    EXPECT_EQ(call("PATCH", "/v1/buckets/data", body), 400) << body;
  }
  EXPECT_EQ(call("PATCH", "/v1/buckets/data", R"({"hedge":"off"})"), 200);
  EXPECT_FALSE(world_.buckets.get("data").value()->settings.quota.set());
  EXPECT_EQ(call("PATCH", "/v1/buckets/none", R"({"max_bytes":1})"), 404);
  EXPECT_EQ(call("PATCH", "/v1/buckets", R"({"max_bytes":1})"), 404);
}

TEST_F(AdminDoorTest, a_default_origin_has_its_own_keys_and_region) {
  EXPECT_EQ(order(R"({"name":"made","origin_access_key":"A","origin_secret_key":"B"})", {}), 400);
  EXPECT_EQ(order(R"({"name":"made","origin_region":"eu-west-1"})", {}), 400);
  EXPECT_EQ(order(R"({"name":"made","origin":"dir:///x","origin_region":"eu"})", {}), 400);
  EXPECT_FALSE(world_.buckets.get("made"));
}

}  // namespace
}  // namespace forebay::gateway::admin
