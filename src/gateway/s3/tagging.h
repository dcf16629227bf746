// Tags as S3 has them: what they may be, and how a header writes them (S3 user guide,
// "Categorizing your objects using tags").
#pragma once

#include <string_view>

#include "origin/origin.h"

namespace forebay::gateway::s3 {

/// Of one object.
inline constexpr size_t kMaxTags = 10;
/// Characters, not bytes.
inline constexpr size_t kMaxTagName = 128, kMaxTagValue = 256;

/// Code::invalid: "InvalidTag", or "BadRequest" where there are too many.
Result<> check_tags(const origin::TagSet& tags);
/// The header x-amz-tagging: names and values like a query's. Checked; badly written →
/// "InvalidArgument".
Result<origin::TagSet> parse_tagging_header(std::string_view header);

}  // namespace forebay::gateway::s3
