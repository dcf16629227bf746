// Lists of a bucket: what is asked and answered; and what is told of versions, which lists show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/allowance.h"
#include "base/names.h"
#include "base/time.h"
#include "origin/fields.h"

namespace forebay::origin {

struct ListOptions {
  std::string prefix = {};
  std::string delimiter = {};    ///< "" or any text
  std::string start_after = {};  ///< only keys (and common prefixes) after this
  /// The origin's own token of a page before; then start_after is moot.
  std::string continuation = {};
  uint32_t max_keys = 1000;  ///< ≤ 1000; common prefixes count too
};

struct ListedObject {
  std::string key = {};
  uint64_t size = 0;
  ETag etag = {};
  WallTime modified = {};
  std::string storage_class = "STANDARD";
  std::optional<ChecksumPlan> checksum = {};  ///< what kind of checksum it has, where that is told
};

struct ListAnswer {
  std::vector<ListedObject> objects = {};  ///< in key order
  std::vector<std::string> prefixes = {};  ///< in key order
  bool truncated = false;
  std::string next = {};        ///< continuation for the next page, when truncated
  std::string last_name = {};   ///< the last key or prefix given (V1's NextMarker)
  Allowance::Share share = {};  ///< of what documents may take, for this one as its reader gets it
};

/// The id of what was written while no versions were kept. Of a key there is one such at most, and
/// it may be overwritten.
inline constexpr std::string_view kNullVersion = "null";

/// Detail of the error of a read that meets a delete marker: Code::not_found where it is what is
/// current, Code::invalid where the read named it by its id.
inline constexpr std::string_view kDeleteMarker = "DeleteMarker";

/// Of a bucket: whether it keeps the versions that are overwritten.
enum class Versioning { never, enabled, suspended };

struct ListVersionsOptions {
  std::string prefix = {};
  std::string delimiter = {};       ///< "" or any text
  std::string key_marker = {};      ///< only what comes after this key
  std::string version_marker = {};  ///< or, of that key, after this version; "": not given
  uint32_t max_keys = 1000;         ///< ≤ 1000; common prefixes count too
};

struct ListedVersion {
  ListedObject object = {};  ///< of a delete marker: key and date
  std::string version_id = std::string(kNullVersion);
  bool latest = false;
  bool marker = false;  ///< a delete marker
};

struct ListVersionsAnswer {
  std::vector<ListedVersion> versions = {};  ///< as the origin orders them
  std::vector<std::string> prefixes = {};
  bool truncated = false;
  std::string next_key = {}, next_version = {};  ///< markers of the next page, when truncated
  Allowance::Share share = {};                   ///< as ListAnswer::share
};

/// What a delete has done, where versions are kept.
struct Removed {
  /// A delete marker was made; or, where a version was named, it was one that is removed.
  bool marker = false;
  std::string version_id = {};  ///< the marker's, or of the version that is removed
};

}  // namespace forebay::origin
