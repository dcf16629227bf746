// Any bytes as an aws-chunked body, cut in any way: every cut gives the same data, trailers and
// verdict, and a body that our encoder wrote is decoded to what went in.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "sign/chunked.h"
#include "sign/key.h"

using namespace forebay;
using namespace forebay::sign;

namespace {

ChunkChain chain() {
  static const HmacKey key = derive_key(Secret("secret"), {"20260102", "r"});
  return ChunkChain(key, "20260102T030405Z", "20260102/r/s3/aws4_request",
                    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
}

constexpr PayloadKind kKinds[] = {PayloadKind::streaming_signed,
                                  PayloadKind::streaming_signed_trailer,
                                  PayloadKind::streaming_unsigned_trailer};

struct Outcome {
  std::string data;
  std::string error;
  Trailers trailers;
};

// Cuts the body into pieces of `piece` bytes, or of growing lengths when it is 0.
Outcome decode(PayloadKind kind, uint64_t length, ByteView body, size_t piece) {
  ChunkedPayload payload(
      {.kind = kind, .decoded_length = length, .announced = "a,x-b", .chain = chain()});
  Outcome outcome;
  size_t growing = 1;
  while (!body.empty()) {
    size_t now = std::min(piece == 0 ? growing++ : piece, body.size());
    auto fed = payload.feed(body.first(now));
    if (!fed) {
      outcome.error = fed.error().detail();
      check(!payload.finished(), "an error is never finished");
      return outcome;
    }
    check(fed->consumed > 0 && fed->consumed <= now, "feeding makes progress");
    check(fed->data.size() <= fed->consumed, "data lies within the input");
    outcome.data += as_text(fed->data);
    body = body.subspan(fed->consumed);
  }
  auto finished = payload.finish();
  if (!finished) outcome.error = finished.error().detail();
  check(finished.has_value() == payload.finished(), "finished says what finish said");
  if (finished) check(outcome.data.size() == length, "the announced length came out");
  outcome.trailers = payload.trailers();
  return outcome;
}

void every_cut_is_the_same(PayloadKind kind, uint64_t length, ByteView body) {
  Outcome whole = decode(kind, length, body, SIZE_MAX);
  for (size_t piece : {0, 1, 3, 64}) {
    Outcome cut = decode(kind, length, body, piece);
    check(cut.error == whole.error, "a cut changes the verdict");
    if (whole.error.empty()) {
      check(cut.data == whole.data && cut.trailers == whole.trailers, "a cut changes the data");
    } else {
      // Bytes of the chunk that failed may have been handed out before its end was seen.
      check(cut.data.starts_with(whole.data) || whole.data.starts_with(cut.data),
            "a cut changes the data before the error");
    }
  }
}

void round_trip(PayloadKind kind, ByteView data, size_t chunk) {
  std::optional<ChunkChain> signing;
  if (has_chunk_signatures(kind)) signing = chain();
  ChunkedEncoder encoder(kind, signing);
  std::string body;
  for (size_t at = 0; at < data.size(); at += chunk) {
    body += encoder.chunk(data.subspan(at, std::min(chunk, data.size() - at)));
  }
  std::vector<std::pair<std::string, std::string>> trailers;
  if (has_trailers(kind)) trailers = {{"a", "1"}, {"X-B", "two"}};
  body += encoder.finish(trailers);
  check(ChunkedEncoder::encoded_length(kind, data.size(), chunk, trailers) == body.size(),
        "encoded_length is exact");
  Outcome outcome = decode(kind, data.size(), as_bytes(body), 0);
  check(outcome.error.empty() && outcome.data == as_text(data), "our own body is decoded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  PayloadKind kind = kKinds[data[0] % 3];
  uint64_t length = data[1];
  size_t chunk = 1 + data[2];
  ByteView body = std::as_bytes(std::span(data, size)).subspan(3);
  every_cut_is_the_same(kind, length, body);
  round_trip(kind, body, chunk);
  return 0;
}
