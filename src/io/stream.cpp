#include "io/stream.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"

namespace forebay::io {

namespace {

constexpr const char* kReadError = "EIO";

}  // namespace

void File::found_unreadable(uint64_t offset) {
  std::lock_guard lock(mutex_);
  unreadable_.store(true, std::memory_order_relaxed);
  if (unreadable_at_.size() > kUnreadablePlaces) return;
  bool known = std::ranges::find(unreadable_at_, offset) != unreadable_at_.end();
  if (!known) unreadable_at_.push_back(offset);
}

bool File::is_unreadable(uint64_t offset, uint64_t length) const {
  if (!unreadable_.load(std::memory_order_relaxed)) return false;
  std::lock_guard lock(mutex_);
  if (unreadable_at_.size() > kUnreadablePlaces) return true;
  return std::ranges::any_of(unreadable_at_,
                             [&](uint64_t at) { return at >= offset && at - offset < length; });
}

Error error_from_errno(int number, std::string_view what) {
  Code code = Code::internal;
  std::string detail;
  switch (number) {
    case ENOENT:
    case ENOTDIR: code = Code::not_found; break;
    case EADDRINUSE:
    case EEXIST: code = Code::exists; break;
    case ENOTEMPTY:
    case EISDIR: code = Code::conflict; break;
    case EACCES:
    case EPERM:
    case EXDEV:
    case ELOOP: code = Code::denied; break;
    case EINVAL:
    case EADDRNOTAVAIL: code = Code::invalid; break;
    case ENAMETOOLONG:
    case EFBIG: code = Code::too_large; break;
    case ENOSPC:
    case EDQUOT: code = Code::busy, detail = "ENOSPC"; break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: code = Code::busy; break;
    case ETIMEDOUT: code = Code::timeout; break;
    case ECANCELED: code = Code::cancelled; break;
    case EIO:
    case EBADMSG: code = Code::corrupt, detail = kReadError; break;
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case ENOTCONN:
    case EROFS:
    case EOPNOTSUPP:
    case ENODATA: code = number == ENODATA ? Code::not_found : Code::unavailable; break;
    default: break;
  }
  return fail(code, std::string(what) + ": " + std::strerror(number), std::move(detail));
}

void StreamLeaf::on_ready() {
  result_ = attempt();
  if (result_ == -EAGAIN) {
    stream_.arm(direction_, *this);
  } else {
    complete(0);
  }
}

Result<size_t> StreamLeaf::await_resume() {
  Result<> ended = outcome(direction_ == Direction::read ? "read" : "write");
  if (!ended) return std::move(ended.error());
  if (result_ < 0) {
    return error_from_errno(static_cast<int>(-result_),
                            direction_ == Direction::read ? "read" : "write");
  }
  return static_cast<size_t>(result_);
}

Task<> write_all(Stream& stream, std::vector<ByteView> parts, bool more, Context ctx) {
  std::span<ByteView> left(parts);
  while (true) {
    while (!left.empty() && left.front().empty()) left = left.subspan(1);
    if (left.empty()) co_return ok;
    size_t sent = co_await co_await Write(stream, left, more, ctx);
    while (sent > 0) {
      size_t part = std::min(sent, left.front().size());
      left.front() = left.front().subspan(part);
      sent -= part;
      if (left.front().empty()) left = left.subspan(1);
    }
  }
}

Task<> send_file(Stream& stream, FileSlice slice, bool more, Context ctx, Pace pace) {
  uint64_t turn = 0;
  while (slice.length > 0) {
    size_t part = std::min<uint64_t>(slice.length, kSendSlice);
    if (!slice.file->resident(slice.offset, part)) {
      co_await co_await run_blocking(ctx, slice.file->lane(), [&]() -> Result<> {
        slice.file->read_ahead(slice.offset, part);
        return ok;
      });
    }
    Context step = pace.progress.ns == kNever.ns ? ctx : ctx.until(ctx.loop->now() + pace.progress);
    Result<size_t> taken = co_await SendFile(stream, *slice.file, slice.offset, part,
                                             more || part < slice.length, step);
    // A disk's word, never a socket's.
    if (!taken && taken.error().detail() == kReadError) slice.file->found_unreadable(slice.offset);
    size_t sent = co_await std::move(taken);
    if (pace.moved != nullptr) *pace.moved += sent;
    if (sent == 0) {
      slice.file->found_short();
      co_return fail(Code::corrupt, "a file is shorter than its slice");
    }
    slice.offset += sent;
    slice.length -= sent;
    turn += sent;
    if (turn >= kSendTurn && slice.length > 0) {
      turn = 0;
      co_await co_await yield(ctx);
    }
  }
  co_return ok;
}

namespace {

class Accept final : public Leaf, private Waiter {
 public:
  Accept(Listener& listener, Context ctx) : Leaf(ctx), listener_(listener) {}
  Result<std::unique_ptr<Stream>> await_resume() {
    Result<> ended = outcome("accept");
    if (!ended) return std::move(ended.error());
    if (stream_ == nullptr) return error_from_errno(error_, "accept");
    return std::move(stream_);
  }

 private:
  bool try_now() override {
    stream_ = listener_.try_accept(&error_);
    return stream_ != nullptr || error_ != EAGAIN;
  }
  void start() override { listener_.arm(*this); }
  void stop() override { listener_.disarm(); }
  void on_ready() override {
    if (try_now()) {
      complete(0);
    } else {
      listener_.arm(*this);
    }
  }
  Listener& listener_;
  std::unique_ptr<Stream> stream_;
  int error_ = 0;
};

}  // namespace

Task<std::unique_ptr<Stream>> accept(Listener& listener, Context ctx) {
  Accept leaf(listener, ctx);
  co_return co_await leaf;
}

}  // namespace forebay::io
