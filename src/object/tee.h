// TeeSource: passes a body on to the origin and lets the cache copy it.
#pragma once

#include <memory>
#include <vector>

#include "io/body.h"
#include "unit/tee.h"

namespace forebay::object {

class TeeSource final : public io::Source {
 public:
  TeeSource(std::unique_ptr<io::Source> source, std::shared_ptr<unit::Tee> tee)
      : source_(std::move(source)), tee_(std::move(tee)) {}
  Task<io::Chunk> next(Context ctx) override;

 private:
  std::unique_ptr<io::Source> source_;
  std::shared_ptr<unit::Tee> tee_;
};

}  // namespace forebay::object
