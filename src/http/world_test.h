// The fixture of http's tests on sockets: the same test on the real engine and in simulated worlds
// of several seeds, against a server whose answers the path chooses. Only tests of this room
// include it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/server.h"
#include "io/engine.h"
#include "io/sim.h"
#include "io/sync.h"
#include "testkit/seeds.h"

namespace forebay::http {

struct WorldKind {
  std::string name;
  bool real = false;
  uint64_t seed = 0;
  double reset = 0;  ///< how often a call breaks its connection
};

inline std::vector<WorldKind> all_worlds() {
  std::vector<WorldKind> out{{"real", true, 0, 0}};
  for (uint64_t seed = 1; seed <= testkit::seeds(32); ++seed) {
    out.push_back({"sim" + std::to_string(seed), false, seed, 0});
  }
  return out;
}

/// An engine with one loop and a folder of its own.
class World {
 public:
  explicit World(const WorldKind& kind) {
    if (kind.real) {
      auto made = io::Engine::make({.loops = 1, .pool_threads = 2});
      EXPECT_TRUE(made);
      engine_ = std::move(*made);
      folder_ = testing::TempDir() + "/forebay-http-XXXXXX";
      EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    } else {
      simulation_ = io::Simulation::make({.seed = kind.seed, .reset = kind.reset});
      folder_ = "/disk";
    }
  }
  ~World() {
    if (real()) std::filesystem::remove_all(folder_);
  }
  bool real() const { return engine_ != nullptr; }
  io::Loop& loop() { return real() ? engine_->loop(0) : simulation_->loop(); }
  Context context() { return {.loop = &loop(), .deadline = loop().now() + seconds(300)}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return real() ? engine_->run_task(std::move(task)) : simulation_->run(std::move(task));
  }
  /// A new file with `text` in it.
  std::shared_ptr<io::File> file(const std::string& name, std::string_view text) {
    auto folder = loop().open_directory(folder_, true);
    EXPECT_TRUE(folder);
    auto opened = (*folder)->open(name, io::OpenMode::create);
    EXPECT_TRUE(opened);
    EXPECT_TRUE((*opened)->write_at(0, as_bytes(text)));
    return *opened;
  }

 private:
  std::unique_ptr<io::Engine> engine_;
  std::unique_ptr<io::Simulation> simulation_;
  std::string folder_;
};

/// Bytes that repeat nowhere near.
inline std::string pattern(size_t size) {
  std::string out(size, '\0');
  uint64_t state = 88172645463325252;
  for (char& c : out) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    c = static_cast<char>(state);
  }
  return out;
}

/// Gives `text` in pieces, then `error` if there is one.
class Pieces final : public io::Source {
 public:
  Pieces(std::string text, size_t piece, std::optional<Error> error = std::nullopt)
      : text_(std::move(text)), piece_(piece), error_(std::move(error)) {}
  Task<io::Chunk> next(Context ctx) override {
    co_await co_await io::yield(ctx);
    if (at_ == text_.size() && error_) co_return *error_;
    size_t count = std::min(piece_, text_.size() - at_);
    at_ += count;
    co_return Bytes(nullptr, as_bytes(text_).subspan(at_ - count, count));
  }

 private:
  std::string text_;
  size_t piece_;
  std::optional<Error> error_;
  size_t at_ = 0;
};

/// What the tests' server serves; see answer().
class TestHandler final : public Handler {
 public:
  [[clang::coro_wrapper]] Task<Response> handle(Request& request, Context ctx) override {
    paths.emplace_back(request.path);
    return answer(request, ctx);
  }
  void finished(const Request& request, const Response& response, const Outcome& outcome) override {
    last_status = response.status;
    last_sent = outcome.bytes_sent;
    last_received = outcome.bytes_received;
    last_error = outcome.error;
    EXPECT_TRUE(request.path.starts_with('/') || request.path == "*");
    EXPECT_GE(outcome.duration.ns, 0);
  }

  std::shared_ptr<io::File> file;
  std::vector<std::string> paths;
  int last_status = 0;
  uint64_t last_sent = 0;
  uint64_t last_received = 0;
  std::optional<Error> last_error;
  io::Event release;  ///< /wait answers when it is set
  // Those at /unproven that have more than kUsualHead.
  size_t holding = 0;
  size_t most_holding = 0;

 private:
  Task<Response> answer(Request& request, Context ctx) {
    uint64_t number = request.query.empty() ? 0 : std::stoull(std::string(request.query));
    Response response;
    if (request.path == "/echo") {
      uint64_t length = request.content_length.value_or(0);
      Result<std::string> body = co_await io::read_all(request.take_body(), kUnknownLength, ctx);
      if (!body) co_return Response::text(400, "text/plain", body.error().detail());
      EXPECT_TRUE(request.chunked || body->size() == length);
      co_return Response::text(200, "text/plain", std::move(*body));
    } else if (request.path == "/unread") {
      co_return Response::text(403, "text/plain", "no");
    } else if (request.path == "/stranger") {
      response = Response::make(403);
      response.body = {number, std::make_unique<Pieces>(pattern(number), 7000)};
      response.stranger = true;
    } else if (request.path == "/unproven") {
      // Who sends "pass" first, or as many bytes as he says, may go on.
      std::string shown;
      bool much = false;
      while (shown.size() < std::max<uint64_t>(number, 4)) {
        Result<io::Chunk> chunk = co_await request.unproven_body().next(ctx);
        if (chunk && shown.size() <= kUsualHead) {
          much = shown.size() + std::get<Bytes>(*chunk).view().size() > kUsualHead;
          holding += much ? 1 : 0;
          most_holding = std::max(most_holding, holding);
        }
        if (!chunk) {
          holding -= much ? 1 : 0;
          response = Response::text(403, "text/plain", chunk.error().detail());
          response.stranger = true;
          co_return response;
        }
        shown += as_text(std::get<Bytes>(*chunk).view());
      }
      holding -= much ? 1 : 0;
      std::string rest = co_await co_await io::read_all(request.take_body(), kUnknownLength, ctx);
      co_return Response::text(200, "text/plain", shown + rest);
    } else if (request.path == "/within") {
      response.body = {number, std::make_unique<Pieces>(pattern(number), 7000)};
      response.within = milliseconds(200);
    } else if (request.path == "/pattern") {
      response.body = {number, std::make_unique<Pieces>(pattern(number), 7000)};
    } else if (request.path == "/chunked") {
      response.body = {kUnknownLength, std::make_unique<Pieces>(pattern(number), 7000)};
    } else if (request.path == "/short") {
      response.body = {number, std::make_unique<Pieces>(pattern(number / 2), 7000,
                                                        fail(Code::corrupt, "bad block"))};
    } else if (request.path == "/file") {
      auto stat = file->stat();
      response.body = io::Body::of(io::FileSlice{file, number, stat->size - number});
    } else if (request.path == "/head") {
      response.body.length = number;
      response.fields.add("X-Method", request.method);
    } else if (request.path == "/status") {
      response = Response::text(static_cast<int>(number), "text/plain", "body");
    } else if (request.path == "/close") {
      response = Response::text(200, "text/plain", "bye");
      response.close = true;
    } else if (request.path == "/fail") {
      co_return fail(Code::internal, "planned");
    } else if (request.path == "/wait") {
      co_await co_await release.wait(ctx);
      response = Response::text(200, "text/plain", "late");
    } else {
      response = Response::text(404, "text/plain", "nothing here");
    }
    co_return response;
  }
};

/// A client's end of a connection, by hand.
struct Wire {
  std::unique_ptr<io::Stream> stream;
  std::string read;

  Task<> send(std::string text, Context ctx) {
    std::vector<ByteView> parts{as_bytes(text)};
    co_return co_await io::write_all(*stream, std::move(parts), false, ctx);
  }
  /// Reads until `read` contains `text`; an end before it is an error.
  Task<> expect(std::string text, Context ctx) {
    size_t looked = 0;
    while (read.find(text, looked) == std::string::npos) {
      looked = read.size() - std::min(read.size(), text.size());
      std::array<std::byte, 4096> buffer;
      size_t count = co_await co_await io::Read(*stream, buffer, ctx);
      if (count == 0) co_return fail(Code::unavailable, "end after: " + read);
      read.append(as_text(ByteView(buffer).first(count)));
    }
    co_return ok;
  }
  /// Everything until the peer's end.
  Task<std::string> drain(Context ctx) {
    while (true) {
      std::array<std::byte, 4096> buffer;
      size_t count = co_await co_await io::Read(*stream, buffer, ctx);
      if (count == 0) co_return std::move(read);
      read.append(as_text(ByteView(buffer).first(count)));
    }
  }
};

/// A server and what tests need around it, inside one coroutine.
struct Setup {
  World& world;
  Server& server;
  TestHandler& handler;

  Endpoint endpoint() const { return {false, server.address().host, server.address().port}; }
  Task<Wire> dial(Context ctx) {
    auto stream = co_await co_await ctx.loop->connect(server.address(), ctx);
    co_return Wire{std::move(stream), {}};
  }
};

using Script = Task<> (*)(Setup, Context);

inline Task<> with_server(World& world, ServerOptions options, Script test, Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  TestHandler handler;
  Server server(std::move(listener), handler, std::move(options));
  io::Group group(ctx);
  group.spawn(server.run(ctx));
  Result<> result = co_await test({world, server, handler}, ctx);
  Result<> drained = co_await server.drain(ctx.loop->now() + seconds(5), ctx);
  EXPECT_TRUE(drained) << drained.error().text();
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined);
  EXPECT_EQ(server.counters().open.get(), 0u);
  EXPECT_EQ(server.counters().in_flight.get(), 0u);
  co_return result;
}

/// Every TEST_P of a suite derived from this runs in all worlds.
class HttpTest : public testing::TestWithParam<WorldKind> {
 protected:
  void with_server(Script test, ServerOptions options = {}) {
    World world(GetParam());
    Result<> result =
        world.run(http::with_server(world, std::move(options), test, world.context()));
    EXPECT_TRUE(result) << result.error().text();
  }
};

/// A GET as it stands on the wire. `fields`: whole lines.
inline std::string get(std::string target, std::string fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

inline std::string world_name(const testing::TestParamInfo<WorldKind>& info) {
  return info.param.name;
}

}  // namespace forebay::http

#define FOREBAY_IN_ALL_WORLDS(suite)                                                     \
  INSTANTIATE_TEST_SUITE_P(World, suite, testing::ValuesIn(forebay::http::all_worlds()), \
                           forebay::http::world_name)
