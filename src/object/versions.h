// Version ids as clients name them. What they come to is the origin's to say where it ever kept
// versions; elsewhere an object has one version, "null".
#pragma once

#include <string>

#include "object/bucket.h"

namespace forebay::object {

/// The id under which `bucket`'s origin has the version that a client calls `asked`; empty for
/// what is current. Where versions were never kept, as S3 answers there: Code::not_found,
/// "NoSuchVersion" for what could be an id, else Code::invalid, "InvalidArgument". `asked` empty:
/// nobody asked for one.
Task<std::string> version_at_origin(BucketRef bucket, std::string asked, Context ctx);
/// The same where it is known whether the origin has versions. Pure.
Result<std::string> own_version(std::string asked, bool kept);

/// Whether the bucket has no version of anything, as far as its origin lets us see; else
/// "BucketNotEmpty". A list of objects shows those only that are current.
Task<> check_no_versions(BucketRef bucket, Context ctx);

/// The error of a version id that is there and empty.
Error empty_version();

}  // namespace forebay::object
