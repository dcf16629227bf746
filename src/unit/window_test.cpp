#include "unit/window.h"

#include <gtest/gtest.h>

#include "io/sim.h"
#include "testkit/pattern.h"

namespace forebay::unit {
namespace {

// Gives a text in chunks of `chunk` bytes, or into given memory.
class Chunks final : public io::Source {
 public:
  Chunks(std::string text, size_t chunk, bool into) : text_(text), chunk_(chunk), into_(into) {}
  Task<io::Chunk> next(Context) override {
    Bytes out(text_.substr(at_, chunk_));
    at_ += out.size();
    co_return out;
  }
  bool reads_into() const override { return into_ && at_ < text_.size(); }
  Task<size_t> read_into(ByteSpan into, Context) override {
    size_t count = std::min({into.size(), chunk_, text_.size() - at_});
    std::copy_n(as_bytes(text_).begin() + static_cast<ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    co_return count;
  }

 private:
  std::string text_;
  size_t chunk_;
  bool into_;
  size_t at_ = 0;
};

// What the window shows of `range`, by the way that it offers.
Task<std::string> show(Window& window, ByteRange range, Context ctx) {
  window.move(range);
  std::string out;
  while (true) {
    if (window.reads_into()) {
      std::byte buffer[7];
      size_t count = co_await co_await window.read_into(buffer, ctx);
      out += as_text(ByteView(buffer, count));
      continue;
    }
    Bytes bytes = std::get<Bytes>(co_await co_await window.next(ctx));
    if (bytes.empty()) co_return out;
    out += as_text(bytes.view());
  }
}

TEST(WindowTest, shows_what_it_is_moved_to) {
  auto world = io::Simulation::make({.seed = 1});
  Context ctx{.loop = &world->loop()};
  std::string text = testkit::pattern(1000);
  for (size_t chunk : {1, 13, 1000}) {
    for (bool into : {false, true}) {
      Window window(std::make_unique<Chunks>(text, chunk, into), 100);  // the body's first byte
      for (ByteRange range : {ByteRange{100, 5}, {105, 50}, {300, 0}, {300, 33}, {900, 200}}) {
        auto shown = world->run(show(window, range, ctx));
        ASSERT_TRUE(shown) << shown.error().text();
        EXPECT_TRUE(*shown == text.substr(range.offset - 100, range.length)) << range.offset;
      }
      window.move({1100, 1});
      EXPECT_EQ(world->run(window.next(ctx)).error().code(), Code::unavailable);
    }
  }
}

}  // namespace
}  // namespace forebay::unit
