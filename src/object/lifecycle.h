// When objects end by themselves: the rules of a bucket, and what they say of one version or
// upload. Pure: which day it is comes in from outside (S3 user guide, "Lifecycle configuration
// elements").
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "origin/fields.h"

namespace forebay::object {

/// A day in UTC: how many have passed since 1970-01-01.
using Day = int64_t;
Day day_of(WallTime when);
/// Its first moment; of days before 1678 or after 2261 the nearest there is.
WallTime midnight(Day day);
/// What happened at `when` is over on that day: `days` later, rounded up to the next midnight.
Day end_of(WallTime when, uint32_t days);

/// Which objects a rule is about: those that meet all of it.
struct LifecycleFilter {
  /// How it was written, and is told again.
  enum class Form {
    rule,    ///< a Prefix of the rule's own, as in S3's first version
    single,  ///< a Filter with one thing in it, or none
    all      ///< a Filter with And
  };
  Form form = Form::single;
  std::optional<std::string> prefix = {};
  origin::TagSet tags = {};
  std::optional<uint64_t> larger = {}, smaller = {};  ///< than so many bytes

  std::string_view begins() const { return prefix ? std::string_view(*prefix) : ""; }
  bool sizes() const { return larger || smaller; }
  bool operator==(const LifecycleFilter&) const = default;
};

struct LifecycleRule {
  std::string id = {};
  bool enabled = true;
  LifecycleFilter filter = {};
  // Expiration: one of these.
  std::optional<uint32_t> days = {};
  std::optional<Day> date = {};
  std::optional<bool> lone_markers = {};  ///< ExpiredObjectDeleteMarker
  // NoncurrentVersionExpiration: the second goes with the first.
  std::optional<uint32_t> noncurrent_days = {};
  std::optional<uint32_t> newer_noncurrent = {};
  // AbortIncompleteMultipartUpload.
  std::optional<uint32_t> abort_days = {};

  bool acts() const {
    return days || date || lone_markers.has_value() || noncurrent_days || abort_days;
  }
  bool operator==(const LifecycleRule&) const = default;
};

/// All of a bucket's.
struct Lifecycle {
  std::vector<LifecycleRule> rules = {};
  /// TransitionDefaultMinimumObjectSize: varies_by_storage_class. No class is here to go to, so it
  /// is only told again.
  bool varies = false;
  bool operator==(const Lifecycle&) const = default;
};
/// Null: the bucket has none.
using LifecycleRef = std::shared_ptr<const Lifecycle>;

/// What rules look at of a version. A delete marker has no tags and no size: a filter of those does
/// not meet it.
struct Aging {
  std::string_view key;
  uint64_t size = 0;
  const origin::TagSet* tags = nullptr;  ///< null: it has none
  bool marker = false;
  WallTime modified;
};

/// The first day on which something is over, and by which rule.
struct Ending {
  Day day = 0;
  const LifecycleRule* rule = nullptr;
};

/// When a current version ends that is no delete marker: by the rule that is first. Nothing: never.
std::optional<Ending> ending_of(const Lifecycle& lifecycle, const Aging& version);
/// When a delete marker ends that is all there is of its key.
std::optional<Ending> ending_of_marker(const Lifecycle& lifecycle, const Aging& marker);
/// When an older version ends that was replaced at `replaced`, and behind `newer` older versions
/// with bytes that are newer.
std::optional<Ending> ending_of_older(const Lifecycle& lifecycle, const Aging& version,
                                      WallTime replaced, uint32_t newer);
/// When an upload ends that was begun at `initiated` and is not complete.
std::optional<Ending> ending_of_upload(const Lifecycle& lifecycle, std::string_view key,
                                       WallTime initiated);

/// Whether any rule in force looks at tags.
bool looks_at_tags(const Lifecycle& lifecycle);
/// What keys of objects (of uploads) begin with that rules in force are about: in order, none the
/// beginning of another.
std::vector<std::string> object_prefixes(const Lifecycle& lifecycle);
std::vector<std::string> upload_prefixes(const Lifecycle& lifecycle);

/// As a bucket's row writes them.
Json lifecycle_json(const Lifecycle& lifecycle);
/// Null where there is nothing; Code::invalid for what lifecycle_json() does not write: a rule that
/// is not wholly understood would remove too much.
Result<LifecycleRef> lifecycle_of(const Json* json);

}  // namespace forebay::object
