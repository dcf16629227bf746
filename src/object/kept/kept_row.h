// What is kept of a head, as bytes (docs/formats/head.md): in memory behind the heads that are
// whole, and in rows on disk. Some sixty bytes for an object as there are millions of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "object/layout.h"
#include "origin/origin.h"

namespace forebay::object {

/// What may be believed of a row that is there.
enum class KeptKind : uint8_t {
  layout,    ///< how its version is cut; never that it is the current one
  ttl,       ///< that it is current, until the time it tells, in the process that wrote it
  immutable  ///< that it is current
};

/// What a row says of itself.
struct KeptStamp {
  KeptKind kind = KeptKind::layout;
  uint64_t life = 0;  ///< ttl: HeadOptions::life of the process
  Time until = {};    ///< ttl: when its check is too old
  bool operator==(const KeptStamp&) const = default;
};

struct KeptHead {
  KeptStamp stamp;
  origin::ObjectInfo info;
  Layout layout;
};

/// No row is longer. What would be is not kept.
inline constexpr size_t kMaxKeptRow = 256 << 10;

/// Nothing for what has no strong tag, or whose origin tells its pieces or the key they are named
/// by, or is the answer to a part, or is too long.
std::optional<std::string> write_kept(const KeptStamp& stamp, const origin::ObjectInfo& info,
                                      const Layout& layout);
/// Nothing for bytes that are no such row, of a version that is not known, or do not agree with
/// themselves: whoever asks knows as much as without a row. Units are cut for `unit_max`.
std::optional<KeptHead> read_kept(std::string_view row, uint64_t unit_max);
/// Only what it says of itself; of a row that read_kept() does not read it may be anything.
std::optional<KeptStamp> read_kept_stamp(std::string_view row);

}  // namespace forebay::object
