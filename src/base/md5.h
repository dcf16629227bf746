// MD5 of several bodies at once. One body's MD5 is a chain of steps, each of which needs the one
// before, so that a processor does a tenth of what it could; the steps of sixteen bodies side by
// side fill it. docs/adr/0025-md5-side-by-side.md says why this is our own.
#pragma once

#include <openssl/md5.h>

#include <array>
#include <cstddef>
#include <span>

#include "base/bytes.h"

namespace forebay {

using Digest128 = std::array<std::byte, 16>;

/// A running MD5 (RFC 1321). One thread at a time.
class Md5 {
 public:
  Md5();
  void update(ByteView bytes);
  /// Of what has come so far; may be called at any time.
  Digest128 digest() const;

  /// The next bytes of one sum.
  struct Piece {
    Md5* sum;
    ByteView bytes;
  };
  /// As many pieces as cost what one costs, where the processor is wide.
  static constexpr size_t kLanes = 16;
  /// update() for each of at most kLanes pieces, of different sums: the same result, in less time
  /// the more there are and the more alike they are in length.
  static void update(std::span<const Piece> pieces);

 private:
  static void advance(std::span<Piece> pieces);
  void take(const std::array<uint32_t, 4>& words, size_t bytes);
  MD5_CTX state_;
};

}  // namespace forebay
