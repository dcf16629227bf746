// Whether a native bucket keeps versions: a row of its own, which is read once.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "meta/store.h"
#include "origin/lists.h"

namespace forebay::object {

/// Of one bucket. Any thread. It is changed through here alone.
class NativeVersioning {
 public:
  NativeVersioning(meta::Meta& meta [[clang::lifetimebound]], uint64_t incarnation)
      : store_(meta.shard(incarnation, "")), incarnation_(incarnation) {}

  /// A row that cannot be read → Code::corrupt; one of another version → Code::invalid.
  Task<origin::Versioning> now(Context ctx);
  /// Durable when it returns, and so for all that begins after that. Not `never`.
  Task<> set(origin::Versioning to, Context ctx);

 private:
  void learn(origin::Versioning now, uint64_t change);

  meta::Store& store_;
  const uint64_t incarnation_;
  std::mutex mutex_;
  std::optional<origin::Versioning> now_;  ///< nothing: the row has not been read yet
  uint64_t change_ = 0;                    ///< the row's number
};

}  // namespace forebay::object
