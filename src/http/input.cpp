#include "http/input.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace forebay::http {

void Input::begin() {
  if (unread_ == 0) {
    rest();
  } else if (active_ == &head_ && !grown()) {
    std::memmove(head_.data(), at_, unread_);
    at_ = head_.data();
  } else {
    // A large head's or a chunked body's last read brought the next head along, perhaps more of it
    // than a small buffer holds.
    Buffer next = unread_ <= kSmallBuffer ? pool_.small() : std::move(*active_);
    std::memmove(next.data(), at_, unread_);
    head_ = std::move(next);
    place(head_, head_.data());
  }
  body_.reset();
  renew_ = false;
}

void Input::rest_body() {
  if (unread_ > 0 || active_ != &body_) return;
  body_.reset();
  active_ = nullptr;
  at_ = nullptr;
}

void Input::rest() {
  if (unread_ > 0) return;
  head_.reset();
  body_.reset();
  active_ = nullptr;
  at_ = nullptr;
}

ByteSpan Input::head_room(size_t limit) {
  if (!head_) {
    head_ = pool_.small();
    place(head_, head_.data());
  }
  size_t used = static_cast<size_t>(at_ - head_.data()) + unread_;
  if (used == head_.size() && head_.size() < limit) {
    size_t size = std::min(std::max(head_.size() * 2, used + 1), limit);
    if (size == kLargeBuffer) ++size;
    Buffer next = pool_.odd(size);
    std::memcpy(next.data(), head_.data(), used);
    at_ = next.data() + (at_ - head_.data());
    head_ = std::move(next);
  }
  size_t room = std::min(head_.size() - used, std::max(limit, unread_ + 1) - unread_);
  return std::as_writable_bytes(std::span(head_.data() + used, room));
}

ByteSpan Input::body_room(uint64_t wanted) {
  check(unread_ == 0, "body room is asked for before its bytes are used");
  if (active_ == &head_) {
    size_t behind = head_.size() - static_cast<size_t>(at_ - head_.data());
    if (wanted <= behind) return std::as_writable_bytes(std::span(at_, behind));
  }
  if (std::exchange(renew_, false)) body_.reset();
  if (!body_) body_ = wanted > kSmallBuffer ? pool_.large() : pool_.small();
  place(body_, body_.data());
  return std::as_writable_bytes(std::span(body_.data(), body_.size()));
}

ssize_t HeadRead::attempt() {
  ByteSpan room = input_.head_room(limit_);
  ssize_t count = stream_.try_read(room);
  if (count > 0) {
    input_.filled(static_cast<size_t>(count));
  } else {
    input_.rest();
  }
  return count;
}

ssize_t BodyRead::attempt() {
  bool small = sparing_ != Sparing::nothing;
  ByteSpan room = input_.body_room(small ? std::min<uint64_t>(wanted_, kSmallBuffer) : wanted_);
  // Bytes beyond a body of known length are the next request's.
  if (room.size() > wanted_) room = room.first(static_cast<size_t>(wanted_));
  ssize_t count = stream_.try_read(room);
  if (count > 0) {
    input_.filled(static_cast<size_t>(count));
  } else if (sparing_ == Sparing::all) {
    input_.rest();
  } else if (sparing_ == Sparing::body) {
    input_.rest_body();
  }
  return count;
}

void BodyReader::spare_body(bool on) {
  if (!on && sparing_ == Sparing::body) input_.renew_body();
  sparing_ = on ? Sparing::body : Sparing::nothing;
}

void BodyReader::start(Framing framing, uint64_t length) {
  framing_ = framing;
  left_ = framing == Framing::length ? length : 0;
  given_ = 0;
  chunks_ = ChunkDecoder();
  done_ = framing == Framing::none;
  failed_ = false;
  sparing_ = Sparing::nothing;
  most_ = kNoLimit;
}

Error BodyReader::ended_early() {
  if (side_ == Side::request) {
    return fail(Code::invalid, "the client ended before its body", "IncompleteBody");
  }
  return fail(Code::unavailable, "the server ended before its body");
}

Error BodyReader::bad_framing() {
  if (side_ == Side::request) return fail(Code::invalid, "broken chunk framing", "InvalidRequest");
  return fail(Code::corrupt, "broken chunk framing");
}

// A reset is the peer's early end too; a deadline of the caller's stays the caller's.
Error BodyReader::stalled(Error error, Context ctx) {
  if (error.code() == Code::unavailable) return ended_early();
  if (error.code() == Code::timeout && ctx.loop->now() < ctx.deadline) {
    return fail(Code::timeout, "no byte of a body came in time", "RequestTimeout");
  }
  return error;
}

ByteView BodyReader::take_unread() {
  std::string_view unread = input_.unread();
  unread = unread.substr(0, static_cast<size_t>(std::min<uint64_t>(unread.size(), most_)));
  if (framing_ == Framing::chunked) {
    ChunkDecoder::Step step = chunks_.take(unread);
    input_.consume(step.consumed);
    done_ = chunks_.done();
    given_ += step.data.size();
    return as_bytes(step.data);
  }
  size_t count = unread.size();
  if (framing_ == Framing::length) {
    count = static_cast<size_t>(std::min<uint64_t>(count, left_));
    left_ -= count;
    done_ = left_ == 0;
  }
  input_.consume(count);
  given_ += count;
  return as_bytes(unread.substr(0, count));
}

Task<ByteView> BodyReader::next(Context ctx) {
  if (failed_) co_return fail(Code::internal, "a body is read on after an error");
  while (!done_) {
    if (!input_.unread().empty()) {
      ByteView bytes = take_unread();
      if (chunks_.failed()) co_return give_up(bad_framing());
      if (!bytes.empty()) co_return bytes;
      continue;
    }
    bool counted = framing_ == Framing::length;
    uint64_t wanted = std::min(counted ? left_ : kUnknownLength, most_);
    Result<size_t> count = co_await BodyRead(stream_, input_, wanted, sparing_,
                                             ctx.until(ctx.loop->now() + progress_));
    if (!count) co_return give_up(stalled(std::move(count.error()), ctx));
    if (*count == 0 && framing_ == Framing::until_close) {
      done_ = true;
    } else if (*count == 0) {
      co_return give_up(ended_early());
    }
    bytes_in_.add(*count);
  }
  co_return ByteView();
}

Task<size_t> BodyReader::read_into(ByteSpan into, Context ctx) {
  if (failed_) co_return fail(Code::internal, "a body is read on after an error");
  check(counted() && !into.empty(), "only bodies of known length are read into given room");
  if (done_) co_return size_t{0};
  into = into.first(static_cast<size_t>(std::min<uint64_t>(into.size(), left_)));
  size_t count = std::min(into.size(), input_.unread().size());
  if (count > 0) {
    std::memcpy(into.data(), input_.unread().data(), count);
    input_.consume(count);
  } else {
    Result<size_t> came = co_await io::Read(stream_, into, ctx.until(ctx.loop->now() + progress_));
    if (!came) co_return give_up(stalled(std::move(came.error()), ctx));
    if (*came == 0) co_return give_up(ended_early());
    count = *came;
    bytes_in_.add(count);
  }
  left_ -= count;
  given_ += count;
  done_ = left_ == 0;
  co_return count;
}

}  // namespace forebay::http
