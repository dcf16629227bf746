// Lifecycle at the door: what rules may be, and what answers tell of an object's end (S3 API
// reference, PutBucketLifecycleConfiguration).
#pragma once

#include <string_view>

#include "gateway/s3/call.h"
#include "object/lifecycle.h"

namespace forebay::gateway::s3 {

inline constexpr size_t kMaxLifecycleRules = 1000;
/// Of the document, and of what the bucket's row keeps of it, in bytes; the tree of it.
inline constexpr uint64_t kMaxLifecycleBody = 256 << 10;
inline constexpr size_t kMaxLifecycleTree = 8 << 20;
/// Of a rule's ID, in bytes; of a prefix.
inline constexpr size_t kMaxLifecycleId = 255, kMaxLifecyclePrefix = 1024;
/// NewerNoncurrentVersions.
inline constexpr int64_t kMaxNewerNoncurrent = 100;
/// Days of any kind.
inline constexpr int64_t kMaxLifecycleDays = 0x7fffffff;

inline constexpr std::string_view kTransitionSize = "x-amz-transition-default-minimum-object-size";
/// The values of that header: the usual one, and Lifecycle::varies.
inline constexpr std::string_view kTransitionUsual = "all_storage_classes_128K";
inline constexpr std::string_view kTransitionVaries = "varies_by_storage_class";

/// The body of PutBucketLifecycleConfiguration; rules without an ID have none yet.
/// Code::invalid: "MalformedXML"; "InvalidArgument" and "InvalidRequest" for what S3 has but does
/// not allow; "NotImplemented" for transitions.
Result<object::Lifecycle> parse_lifecycle(std::string_view xml);

/// Where the rules of a bucket are: in a native one, its own. Elsewhere objects end when their
/// origin says so, and what that says is not known here, but of folders, which have none.
/// Code::invalid, "NotImplemented".
Result<> has_lifecycle(const object::Bucket& bucket, bool write);

inline constexpr std::string_view kExpiration = "x-amz-expiration";
/// What is known of a current version that an answer is about.
struct Described {
  uint64_t size = 0;
  WallTime modified;
  std::optional<origin::TagSet> tags = {};  ///< nothing: they are asked for where a rule needs them
};
/// Whether answers about objects of the bucket tell of rules.
inline bool has_rules(const object::Bucket& bucket) { return bucket.settings.lifecycle != nullptr; }
/// x-amz-expiration of that version; empty: none of the bucket's rules ends it. Tags that cannot be
/// had are none: what it tells is for the client's information.
Task<std::string> expiration_of(object::BucketRef bucket, ObjectKey key, Described version,
                                Context ctx);
/// x-amz-abort-date and x-amz-abort-rule-id, where a rule ends the upload.
void write_abort(http::HeadFields& out, const object::Bucket& bucket, const ObjectKey& key,
                 WallTime initiated);

}  // namespace forebay::gateway::s3
