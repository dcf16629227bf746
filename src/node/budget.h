// How the `memory` setting is shared out (docs/semantics.md, "What stands today").
#pragma once

#include <cstddef>
#include <cstdint>

#include "http/server.h"
#include "object/heads.h"
#include "unit/cache.h"

namespace forebay::node {

/// The shares of `memory` bytes on `loops` loops. Some have a least, below which nothing would
/// move: a small budget is a little exceeded rather than of no use.
struct Budget {
  uint64_t memory;
  size_t loops = 1;

  /// What answers and origins' documents take while they are sent and read.
  uint64_t documents() const { return memory / 8; }
  /// Blocks in which bodies go to `dir` origins.
  uint64_t writes() const { return memory / 8; }
  /// Blocks in which bodies go into native buckets; as much again for small ones.
  uint64_t native_writes() const { return memory / 16; }
  /// XML bodies of requests, while they are read and carried out.
  uint64_t bodies() const { return memory / 16; }
  /// Fields of forms while their files are written.
  uint64_t forms() const { return memory / 64; }
  /// Files in small forms.
  uint64_t form_files() const { return memory / 32; }
  /// Cipher text that clients have not taken, beyond 16 KiB each.
  uint64_t cipher_text() const { return memory / 8; }
  object::HeadOptions heads() const;
  /// Blocks of the store of rows, among them those that tell where a row lies.
  size_t row_blocks() const;
  /// What the store of rows gathers before it is sorted in; it may have this twice.
  size_t row_memtable() const;
  /// Small units that wait for one of `disks` disks.
  uint64_t queue(size_t disks) const;
  /// Units on their way to the disks.
  unit::Options units() const;
  /// Read buffers of 256 KiB per loop, for clients' bodies; as many are for those of origins.
  size_t large_buffers() const;
  /// What one reader that does not read may hold in the kernel, over what is on its way to him; 0:
  /// what the kernel thinks right.
  int unsent() const;
  /// Of one loop, of a process that may open `descriptors` files.
  http::ServerOptions server(uint64_t descriptors) const;
};

}  // namespace forebay::node
