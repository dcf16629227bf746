#include "http/chunked.h"

#include <gtest/gtest.h>

#include <string>

namespace forebay::http {
namespace {

struct Decoded {
  std::string data;
  size_t consumed = 0;
  bool done = false;
  bool failed = false;
};

// Feeds `text` in pieces of `step` bytes, as a socket may give them.
Decoded decode(std::string_view text, size_t step) {
  ChunkDecoder decoder;
  Decoded out;
  for (size_t at = 0; at < text.size() && !decoder.done() && !decoder.failed();) {
    std::string_view piece = text.substr(at, step);
    while (!piece.empty() && !decoder.done() && !decoder.failed()) {
      ChunkDecoder::Step taken = decoder.take(piece);
      out.data += taken.data;
      out.consumed += taken.consumed;
      piece.remove_prefix(taken.consumed);
    }
    at += step;
  }
  out.done = decoder.done();
  out.failed = decoder.failed();
  return out;
}

TEST(ChunkDecoder, decodes_however_the_bytes_arrive) {
  std::string body =
      "5\r\nhello\r\n001;name=value;q=\"a b\"\r\n,\r\nA\r\n world\r\n!!\r\n0\r\nX-Trailer: "
      "y\r\n\r\n";
  std::string text = body + "GET / HTTP/1.1\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    Decoded decoded = decode(text, step);
    EXPECT_TRUE(decoded.done) << step;
    EXPECT_EQ(decoded.data, "hello, world\r\n!!") << step;
    EXPECT_EQ(decoded.consumed, body.size()) << "the next request is not ours";
  }
}

TEST(ChunkDecoder, takes_an_empty_body) {
  Decoded decoded = decode("0\r\n\r\n", 100);
  EXPECT_TRUE(decoded.done);
  EXPECT_EQ(decoded.data, "");
}

TEST(ChunkDecoder, refuses_loose_framing) {
  for (std::string_view text :
       {"\r\n", "x\r\n", "-1\r\n", "+1\r\n", " 1\r\nx", "1 \r\nx", "0x1\r\nx", "1\nx", "1\r\rx",
        "1\r\nxy\r\n", "1\r\nx\n0\r\n\r\n", "1\r\nx\rX", "1;a\nb\r\n", "1;a\x01\r\n",
        "0\r\nX: y\n\r\n", "0\r\n\rX", "1000000000000000\r\n", "0000000000000001\r\nx"}) {
    EXPECT_TRUE(decode(text, 100).failed) << text;
    EXPECT_TRUE(decode(text, 1).failed) << text;
  }
}

TEST(ChunkDecoder, takes_the_largest_size_and_keeps_waiting) {
  Decoded decoded = decode("fffffffffffffff\r\nabc", 100);
  EXPECT_FALSE(decoded.failed);
  EXPECT_FALSE(decoded.done);
  EXPECT_EQ(decoded.data, "abc");
}

TEST(ChunkDecoder, bounds_framing_by_data) {
  std::string extension(16 << 10, 'e');
  EXPECT_FALSE(decode("1;" + extension + "\r\nx", 1000).failed);
  EXPECT_TRUE(decode("1;" + extension + "e\r\nx", 1000).failed);
  EXPECT_TRUE(decode("0\r\nT: " + extension + "\r\n\r\n", 1000).failed);
  // Many small chunks with fat extensions add up.
  std::string fat;
  for (int i = 0; i < 20; ++i) fat += "1;" + std::string(1000, 'e') + "\r\nx\r\n";
  EXPECT_TRUE(decode(fat, 1000).failed);
  // Honest signatures (aws-chunked has 85 bytes of them per chunk) never do.
  std::string honest;
  for (int i = 0; i < 400; ++i) {
    honest += "400;" + std::string(85, 's') + "\r\n" + std::string(1024, 'd') + "\r\n";
  }
  EXPECT_FALSE(decode(honest, 4096).failed);
}

}  // namespace
}  // namespace forebay::http
