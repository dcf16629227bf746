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
  std::optional<std::string> wanted;  ///< raw bytes; nothing: comes as a trailer
};

// Checks while it passes on. What is handed out trails what has been read by up to kHoldBack, so
// the origin gets the end only after everything was compared.
class VerifyingSource final : public io::Source {
 public:
  VerifyingSource(io::Source& body, uint64_t length, std::vector<Expectation> expectations,
                  std::optional<Digest256> sha256, std::optional<sign::ChunkedPayload> framing,
                  std::shared_ptr<origin::Fields> trailing)
      : body_(body),
        length_(length),
        expectations_(std::move(expectations)),
        sha256_(sha256),
        framing_(std::move(framing)),
        trailing_(std::move(trailing)) {}

  Task<io::Chunk> next(Context ctx) override {
    held_.erase(0, std::exchange(given_, 0));
    while (!ended_) {
      // A view into the body's buffer is good until its next read: hand it out at once when what
      // is held back has gone.
      if (!input_.empty()) {
        ByteView data = co_await take();
        if (data.empty()) continue;
        received_ += data.size();
        if (received_ > length_) co_return incomplete();
        observe(data);
        uint64_t left = length_ - received_;
        if (held_.empty() && left >= kHoldBack) co_return Bytes(nullptr, data);
        held_ += as_text(data);
        if (left >= kHoldBack || held_.size() > 2 * kHoldBack) co_return give(left);
        continue;
      }
      io::Chunk chunk = co_await co_await body_.next(ctx);
      input_ = std::get<Bytes>(chunk).view();  // a socket's body is bytes in memory
      if (input_.empty()) {
        co_await finish();
        ended_ = true;
      }
    }
    co_return give(0);
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
    auto fed = framing_->feed(input_);
    if (!fed) return std::move(fed.error());
    input_ = input_.subspan(fed->consumed);
    return fed->data;
  }

  void observe(ByteView data) {
    if (sha256_) running_.update(data);
    for (Expectation& e : expectations_) e.sum->update(data);
  }

  // Of what is held: all but what must stay back while `left` bytes are still to come.
  Bytes give(uint64_t left) {
    size_t back = ended_ ? 0 : left >= kHoldBack ? 0 : kHoldBack - static_cast<size_t>(left);
    given_ = held_.size() > back ? held_.size() - back : 0;
    return Bytes(nullptr, as_bytes(held_).first(given_));
  }

  Result<> finish() {
    if (framing_) {
      Result<> framed = framing_->finish();
      if (!framed) return framed;
    }
    if (received_ != length_) return incomplete();
    if (sha256_ && running_.finish() != *sha256_) {
      return fail(Code::invalid,
                  "The provided 'x-amz-content-sha256' header does not match what was computed.",
                  "XAmzContentSHA256Mismatch");
    }
    for (Expectation& e : expectations_) {
      if (!e.wanted) {
        auto& trailers = framing_->trailers();
        auto it = trailers.find(e.name);
        e.wanted = it == trailers.end() ? std::nullopt : from_base64(it->second);
        if (!e.wanted) {
          return fail(Code::invalid, "Value for " + e.name + " trailing header is invalid.",
                      "InvalidRequest");
        }
      }
      std::string found = e.sum->digest();
      if (found != *e.wanted) return bad_digest(e.name);
      if (e.name != "content-md5") (*trailing_)[e.name] = to_base64(as_bytes(found));
    }
    return ok;
  }

  io::Source& body_;
  uint64_t length_;
  std::vector<Expectation> expectations_;
  std::optional<Digest256> sha256_;
  std::optional<sign::ChunkedPayload> framing_;
  std::shared_ptr<origin::Fields> trailing_;
  Sha256 running_;
  ByteView input_;
  uint64_t received_ = 0;
  std::string held_;
  size_t given_ = 0;
  bool ended_ = false;
};

Result<uint64_t> body_length(const Call& call, bool framed) {
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
  if (!length && call.request.chunked) return missing();
  if (length.value_or(0) > kMaxPut) {
    return fail(Code::too_large, "Your proposed upload exceeds the maximum allowed size",
                "EntityTooLarge");
  }
  return length.value_or(0);
}

Result<> expect_md5(const Call& call, std::vector<Expectation>& out) {
  auto md5 = call.header("content-md5");
  if (!md5) return ok;
  auto wanted = from_base64(*md5);
  if (!wanted || wanted->size() != 16) {
    return fail(Code::invalid, "The Content-MD5 you specified is not valid.", "InvalidDigest");
  }
  out.push_back({"content-md5", Checksum::make(ChecksumKind::md5), std::move(wanted)});
  return ok;
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
    out.push_back({std::string(header_name(kind)), std::move(sum), std::move(wanted)});
  }
  if (out.size() > before + 1) {
    return fail(Code::invalid,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
                "allowed.",
                "InvalidRequest");
  }
  return ok;
}

Result<> expect_trailer(const Call& call, std::vector<Expectation>& out) {
  auto trailer = call.header("x-amz-trailer");
  if (!trailer) return ok;
  for (ChecksumKind kind : kAllChecksumKinds) {
    if (!http::same_name(*trailer, header_name(kind))) continue;
    out.push_back({std::string(header_name(kind)), Checksum::make(kind), std::nullopt});
    return ok;
  }
  return fail(Code::invalid, "The value specified in the x-amz-trailer header is not supported",
              "InvalidRequest");
}

// The algorithm announced by an SDK must be the one that comes.
Result<> check_announced(const Call& call, const std::vector<Expectation>& expectations) {
  auto announced = call.header("x-amz-sdk-checksum-algorithm");
  if (!announced) return ok;
  auto kind = parse_checksum_kind(*announced);
  if (!kind) {
    return fail(Code::invalid, "Checksum algorithm provided is unsupported.", "InvalidRequest");
  }
  for (const Expectation& e : expectations) {
    if (e.name != "content-md5" && e.name != header_name(*kind)) {
      return fail(Code::invalid, "Value for x-amz-sdk-checksum-algorithm header is invalid.",
                  "InvalidRequest");
    }
  }
  return ok;
}

}  // namespace

Result<Payload> open_payload(Call& call) {
  const sign::Claim* claim = call.verdict.claim ? &*call.verdict.claim : nullptr;
  sign::Payload announced = claim != nullptr ? claim->payload : sign::Payload{};
  bool framed = sign::is_chunked(announced.kind);
  auto encoding = call.header("content-encoding");
  if (!framed && encoding && encoding->find("aws-chunked") != std::string_view::npos) {
    return fail(Code::invalid,
                "aws-chunked encoding is not supported when x-amz-content-sha256 is not a "
                "STREAMING value.",
                "InvalidRequest");
  }
  auto length = body_length(call, framed);
  if (!length) return std::move(length.error());
  std::vector<Expectation> expectations;
  for (auto& step : {expect_md5, expect_checksums, expect_trailer}) {
    Result<> read = step(call, expectations);
    if (!read) return std::move(read.error());
  }
  Result<> fits = check_announced(call, expectations);
  if (!fits) return std::move(fits.error());
  std::optional<sign::ChunkedPayload> framing;
  if (framed) {
    sign::ChunkedPayload::Options options{.kind = announced.kind, .decoded_length = *length};
    if (auto names = call.header("x-amz-trailer")) options.announced = *names;
    if (sign::has_chunk_signatures(announced.kind)) {
      options.chain.emplace(*call.verdict.key, *claim);
    }
    framing.emplace(std::move(options));
  }
  std::optional<Digest256> sha256;
  if (announced.kind == sign::PayloadKind::hash && claim != nullptr) sha256 = announced.sha256;
  Payload payload;
  payload.length = *length;
  payload.trailing = std::make_shared<origin::Fields>();
  for (const Expectation& e : expectations) {
    if (e.wanted && e.name != "content-md5") {
      payload.checksums[e.name] = to_base64(as_bytes(*e.wanted));
    }
  }
  payload.source =
      std::make_unique<VerifyingSource>(call.request.body(), *length, std::move(expectations),
                                        sha256, std::move(framing), payload.trailing);
  return payload;
}

Task<std::string> read_payload(Call& call, uint64_t limit, Context ctx) {
  Payload payload = co_await open_payload(call);
  if (payload.length > limit) {
    co_return fail(Code::invalid, "Your request was too big", "MalformedXML");
  }
  co_return co_await io::read_all({payload.length, std::move(payload.source)}, limit, ctx);
}

}  // namespace forebay::gateway::s3
