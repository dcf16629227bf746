#include "http/chunked.h"

#include <algorithm>

namespace forebay::http {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) { return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t'; }

}  // namespace

ChunkDecoder::State ChunkDecoder::frame_size(char c) {
  int digit = hex_digit(c);
  if (digit >= 0) {
    // 15 digits: no wrap, and no sum of chunk sizes that a body could reach wraps either.
    if (++digits_ > 15) return State::failed;
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return State::size;
  }
  if (state_ == State::size_first) return State::failed;
  if (c == ';') return State::extension;
  return c == '\r' ? State::size_lf : State::failed;
}

ChunkDecoder::State ChunkDecoder::frame(char c) {
  switch (state_) {
    case State::size_first:
    case State::size: return frame_size(c);
    case State::extension:
      if (c == '\r') return State::size_lf;
      return is_text(c) && ++framing_ <= allowed_ ? State::extension : State::failed;
    case State::size_lf:
      if (c != '\n') return State::failed;
      return left_ > 0 ? State::data : State::trailer_first;
    case State::data_cr: return c == '\r' ? State::data_lf : State::failed;
    case State::data_lf: digits_ = 0; return c == '\n' ? State::size_first : State::failed;
    case State::trailer_first:
      if (c == '\r') return State::end_lf;
      [[fallthrough]];
    case State::trailer:
      if (c == '\r') return State::trailer_lf;
      return is_text(c) && ++framing_ <= allowed_ ? State::trailer : State::failed;
    case State::trailer_lf: return c == '\n' ? State::trailer_first : State::failed;
    case State::end_lf: return c == '\n' ? State::done : State::failed;
    case State::data:
    case State::done:
    case State::failed: break;
  }
  return State::failed;
}

ChunkDecoder::Step ChunkDecoder::take(std::string_view input) {
  size_t at = 0;
  while (at < input.size() && state_ != State::done && state_ != State::failed) {
    if (state_ == State::data) {
      size_t length = std::min<uint64_t>(left_, input.size() - at);
      left_ -= length;
      allowed_ += length / 8;
      if (left_ == 0) state_ = State::data_cr;
      return {at + length, input.substr(at, length)};
    }
    state_ = frame(input[at++]);
  }
  return {at, {}};
}

}  // namespace forebay::http
