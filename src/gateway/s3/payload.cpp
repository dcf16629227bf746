#include "gateway/s3/payload.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>

#include "base/encoding.h"

namespace forebay::gateway::s3 {

namespace {

Error bad_digest(std::string_view name) {
  return fail(Code::invalid,
              "The " + std::string(name) + " you specified did not match what we received.",
              "BadDigest");
}

// One value the body must have, and the running sum.
struct Expectation {
  std::string name;  ///< header name
  std::unique_ptr<Checksum> sum;
  std::string wanted = {};  ///< raw bytes
};

// A body in chunks, and the checksum that comes behind it, if one was announced.
struct Framing {
  sign::ChunkedPayload payload;
  std::optional<Expectation> trailer = std::nullopt;
};

// Checks while it passes on. The last `hold_back` bytes are kept until all has been compared, so
// the origin gets the end only after everything was compared.
class VerifyingSource final : public io::Source {
 public:
  VerifyingSource(io::Source& body, uint64_t length, std::vector<Expectation> expectations,
                  std::optional<Digest256> sha256, std::optional<Framing> framing,
                  std::shared_ptr<origin::Fields> trailing, size_t hold_back,
                  std::unique_ptr<io::Source> owned = nullptr)
      : owned_(std::move(owned)),
        body_(body),
        length_(length),
        expectations_(std::move(expectations)),
        sha256_(sha256),
        framing_(std::move(framing)),
        trailing_(std::move(trailing)),
        hold_back_(hold_back) {}

  Task<io::Chunk> next(Context ctx) override {
    while (!ended_) {
      // A view into the body's buffer is good until its next read.
      if (!input_.empty()) {
        ByteView data = co_await take();
        if (data.empty()) continue;
        received_ += data.size();
        if (received_ > length_) co_return incomplete();
        observe(data);
        ByteView given = data.first(data.size() - hold(data, length_ - received_));
        if (given.empty()) continue;
        co_return Bytes(nullptr, given);
      }
      chunk_ = co_await co_await body_.next(ctx);
      input_ = std::get<Bytes>(chunk_).view();  // a socket's body is bytes in memory
      if (!input_.empty()) continue;
      co_await finish();
      ended_ = true;
      co_return Bytes(nullptr, as_bytes(held_));
    }
    co_return Bytes();
  }

 private:
  static Error incomplete() {
    return fail(Code::invalid,
                "You did not provide the number of bytes specified by the Content-Length HTTP "
                "header",
                "IncompleteBody");
  }

  // The next decoded bytes of input_.
  Result<ByteView> take() {
    if (!framing_) return std::exchange(input_, {});
    auto fed = framing_->payload.feed(input_);
    if (!fed) return std::move(fed.error());
    input_ = input_.subspan(fed->consumed);
    return fed->data;
  }

  void observe(ByteView data) {
    if (sha256_) running_.update(data);
    for (Expectation& e : expectations_) e.sum->update(data);
    if (framing_ && framing_->trailer) framing_->trailer->sum->update(data);
  }

  // Keeps what must stay back of `data` while `left` bytes are still to come; returns how much.
  // With them it comes to hold_back_ at most, so what follows is all kept.
  size_t hold(ByteView data, uint64_t left) {
    if (left >= hold_back_) return 0;
    size_t back = data.size();
    if (held_.empty()) {
      back = std::min(back, hold_back_ - static_cast<size_t>(left));
      held_.reserve(back + static_cast<size_t>(left));
    }
    held_ += as_text(data.last(back));
    return back;
  }

  // The trailer that was announced becomes one more expectation.
  static Result<> read_trailer(const Framing& framing, Expectation& trailer) {
    auto& trailers = framing.payload.trailers();
    auto it = trailers.find(trailer.name);
    auto wanted = it == trailers.end() ? std::nullopt : from_base64(it->second);
    if (!wanted) {
      return fail(Code::invalid, "Value for " + trailer.name + " trailing header is invalid.",
                  "InvalidRequest");
    }
    trailer.wanted = std::move(*wanted);
    return ok;
  }

  Result<> finish() {
    if (framing_) {
      Result<> framed = framing_->payload.finish();
      if (!framed) return framed;
    }
    if (received_ != length_) return incomplete();
    if (sha256_ && running_.finish() != *sha256_) {
      return fail(Code::invalid,
                  "The provided 'x-amz-content-sha256' header does not match what was computed.",
                  "XAmzContentSHA256Mismatch");
    }
    for (const Expectation& e : expectations_) {
      Result<> holds = compare(e);
      if (!holds) return holds;
    }
    if (!framing_ || !framing_->trailer) return ok;
    Result<> read = read_trailer(*framing_, *framing_->trailer);
    return read ? compare(*framing_->trailer) : std::move(read);
  }

  Result<> compare(const Expectation& e) {
    std::string found = e.sum->digest();
    if (found != e.wanted) return bad_digest(e.name);
    if (e.name != "content-md5") (*trailing_)[e.name] = to_base64(as_bytes(found));
    return ok;
  }

  std::unique_ptr<io::Source> owned_;  ///< body_, where it is no request's
  io::Source& body_;
  io::Chunk chunk_;  ///< what input_ is a part of
  uint64_t length_;
  std::vector<Expectation> expectations_;
  std::optional<Digest256> sha256_;
  std::optional<Framing> framing_;
  std::shared_ptr<origin::Fields> trailing_;
  size_t hold_back_;
  Sha256 running_;
  ByteView input_;
  uint64_t received_ = 0;
  std::string held_;
  bool ended_ = false;
};

Error too_long() {
  return fail(Code::too_large, "Your proposed upload exceeds the maximum allowed size",
              "EntityTooLarge");
}

Result<uint64_t> body_length(const Call& call, bool framed, ChecksumsOf checksums) {
  auto missing = [] {
    return fail(Code::invalid, "You must provide the Content-Length HTTP header.",
                "MissingContentLength");
  };
  std::optional<uint64_t> length = call.request.content_length;
  if (framed) {
    auto text = call.header("x-amz-decoded-content-length");
    if (!text) return missing();
    uint64_t value = 0;
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size()) {
      return fail(Code::invalid, "x-amz-decoded-content-length is no number", "InvalidArgument");
    }
    length = value;
  }
  // Where there is no body its length need not be told: one byte is too many.
  if (!length && call.request.chunked && checksums != ChecksumsOf::none) return missing();
  if (length.value_or(0) > kMaxPut) return too_long();
  return length.value_or(0);
}

Result<> expect_md5(const Call& call, std::vector<Expectation>& out) {
  auto md5 = call.header("content-md5");
  if (!md5) return ok;
  auto wanted = from_base64(*md5);
  if (!wanted || wanted->size() != 16) {
    return fail(Code::invalid, "The Content-MD5 you specified is not valid.", "InvalidDigest");
  }
  out.push_back({"content-md5", Checksum::make(ChecksumKind::md5), std::move(*wanted)});
  return ok;
}

Error several_checksums() {
  return fail(Code::invalid,
              "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
              "InvalidRequest");
}

Result<> expect_checksums(const Call& call, std::vector<Expectation>& out) {
  size_t before = out.size();
  for (ChecksumKind kind : kAllChecksumKinds) {
    auto value = call.header(header_name(kind));
    if (!value) continue;
    auto wanted = from_base64(*value);
    auto sum = Checksum::make(kind);
    if (!wanted || wanted->size() != sum->digest().size()) {
      return fail(Code::invalid,
                  "Value for " + std::string(header_name(kind)) + " header is invalid.",
                  "InvalidRequest");
    }
    out.push_back({std::string(header_name(kind)), std::move(sum), std::move(*wanted)});
  }
  if (out.size() > before + 1) return several_checksums();
  return ok;
}

// The checksum that x-amz-trailer announces; nothing without that header.
Result<std::optional<Expectation>> announced_trailer(const Call& call, sign::PayloadKind kind) {
  auto trailer = call.header("x-amz-trailer");
  if (!trailer) return std::nullopt;
  if (!sign::has_trailers(kind)) {
    return fail(Code::invalid,
                "x-amz-trailer needs a body with trailers: x-amz-content-sha256 must be one of "
                "the STREAMING-…-TRAILER values.",
                "InvalidRequest");
  }
  for (ChecksumKind known : kAllChecksumKinds) {
    if (!http::same_name(*trailer, header_name(known))) continue;
    return Expectation{std::string(header_name(known)), Checksum::make(known)};
  }
  return fail(Code::invalid, "The value specified in the x-amz-trailer header is not supported",
              "InvalidRequest");
}

// The algorithm announced by an SDK must be the one that comes.
Result<> check_announced(const Call& call, const std::vector<Expectation>& expectations,
                         const Expectation* trailer) {
  auto announced = call.header("x-amz-sdk-checksum-algorithm");
  if (!announced) return ok;
  auto kind = parse_checksum_kind(*announced);
  if (!kind) {
    return fail(Code::invalid, "Checksum algorithm provided is unsupported.", "InvalidRequest");
  }
  bool fits = trailer == nullptr || trailer->name == header_name(*kind);
  bool comes = trailer != nullptr;
  for (const Expectation& e : expectations) {
    if (e.name == "content-md5") continue;
    comes = true;
    fits = fits && e.name == header_name(*kind);
  }
  // Presigned URLs of some SDKs name it for whoever comes with the body and knows nothing of it.
  if (!comes && !call.parameter("x-amz-sdk-checksum-algorithm")) {
    return fail(Code::invalid,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                "x-amz-trailer headers were found.",
                "InvalidRequest");
  }
  if (fits) return ok;
  return fail(Code::invalid, "Value for x-amz-sdk-checksum-algorithm header is invalid.",
              "InvalidRequest");
}

// How the body is announced: an anonymous one is plain.
sign::Payload announced_payload(const Call& call) {
  return call.verdict.claim ? call.verdict.claim->payload : sign::Payload{};
}

Result<std::optional<Framing>> read_framing(const Call& call, uint64_t length) {
  sign::PayloadKind kind = announced_payload(call).kind;
  auto trailer = announced_trailer(call, kind);
  if (!trailer) return std::move(trailer.error());
  if (!sign::is_chunked(kind)) return std::nullopt;
  sign::ChunkedPayload::Options options{.kind = kind, .decoded_length = length};
  if (auto names = call.header("x-amz-trailer")) options.announced = *names;
  if (sign::has_chunk_signatures(kind)) {
    const auto& [principal, claim, key] = call.verdict;
    if (!claim || !key) return fail(Code::denied, "Access Denied", "AccessDenied");
    options.chain.emplace(*key, *claim);
  }
  return Framing{sign::ChunkedPayload(std::move(options)), std::move(*trailer)};
}

}  // namespace

Result<Payload> open_payload(Call& call, ChecksumsOf checksums, size_t hold_back) {
  sign::Payload announced = announced_payload(call);
  bool framed = sign::is_chunked(announced.kind);
  auto encoding = call.header("content-encoding");
  // Of an operation without a body the field is the coming object's.
  bool coded = checksums != ChecksumsOf::none;
  if (coded && !framed && encoding && encoding->find("aws-chunked") != std::string_view::npos) {
    return fail(Code::invalid,
                "aws-chunked encoding is not supported when x-amz-content-sha256 is not a "
                "STREAMING value.",
                "InvalidRequest");
  }
  auto length = body_length(call, framed, checksums);
  if (!length) return std::move(length.error());
  std::vector<Expectation> expectations;
  Result<> expected = expect_md5(call, expectations);
  if (expected && checksums == ChecksumsOf::body) expected = expect_checksums(call, expectations);
  if (!expected) return std::move(expected.error());
  auto read = read_framing(call, *length);
  if (!read) return std::move(read.error());
  std::optional<Framing> framing = std::move(*read);
  const Expectation* trailer =
      framing && framing->trailer ? std::addressof(*framing->trailer) : nullptr;
  Result<> fits = ok;
  if (checksums == ChecksumsOf::body) fits = check_announced(call, expectations, trailer);
  if (!fits) return std::move(fits.error());
  std::optional<Digest256> sha256;
  if (announced.kind == sign::PayloadKind::hash) sha256 = announced.sha256;
  Payload payload;
  payload.length = *length;
  payload.trailing = std::make_shared<origin::Fields>();
  for (const Expectation& e : expectations) {
    if (e.name == "content-md5") continue;
    if (trailer != nullptr) return several_checksums();
    payload.checksums[e.name] = to_base64(as_bytes(e.wanted));
  }
  if (trailer != nullptr) payload.trailing_name = trailer->name;
  payload.source =
      std::make_unique<VerifyingSource>(call.request.body(), *length, std::move(expectations),
                                        sha256, std::move(framing), payload.trailing, hold_back);
  return payload;
}

Result<Payload> open_payload_of(const Call& call, std::unique_ptr<io::Source> source,
                                uint64_t length) {
  if (length > kMaxPut) return too_long();
  std::vector<Expectation> expectations;
  Result<> expected = expect_md5(call, expectations);
  if (expected) expected = expect_checksums(call, expectations);
  if (expected) expected = check_announced(call, expectations, nullptr);
  if (!expected) return std::move(expected.error());
  Payload payload;
  payload.length = length;
  payload.trailing = std::make_shared<origin::Fields>();
  for (const Expectation& e : expectations) {
    if (e.name != "content-md5") payload.checksums[e.name] = to_base64(as_bytes(e.wanted));
  }
  io::Source& body = *source;
  payload.source = std::make_unique<VerifyingSource>(body, length, std::move(expectations),
                                                     std::nullopt, std::nullopt, payload.trailing,
                                                     kHoldBack, std::move(source));
  return payload;
}

void add_checksums(const Payload& payload, origin::PutOptions& options) {
  options.checksums = payload.checksums;
  options.trailing = payload.trailing;
  options.trailing_name = payload.trailing_name;
}

namespace {

Error too_slow() {
  return fail(Code::timeout,
              "Your socket connection to the server was not read from or written to within the "
              "timeout period. Idle connections will be closed.",
              "RequestTimeout");
}

}  // namespace

Task<HeldText> read_payload(Call& call, uint64_t limit, Context ctx, ChecksumsOf checksums) {
  Payload payload = co_await open_payload(call, checksums, 0);
  if (payload.length > limit) {
    co_return fail(Code::invalid, "Your request was too big", "MalformedXML");
  }
  Time end = ctx.loop->now() + kWholeGrace;
  HeldText whole(call.services.bodies);
  while (true) {
    auto earned = static_cast<int64_t>(whole.text.size() * 1000 / kWholeRate);
    Context wait = ctx.until(end + milliseconds(earned));
    Result<io::Chunk> chunk = co_await payload.source->next(wait);
    bool slow = !chunk && chunk.error().code() == Code::timeout && ctx.loop->now() < ctx.deadline;
    if (slow) co_return too_slow();
    ByteView bytes = std::get<Bytes>(co_await std::move(chunk)).view();
    if (bytes.empty()) co_return whole;
    if (!whole.append(as_text(bytes), payload.length)) {
      co_return fail(Code::busy, "too many documents are under way; try again", "SlowDown");
    }
  }
}

Task<> read_no_body(Call& call, Context ctx) {
  Payload payload = co_await open_payload(call, ChecksumsOf::none);
  std::unique_ptr<io::Source> source = std::move(payload.source);
  if (payload.length > 0) {
    co_return fail(Code::invalid, "This request contains unsupported content.",
                   "UnexpectedContent");
  }
  co_await co_await io::read_all({0, std::move(source)}, 0, ctx);
  co_return ok;
}

}  // namespace forebay::gateway::s3
