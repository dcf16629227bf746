// The XML that S3 servers answer with, taken apart (s3_xml.cpp), and the documents we send
// (s3_documents.cpp). pugixml stays inside those. Element prefixes and unknown elements are passed
// over; names of the keys are those on the server, with the origin's prefix.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "origin/origin.h"

namespace forebay::origin {

/// Not XML, not the document that was asked for, or a list that cannot be gone on with →
/// Code::corrupt, in all of these.

/// A page of a list in either version.
struct S3Page {
  ListAnswer list = {};     ///< without `next`
  bool second = false;      ///< an answer to list-type=2
  std::string token = {};   ///< NextContinuationToken
  std::string marker = {};  ///< NextMarker
};
Result<S3Page> parse_s3_list(std::string_view xml);

Result<std::string> parse_s3_upload_id(std::string_view xml);
Result<ListPartsAnswer> parse_s3_parts(std::string_view xml);
Result<ListUploadsAnswer> parse_s3_uploads(std::string_view xml);
/// A page of versions; `next_key` and `next_version` as the server gives them.
Result<ListVersionsAnswer> parse_s3_versions(std::string_view xml);
/// The answer to GetObjectTagging.
Result<TagSet> parse_s3_tagging(std::string_view xml);
/// The Status of GetBucketVersioning's answer.
Result<Versioning> parse_s3_versioning(std::string_view xml);

/// What an <Error> document says.
struct S3Fault {
  std::string code = {}, message = {};
};
/// nullopt when it is none.
std::optional<S3Fault> parse_s3_fault(std::string_view xml);

/// The answer to CompleteMultipartUpload; S3 may send an error after a 200.
struct S3Completed {
  ETag etag = {};         ///< empty from some servers
  Fields checksums = {};  ///< of the whole, as far as it tells
  std::optional<S3Fault> fault = {};
};
Result<S3Completed> parse_s3_completed(std::string_view xml);

/// The answer to CopyObject and UploadPartCopy; S3 may send an error after a 200, and white space
/// before either.
struct S3Copied {
  ETag etag = {};
  WallTime modified = {};
  Fields checksums = {};
  std::optional<S3Fault> fault = {};
};
Result<S3Copied> parse_s3_copied(std::string_view xml);

/// The body of CompleteMultipartUpload.
std::string s3_complete_document(const std::vector<CompletedPart>& parts);
/// The body of PutObjectTagging.
std::string s3_tagging_document(const TagSet& tags);
/// The body of PutBucketVersioning; not `never`.
std::string s3_versioning_document(Versioning to);
/// The body of CreateBucket in a region other than us-east-1.
std::string s3_location_document(std::string_view region);

/// With the quotes that some servers leave out.
ETag s3_etag(std::string_view text);

}  // namespace forebay::origin
