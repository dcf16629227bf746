// The XML that S3 answers with, taken apart, and the one document a client sends. pugixml stays
// inside xml.cpp. Element prefixes and unknown elements are passed over.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/s3.h"

namespace forebay::client {

/// Not XML, or another document → Code::corrupt, in all of these.
Result<ListPage> parse_list(std::string_view xml);
Result<std::vector<BucketInfo>> parse_buckets(std::string_view xml);
Result<std::string> parse_upload_id(std::string_view xml);
/// The ETag; an <Error> document (which S3 may send after a 200) → that error.
Result<ETag> parse_completed(std::string_view xml);

/// The error of an answer with this status: S3's code and message when `xml` has them.
Error parse_error(int status, std::string_view xml);

std::string complete_document(const std::vector<ETag>& parts);

}  // namespace forebay::client
