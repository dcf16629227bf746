// What tests of the admin door share: the door over the world of the S3 door. Only tests of this
// room include it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gateway/admin/door.h"
#include "gateway/s3/world_test.h"

namespace forebay::gateway::admin {

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
    return answer(method, path, body, pause).status;
  }
  struct Answer {
    int status = 0;
    Json body;
  };
  Answer answer(const char* method, const std::string& path, const std::string& body = {},
                Duration pause = {}) {
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
    if (!body.empty()) {
      request.content_length = body.size();
      request.source = &source;
    }
    auto answered = world_.run(door_.handle(request, world_.ctx()));
    if (!answered) return {};
    auto text = world_.run(io::read_all(std::move(answered->body), 1 << 20, world_.ctx()));
    return {answered->status, Json::parse(text.value_or("")).value_or(Json())};
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
  batch::Jobs batch_{{rows_, world_.buckets, world_.services().objects, obs::Log::none()}};
  Door door_{{world_.buckets, guard_, metrics_, jobs_, batch_, ready_, teller_}};
};

}  // namespace forebay::gateway::admin
