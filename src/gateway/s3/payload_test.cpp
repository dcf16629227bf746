#include "gateway/s3/payload.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "gateway/s3/world_test.h"

namespace forebay::gateway::s3 {
namespace {

using sign::PayloadKind;

constexpr PayloadKind kAllKinds[] = {
    PayloadKind::hash, PayloadKind::unsigned_body, PayloadKind::streaming_signed,
    PayloadKind::streaming_signed_trailer, PayloadKind::streaming_unsigned_trailer};

std::string some_bytes(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 2654435761U >> 13);
  return out;
}

Ask put(std::string body, PayloadKind kind = PayloadKind::hash) {
  return {.method = "PUT", .target = "/data/key", .body = std::move(body), .kind = kind};
}

class PayloadTest : public testing::Test {
 protected:
  /// Sends it and expects that refusal, and that nothing was stored.
  void refused(const Ask& ask, int status, const std::string& code, const std::string& what = "") {
    Reply reply = world_.ask(ask);
    EXPECT_EQ(reply.status, status) << what << reply.body;
    EXPECT_EQ(reply.element("Code"), code) << what << reply.body;
    EXPECT_EQ(world_.origin().bytes("key"), std::nullopt) << what;
  }
  void stored(const Ask& ask, const std::string& what = "") {
    Reply reply = world_.ask(ask);
    EXPECT_EQ(reply.status, 200) << what << reply.body;
    EXPECT_EQ(world_.origin().bytes("key"), ask.body) << what;
    world_.origin().drop("key");
  }
  DoorWorld world_;
};

TEST_F(PayloadTest, EveryKindOfBodyIsTaken) {
  for (PayloadKind kind : kAllKinds) {
    for (size_t size : {0, 1, 1000, 65'535, 65'536, 65'537, 300'000}) {
      stored(put(some_bytes(size), kind), std::string(sign::word(kind)) + std::to_string(size));
    }
  }
}

TEST_F(PayloadTest, ATrailerThatNoBodyCarriesIsRefusedBeforeAnythingIsRead) {
  for (PayloadKind kind : kAllKinds) {
    if (sign::has_trailers(kind)) continue;
    for (size_t size : {0, 100, 200'000}) {
      Ask ask = put(some_bytes(size), kind);
      ask.headers = {{"x-amz-trailer", "x-amz-checksum-crc32"}};
      refused(ask, 400, "InvalidRequest", std::string(sign::word(kind)));
    }
  }
  EXPECT_EQ(world_.origin().counts("put").requests, 0U);
}

TEST_F(PayloadTest, EachAlgorithmIsVerifiedInAHeader) {
  std::string body = some_bytes(100'000);
  for (ChecksumKind kind : kAllChecksumKinds) {
    std::string header(header_name(kind));
    Ask ask = put(body);
    ask.headers = {{header, sum(kind, body)}};
    stored(ask, header);
    ask.headers = {{header, sum(kind, "other")}};
    refused(ask, 400, "BadDigest", header);
    ask.headers = {{header, "AAAA"}};
    refused(ask, 400, "InvalidRequest", header);
    ask.headers = {{header, "no base64!"}};
    refused(ask, 400, "InvalidRequest", header);
  }
}

TEST_F(PayloadTest, EachAlgorithmIsVerifiedInATrailer) {
  std::string body = some_bytes(100'000);
  for (PayloadKind kind : kAllKinds) {
    if (!sign::has_trailers(kind)) continue;
    for (ChecksumKind algorithm : kAllChecksumKinds) {
      std::string header(header_name(algorithm));
      Ask ask = put(body, kind);
      ask.headers = {{"x-amz-trailer", header}};
      ask.trailers = {{header, sum(algorithm, body)}};
      stored(ask, header);
      ask.trailers = {{header, sum(algorithm, "other")}};
      refused(ask, 400, "BadDigest", header);
      ask.trailers = {{header, "no base64!"}};
      refused(ask, 400, "InvalidRequest", header);
      ask.trailers = {};
      refused(ask, 400, "MalformedTrailerError", header);
    }
  }
}

TEST_F(PayloadTest, WhatIsSaidTwiceOrWronglyIsRefused) {
  std::string body = some_bytes(1000);
  std::string crc = sum(ChecksumKind::crc32, body);
  std::string sha = sum(ChecksumKind::sha256, body);
  Ask ask = put(body);
  ask.headers = {{"x-amz-checksum-crc32", crc}, {"x-amz-checksum-sha256", sha}};
  refused(ask, 400, "InvalidRequest", "two headers");
  ask.headers = {{"x-amz-checksum-crc32", crc}, {"x-amz-sdk-checksum-algorithm", "SHA256"}};
  refused(ask, 400, "InvalidRequest", "another algorithm announced");
  ask.headers = {{"x-amz-checksum-crc32", crc}, {"x-amz-sdk-checksum-algorithm", "NOPE"}};
  refused(ask, 400, "InvalidRequest", "an unknown algorithm announced");
  ask.headers = {{"x-amz-sdk-checksum-algorithm", "CRC32"}};
  refused(ask, 400, "InvalidRequest", "announced, and lost on the way");
  ask.headers = {{"content-md5", sum(ChecksumKind::md5, body)},
                 {"x-amz-sdk-checksum-algorithm", "CRC32"}};
  refused(ask, 400, "InvalidRequest", "announced, and another one there");
  ask.headers = {{"content-encoding", "aws-chunked"}};
  refused(ask, 400, "InvalidRequest", "a plain body said to be framed");
  ask.headers = {{"content-md5", sum(ChecksumKind::md5, "other")}};
  refused(ask, 400, "BadDigest", "Content-MD5");
  ask.headers = {{"content-md5", "AAAA"}};
  refused(ask, 400, "InvalidDigest", "a short Content-MD5");
  ask.headers = {{"content-md5", sum(ChecksumKind::md5, body)}, {"x-amz-checksum-crc32", crc}};
  stored(ask, "Content-MD5 beside a checksum");

  Ask framed = put(body, PayloadKind::streaming_unsigned_trailer);
  framed.headers = {{"x-amz-trailer", "x-amz-checksum-crc32"}, {"x-amz-checksum-sha256", sha}};
  framed.trailers = {{"x-amz-checksum-crc32", crc}};
  refused(framed, 400, "InvalidRequest", "a header and a trailer");
  framed.headers = {{"x-amz-trailer", "x-amz-meta-a"}};
  framed.trailers = {{"x-amz-meta-a", "b"}};
  refused(framed, 400, "InvalidRequest", "a trailer that is no checksum");
}

TEST_F(PayloadTest, OtherBytesThanSignedAreRefused) {
  Ask ask = put(some_bytes(100'000));
  std::string bytes = world_.wire(ask);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_EQ(world_.send(bytes, false).element("Code"), "XAmzContentSHA256Mismatch");
  for (PayloadKind kind : {PayloadKind::streaming_signed, PayloadKind::streaming_signed_trailer}) {
    bytes = world_.wire(put(some_bytes(100'000), kind));
    size_t data = bytes.find("\r\n\r\n") + 500;
    bytes[data] = static_cast<char>(bytes[data] ^ 1);
    EXPECT_EQ(world_.send(bytes, false).element("Code"), "SignatureDoesNotMatch");
  }
  EXPECT_EQ(world_.origin().bytes("key"), std::nullopt);
}

// A body in memory that gives pieces, and tells whether its end was heard.
class Pieces final : public io::Source {
 public:
  Pieces(std::string text, size_t piece) : text_(std::move(text)), piece_(piece) {}
  Task<io::Chunk> next(Context) override {
    size_t count = std::min(piece_, text_.size() - at_);
    ended = count == 0;
    at_ += count;
    // Its own memory, gone at the next read, as a connection's buffer is.
    buffer_ = text_.substr(at_ - count, count);
    co_return Bytes(nullptr, as_bytes(buffer_));
  }
  bool ended = false;

 private:
  std::string text_, buffer_;
  size_t piece_, at_ = 0;
};

// What a body gives until its end or its error.
struct Drawn {
  std::string bytes;
  size_t before_end = 0;  ///< of them, those given before the client's last byte had been read
  std::optional<Error> error;
};

Task<Drawn> draw(std::unique_ptr<io::Source> source [[clang::lifetimebound]],
                 const Pieces& pieces [[clang::lifetimebound]], Context ctx) {
  Drawn out;
  while (true) {
    Result<io::Chunk> chunk = co_await source->next(ctx);
    if (!chunk) {
      out.error = std::move(chunk.error());
      break;
    }
    ByteView view = std::get<Bytes>(*chunk).view();
    if (view.empty()) break;
    out.bytes += as_text(view);
    if (!pieces.ended) out.before_end = out.bytes.size();
  }
  co_return out;
}

// An origin commits when it has the last byte, so that is what must wait for the verdict.
TEST_F(PayloadTest, TheLastBytesAreHeldBackUntilEverythingHasVerified) {
  for (size_t size : {1UL, 1000UL, kHoldBack - 1, kHoldBack, kHoldBack + 1, 3 * kHoldBack + 7}) {
    for (size_t piece : {size_t{977}, size_t{4096}, kHoldBack, size_t{1} << 20}) {
      for (bool framed : {false, true}) {
        for (bool good : {true, false}) {
          std::string body = some_bytes(size);
          std::string crc = sum(ChecksumKind::crc32, good ? body : "other");
          http::Request request;
          std::string decoded = std::to_string(size);
          std::vector<Header> headers;
          std::string wire = body;
          if (framed) {
            sign::ChunkedEncoder encoder(PayloadKind::streaming_unsigned_trailer);
            wire = encoder.chunk(as_bytes(body)) +
                   encoder.finish(std::vector{
                       std::pair<std::string, std::string>("x-amz-checksum-crc32", crc)});
            headers = {{"x-amz-trailer", "x-amz-checksum-crc32"},
                       {"x-amz-decoded-content-length", decoded}};
          } else {
            headers = {{"x-amz-checksum-crc32", crc}};
          }
          Pieces pieces(wire, piece);
          request.headers = headers;
          request.content_length = wire.size();
          request.source = &pieces;
          Call call(request, world_.services(), obs::RequestId::of(1));
          call.verdict.claim.emplace();
          call.verdict.claim->payload.kind =
              framed ? PayloadKind::streaming_unsigned_trailer : PayloadKind::unsigned_body;
          Result<Payload> payload = open_payload(call);
          ASSERT_TRUE(payload) << payload.error().text();
          EXPECT_EQ(payload->length, size);
          Result<Drawn> drawn = world_.run(draw(std::move(payload->source), pieces, world_.ctx()));
          ASSERT_TRUE(drawn);
          size_t most = size - std::min(size, kHoldBack);
          EXPECT_LE(drawn->before_end, most) << size << " in " << piece;
          EXPECT_EQ(!drawn->error, good) << size << " in " << piece;
          EXPECT_EQ(drawn->bytes, good ? body : body.substr(0, drawn->bytes.size()));
          if (!good) EXPECT_LE(drawn->bytes.size(), most) << size << " in " << piece;
        }
      }
    }
  }
}

// A body of `total` bytes: `piece` of them at once, then a pause.
class Trickle final : public io::Source {
 public:
  Trickle(size_t total, size_t piece, Duration pause)
      : left_(total), buffer_(piece, ' '), pause_(pause) {}
  Task<io::Chunk> next(Context ctx) override {
    if (left_ > 0) co_await co_await io::sleep_until(ctx.loop->now() + pause_, ctx);
    size_t count = std::min(left_, buffer_.size());
    left_ -= count;
    co_return Bytes(nullptr, as_bytes(buffer_).first(count));
  }

 private:
  size_t left_;
  std::string buffer_;
  Duration pause_;
};

// What read_payload() makes of a body that comes so.
Task<> read_trickle(DoorWorld& world, size_t total, size_t piece, Duration pause,
                    std::vector<std::string>& results, Context ctx) {
  Trickle source(total, piece, pause);
  http::Request request;
  request.content_length = total;
  request.source = &source;
  Call call(request, world.services(), obs::RequestId::of(1));
  Result<HeldText> read = co_await read_payload(call, 2 << 20, ctx);
  results.push_back(read ? std::to_string(read->text.size()) : read.error().detail());
  co_return ok;
}

struct Comes {
  size_t total, piece;
  Duration pause;
};

Task<std::vector<std::string>> read_at_once(DoorWorld& world, std::vector<Comes> bodies,
                                            Context ctx) {
  std::vector<std::string> results;
  io::Group group(ctx);
  for (const Comes& one : bodies) {
    group.spawn(read_trickle(world, one.total, one.piece, one.pause, results, ctx));
  }
  co_await co_await group.join();
  co_return results;
}

constexpr size_t kTwo = 2 << 20;

TEST_F(PayloadTest, WhatIsOnlyAnnouncedShutsNobodyOut) {
  world_.services().bodies = std::make_shared<Allowance>(4 << 20);
  // Ten that announce much and send little; who comes after them is read.
  std::vector<Comes> bodies(10, {kTwo, 1, seconds(9)});
  bodies.push_back({100'000, 10'000, seconds(1)});
  bodies.push_back({kTwo, 65'536, milliseconds(100)});
  auto results = world_.run(read_at_once(world_, bodies, world_.ctx()));
  ASSERT_TRUE(results);
  std::vector<std::string> wanted{"2097152", "100000"};
  wanted.insert(wanted.end(), 10, "RequestTimeout");
  EXPECT_EQ(*results, wanted);
  EXPECT_EQ(world_.services().bodies->left(), 4U << 20) << "all of it is given back";
}

TEST_F(PayloadTest, WhatHasComeIsBoundedForAll) {
  world_.services().bodies = std::make_shared<Allowance>(4 << 20);
  std::vector<Comes> bodies(2, {kTwo, 65'536, milliseconds(100)});
  auto two = world_.run(read_at_once(world_, bodies, world_.ctx()));
  ASSERT_TRUE(two);
  EXPECT_EQ(*two, std::vector<std::string>(2, "2097152"));
  bodies.push_back(bodies.back());
  auto three = world_.run(read_at_once(world_, bodies, world_.ctx()));
  ASSERT_TRUE(three);
  EXPECT_EQ(std::ranges::count(*three, "SlowDown"), 1);
}

TEST_F(PayloadTest, SmallBodiesNeedNoShare) {
  world_.services().bodies = std::make_shared<Allowance>(0);
  auto results = world_.run(read_at_once(
      world_,
      {{HeldText::kFree, 100, milliseconds(1)}, {HeldText::kFree + 1, 1000, milliseconds(1)}},
      world_.ctx()));
  ASSERT_TRUE(results);
  EXPECT_EQ(std::ranges::count(*results, std::to_string(HeldText::kFree)), 1);
  EXPECT_EQ(std::ranges::count(*results, "SlowDown"), 1);
}

TEST_F(PayloadTest, AWholeBodyHasATimeThatGrowsWithIt) {
  // As slow as may be, the grace used up at the begin of each; and a little slower than that.
  size_t second = kWholeRate;
  auto results = world_.run(read_at_once(world_,
                                         {{kTwo, second, seconds(1)},
                                          {kTwo, second, milliseconds(1400)},
                                          {kTwo, second, milliseconds(1600)},
                                          {29, 1, seconds(1)},
                                          {31, 1, seconds(1)}},
                                         world_.ctx()));
  ASSERT_TRUE(results);
  EXPECT_EQ(*results, (std::vector<std::string>{"29", "RequestTimeout", "2097152", "RequestTimeout",
                                                "2097152"}));
}

// The same at the origin of a whole door.
TEST_F(PayloadTest, AnOriginNeverGetsTheEndOfABodyThatDoesNotVerify) {
  for (size_t size : {100UL, kHoldBack, 300'000UL}) {
    world_.origin().reset_counts();
    Ask ask = put(some_bytes(size), PayloadKind::streaming_unsigned_trailer);
    ask.headers = {{"x-amz-trailer", "x-amz-checksum-sha1"}};
    ask.trailers = {{"x-amz-checksum-sha1", sum(ChecksumKind::sha1, "other")}};
    refused(ask, 400, "BadDigest");
    EXPECT_LE(world_.origin().counts("put").bytes, size - std::min(size, kHoldBack));
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
