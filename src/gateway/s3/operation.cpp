#include "gateway/s3/operation.h"

#include <algorithm>

#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

namespace {

constexpr State kNo = State::no, kYes = State::yes, kOrigin = State::origin, kOwn = State::own,
                kFixed = State::fixed, kNone = State::none, kOneVersion = State::one_version,
                kUnversioned = State::unversioned, kForgets = State::forgets;

// Who answers, and what comes of it in native buckets, folders and S3 origins; or in all of them.
constexpr Answered by(Answer answer, State native, State folder, State s3) {
  return {answer, native, folder, s3};
}
constexpr Answered by(Answer answer, State everywhere) {
  return {answer, everywhere, everywhere, everywhere};
}

constexpr Operation kTable[] = {
    {"ListDirectoryBuckets", "GET", Scope::service, "max-directory-buckets", "", false, nullptr,
     "continuation-token"},
    {"ListBuckets", "GET", Scope::service, "", "", false, by(list_buckets, kOwn),
     "bucket-region continuation-token max-buckets prefix"},
    {"GetBucketAnalyticsConfiguration", "GET", Scope::bucket, "analytics id", "", false, nullptr},
    {"GetBucketIntelligentTieringConfiguration", "GET", Scope::bucket, "intelligent-tiering id", "",
     false, nullptr},
    {"GetBucketInventoryConfiguration", "GET", Scope::bucket, "inventory id", "", false, nullptr},
    {"GetBucketMetricsConfiguration", "GET", Scope::bucket, "metrics id", "", false, nullptr},
    {"GetBucketLocation", "GET", Scope::bucket, "location", "", false,
     by(get_bucket_location, kOwn)},
    {"ListMultipartUploads", "GET", Scope::bucket, "uploads", "", false,
     by(list_multipart_uploads, kYes),
     "delimiter encoding-type key-marker max-uploads prefix upload-id-marker"},
    {"ListObjectVersions", "GET", Scope::bucket, "versions", "", false,
     by(list_object_versions, kYes, kOneVersion, kOrigin),
     "delimiter encoding-type key-marker max-keys prefix version-id-marker"},
    {"GetBucketAcl", "GET", Scope::bucket, "acl", "", false, by(get_bucket_acl, kFixed)},
    {"GetBucketVersioning", "GET", Scope::bucket, "versioning", "", false,
     by(get_bucket_versioning, kYes, kNone, kOrigin)},
    {"GetBucketPolicy", "GET", Scope::bucket, "policy", "", false, by(get_bucket_policy, kFixed)},
    {"GetBucketPolicyStatus", "GET", Scope::bucket, "policyStatus", "", false,
     by(get_bucket_policy_status, kFixed)},
    {"GetBucketCors", "GET", Scope::bucket, "cors", "", false, by(get_bucket_cors, kOwn)},
    {"GetBucketTagging", "GET", Scope::bucket, "tagging", "", false, by(get_bucket_tagging, kOwn)},
    {"GetBucketLifecycleConfiguration", "GET", Scope::bucket, "lifecycle", "", false,
     by(get_bucket_lifecycle_configuration, kYes, kNone, kNo)},
    {"GetBucketEncryption", "GET", Scope::bucket, "encryption", "", false, nullptr},
    {"GetBucketWebsite", "GET", Scope::bucket, "website", "", false, nullptr},
    {"GetBucketLogging", "GET", Scope::bucket, "logging", "", false, nullptr},
    {"GetBucketNotificationConfiguration", "GET", Scope::bucket, "notification", "", false,
     nullptr},
    {"GetBucketReplication", "GET", Scope::bucket, "replication", "", false, nullptr},
    {"GetBucketRequestPayment", "GET", Scope::bucket, "requestPayment", "", false,
     by(get_bucket_request_payment, kFixed)},
    {"GetBucketOwnershipControls", "GET", Scope::bucket, "ownershipControls", "", false,
     by(get_bucket_ownership_controls, kFixed)},
    {"GetPublicAccessBlock", "GET", Scope::bucket, "publicAccessBlock", "", false,
     by(get_public_access_block, kFixed)},
    {"GetObjectLockConfiguration", "GET", Scope::bucket, "object-lock", "", false, nullptr},
    {"GetBucketAccelerateConfiguration", "GET", Scope::bucket, "accelerate", "", false, nullptr},
    {"ListBucketInventoryConfigurations", "GET", Scope::bucket, "inventory", "", false, nullptr,
     "continuation-token"},
    {"ListBucketMetricsConfigurations", "GET", Scope::bucket, "metrics", "", false, nullptr,
     "continuation-token"},
    {"ListBucketAnalyticsConfigurations", "GET", Scope::bucket, "analytics", "", false, nullptr,
     "continuation-token"},
    {"CreateSession", "GET", Scope::bucket, "session", "", false, nullptr},
    {"ListObjectsV2", "GET", Scope::bucket, "list-type", "", false, by(list_objects_v2, kYes),
     "continuation-token delimiter encoding-type fetch-owner max-keys prefix start-after"},
    {"GetBucketAbac", "GET", Scope::bucket, "abac", "", false, nullptr},
    {"GetBucketMetadataConfiguration", "GET", Scope::bucket, "metadataConfiguration", "", false,
     nullptr},
    {"GetBucketMetadataTableConfiguration", "GET", Scope::bucket, "metadataTable", "", false,
     nullptr},
    {"ListBucketIntelligentTieringConfigurations", "GET", Scope::bucket, "intelligent-tiering", "",
     false, nullptr, "continuation-token"},
    {"ListObjects", "GET", Scope::bucket, "", "", false, by(list_objects, kYes),
     "delimiter encoding-type marker max-keys prefix"},
    {"HeadBucket", "HEAD", Scope::bucket, "", "", false, by(head_bucket, kOwn)},
    {"PutBucketAcl", "PUT", Scope::bucket, "acl", "", true, by(put_bucket_acl, kFixed), "",
     "x-amz-acl x-amz-checksum-* x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp "
     "x-amz-grant-write x-amz-grant-write-acp",
     true},
    {"PutBucketVersioning", "PUT", Scope::bucket, "versioning", "", true,
     by(put_bucket_versioning, kYes, kNo, kOrigin), "", "x-amz-checksum-*", true},
    {"PutBucketPolicy", "PUT", Scope::bucket, "policy", "", true, nullptr},
    {"PutBucketCors", "PUT", Scope::bucket, "cors", "", true, by(put_bucket_cors, kOwn), "",
     "x-amz-checksum-*", true},
    {"PutBucketTagging", "PUT", Scope::bucket, "tagging", "", true, by(put_bucket_tagging, kOwn),
     "", "x-amz-checksum-*", true},
    {"PutBucketLifecycleConfiguration", "PUT", Scope::bucket, "lifecycle", "", true,
     by(put_bucket_lifecycle_configuration, kYes, kNo, kNo), "",
     "x-amz-checksum-* x-amz-transition-default-minimum-object-size", true},
    {"PutBucketEncryption", "PUT", Scope::bucket, "encryption", "", true, nullptr},
    {"PutBucketWebsite", "PUT", Scope::bucket, "website", "", true, nullptr},
    {"PutBucketLogging", "PUT", Scope::bucket, "logging", "", true, nullptr},
    {"PutBucketNotificationConfiguration", "PUT", Scope::bucket, "notification", "", true, nullptr},
    {"PutBucketReplication", "PUT", Scope::bucket, "replication", "", true, nullptr},
    {"PutBucketRequestPayment", "PUT", Scope::bucket, "requestPayment", "", true, nullptr},
    {"PutBucketOwnershipControls", "PUT", Scope::bucket, "ownershipControls", "", true,
     by(put_bucket_ownership_controls, kFixed), "", "x-amz-checksum-*", true},
    {"PutPublicAccessBlock", "PUT", Scope::bucket, "publicAccessBlock", "", true,
     by(put_public_access_block, kFixed), "", "x-amz-checksum-*", true},
    {"PutObjectLockConfiguration", "PUT", Scope::bucket, "object-lock", "", true, nullptr},
    {"PutBucketAccelerateConfiguration", "PUT", Scope::bucket, "accelerate", "", true, nullptr},
    {"PutBucketAbac", "PUT", Scope::bucket, "abac", "", true, nullptr},
    {"PutBucketAnalyticsConfiguration", "PUT", Scope::bucket, "analytics", "", true, nullptr, "id"},
    {"PutBucketIntelligentTieringConfiguration", "PUT", Scope::bucket, "intelligent-tiering", "",
     true, nullptr, "id"},
    {"PutBucketInventoryConfiguration", "PUT", Scope::bucket, "inventory", "", true, nullptr, "id"},
    {"PutBucketMetricsConfiguration", "PUT", Scope::bucket, "metrics", "", true, nullptr, "id"},
    {"UpdateBucketMetadataAnnotationTableConfiguration", "PUT", Scope::bucket,
     "metadataAnnotationTable", "", true, nullptr},
    {"UpdateBucketMetadataInventoryTableConfiguration", "PUT", Scope::bucket,
     "metadataInventoryTable", "", true, nullptr},
    {"UpdateBucketMetadataJournalTableConfiguration", "PUT", Scope::bucket, "metadataJournalTable",
     "", true, nullptr},
    {"CreateBucket", "PUT", Scope::bucket, "", "", true, by(create_bucket, kYes), "",
     "x-amz-acl x-amz-bucket-namespace x-amz-bucket-object-lock-enabled x-amz-object-ownership "
     "x-amz-checksum-*",
     true},
    {"DeleteBucketPolicy", "DELETE", Scope::bucket, "policy", "", true, nullptr},
    {"DeleteBucketCors", "DELETE", Scope::bucket, "cors", "", true, by(delete_bucket_cors, kOwn)},
    {"DeleteBucketTagging", "DELETE", Scope::bucket, "tagging", "", true,
     by(delete_bucket_tagging, kOwn)},
    {"DeleteBucketLifecycle", "DELETE", Scope::bucket, "lifecycle", "", true,
     by(delete_bucket_lifecycle, kYes, kNone, kNo)},
    {"DeleteBucketEncryption", "DELETE", Scope::bucket, "encryption", "", true, nullptr},
    {"DeleteBucketWebsite", "DELETE", Scope::bucket, "website", "", true, nullptr},
    {"DeleteBucketReplication", "DELETE", Scope::bucket, "replication", "", true, nullptr},
    {"DeleteBucketOwnershipControls", "DELETE", Scope::bucket, "ownershipControls", "", true,
     nullptr},
    {"DeletePublicAccessBlock", "DELETE", Scope::bucket, "publicAccessBlock", "", true, nullptr},
    {"DeleteBucketAnalyticsConfiguration", "DELETE", Scope::bucket, "analytics", "", true, nullptr,
     "id"},
    {"DeleteBucketIntelligentTieringConfiguration", "DELETE", Scope::bucket, "intelligent-tiering",
     "", true, nullptr, "id"},
    {"DeleteBucketInventoryConfiguration", "DELETE", Scope::bucket, "inventory", "", true, nullptr,
     "id"},
    {"DeleteBucketMetadataConfiguration", "DELETE", Scope::bucket, "metadataConfiguration", "",
     true, nullptr},
    {"DeleteBucketMetadataTableConfiguration", "DELETE", Scope::bucket, "metadataTable", "", true,
     nullptr},
    {"DeleteBucketMetricsConfiguration", "DELETE", Scope::bucket, "metrics", "", true, nullptr,
     "id"},
    {"DeleteBucket", "DELETE", Scope::bucket, "", "", true,
     by(delete_bucket, kYes, kForgets, kForgets)},
    {"DeleteObjects", "POST", Scope::bucket, "delete", "", true, by(delete_objects, kYes), "",
     "x-amz-checksum-*", true},
    {"CreateBucketMetadataConfiguration", "POST", Scope::bucket, "metadataConfiguration", "", true,
     nullptr},
    {"CreateBucketMetadataTableConfiguration", "POST", Scope::bucket, "metadataTable", "", true,
     nullptr},
    {"PostObject", "POST", Scope::bucket, "", "", true, by(post_object, kYes), "", "", true},
    {"GetObjectAnnotation", "GET", Scope::object, "annotation annotationName", "", false, nullptr,
     "versionId"},
    {"ListParts", "GET", Scope::object, "uploadId", "", false, by(list_parts, kYes),
     "max-parts part-number-marker"},
    {"GetObjectAcl", "GET", Scope::object, "acl", "", false, by(get_object_acl, kFixed),
     "versionId"},
    {"GetObjectTagging", "GET", Scope::object, "tagging", "", false,
     by(get_object_tagging, kYes, kYes, kOrigin), "versionId"},
    {"GetObjectAttributes", "GET", Scope::object, "attributes", "", false,
     by(get_object_attributes, kYes), "versionId"},
    {"GetObjectRetention", "GET", Scope::object, "retention", "", false, nullptr, "versionId"},
    {"GetObjectLegalHold", "GET", Scope::object, "legal-hold", "", false, nullptr, "versionId"},
    {"GetObjectTorrent", "GET", Scope::object, "torrent", "", false, nullptr},
    {"ListObjectAnnotations", "GET", Scope::object, "annotation", "", false, nullptr,
     "annotation-prefix continuation-token max-annotation-results versionId"},
    {"GetObject", "GET", Scope::object, "", "", false, by(get_object, kYes),
     "partNumber response-cache-control response-content-disposition response-content-encoding "
     "response-content-language response-content-type response-expires versionId"},
    {"HeadObject", "HEAD", Scope::object, "", "", false, by(head_object, kYes),
     "partNumber response-cache-control response-content-disposition response-content-encoding "
     "response-content-language response-content-type response-expires versionId"},
    {"UploadPartCopy", "PUT", Scope::object, "partNumber uploadId", "x-amz-copy-source", true,
     by(upload_part_copy, kYes), "",
     "x-amz-copy-source x-amz-copy-source-if-match x-amz-copy-source-if-modified-since "
     "x-amz-copy-source-if-none-match x-amz-copy-source-if-unmodified-since "
     "x-amz-copy-source-range"},
    {"UploadPart", "PUT", Scope::object, "partNumber uploadId", "", true, by(upload_part, kYes), "",
     "x-amz-checksum-*", true},
    {"PutObjectAcl", "PUT", Scope::object, "acl", "", true, by(put_object_acl, kFixed), "versionId",
     "x-amz-acl x-amz-checksum-* x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp "
     "x-amz-grant-write x-amz-grant-write-acp",
     true},
    {"PutObjectTagging", "PUT", Scope::object, "tagging", "", true,
     by(put_object_tagging, kYes, kYes, kOrigin), "versionId", "x-amz-checksum-*", true},
    {"PutObjectRetention", "PUT", Scope::object, "retention", "", true, nullptr, "versionId"},
    {"PutObjectLegalHold", "PUT", Scope::object, "legal-hold", "", true, nullptr, "versionId"},
    {"RenameObject", "PUT", Scope::object, "renameObject", "", true,
     by(rename_object, kUnversioned, kNo, kNo), "",
     "if-match if-modified-since if-none-match if-unmodified-since x-amz-client-token "
     "x-amz-rename-source x-amz-rename-source-if-match x-amz-rename-source-if-modified-since "
     "x-amz-rename-source-if-none-match x-amz-rename-source-if-unmodified-since"},
    {"PutObjectAnnotation", "PUT", Scope::object, "annotation", "", true, nullptr,
     "annotationName versionId"},
    {"UpdateObjectEncryption", "PUT", Scope::object, "encryption", "", true, nullptr, "versionId"},
    {"CopyObject", "PUT", Scope::object, "", "x-amz-copy-source", true, by(copy_object, kYes), "",
     "if-match if-none-match x-amz-acl x-amz-checksum-algorithm x-amz-copy-source "
     "x-amz-copy-source-if-match x-amz-copy-source-if-modified-since "
     "x-amz-copy-source-if-none-match x-amz-copy-source-if-unmodified-since x-amz-meta-* "
     "x-amz-metadata-directive x-amz-server-side-encryption x-amz-storage-class x-amz-tagging "
     "x-amz-tagging-directive"},
    {"PutObject", "PUT", Scope::object, "", "", true, by(put_object, kYes), "",
     "if-match if-none-match x-amz-acl x-amz-checksum-* x-amz-meta-* x-amz-metadata-directive "
     "x-amz-server-side-encryption x-amz-storage-class x-amz-tagging",
     true},
    {"AbortMultipartUpload", "DELETE", Scope::object, "uploadId", "", true,
     by(abort_multipart_upload, kYes)},
    {"DeleteObjectTagging", "DELETE", Scope::object, "tagging", "", true,
     by(delete_object_tagging, kYes, kYes, kOrigin), "versionId"},
    {"DeleteObjectAnnotation", "DELETE", Scope::object, "annotation", "", true, nullptr,
     "annotationName versionId"},
    {"DeleteObject", "DELETE", Scope::object, "", "", true, by(delete_object, kYes), "versionId",
     "if-match"},
    {"CreateMultipartUpload", "POST", Scope::object, "uploads", "", true,
     by(create_multipart_upload, kYes), "",
     "x-amz-acl x-amz-checksum-algorithm x-amz-checksum-type x-amz-meta-* "
     "x-amz-metadata-directive x-amz-server-side-encryption x-amz-storage-class x-amz-tagging"},
    {"CompleteMultipartUpload", "POST", Scope::object, "uploadId", "", true,
     by(complete_multipart_upload, kYes), "",
     "if-match if-none-match x-amz-checksum-* x-amz-checksum-type x-amz-mp-object-size", true},
    {"RestoreObject", "POST", Scope::object, "restore", "", true, nullptr, "versionId"},
    {"SelectObjectContent", "POST", Scope::object, "select select-type", "", false, nullptr},
};

}  // namespace

const Operation kUnknown = {"Unknown", "", Scope::service, "", "", false, nullptr};

std::span<const Operation> operations() { return kTable; }

bool lists(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    size_t blank = words.find(' ');
    if (words.substr(0, blank) == word) return true;
    words = blank == std::string_view::npos ? "" : words.substr(blank + 1);
  }
  return false;
}

bool known_to_s3(std::string_view query_name) {
  return std::ranges::any_of(operations(), [&](const Operation& row) {
    return lists(row.markers, query_name) || lists(row.names, query_name);
  });
}

}  // namespace forebay::gateway::s3
