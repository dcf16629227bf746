// Chunked transfer coding (RFC 9112 section 7.1) as a state machine over pieces of input: framing
// is taken out, data is shown where it lies. Strict: bare LF, signs, spaces and too much framing
// are refused. Extensions and trailers are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace forebay::http {

/// One per body.
class ChunkDecoder {
 public:
  struct Step {
    size_t consumed = 0;    ///< bytes of the input that are done with, data included
    std::string_view data;  ///< the next data, part of the consumed bytes; may be empty
  };

  /// Takes framing from the front of `input` and at most one run of data behind it. Consumes all
  /// of `input` unless data, the end, or a fault came first.
  Step take(std::string_view input);
  /// The last chunk and the trailers are behind us; what follows is the next message.
  bool done() const { return state_ == State::done; }
  /// The framing is broken: nothing more can be read.
  bool failed() const { return state_ == State::failed; }

 private:
  enum class State {
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer,
    trailer_lf,
    end_lf,
    done,
    failed,
  };
  State frame(char c);
  State frame_size(char c);

  State state_ = State::size_first;
  uint64_t left_ = 0;  // of the current chunk's data
  unsigned digits_ = 0;
  uint64_t framing_ = 0;         // extension and trailer bytes so far
  uint64_t allowed_ = 16 << 10;  // grows with the data, so that framing stays a fraction of it
};

}  // namespace forebay::http
