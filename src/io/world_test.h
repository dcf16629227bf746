// The fixture of io's contract suites: the same test in the real engine and in simulated worlds of
// several seeds. Only tests of this room include it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "io/engine.h"
#include "io/sim.h"
#include "io/stream.h"
#include "io/sync.h"

namespace forebay {

/// How gtest shows a code.
inline void PrintTo(Code code, std::ostream* out) { *out << name(code); }

}  // namespace forebay

namespace forebay::io {

/// Which world a test runs in.
struct WorldKind {
  std::string name;
  bool real = false;
  uint64_t seed = 0;
};

inline void PrintTo(const WorldKind& kind, std::ostream* out) { *out << kind.name; }

inline std::vector<WorldKind> all_worlds() {
  return {{"real", true, 0}, {"sim1", false, 1}, {"sim2", false, 2}, {"sim3", false, 3}};
}

/// An engine with one loop, and a folder of its own that goes with it.
class WorldTest : public testing::TestWithParam<WorldKind> {
 protected:
  WorldTest() {
    if (real()) {
      auto made = Engine::make({.loops = 1, .pool_threads = 2});
      EXPECT_TRUE(made);
      engine_ = std::move(*made);
      std::string name = testing::TempDir() + "/forebay-io-XXXXXX";
      EXPECT_NE(::mkdtemp(name.data()), nullptr);
      folder_ = name;
    } else {
      simulation_ = Simulation::make({.seed = GetParam().seed});
      folder_ = "/disk";
    }
  }
  ~WorldTest() override {
    if (real()) std::filesystem::remove_all(folder_);
  }

  bool real() const { return GetParam().real; }
  Loop& loop() { return real() ? engine_->loop(0) : simulation_->loop(); }
  const std::string& folder() const { return folder_; }
  /// A context with a deadline that only a hanging test meets.
  Context context() { return {.loop = &loop(), .deadline = loop().now() + seconds(60)}; }

  template <class T>
  Result<T> run(Task<T> task) {
    return real() ? engine_->run_task(std::move(task)) : simulation_->run(std::move(task));
  }
  /// Runs a test body; whatever error leaves it fails the test.
  void expect_ok(Task<> task) {
    Result<> result = run(std::move(task));
    EXPECT_TRUE(result) << result.error().text();
  }

 private:
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Simulation> simulation_;
  std::string folder_;
};

inline std::string world_name(const testing::TestParamInfo<WorldKind>& info) {
  return info.param.name;
}

/// The error's code; internal, which no test expects, where there is none.
template <class T>
Code code_of(const Result<T>& result) {
  return result ? Code::internal : result.error().code();
}

/// Bytes that repeat nowhere near, made from `seed`.
inline std::string pattern(size_t size, uint64_t seed) {
  std::string out(size + 8, '\0');
  uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
  for (size_t at = 0; at < size; at += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(out.data() + at, &state, 8);
  }
  out.resize(size);
  return out;
}

/// Two connected streams of one loop.
struct Pair {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

inline Task<Pair> connect_pair(Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  Pair pair;
  pair.client = co_await co_await ctx.loop->connect(listener->address(), ctx);
  pair.server = co_await co_await accept(*listener, ctx);
  co_return pair;
}

/// Reads until the peer's end.
inline Task<std::string> read_to_end(Stream& stream, Context ctx) {
  std::string out;
  std::vector<std::byte> buffer(64 << 10);
  while (true) {
    size_t count = co_await co_await Read(stream, buffer, ctx);
    if (count == 0) co_return out;
    out.append(as_text(ByteView(buffer).first(count)));
  }
}

inline Task<> write_text(Stream& stream, std::string text, Context ctx) {
  std::vector<ByteView> parts{as_bytes(text)};
  co_return co_await write_all(stream, std::move(parts), false, ctx);
}

}  // namespace forebay::io

/// Makes every TEST_P of `suite` run in all worlds.
#define FOREBAY_IN_ALL_WORLDS(suite)                                                   \
  INSTANTIATE_TEST_SUITE_P(World, suite, testing::ValuesIn(forebay::io::all_worlds()), \
                           forebay::io::world_name)
