// What stores with rows or records of their own keep with an object: which fields they take, and
// how these look in JSON. Shared by the `dir` origin and native buckets, so that one rule holds for
// both.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "origin/origin.h"

namespace forebay::origin {

/// The fields that are kept with an object. There is one storage class, S3's default, which S3 does
/// not tell either; another is Code::invalid, "InvalidStorageClass". Encryption at rest is refused
/// with the words of `unencrypted`; a value that JSON cannot hold, too.
Result<Fields> fields_to_keep(Fields fields, std::string_view unencrypted);
/// The same of tags: names and values that JSON can hold.
Result<> allow_tags(const TagSet& tags);

Json to_json(const Fields& fields);
Json to_json(const TagSet& tags);
/// Members that may be missing; of another shape they are Code::corrupt.
Result<Fields> read_fields(const Json& json, std::string_view name);
Result<TagSet> read_tags(const Json& json);

/// As members `checksum_algorithm` and `checksum_type`; nothing is written without a plan.
void write_plan(Json& json, const std::optional<ChecksumPlan>& plan);
Result<std::optional<ChecksumPlan>> read_plan(const Json& json);

}  // namespace forebay::origin
