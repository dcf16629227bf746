#include "sign/chunked.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "sign/key.h"
#include "sign/replaced_test.h"

namespace forebay::sign {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// The examples of the S3 API reference: 65 KiB of 'a' in chunks of 64 KiB.
constexpr std::string_view kSeed =
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
constexpr std::string_view kTrailerSeed =
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
constexpr std::string_view kChecksum = "x-amz-checksum-crc32c";

ChunkChain chain(std::string_view seed = kSeed) {
  HmacKey key =
      derive_key(Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), {"20130524", "us-east-1"});
  return ChunkChain(key, "20130524T000000Z", "20130524/us-east-1/s3/aws4_request", seed);
}

ChunkedPayload::Options options(PayloadKind kind, uint64_t length, std::string_view announced = {},
                                std::string_view seed = kSeed) {
  return {.kind = kind, .decoded_length = length, .announced = announced, .chain = chain(seed)};
}

struct Outcome {
  std::string data;
  std::string error;  ///< the detail, or empty
  Trailers trailers;
  bool finished = false;
};

// Feeds the body in pieces of at most `piece` bytes and says that it is over.
Outcome decode(ChunkedPayload::Options how, std::string_view body, size_t piece = SIZE_MAX) {
  ChunkedPayload payload(std::move(how));
  Outcome outcome;
  while (!body.empty()) {
    ByteView in = as_bytes(body.substr(0, piece));
    auto fed = payload.feed(in);
    if (!fed) {
      outcome.error = fed.error().detail();
      EXPECT_EQ(payload.feed(in).error().detail(), outcome.error);
      EXPECT_EQ(payload.finish().error().detail(), outcome.error);
      EXPECT_FALSE(payload.finished());
      return outcome;
    }
    EXPECT_GT(fed->consumed, 0U);
    outcome.data += as_text(fed->data);
    body.remove_prefix(fed->consumed);
  }
  EXPECT_EQ(payload.decoded(), outcome.data.size());
  auto finished = payload.finish();
  if (!finished) outcome.error = finished.error().detail();
  outcome.finished = payload.finished();
  EXPECT_EQ(outcome.finished, outcome.error.empty());
  outcome.trailers = payload.trailers();
  return outcome;
}

std::string example(std::array<std::string_view, 3> signatures, std::string_view end) {
  return "10000;chunk-signature=" + std::string(signatures[0]) + "\r\n" + std::string(65536, 'a') +
         "\r\n400;chunk-signature=" + std::string(signatures[1]) + "\r\n" + std::string(1024, 'a') +
         "\r\n0;chunk-signature=" + std::string(signatures[2]) + "\r\n" + std::string(end);
}

std::string signed_example() {
  return example({"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                  "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                  "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
                 "\r\n");
}

constexpr std::string_view kTrailerEnd =
    "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";

std::string trailer_example(std::string_view end = kTrailerEnd) {
  return example({"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                  "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                  "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
                 end);
}

Outcome decode_signed(std::string_view body, size_t piece = SIZE_MAX) {
  return decode(options(PayloadKind::streaming_signed, 66560), body, piece);
}
Outcome decode_trailer(std::string_view body, size_t piece = SIZE_MAX) {
  return decode(options(PayloadKind::streaming_signed_trailer, 66560, kChecksum, kTrailerSeed),
                body, piece);
}
Outcome decode_unsigned(std::string_view body, uint64_t length,
                        std::string_view announced = kChecksum) {
  return decode({.kind = PayloadKind::streaming_unsigned_trailer,
                 .decoded_length = length,
                 .announced = announced},
                body);
}

TEST(ChunkedPayload, DecodesTheExamplesOfTheS3Reference) {
  for (size_t piece : {SIZE_MAX, size_t{1}, size_t{7}, size_t{4096}}) {
    Outcome plain = decode_signed(signed_example(), piece);
    EXPECT_EQ(plain.error, "");
    EXPECT_EQ(plain.data, std::string(66560, 'a'));
    Outcome trailer = decode_trailer(trailer_example(), piece);
    EXPECT_EQ(trailer.error, "");
    EXPECT_EQ(trailer.data.size(), 66560U);
    EXPECT_EQ(trailer.trailers, (Trailers{{std::string(kChecksum), "sOO8/Q=="}}));
  }
}

// Clients write the end in their own ways; what is signed is the same.
TEST(ChunkedPayload, AcceptsTheEndsThatClientsWrite) {
  std::string end(kTrailerEnd);
  EXPECT_EQ(decode_trailer(trailer_example("\r\n" + end)).error, "");
  EXPECT_EQ(decode_trailer(trailer_example(replaced(end, "Q==\r\n", "Q==\n\r\n"))).error, "");
  EXPECT_EQ(decode_trailer(trailer_example(replaced(end, "crc32c:", "CRC32C:  "))).error, "");
  EXPECT_EQ(decode_trailer(trailer_example(end.substr(0, end.size() - 2))).error, "");
  std::string plain = signed_example();
  EXPECT_EQ(decode_signed(plain.substr(0, plain.size() - 2)).error, "");
  EXPECT_EQ(decode_unsigned("2\r\nhi\r\n0\r\nx-amz-checksum-crc32c:v\r\n", 2).error, "");
  EXPECT_EQ(decode_unsigned("2\r\nhi\r\n0\r\n\r\n", 2, "").error, "");
  EXPECT_EQ(decode_unsigned("0\r\n\r\n", 0, "").error, "");
}

TEST(ChunkedPayload, AWrongByteIsASignatureError) {
  for (std::string_view what : {"aaaa", "=ad80", "=0055", "=b6c6"}) {
    std::string with(what);
    with.back() = with.back() == 'b' ? 'c' : 'b';
    EXPECT_EQ(decode_signed(replaced(signed_example(), what, with)).error, "SignatureDoesNotMatch");
  }
  EXPECT_EQ(decode_signed(replaced(signed_example(), ";chunk-signature=", ";sig=")).error,
            "SignatureDoesNotMatch");
  EXPECT_EQ(decode_signed(trailer_example()).error, "SignatureDoesNotMatch");
}

TEST(ChunkedPayload, ABadChunkGivesNoneOfItsLastBytes) {
  Outcome outcome = decode_signed(replaced(signed_example(), "=0055", "=0056"));
  EXPECT_EQ(outcome.data.size(), 65536U);
  EXPECT_EQ(outcome.error, "SignatureDoesNotMatch");
}

TEST(ChunkedPayload, TheTrailerSignatureCounts) {
  std::string end(kTrailerEnd);
  EXPECT_EQ(decode_trailer(trailer_example(replaced(end, "sOO8", "sOO9"))).error,
            "SignatureDoesNotMatch");
  EXPECT_EQ(decode_trailer(trailer_example(replaced(end, ":d81f", ":d81e"))).error,
            "SignatureDoesNotMatch");
  std::string without = end.substr(0, end.find("x-amz-trailer-signature"));
  EXPECT_EQ(decode_trailer(trailer_example(without)).error, "MalformedTrailerError");
  EXPECT_EQ(decode_trailer(trailer_example(without + "\r\n")).error, "MalformedTrailerError");
}

// What the signature does not cover is not a trailer, however well it was announced.
TEST(ChunkedPayload, NothingFollowsTheTrailerSignature) {
  auto error = [](std::string_view before, std::string_view signed_lines, std::string_view after,
                  std::string_view announced) {
    ChunkChain signing = chain();
    std::string body = "0;chunk-signature=" + std::string(signing.next(Sha256::of({}))) + "\r\n";
    body += before;
    body += "x-amz-trailer-signature:" + std::string(signing.trailers(signed_lines)) + "\r\n";
    body += after;
    body += "\r\n";
    return decode(options(PayloadKind::streaming_signed_trailer, 0, announced), body).error;
  };
  EXPECT_EQ(error("a:1\r\nb:2\r\n", "a:1\nb:2\n", "", "a,b"), "");
  EXPECT_EQ(error("a:1\r\n", "a:1\n", "b:2\r\n", "a,b"), "MalformedTrailerError");
  EXPECT_EQ(error("", "", "a:1\r\n", "a"), "MalformedTrailerError");
  EXPECT_EQ(error("a:1\r\n", "a:1\n", "a:2\r\n", "a"), "MalformedTrailerError");
  EXPECT_EQ(error("", "", "\r\na:1\r\n", "a"), "MalformedTrailerError");
  EXPECT_EQ(error("a:1\r\n", "a:1\n", "x-amz-trailer-signature:0\r\n", "a"),
            "MalformedTrailerError");
}

TEST(ChunkedPayload, TrailersMustBeWhatWasAnnounced) {
  auto error = [](std::string_view trailers, std::string_view announced = kChecksum) {
    return decode_unsigned("0\r\n" + std::string(trailers) + "\r\n", 0, announced).error;
  };
  EXPECT_EQ(error("x-amz-checksum-crc32c: v \r\n"), "");
  EXPECT_EQ(error("a:1\r\nb:\r\n", " A , B "), "");
  EXPECT_EQ(error(""), "MalformedTrailerError");
  EXPECT_EQ(error("x-amz-checksum-crc32:v\r\n"), "MalformedTrailerError");
  EXPECT_EQ(error("a:1\r\n", "a,b"), "MalformedTrailerError");
  EXPECT_EQ(error("a:1\r\na:1\r\n", "a"), "MalformedTrailerError");
  EXPECT_EQ(error("a\r\n", "a"), "MalformedTrailerError");
  EXPECT_EQ(error(":1\r\n", "a"), "MalformedTrailerError");
  EXPECT_EQ(error("a b:1\r\n", "a b"), "MalformedTrailerError");
  EXPECT_EQ(error(std::string("a:\x01\r\n"), "a"), "MalformedTrailerError");
  EXPECT_EQ(error("x-amz-trailer-signature:0\r\n", ""), "MalformedTrailerError");
  // The last line must be whole.
  EXPECT_EQ(decode_unsigned("0\r\nx-amz-checksum-crc32c:v", 0).error, "IncompleteBody");
  // A kind without trailers has none.
  std::string body = signed_example();
  EXPECT_EQ(decode_signed(body.substr(0, body.size() - 2) + "a:1\r\n\r\n").error,
            "MalformedTrailerError");
}

TEST(ChunkedPayload, AKindWithoutTrailersDoesNotWaitForThem) {
  std::string body = signed_example();
  body.resize(body.size() - 2);
  EXPECT_EQ(decode(options(PayloadKind::streaming_signed, 66560, kChecksum), body).error, "");
}

TEST(ChunkedPayload, FramingErrors) {
  EXPECT_EQ(decode_unsigned("", 0, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("2\r\nhi", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("2\r\nhi\r\n", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("2\r\nhi!\r\n0\r\n\r\n", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("2\r\nhi\n0\r\n\r\n", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("2\nhi\r\n0\r\n\r\n", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("\r\n", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("x\r\n", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("-2\r\nhi\r\n0\r\n\r\n", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("0x2\r\nhi\r\n0\r\n\r\n", 2, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("2\r\nhi\r\n0\r\n\r\n", 1, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("2\r\nhi\r\n0\r\n\r\n", 3, "").error, "IncompleteBody");
  EXPECT_EQ(decode_unsigned("2\r\nhi\r\n0\r\n\r\nmore", 2, "").error, "InvalidRequest");
  EXPECT_EQ(decode_unsigned("002;a=b;c\r\nhi\r\n0;x\r\n\r\n", 2, "").data, "hi");
  EXPECT_EQ(decode_unsigned("a\r\n0123456789\r\n0\r\n\r\n", 10, "").data, "0123456789");
}

TEST(ChunkedPayload, LimitsHoldAtAndBreakOnePast) {
  auto header = [](size_t bytes) {
    std::string line = "1;";
    line += std::string(bytes - line.size() - 2, 'x') + "\r\n";
    return decode_unsigned(line + "h\r\n0\r\n\r\n", 1, "").error;
  };
  EXPECT_EQ(header(kMaxChunkHeader), "");
  EXPECT_EQ(header(kMaxChunkHeader + 1), "InvalidRequest");
  auto trailers = [](size_t bytes) {
    std::string line = "a:";
    line += std::string(bytes - line.size() - 4, 'x') + "\r\n\r\n";
    return decode_unsigned("0\r\n" + line, 0, "a").error;
  };
  EXPECT_EQ(trailers(kMaxTrailers), "");
  EXPECT_EQ(trailers(kMaxTrailers + 1), "MalformedTrailerError");
  auto chunk = [](std::string_view size) {
    ChunkedPayload payload(
        {.kind = PayloadKind::streaming_unsigned_trailer, .decoded_length = UINT64_MAX});
    auto fed = payload.feed(as_bytes(size));
    return fed ? "" : fed.error().detail();
  };
  EXPECT_EQ(chunk("140000000\r\n"), "");
  EXPECT_EQ(chunk("140000001\r\n"), "InvalidChunkSizeError");
  EXPECT_EQ(chunk("fffffffffffffffff\r\n"), "InvalidChunkSizeError");
}

TEST(ChunkedPayload, AnyCutOfTheInputGivesTheSame) {
  ChunkedEncoder encoder(PayloadKind::streaming_signed_trailer, chain());
  std::string body = encoder.chunk(as_bytes("first")) + encoder.chunk(as_bytes("second, longer")) +
                     encoder.finish(Pairs{{"x-a", "1"}, {"x-b", "2"}});
  for (size_t at = 0; at <= body.size(); ++at) {
    ChunkedPayload payload(options(PayloadKind::streaming_signed_trailer, 19, "x-a,x-b"));
    std::string data;
    for (std::string_view part :
         {std::string_view(body).substr(0, at), std::string_view(body).substr(at)}) {
      while (!part.empty()) {
        auto fed = payload.feed(as_bytes(part));
        ASSERT_TRUE(fed) << at << ": " << fed.error().text();
        data += as_text(fed->data);
        part.remove_prefix(fed->consumed);
      }
    }
    ASSERT_TRUE(payload.finish()) << at;
    EXPECT_EQ(data, "firstsecond, longer");
    EXPECT_EQ(payload.trailers().size(), 2U);
  }
}

TEST(ChunkedPayload, AnEmptyFeedIsNothing) {
  ChunkedPayload payload(options(PayloadKind::streaming_signed, 0));
  auto fed = payload.feed({});
  ASSERT_TRUE(fed);
  EXPECT_EQ(fed->consumed, 0U);
  EXPECT_FALSE(payload.finished());
}

TEST(ChunkedEncoder, WritesTheExamplesOfTheS3Reference) {
  std::string data(66560, 'a');
  ChunkedEncoder plain(PayloadKind::streaming_signed, chain());
  std::string body = plain.chunk(as_bytes(data).first(65536)) +
                     plain.chunk(as_bytes(data).subspan(65536)) + plain.finish();
  EXPECT_EQ(body, signed_example());
  EXPECT_EQ(ChunkedEncoder::encoded_length(PayloadKind::streaming_signed, 66560, 65536), 66824U);
  Pairs trailers{{std::string(kChecksum), "sOO8/Q=="}};
  ChunkedEncoder trailer(PayloadKind::streaming_signed_trailer, chain(kTrailerSeed));
  body = trailer.chunk(as_bytes(data).first(65536)) + trailer.chunk(as_bytes(data).subspan(65536)) +
         trailer.finish(trailers);
  EXPECT_EQ(body, trailer_example());
}

TEST(ChunkedEncoder, LengthsAreExactAndBodiesDecode) {
  Pairs trailers{{"x-amz-checksum-crc32c", "AAAAAA=="}};
  for (PayloadKind kind : {PayloadKind::streaming_signed, PayloadKind::streaming_signed_trailer,
                           PayloadKind::streaming_unsigned_trailer}) {
    Pairs sent = has_trailers(kind) ? trailers : Pairs{};
    for (size_t length : {0, 1, 15, 16, 17, 32, 255, 256, 1000}) {
      std::string data(length, 'd');
      std::optional<ChunkChain> signing;
      if (has_chunk_signatures(kind)) signing = chain();
      ChunkedEncoder encoder(kind, signing);
      EXPECT_EQ(encoder.chunk({}), "");
      std::string body;
      for (size_t at = 0; at < length; at += 16) {
        body += encoder.chunk(as_bytes(std::string_view(data).substr(at, 16)));
      }
      body += encoder.finish(sent);
      EXPECT_EQ(ChunkedEncoder::encoded_length(kind, length, 16, sent), body.size());
      Outcome outcome = decode(options(kind, length, sent.empty() ? "" : kChecksum), body, 5);
      EXPECT_EQ(outcome.error, "");
      EXPECT_EQ(outcome.data, data);
    }
  }
}

}  // namespace
}  // namespace forebay::sign
