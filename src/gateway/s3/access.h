// Who may do what, as S3's calls for it tell and change it: here that is decided by keys alone, so
// every bucket answers like one whose ACLs are disabled and whose public access is blocked (S3 user
// guide, "Controlling ownership of objects and disabling ACLs for your bucket"), which is how S3
// makes buckets since April 2023.
#pragma once

#include <array>
#include <string_view>

#include "http/message.h"

namespace forebay::gateway::s3 {

/// The only kind of ownership here.
inline constexpr std::string_view kOwnerEnforced = "BucketOwnerEnforced";
/// What is blocked of public access: all that can be.
inline constexpr std::array<std::string_view, 4> kPublicAccessBlocks = {
    "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"};

/// The ACL of everything: the owner may all.
http::Response acl_response();

}  // namespace forebay::gateway::s3
