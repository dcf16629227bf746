// A bucket as its row in the control store writes it (docs/formats/bucket.md).
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "object/bucket.h"

namespace forebay::object {

/// What an origin can do, as rows and the admin API write it.
Json capabilities_json(const origin::Capabilities& can);

std::string row_of(const Bucket& bucket);
/// The bucket of that name, its origin not opened. Not such a row → Code::invalid.
Result<Bucket> bucket_of(BucketName name, std::string_view row);

}  // namespace forebay::object
