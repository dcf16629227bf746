#include "gateway/admin/door.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gateway/s3/world_test.h"

namespace forebay::gateway::admin {
namespace {

// A body whose bytes come one by one, each after a pause.
class Trickle final : public io::Source {
 public:
  Trickle(std::string text, Duration pause) : text_(std::move(text)), pause_(pause) {}
  Task<io::Chunk> next(Context ctx) override {
    if (at_ == text_.size()) co_return Bytes();
    co_await co_await io::sleep_until(ctx.loop->now() + pause_, ctx);
    co_return Bytes(nullptr, as_bytes(text_).subspan(at_++, 1));
  }

 private:
  std::string text_;
  Duration pause_;
  size_t at_ = 0;
};

class NothingToTell final : public Teller {
 public:
  Task<Json> status(Context) override { co_return Json(); }
};

class AdminDoorTest : public testing::Test {
 protected:
  /// The status of an order to make a bucket, whose body comes so.
  int order(const std::string& body, Duration pause) {
    return call("POST", "/v1/buckets", body, pause);
  }
  int call(const char* method, const char* path, const std::string& body, Duration pause = {}) {
    std::vector<Header> headers{{"host", "localhost"}};
    std::vector<sign::Header> views{{"host", "localhost"}};
    sign::Signed made =
        signer_.sign({method, path, "", views}, sign::Body::hashed(Sha256::of(as_bytes(body))),
                     world_.loop().wall_now());
    for (const sign::Header& one : made.headers()) headers.push_back({one.name, one.value});
    Trickle source(body, pause);
    http::Request request;
    request.method = method;
    request.target = request.path = path;
    request.authority = "localhost";
    request.headers = headers;
    request.content_length = body.size();
    request.source = &source;
    auto answer = world_.run(door_.handle(request, world_.ctx()));
    return answer ? answer->status : 0;
  }

  s3::DoorWorld world_;
  const sign::Signer signer_{{"ROOT", Secret("rootsecret")}, "us-east-1", "forebay"};
  meta::MemoryStore rows_;
  obs::Registry metrics_;
  auth::Keys keys_{rows_, {"ROOT", Secret("rootsecret"), {}, true, true}};
  auth::Guard guard_{keys_, metrics_, {"forebay", "admin"}};
  job::Runner jobs_{world_.loop(), obs::Log::none(), metrics_};
  std::atomic<bool> ready_ = true;
  NothingToTell teller_;
  Door door_{{world_.buckets, guard_, metrics_, jobs_, ready_, teller_}};
};

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

}  // namespace
}  // namespace forebay::gateway::admin
