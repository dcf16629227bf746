#include "origin/s3/trailer.h"

#include "base/encoding.h"
#include "sign/chunked.h"

namespace forebay::origin {

namespace {

using Trailer = std::pair<std::string, std::string>;

constexpr auto kForm = sign::PayloadKind::streaming_unsigned_trailer;

std::string chunk_line(uint64_t length) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\r\n";
  do {
    out.insert(out.begin(), kDigits[length & 15]);
    length >>= 4;
  } while (length != 0);
  return out;
}

class Framed final : public io::Source {
 public:
  Framed(io::Body body, std::string name, std::shared_ptr<const Fields> trailing)
      : inner_(std::move(body.source)),
        name_(std::move(name)),
        trailing_(std::move(trailing)),
        text_(chunk_line(body.length)) {}

  Task<io::Chunk> next(Context ctx) override {
    if (state_ == State::before) {
      state_ = State::data;
      co_return Bytes(nullptr, as_bytes(text_));
    }
    if (state_ == State::done) co_return Bytes();
    io::Chunk chunk = co_await co_await inner_->next(ctx);
    if (io::size(chunk) > 0) co_return std::move(chunk);
    state_ = State::done;
    auto sum = trailing_->find(name_);
    if (sum == trailing_->end()) co_return fail(Code::internal, "a body ended without its trailer");
    std::array<Trailer, 1> trailers{Trailer{name_, sum->second}};
    text_ = "\r\n" + sign::ChunkedEncoder(kForm).finish(trailers);
    co_return Bytes(nullptr, as_bytes(text_));
  }

 private:
  enum class State { before, data, done };
  std::unique_ptr<io::Source> inner_;
  std::string name_;
  std::shared_ptr<const Fields> trailing_;
  std::string text_;
  State state_ = State::before;
};

}  // namespace

io::Body s3_with_trailer(io::Body body, ChecksumKind kind, std::shared_ptr<const Fields> trailing,
                         http::HeadFields& fields) {
  std::string name(header_name(kind));
  // The value is not there yet; its length is.
  std::string value = to_base64(as_bytes(Checksum::make(kind)->digest()));
  std::array<Trailer, 1> trailers{Trailer{name, value}};
  uint64_t length = sign::ChunkedEncoder::encoded_length(kForm, body.length, body.length, trailers);
  fields.add("content-encoding", "aws-chunked");
  fields.add("x-amz-decoded-content-length", std::to_string(body.length));
  fields.add("x-amz-trailer", name);
  return {length, std::make_unique<Framed>(std::move(body), std::move(name), std::move(trailing))};
}

}  // namespace forebay::origin
