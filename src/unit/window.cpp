#include "unit/window.h"

#include <algorithm>

#include "base/check.h"

namespace forebay::unit {

namespace {

/// The first `count` bytes; `chunk` keeps the others.
io::Chunk take(io::Chunk& chunk, uint64_t count) {
  if (auto* bytes = std::get_if<Bytes>(&chunk)) {
    Bytes first = bytes->slice(0, count);
    *bytes = bytes->slice(count, bytes->size() - count);
    return first;
  }
  auto& slice = std::get<io::FileSlice>(chunk);
  io::FileSlice first = slice;
  first.length = count;
  slice.offset += count;
  slice.length -= count;
  return first;
}

}  // namespace

void Window::move(ByteRange range) {
  check(range.offset >= at_, "a window only moves forward");
  range_ = range;
}

Task<> Window::load(Context ctx) {
  if (size(left_) > 0) co_return ok;
  left_ = co_await co_await inner_->next(ctx);
  if (size(left_) == 0) co_return fail(Code::unavailable, "the origin's body ended early");
  co_return ok;
}

Task<> Window::skip(Context ctx) {
  while (at_ < range_.offset) {
    co_await co_await load(ctx);
    uint64_t count = std::min(size(left_), range_.offset - at_);
    (void)take(left_, count);
    at_ += count;
  }
  co_return ok;
}

Task<> Window::ready(Context ctx) {
  co_await co_await skip(ctx);
  co_return co_await load(ctx);
}

Task<io::Chunk> Window::next(Context ctx) {
  co_await co_await skip(ctx);
  if (at_ >= range_.end()) co_return Bytes();
  co_await co_await load(ctx);
  uint64_t count = std::min(size(left_), range_.end() - at_);
  at_ += count;
  co_return take(left_, count);
}

bool Window::reads_into() const {
  return at_ >= range_.offset && at_ < range_.end() && size(left_) == 0 && inner_->reads_into();
}

Task<size_t> Window::read_into(ByteSpan into, Context ctx) {
  uint64_t count = std::min<uint64_t>(into.size(), range_.end() - at_);
  size_t got = co_await co_await inner_->read_into(into.first(count), ctx);
  at_ += got;
  co_return got;
}

origin::GetAnswer only(origin::GetAnswer answer, ByteRange range) {
  if (answer.range == range) return answer;
  check(answer.range.covers(range), "an answer without what is wanted of it");
  auto window = std::make_unique<Window>(std::move(answer.body.source), answer.range.offset);
  window->move(range);
  answer.range = range;
  answer.body = {range.length, std::move(window)};
  return answer;
}

}  // namespace forebay::unit
