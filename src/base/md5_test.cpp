#include "base/md5.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"

namespace forebay {
namespace {

std::string hex(const Md5& sum) { return to_hex(sum.digest()); }

// By the other road there is: the library's.
std::string wanted(std::string_view text) {
  auto sum = Checksum::make(ChecksumKind::md5);
  sum->update(as_bytes(text));
  return to_hex(as_bytes(sum->digest()));
}

std::string text_of(size_t length, uint32_t seed) {
  std::mt19937 random(seed);
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// Each text is given in pieces of its own lengths, side by side with the others.
void expect_right(const std::vector<std::string>& texts, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Md5> sums(texts.size());
  std::vector<size_t> done(texts.size());
  for (bool more = true; more;) {
    more = false;
    std::vector<Md5::Piece> pieces;
    for (size_t i = 0; i < texts.size(); ++i) {
      size_t left = texts[i].size() - done[i];
      size_t length = std::min<size_t>(left, random() % (random() % 2 == 0 ? 150 : 3000));
      pieces.push_back({&sums[i], as_bytes(texts[i]).subspan(done[i], length)});
      done[i] += length;
      more = more || done[i] < texts[i].size();
    }
    Md5::update(pieces);
  }
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(hex(sums[i]), wanted(texts[i])) << i;
}

// RFC 1321, A.5.
TEST(Md5, is_that_of_the_standard) {
  Md5 sum;
  EXPECT_EQ(hex(sum), "d41d8cd98f00b204e9800998ecf8427e");
  sum.update(as_bytes("message "));
  sum.update(as_bytes("digest"));
  EXPECT_EQ(hex(sum), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(hex(sum), "f96b697d7cb7938d525a2f31aaf161d0") << "a digest ends nothing";
}

TEST(Md5, side_by_side_each_is_as_alone) {
  for (size_t count = 1; count <= Md5::kLanes; ++count) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < count; ++i) {
      texts.push_back(text_of(i * 977 + count * 64, static_cast<uint32_t>(count * 100 + i)));
    }
    expect_right(texts, static_cast<uint32_t>(count));
  }
}

TEST(Md5, lengths_around_a_block) {
  for (size_t length : {0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 129}) {
    expect_right(std::vector<std::string>(7, text_of(length, static_cast<uint32_t>(length))), 1);
  }
}

TEST(Md5, long_ones_beside_short_ones) {
  expect_right({text_of(1 << 20, 1), text_of(3, 2), text_of(700'001, 3), "", text_of(64, 4)}, 5);
}

// The length goes into the sum; OpenSSL counts it in bits and in two words.
TEST(Md5, lengths_are_counted_beyond_a_word) {
  std::string block = text_of(64 << 20, 7);
  Md5 one, other, alone;
  for (int i = 0; i < 9; ++i) {
    std::array<Md5::Piece, 2> both{Md5::Piece{&one, as_bytes(block)}, {&other, as_bytes(block)}};
    Md5::update(both);
    alone.update(as_bytes(block));
  }
  EXPECT_EQ(hex(one), hex(alone));
  EXPECT_EQ(hex(other), hex(alone));
}

TEST(Md5, nothing_is_no_piece) {
  Md5::update(std::span<const Md5::Piece>());
  Md5 sum;
  std::array<Md5::Piece, 1> one{Md5::Piece{&sum, {}}};
  Md5::update(one);
  EXPECT_EQ(hex(sum), "d41d8cd98f00b204e9800998ecf8427e");
}

}  // namespace
}  // namespace forebay
