// A rename, as an origin is told of it: one object gets another key, and its bytes stay where they
// are.
#pragma once

#include <functional>
#include <string>

#include "base/names.h"
#include "base/result.h"

namespace forebay::origin {

struct ObjectInfo;

/// How long a rename with a token is remembered: the same again changes nothing.
inline constexpr int64_t kRenameRemembered = 3600;  // seconds

struct RenameOrder {
  ObjectKey from;
  /// Judges what is there in the very step that renames it; `target` is null where nothing is. Its
  /// error is the rename's, and nothing is done then. Pure; may be called more than once.
  std::function<Result<>(const ObjectInfo& source, const ObjectInfo* target)> allow;
  /// Who sends it twice with the same token means the same rename; empty: none.
  std::string token = {};
  /// All that the order says, for that: another one under the same token → Code::invalid,
  /// "IdempotencyParameterMismatch".
  std::string says = {};
};

}  // namespace forebay::origin
