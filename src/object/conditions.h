// Preconditions of reads (RFC 9110 section 13, S3's reading of it), decided on the head alone.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/names.h"
#include "base/result.h"
#include "base/time.h"

namespace forebay::object {

/// As asked. Lists of ETags stay text.
struct ReadConditions {
  std::optional<std::string> if_match = {};
  std::optional<std::string> if_none_match = {};
  std::optional<WallTime> if_modified_since = {};
  std::optional<WallTime> if_unmodified_since = {};
  /// An ETag or a date: when it no longer holds, Range is ignored.
  std::optional<std::string> if_range = {};

  bool any() const { return if_match || if_none_match || if_modified_since || if_unmodified_since; }
};

/// ok; Code::conflict with detail "PreconditionFailed" (412) or "NotModified" (304). If-Match that
/// holds wins over If-Unmodified-Since; If-None-Match that fails over If-Modified-Since.
Result<> decide(const ReadConditions& conditions, const ETag& etag, WallTime modified);

/// Whether an If-Range of this text leaves the Range in force.
bool range_applies(std::string_view if_range, const ETag& etag, WallTime modified);

/// Whether `list` ("*", or ETags with or without quotes, comma-separated) names `etag`. Weak
/// comparison ignores W/; strong comparison never matches a weak one.
bool names(std::string_view list, const ETag& etag, bool weak);

}  // namespace forebay::object
