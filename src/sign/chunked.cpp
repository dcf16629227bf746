#include "sign/chunked.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/check.h"
#include "sign/sigv4.h"
#include "sign/text.h"

namespace forebay::sign {

namespace {

constexpr std::string_view kSignatureField = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

Error incomplete(std::string text) {
  return fail(Code::invalid, std::move(text), "IncompleteBody");
}
Error bad_trailer(std::string_view why) {
  return fail(Code::invalid,
              "The request contained trailing data that was not well-formed or did not conform to "
              "our published schema: " +
                  std::string(why),
              "MalformedTrailerError");
}
Error bad_signature(std::string_view of) {
  return fail(Code::denied,
              "The signature we calculated for a " + std::string(of) +
                  " does not match the signature you provided.",
              "SignatureDoesNotMatch");
}

// Calls f(name) for each name of a comma-separated list until it returns false.
template <class F>
void each_name(std::string_view list, F f) {
  while (!list.empty()) {
    std::string_view name = trim(cut(list, ','));
    if (!name.empty() && !f(name)) return;
  }
}

bool listed(std::string_view list, std::string_view name) {
  bool found = false;
  each_name(list, [&](std::string_view one) { return !(found = one == name); });
  return found;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; });
}

}  // namespace

ChunkChain::ChunkChain(const HmacKey& key, std::string_view timestamp, std::string_view scope_text,
                       std::string_view seed)
    : key_(key) {
  check(seed.size() == previous_.size(), "a seed is a verified signature");
  timestamp_and_scope_ = std::string(timestamp) + "\n" + std::string(scope_text) + "\n";
  std::ranges::copy(seed, previous_.begin());
}

ChunkChain::ChunkChain(const HmacKey& key, const Claim& claim)
    : ChunkChain(key, claim.timestamp_text(), claim.scope_text, claim.signature) {}

void ChunkChain::begin(std::string_view algorithm) {
  text_ = algorithm;
  text_ += '\n';
  text_ += timestamp_and_scope_;
  text_ += view(previous_);
  text_ += '\n';
}

std::string_view ChunkChain::sign_text() {
  previous_ = hex_of(key_.sign(as_bytes(text_)));
  return view(previous_);
}

std::string_view ChunkChain::next(const Digest256& chunk_sha256) {
  begin("AWS4-HMAC-SHA256-PAYLOAD");
  text_ += kEmptySha256;
  text_ += '\n';
  text_ += view(hex_of(chunk_sha256));
  return sign_text();
}

std::string_view ChunkChain::trailers(std::string_view canonical) {
  begin("AWS4-HMAC-SHA256-TRAILER");
  text_ += view(hex_of(Sha256::of(as_bytes(canonical))));
  return sign_text();
}

ChunkedPayload::ChunkedPayload(Options options)
    : options_(std::move(options)),
      announced_(has_trailers(options_.kind) ? lower(options_.announced) : "") {
  options_.announced = {};
  check(is_chunked(options_.kind), "a chunked payload has a streaming kind");
  if (!has_chunk_signatures(options_.kind)) options_.chain.reset();
  check(!has_chunk_signatures(options_.kind) || options_.chain, "signed chunks need a chain");
}

Result<ChunkedPayload::Fed> ChunkedPayload::feed(ByteView in) {
  if (error_) return *error_;
  if (in.empty()) return Fed{};
  auto fed = step(in);
  if (!fed) error_ = fed.error();
  return fed;
}

Result<> ChunkedPayload::finish() {
  if (error_) return *error_;
  auto ended = end_input();
  if (!ended) error_ = ended.error();
  return ended;
}

Result<ChunkedPayload::Fed> ChunkedPayload::step(ByteView in) {
  if (state_ == State::done) {
    return fail(Code::invalid, "Bytes follow the last chunk", "InvalidRequest");
  }
  if (state_ == State::data) {
    ByteView data = in.first(static_cast<size_t>(std::min<uint64_t>(left_, in.size())));
    if (options_.chain) hash_.update(data);
    left_ -= data.size();
    decoded_ += data.size();
    if (left_ == 0) {
      if (auto ended = end_chunk(); !ended) return ended.error();
    }
    return Fed{data.size(), data};
  }
  size_t limit = state_ == State::header     ? kMaxChunkHeader
                 : state_ == State::data_end ? 2
                                             : kMaxTrailers - trailer_bytes_;
  auto taken = take_line(in, limit);
  if (!taken) return taken.error();
  if (!line_complete_) return Fed{*taken, {}};
  std::string line = std::exchange(line_, {});
  line_complete_ = false;
  line.pop_back();
  bool carriage = line.ends_with('\r');
  if (carriage) line.pop_back();
  Result<> done = ok;
  if (state_ == State::trailer) {
    trailer_bytes_ += line.size() + 1 + carriage;
    done = on_trailer(line);
  } else if (!carriage) {
    done = incomplete("A chunk's line does not end in CRLF");
  } else if (state_ == State::header) {
    done = on_chunk_header(line);
  } else if (!line.empty()) {
    done = incomplete("A chunk is longer than its size says");
  } else {
    state_ = State::header;
  }
  if (!done) return done.error();
  return Fed{*taken, {}};
}

// Moves bytes to line_ until its end; how many. Over the limit: an error.
Result<size_t> ChunkedPayload::take_line(ByteView in, size_t limit) {
  std::string_view text = as_text(in);
  size_t end = text.find('\n');
  line_complete_ = end != std::string_view::npos;
  size_t length = line_complete_ ? end + 1 : text.size();
  if (line_.size() + length > limit) {
    if (state_ == State::trailer) return bad_trailer("too many bytes");
    if (state_ == State::data_end) return incomplete("A chunk is longer than its size says");
    return fail(Code::invalid, "A chunk header is too long", "InvalidRequest");
  }
  line_ += text.substr(0, length);
  return length;
}

Result<> ChunkedPayload::on_chunk_header(std::string_view line) {
  std::string_view size_text = cut(line, ';');
  uint64_t size = 0;
  auto [end, error] =
      std::from_chars(size_text.data(), size_text.data() + size_text.size(), size, 16);
  if (error == std::errc::result_out_of_range || size > kMaxChunk) {
    return fail(Code::invalid, "A chunk is larger than 5 GiB", "InvalidChunkSizeError");
  }
  if (error != std::errc() || end != size_text.data() + size_text.size()) {
    return incomplete("A chunk has no size");
  }
  signature_.clear();
  while (!line.empty()) {  // other extensions are ignored, as RFC 9112 asks
    std::string_view field = cut(line, ';');
    if (field.starts_with(kSignatureField)) signature_ = field.substr(kSignatureField.size());
  }
  if (size > options_.decoded_length - decoded_) {
    return incomplete("The body is longer than x-amz-decoded-content-length");
  }
  left_ = size;
  hash_ = Sha256();
  state_ = State::data;
  last_ = size == 0;
  if (last_) return end_chunk();
  return ok;
}

Result<> ChunkedPayload::end_chunk() {
  if (options_.chain && !same_secretly(options_.chain->next(hash_.finish()), signature_)) {
    return bad_signature("chunk");
  }
  state_ = last_ ? State::trailer : State::data_end;
  return ok;
}

std::string_view ChunkedPayload::missing_trailer() const {
  std::string_view missing;
  each_name(announced_, [&](std::string_view name) {
    if (!trailers_.contains(name)) missing = name;
    return missing.empty();
  });
  return missing;
}

bool ChunkedPayload::trailers_complete() const {
  bool signature_due = options_.kind == PayloadKind::streaming_signed_trailer;
  return missing_trailer().empty() && (!signature_due || trailer_signature_seen_);
}

Result<> ChunkedPayload::on_trailer(std::string_view line) {
  if (line.empty()) {
    // Some clients send an empty line before the trailers, or before their signature.
    if (!has_trailers(options_.kind) || trailers_complete()) return end_body();
    return ok;
  }
  size_t colon = line.find(':');
  if (!has_trailers(options_.kind)) return bad_trailer("no trailer was announced");
  if (colon == std::string_view::npos) return bad_trailer("a line has no colon");
  std::string name = lower(line.substr(0, colon));
  std::string_view value = trim(line.substr(colon + 1));
  if (!is_token(name) || !is_field_value(value)) return bad_trailer("a line is not a header");
  if (trailer_signature_seen_) return bad_trailer("a line follows the signature");
  if (name == kTrailerSignature) return on_trailer_signature(value);
  if (!listed(announced_, name)) return bad_trailer(name + " was not announced in x-amz-trailer");
  canonical_trailers_ += name + ":" + std::string(value) + "\n";
  if (!trailers_.emplace(name, value).second) return bad_trailer(name + " comes twice");
  return ok;
}

Result<> ChunkedPayload::on_trailer_signature(std::string_view value) {
  if (!options_.chain) return bad_trailer("an unsigned body has no trailer signature");
  trailer_signature_seen_ = true;
  if (!same_secretly(options_.chain->trailers(canonical_trailers_), value)) {
    return bad_signature("trailer");
  }
  return ok;
}

Result<> ChunkedPayload::end_body() {
  if (decoded_ != options_.decoded_length) {
    return incomplete("The body is shorter than x-amz-decoded-content-length");
  }
  state_ = State::done;
  return ok;
}

Result<> ChunkedPayload::end_input() {
  if (state_ == State::done) return ok;
  if (state_ != State::trailer || !line_.empty()) {
    return incomplete("The request body terminated unexpectedly");
  }
  if (auto missing = missing_trailer(); !missing.empty()) {
    return bad_trailer(std::string(missing) + " was announced and is missing");
  }
  if (!trailers_complete()) return bad_trailer(std::string(kTrailerSignature) + " is missing");
  return end_body();
}

ChunkedEncoder::ChunkedEncoder(PayloadKind kind, std::optional<ChunkChain> chain)
    : kind_(kind), chain_(std::move(chain)) {
  check(is_chunked(kind), "a chunked payload has a streaming kind");
  check(has_chunk_signatures(kind) == chain_.has_value(), "signed chunks need a chain");
}

std::string ChunkedEncoder::header(ByteView data) {
  std::array<char, 16> hex{};
  char* end = std::to_chars(hex.data(), hex.data() + hex.size(), data.size(), 16).ptr;
  std::string line(hex.data(), end);
  if (chain_) {
    line += ';';
    line += kSignatureField;
    line += chain_->next(Sha256::of(data));
  }
  line += "\r\n";
  return line;
}

std::string ChunkedEncoder::chunk(ByteView data) {
  if (data.empty()) return {};
  std::string out = header(data);
  out += as_text(data);
  out += "\r\n";
  return out;
}

std::string ChunkedEncoder::finish(std::span<const std::pair<std::string, std::string>> trailers) {
  check(trailers.empty() || has_trailers(kind_), "this kind has no trailers");
  std::string out = header({});
  std::string canonical;
  for (const auto& [name, value] : trailers) {
    out += name + ":" + value + "\r\n";
    canonical += lower(name) + ":" + value + "\n";
  }
  if (kind_ == PayloadKind::streaming_signed_trailer) {
    out += kTrailerSignature;
    out += ':';
    out += present(chain_, "signed trailers without a chain").trailers(canonical);
    out += "\r\n";
  }
  out += "\r\n";
  return out;
}

uint64_t ChunkedEncoder::encoded_length(
    PayloadKind kind, uint64_t decoded, uint64_t chunk,
    std::span<const std::pair<std::string, std::string>> trailers) {
  check(chunk > 0, "a chunk has bytes");
  auto framed = [&](uint64_t size) -> uint64_t {
    std::array<char, 16> hex{};
    char* end = std::to_chars(hex.data(), hex.data() + hex.size(), size, 16).ptr;
    uint64_t header = static_cast<uint64_t>(end - hex.data()) + 2;
    if (has_chunk_signatures(kind)) header += 1 + kSignatureField.size() + 64;
    return header + size + 2;
  };
  uint64_t length = decoded / chunk * framed(chunk) + framed(0);
  if (decoded % chunk != 0) length += framed(decoded % chunk);
  for (const auto& [name, value] : trailers) length += name.size() + value.size() + 3;
  if (kind == PayloadKind::streaming_signed_trailer) length += kTrailerSignature.size() + 67;
  return length;
}

}  // namespace forebay::sign
