// Tee: passes a body on and keeps a copy of it, if it is small enough to be kept in memory.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/body.h"

namespace forebay::object {

/// The copy a Tee makes; shared between the Tee, which the origin consumes, and the write.
struct Kept {
  std::string bytes;
  bool whole = false;  ///< the body has ended well and all of it is here
};

/// Keeps up to `limit` bytes; a longer body drops the copy, never the client.
class Tee final : public io::Source {
 public:
  Tee(std::unique_ptr<io::Source> source, std::shared_ptr<Kept> kept, uint64_t limit)
      : source_(std::move(source)), kept_(std::move(kept)), limit_(limit) {}
  Task<io::Chunk> next(Context ctx) override;

 private:
  std::unique_ptr<io::Source> source_;
  std::shared_ptr<Kept> kept_;
  uint64_t limit_;
};

}  // namespace forebay::object
