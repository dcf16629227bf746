// StoreFence: the fence of a store of data rows that has none of its own, as a row.
#pragma once

#include "meta/store.h"

namespace forebay::cluster {

/// Where rows of data are fenced: whoever commits under an older term is refused. Any loop.
class Fence {
 public:
  virtual ~Fence() = default;
  /// No error when it stands at `term` or later. It never moves back.
  virtual Task<> raise(uint64_t term, Context ctx) = 0;
};

/// The row `term` of a store; commits under a term require it.
class StoreFence final : public Fence {
 public:
  /// `rows` must outlive it.
  explicit StoreFence(meta::Store& rows [[clang::lifetimebound]]) : rows_(rows) {}
  Task<> raise(uint64_t term, Context ctx) override;

 private:
  meta::Store& rows_;
};

}  // namespace forebay::cluster
