// Tags as S3 has them: what they may be, and how a header writes them (S3 user guide,
// "Categorizing your objects using tags").
#pragma once

#include <string_view>

#include "gateway/s3/call.h"
#include "origin/origin.h"

namespace forebay::gateway::s3 {

/// Of one object; of one bucket.
inline constexpr size_t kMaxTags = 10, kMaxBucketTags = 50;
/// Characters, not bytes.
inline constexpr size_t kMaxTagName = 128, kMaxTagValue = 256;

/// Code::invalid: "InvalidTag", or "BadRequest" where there are more than `most`.
Result<> check_tags(const origin::TagSet& tags, size_t most);
/// The header x-amz-tagging: names and values like a query's. Checked; badly written →
/// "InvalidArgument".
Result<origin::TagSet> parse_tagging_header(std::string_view header);
/// The document that GetObjectTagging and GetBucketTagging answer.
Result<http::Response> tagging_response(Call& call, const origin::TagSet& tags);

}  // namespace forebay::gateway::s3
