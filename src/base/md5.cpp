#define OPENSSL_SUPPRESS_DEPRECATED  // the low-level calls: their state can be advanced from
                                     // outside
#include "base/md5.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

#include "base/check.h"

namespace forebay {

namespace {

// A word of every lane.
using Words = uint32_t __attribute__((ext_vector_type(Md5::kLanes)));
static_assert(sizeof(Words) == MD5_CBLOCK, "a block is sixteen words, one for each lane");

// RFC 1321, 3.4: the integer part of 2^32 |sin(i + 1)|, and how far each step rotates.
constexpr std::array<uint32_t, 64> kSines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int kTurns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

// The choice is made before the thread sanitizer has begun, which it does not survive.
#if __has_feature(thread_sanitizer)
#define FOREBAY_WIDTHS
#else
#define FOREBAY_WIDTHS __attribute__((target_clones("avx512f", "avx2", "default")))
#endif

// Each lane's registers, and where its next block stands.
struct Lanes {
  Words a, b, c, d;
  std::array<const std::byte*, Md5::kLanes> at;
};

// Two rows woven together, by words and by pairs of words, within each quarter.
#define FOREBAY_LOW(x, y) \
  __builtin_shufflevector(x, y, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define FOREBAY_HIGH(x, y) \
  __builtin_shufflevector(x, y, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define FOREBAY_LOW_PAIR(x, y) \
  __builtin_shufflevector(x, y, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define FOREBAY_HIGH_PAIR(x, y) \
  __builtin_shufflevector(x, y, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
// The even quarters of both rows, and the odd ones.
#define FOREBAY_EVEN(x, y) \
  __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define FOREBAY_ODD(x, y) \
  __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)

// Sixteen lanes take `blocks` blocks each, in lockstep. Compiled for each width of vectors, of
// which the processor's is called; macros, since a function of another width cannot be inlined.
FOREBAY_WIDTHS void step(Lanes& lanes, size_t blocks) {
  static_assert(std::endian::native == std::endian::little, "MD5's words are little-endian");
  for (; blocks > 0; --blocks) {
    // Rows are lanes at first, and words in the end.
    Words row[Md5::kLanes], woven[Md5::kLanes], word[Md5::kLanes];
    for (size_t i = 0; i < Md5::kLanes; ++i) {
      std::memcpy(&row[i], lanes.at[i], sizeof row[i]);
      lanes.at[i] += MD5_CBLOCK;
    }
    for (size_t i = 0; i < Md5::kLanes; i += 2) {
      woven[i] = FOREBAY_LOW(row[i], row[i + 1]);
      woven[i + 1] = FOREBAY_HIGH(row[i], row[i + 1]);
    }
    for (size_t i = 0; i < Md5::kLanes; i += 4) {
      row[i] = FOREBAY_LOW_PAIR(woven[i], woven[i + 2]);
      row[i + 1] = FOREBAY_HIGH_PAIR(woven[i], woven[i + 2]);
      row[i + 2] = FOREBAY_LOW_PAIR(woven[i + 1], woven[i + 3]);
      row[i + 3] = FOREBAY_HIGH_PAIR(woven[i + 1], woven[i + 3]);
    }
    for (size_t i = 0; i < 4; ++i) {
      Words even_low = FOREBAY_EVEN(row[i], row[4 + i]);
      Words odd_low = FOREBAY_ODD(row[i], row[4 + i]);
      Words even_high = FOREBAY_EVEN(row[8 + i], row[12 + i]);
      Words odd_high = FOREBAY_ODD(row[8 + i], row[12 + i]);
      word[i] = FOREBAY_EVEN(even_low, even_high);
      word[4 + i] = FOREBAY_EVEN(odd_low, odd_high);
      word[8 + i] = FOREBAY_ODD(even_low, even_high);
      word[12 + i] = FOREBAY_ODD(odd_low, odd_high);
    }
    Words a = lanes.a, b = lanes.b, c = lanes.c, d = lanes.d;
#pragma clang loop unroll(full)
    for (uint32_t i = 0; i < 64; ++i) {
      uint32_t round = i / 16;
      Words mixed = round == 0   ? (b & c) | (~b & d)
                    : round == 1 ? (b & d) | (c & ~d)
                    : round == 2 ? b ^ c ^ d
                                 : c ^ (b | ~d);
      uint32_t of = round == 0 ? i : round == 1 ? 5 * i + 1 : round == 2 ? 3 * i + 5 : 7 * i;
      Words sum = a + mixed + word[of % 16] + kSines[i];
      int turn = kTurns[round][i % 4];
      a = d;
      d = c;
      c = b;
      b += (sum << turn) | (sum >> (32 - turn));
    }
    lanes.a += a;
    lanes.b += b;
    lanes.c += c;
    lanes.d += d;
  }
}

}  // namespace

Md5::Md5() { MD5_Init(&state_); }

void Md5::update(ByteView bytes) { MD5_Update(&state_, bytes.data(), bytes.size()); }

Digest128 Md5::digest() const {
  MD5_CTX copy = state_;
  Digest128 digest;
  MD5_Final(reinterpret_cast<unsigned char*>(digest.data()), &copy);
  return digest;
}

// As many whole blocks of every piece as the shortest has.
void Md5::advance(std::span<Piece> pieces) {
  size_t blocks = pieces[0].bytes.size() / MD5_CBLOCK;
  Lanes lanes;
  for (size_t i = 0; i < kLanes; ++i) {
    // Lanes without a piece go through the first one's bytes, for nothing.
    const Piece& piece = pieces[i < pieces.size() ? i : 0];
    blocks = std::min(blocks, piece.bytes.size() / MD5_CBLOCK);
    const MD5_CTX& state = piece.sum->state_;
    lanes.a[i] = state.A;
    lanes.b[i] = state.B;
    lanes.c[i] = state.C;
    lanes.d[i] = state.D;
    lanes.at[i] = piece.bytes.data();
  }
  step(lanes, blocks);
  for (size_t i = 0; i < pieces.size(); ++i) {
    size_t bytes = blocks * MD5_CBLOCK;
    pieces[i].sum->take({lanes.a[i], lanes.b[i], lanes.c[i], lanes.d[i]}, bytes);
    pieces[i].bytes = pieces[i].bytes.subspan(bytes);
  }
}

// The registers after `bytes` more; the length is kept in bits, in two words.
void Md5::take(const std::array<uint32_t, 4>& words, size_t bytes) {
  uint64_t bits = (uint64_t{state_.Nh} << 32 | state_.Nl) + uint64_t{bytes} * 8;
  state_.Nl = static_cast<MD5_LONG>(bits);
  state_.Nh = static_cast<MD5_LONG>(bits >> 32);
  std::tie(state_.A, state_.B, state_.C, state_.D) = std::tuple_cat(words);
}

void Md5::update(std::span<const Piece> pieces) {
  check(pieces.size() <= kLanes, "more pieces than lanes");
  std::array<Piece, kLanes> all;
  for (size_t i = 0; i < pieces.size(); ++i) {
    // What was begun of a block is completed alone.
    auto [sum, bytes] = pieces[i];
    size_t first = std::min<size_t>(bytes.size(), (MD5_CBLOCK - sum->state_.num) % MD5_CBLOCK);
    sum->update(bytes.first(first));
    all[i] = {sum, bytes.subspan(first)};
  }
  auto whole = [](const Piece& piece) { return piece.bytes.size() >= MD5_CBLOCK; };
  std::span<Piece> left = std::span(all).first(pieces.size());
  while (true) {
    auto ended = std::ranges::partition(left, whole);
    for (Piece& piece : ended) piece.sum->update(piece.bytes);
    left = left.first(left.size() - ended.size());
    if (left.size() < 2) break;
    advance(left);
  }
  if (!left.empty()) left[0].sum->update(left[0].bytes);
}

}  // namespace forebay
