// A server whose every answer the test writes, and the s3 origin that asks it. Only tests of this
// room include it.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/server.h"
#include "io/sim.h"
#include "origin/s3/s3.h"
#include "testkit/origin_contract.h"

namespace forebay::origin {

/// One answer, for whoever comes next.
struct Reply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string body = {};
  uint64_t length = 0;  ///< instead of the body's; that body never comes
  Duration delay = {};
};

/// A body of which no more than the first byte comes.
class NoBody final : public io::Source {
 public:
  Task<io::Chunk> next(Context) override {
    if (std::exchange(begun_, true)) co_return fail(Code::unavailable, "no more");
    co_return Bytes(std::string("x"));
  }

 private:
  bool begun_ = false;
};

class Script final : public http::Handler {
 public:
  Task<http::Response> handle(http::Request& request, Context ctx) override {
    log.push_back(std::string(request.method) + " " + std::string(request.target));
    headers.emplace_back();
    for (const Header& h : request.headers) headers.back()[std::string(h.name)] = h.value;
    bodies.push_back(co_await co_await io::read_all(request.take_body(), 1 << 20, ctx));
    Reply reply{.status = 500};
    if (!replies.empty()) {
      reply = std::move(replies.front());
      replies.pop_front();
    }
    if (reply.delay > Duration{})
      co_await co_await io::sleep_until(ctx.loop->now() + reply.delay, ctx);
    http::Response out = http::Response::make(reply.status);
    for (const auto& [name, value] : reply.fields) out.fields.add(name, value);
    out.body = reply.body.empty() ? io::Body::empty() : io::Body::of(Bytes(std::move(reply.body)));
    if (reply.length > 0) out.body = {reply.length, std::make_unique<NoBody>()};
    co_return out;
  }
  std::deque<Reply> replies;
  std::vector<std::string> log, bodies;
  std::vector<std::map<std::string, std::string>> headers;
};

class S3 : public testing::Test {
 protected:
  S3() : world_(io::Simulation::make({.seed = 7})), client_(world_->loop()) {
    server_.emplace(std::move(world_->loop().listen({"127.0.0.1", 9000}).value()), script_);
    io::start<void>(world_->loop(), server_->run(ctx()), [this](Result<>) { ended_ = true; });
    options_ = {.url = *parse_s3_url("s3://bucket?endpoint=http://127.0.0.1:9000"),
                .access_key = "KEY",
                .secret = Secret("secret"),
                .client = [this](io::Loop&) -> http::Client& { return client_; }};
    origin_ = make_s3_origin(options_);
  }
  ~S3() override {
    client_.close_idle();
    (void)world_->run(server_->drain(world_->loop().now(), ctx()));
    while (!ended_ && world_->step()) {
    }
  }
  Context ctx() { return {.loop = &world_->loop()}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return world_->run(std::move(task));
  }
  void reply(int status, std::vector<std::pair<std::string, std::string>> fields = {},
             std::string body = {}) {
    script_.replies.push_back({status, std::move(fields), std::move(body)});
  }
  void at_prefix(std::string_view prefix) {
    options_.url.prefix = prefix;
    origin_ = make_s3_origin(options_);
  }
  Result<GetAnswer> get(GetOptions options) {
    return run(origin_->get(testkit::key_of("key"), std::move(options), ctx()));
  }
  /// The answer to a GET of 2-4 of "0123456789" under ETag "e".
  void reply_range(std::string range, std::string body, std::string etag = "\"e\"") {
    reply(206, {{"ETag", etag}, {"Content-Range", range}}, std::move(body));
  }

  std::unique_ptr<io::Simulation> world_;
  http::Client client_;
  Script script_;
  std::optional<http::Server> server_;
  bool ended_ = false;
  S3Options options_;
  std::shared_ptr<Origin> origin_;
};

}  // namespace forebay::origin
