// aws-chunked: the framing in which S3 clients stream a body whose hash they do not know yet (S3
// API reference, "Transferring Payload in Multiple Chunks" and "Including Trailing Headers"):
//
//   hex-size[;chunk-signature=64 hex] CRLF data CRLF … 0[;chunk-signature=…] CRLF
//   [name:value CRLF …] [x-amz-trailer-signature:64 hex CRLF] CRLF
//
// Both classes are pure: bytes in, bytes out, no I/O.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "sign/payload.h"

namespace forebay::sign {

struct Claim;

inline constexpr size_t kMaxChunkHeader = 512;            ///< bytes of a chunk's first line
inline constexpr size_t kMaxTrailers = 8 * 1024;          ///< bytes of all trailers
inline constexpr uint64_t kMaxChunk = uint64_t{5} << 30;  ///< bytes of one chunk: 5 GiB

/// The chain of signatures through a body: each covers the one before, the first the request's.
class ChunkChain {
 public:
  /// `seed` is the request's signature in hex, `timestamp` its x-amz-date.
  ChunkChain(const HmacKey& key, std::string_view timestamp, std::string_view scope_text,
             std::string_view seed);
  /// The chain of a verified claim under its key.
  ChunkChain(const HmacKey& key, const Claim& claim);

  /// The signature of the next chunk in hex; advances the chain.
  std::string_view next(const Digest256& chunk_sha256);
  /// The signature of the trailers ("name:value\n" each) in hex; advances the chain.
  std::string_view trailers(std::string_view canonical);

 private:
  std::string_view sign_text();
  void begin(std::string_view algorithm);

  HmacKey key_;
  std::string timestamp_and_scope_;  ///< each with its line end
  std::array<char, 64> previous_{};
  std::string text_;  ///< the string to sign; kept for its memory
};

/// Trailers by lower-case name.
using Trailers = std::map<std::string, std::string, std::less<>>;

/// Takes an aws-chunked body apart. Data is handed out as it comes: a chunk may be gigabytes, so
/// its bytes cannot wait for its signature. Therefore nothing may be committed before finished().
///
///   while (!in.empty()) {
///     auto fed = co_await body.feed(in);   // at most one view of data a call
///     use(fed.data);                       // a part of `in`, not a copy
///     in = in.subspan(fed.consumed);
///   }
///   co_await body.finish();                // at the end of the input
class ChunkedPayload {
 public:
  struct Options {
    PayloadKind kind = PayloadKind::streaming_signed;
    uint64_t decoded_length = 0;           ///< x-amz-decoded-content-length
    std::string_view announced = {};       ///< x-amz-trailer: names, comma-separated
    std::optional<ChunkChain> chain = {};  ///< needed by the signed kinds
  };
  struct Fed {
    size_t consumed = 0;  ///< bytes of the input that are done with; > 0 unless it was empty
    ByteView data = {};   ///< decoded bytes within the input; often empty
  };

  explicit ChunkedPayload(Options options);

  /// Takes bytes in. After an error every further call gives the same error.
  ///
  /// Errors (detail): SignatureDoesNotMatch the moment a chunk with a wrong signature ends;
  /// InvalidChunkSizeError; IncompleteBody (framing broken, more data than announced);
  /// MalformedTrailerError; InvalidRequest (a line over its limit, bytes after the end).
  Result<Fed> feed(ByteView in);

  /// Says that the input is over: IncompleteBody, MalformedTrailerError or SignatureDoesNotMatch
  /// when something is missing. The last empty line may be missing, as some clients leave it out.
  Result<> finish();

  /// All chunk signatures, the last chunk, the announced trailers, the trailer signature and the
  /// decoded length are there and verified.
  bool finished() const { return state_ == State::done && !error_; }
  /// Decoded bytes so far.
  uint64_t decoded() const { return decoded_; }
  /// Complete once finished(); without x-amz-trailer-signature.
  const Trailers& trailers() const { return trailers_; }

 private:
  enum class State { header, data, data_end, trailer, done };

  Result<Fed> step(ByteView in);
  Result<size_t> take_line(ByteView in, size_t limit);
  Result<> on_chunk_header(std::string_view line);
  Result<> on_trailer(std::string_view line);
  Result<> on_trailer_signature(std::string_view value);
  Result<> end_chunk();
  Result<> end_body();
  Result<> end_input();
  std::string_view missing_trailer() const;
  bool trailers_complete() const;

  Options options_;
  std::string announced_;  ///< lower case
  State state_ = State::header;
  std::string line_;  ///< the line so far, with its end
  bool line_complete_ = false;
  size_t trailer_bytes_ = 0;
  uint64_t decoded_ = 0;
  bool last_ = false;  ///< the current chunk is the last
  uint64_t left_ = 0;  ///< of the current chunk
  Sha256 hash_;        ///< of the current chunk
  std::string signature_;
  std::string canonical_trailers_;
  bool trailer_signature_seen_ = false;
  Trailers trailers_;
  std::optional<Error> error_;
};

/// Puts an aws-chunked body together; for clients and tests.
class ChunkedEncoder {
 public:
  /// `chain` is needed by the signed kinds.
  explicit ChunkedEncoder(PayloadKind kind, std::optional<ChunkChain> chain = {});

  /// The framed chunk. Empty data would end the body: it gives nothing.
  std::string chunk(ByteView data);
  /// The last chunk and the trailers, if the kind has them.
  std::string finish(std::span<const std::pair<std::string, std::string>> trailers = {});

  /// The length of a body of `decoded` bytes in chunks of `chunk` (the last one shorter).
  /// `trailers` as for finish().
  static uint64_t encoded_length(
      PayloadKind kind, uint64_t decoded, uint64_t chunk,
      std::span<const std::pair<std::string, std::string>> trailers = {});

 private:
  std::string header(ByteView data);

  PayloadKind kind_;
  std::optional<ChunkChain> chain_;
};

}  // namespace forebay::sign
