// Any bytes as a chunked body: the same data however they are cut, all of it from the input.
#include <string>

#include "base/check.h"
#include "http/chunked.h"

using namespace forebay;
using namespace forebay::http;

namespace {

struct Decoded {
  std::string data;
  size_t consumed = 0;
  bool done = false, failed = false;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view text, size_t step) {
  ChunkDecoder decoder;
  Decoded out;
  for (size_t at = 0; at < text.size() && !decoder.done() && !decoder.failed(); at += step) {
    std::string_view piece = text.substr(at, step);
    while (!piece.empty() && !decoder.done() && !decoder.failed()) {
      ChunkDecoder::Step taken = decoder.take(piece);
      check(taken.consumed > 0 && taken.consumed <= piece.size(), "no progress");
      if (!taken.data.empty()) {
        check(taken.data.data() + taken.data.size() == piece.data() + taken.consumed,
              "data from elsewhere");
      }
      out.data += taken.data;
      out.consumed += taken.consumed;
      piece.remove_prefix(taken.consumed);
    }
  }
  out.done = decoder.done();
  out.failed = decoder.failed();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Decoded whole = decode(text, size + 1);
  check(whole.data.size() <= whole.consumed && whole.consumed <= size, "more than there was");
  check(decode(text, 1) == whole, "byte by byte differs");
  check(decode(text, 7) == whole, "in sevens differs");
  return 0;
}
