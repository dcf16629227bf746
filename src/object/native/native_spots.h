// What is found among the rows of a native bucket, and what becomes of it. For NativeOrigin.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meta/store.h"
#include "object/native/head_row.h"

namespace forebay::object {

/// A row as it was read, and what it says; nothing where none is.
struct NativeFound {
  std::optional<std::string> row;
  std::optional<NativeHead> head;
  const NativeHead* said() const { return head ? &*head : nullptr; }
};

/// What a commit changes beside the object's row, and the parts that are none any more with it.
struct NativeAlso {
  meta::Txn txn = {};
  std::vector<std::pair<std::string, uint64_t>> parts = {};  ///< keys of rows, sizes
  std::optional<std::string> over = {};                      ///< goes on top of this row only
};

/// A row that must still be the one there, at its place; nothing: whichever is there.
using NativeOnly = std::optional<meta::Row>;

/// A version that is there, or a delete marker, and where.
struct NativeSpot {
  std::string row_key, row;
  NativeHead head;
  std::optional<NativeFound> current = {};  ///< of an older version: what is above it
};

/// What becomes of a current version when another comes on top of it.
struct NativeBeneath {
  std::optional<NativeHead> kept = {};  ///< goes to a row of its own
  std::optional<NativeHead> gone = {};  ///< the null version that is replaced
  std::string gone_row = {};            ///< the key of its row; empty: the current one
  std::string null_order = {};          ///< NativeHead::null_order of what comes
};

}  // namespace forebay::object
