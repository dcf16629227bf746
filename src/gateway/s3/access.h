// Who may do what, as S3's calls for it tell and change it: here that is decided by keys alone, so
// every bucket answers like one whose ACLs are disabled and whose public access is blocked (S3 user
// guide, "Controlling ownership of objects and disabling ACLs for your bucket"), which is how S3
// makes buckets since April 2023.
#pragma once

#include <array>
#include <string_view>

#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

/// The only kind of ownership here.
inline constexpr std::string_view kOwnerEnforced = "BucketOwnerEnforced";
/// What is blocked of public access: all that can be.
inline constexpr std::array<std::string_view, 4> kPublicAccessBlocks = {
    "BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"};

/// The ACL of everything: the owner may all.
http::Response acl_response();
/// Whether the ACL that a call gives, by name or in its body, is that one: clients send back what
/// they were told. Any other → no_acls().
Task<> keeps_acl(Call& call, Context ctx);

}  // namespace forebay::gateway::s3
