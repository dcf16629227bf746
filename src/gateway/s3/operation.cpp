#include "gateway/s3/operation.h"

#include <algorithm>

#include "gateway/s3/call.h"

namespace forebay::gateway::s3 {

namespace {

constexpr Operation kTable[] = {
    {"ListDirectoryBuckets", "GET", Scope::service, "max-directory-buckets", "", false, nullptr,
     "continuation-token"},
    {"ListBuckets", "GET", Scope::service, "", "", false, list_buckets,
     "bucket-region continuation-token max-buckets prefix"},
    {"GetBucketAnalyticsConfiguration", "GET", Scope::bucket, "analytics id", "", false, nullptr},
    {"GetBucketIntelligentTieringConfiguration", "GET", Scope::bucket, "intelligent-tiering id", "",
     false, nullptr},
    {"GetBucketInventoryConfiguration", "GET", Scope::bucket, "inventory id", "", false, nullptr},
    {"GetBucketMetricsConfiguration", "GET", Scope::bucket, "metrics id", "", false, nullptr},
    {"GetBucketLocation", "GET", Scope::bucket, "location", "", false, get_bucket_location},
    {"ListMultipartUploads", "GET", Scope::bucket, "uploads", "", false, list_multipart_uploads,
     "delimiter encoding-type key-marker max-uploads prefix upload-id-marker"},
    {"ListObjectVersions", "GET", Scope::bucket, "versions", "", false, list_object_versions,
     "delimiter encoding-type key-marker max-keys prefix version-id-marker"},
    {"GetBucketAcl", "GET", Scope::bucket, "acl", "", false, get_bucket_acl},
    {"GetBucketVersioning", "GET", Scope::bucket, "versioning", "", false, get_bucket_versioning},
    {"GetBucketPolicy", "GET", Scope::bucket, "policy", "", false, get_bucket_policy},
    {"GetBucketPolicyStatus", "GET", Scope::bucket, "policyStatus", "", false,
     get_bucket_policy_status},
    {"GetBucketCors", "GET", Scope::bucket, "cors", "", false, get_bucket_cors},
    {"GetBucketTagging", "GET", Scope::bucket, "tagging", "", false, get_bucket_tagging},
    {"GetBucketLifecycleConfiguration", "GET", Scope::bucket, "lifecycle", "", false,
     get_bucket_lifecycle_configuration},
    {"GetBucketEncryption", "GET", Scope::bucket, "encryption", "", false, nullptr},
    {"GetBucketWebsite", "GET", Scope::bucket, "website", "", false, nullptr},
    {"GetBucketLogging", "GET", Scope::bucket, "logging", "", false, nullptr},
    {"GetBucketNotificationConfiguration", "GET", Scope::bucket, "notification", "", false,
     nullptr},
    {"GetBucketReplication", "GET", Scope::bucket, "replication", "", false, nullptr},
    {"GetBucketRequestPayment", "GET", Scope::bucket, "requestPayment", "", false,
     get_bucket_request_payment},
    {"GetBucketOwnershipControls", "GET", Scope::bucket, "ownershipControls", "", false,
     get_bucket_ownership_controls},
    {"GetPublicAccessBlock", "GET", Scope::bucket, "publicAccessBlock", "", false,
     get_public_access_block},
    {"GetObjectLockConfiguration", "GET", Scope::bucket, "object-lock", "", false, nullptr},
    {"GetBucketAccelerateConfiguration", "GET", Scope::bucket, "accelerate", "", false, nullptr},
    {"ListBucketInventoryConfigurations", "GET", Scope::bucket, "inventory", "", false, nullptr,
     "continuation-token"},
    {"ListBucketMetricsConfigurations", "GET", Scope::bucket, "metrics", "", false, nullptr,
     "continuation-token"},
    {"ListBucketAnalyticsConfigurations", "GET", Scope::bucket, "analytics", "", false, nullptr,
     "continuation-token"},
    {"CreateSession", "GET", Scope::bucket, "session", "", false, nullptr},
    {"ListObjectsV2", "GET", Scope::bucket, "list-type", "", false, list_objects_v2,
     "continuation-token delimiter encoding-type fetch-owner max-keys prefix start-after"},
    {"GetBucketAbac", "GET", Scope::bucket, "abac", "", false, nullptr},
    {"GetBucketMetadataConfiguration", "GET", Scope::bucket, "metadataConfiguration", "", false,
     nullptr},
    {"GetBucketMetadataTableConfiguration", "GET", Scope::bucket, "metadataTable", "", false,
     nullptr},
    {"ListBucketIntelligentTieringConfigurations", "GET", Scope::bucket, "intelligent-tiering", "",
     false, nullptr, "continuation-token"},
    {"ListObjects", "GET", Scope::bucket, "", "", false, list_objects,
     "delimiter encoding-type marker max-keys prefix"},
    {"HeadBucket", "HEAD", Scope::bucket, "", "", false, head_bucket},
    {"PutBucketAcl", "PUT", Scope::bucket, "acl", "", true, put_bucket_acl, "",
     "x-amz-acl x-amz-checksum-* x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp "
     "x-amz-grant-write x-amz-grant-write-acp",
     true},
    {"PutBucketVersioning", "PUT", Scope::bucket, "versioning", "", true, put_bucket_versioning, "",
     "x-amz-checksum-*", true},
    {"PutBucketPolicy", "PUT", Scope::bucket, "policy", "", true, nullptr},
    {"PutBucketCors", "PUT", Scope::bucket, "cors", "", true, put_bucket_cors, "",
     "x-amz-checksum-*", true},
    {"PutBucketTagging", "PUT", Scope::bucket, "tagging", "", true, put_bucket_tagging, "",
     "x-amz-checksum-*", true},
    {"PutBucketLifecycleConfiguration", "PUT", Scope::bucket, "lifecycle", "", true,
     put_bucket_lifecycle_configuration, "",
     "x-amz-checksum-* x-amz-transition-default-minimum-object-size", true},
    {"PutBucketEncryption", "PUT", Scope::bucket, "encryption", "", true, nullptr},
    {"PutBucketWebsite", "PUT", Scope::bucket, "website", "", true, nullptr},
    {"PutBucketLogging", "PUT", Scope::bucket, "logging", "", true, nullptr},
    {"PutBucketNotificationConfiguration", "PUT", Scope::bucket, "notification", "", true, nullptr},
    {"PutBucketReplication", "PUT", Scope::bucket, "replication", "", true, nullptr},
    {"PutBucketRequestPayment", "PUT", Scope::bucket, "requestPayment", "", true, nullptr},
    {"PutBucketOwnershipControls", "PUT", Scope::bucket, "ownershipControls", "", true,
     put_bucket_ownership_controls, "", "x-amz-checksum-*", true},
    {"PutPublicAccessBlock", "PUT", Scope::bucket, "publicAccessBlock", "", true,
     put_public_access_block, "", "x-amz-checksum-*", true},
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
    {"CreateBucket", "PUT", Scope::bucket, "", "", true, create_bucket, "",
     "x-amz-acl x-amz-bucket-namespace x-amz-bucket-object-lock-enabled x-amz-object-ownership "
     "x-amz-checksum-*",
     true},
    {"DeleteBucketPolicy", "DELETE", Scope::bucket, "policy", "", true, nullptr},
    {"DeleteBucketCors", "DELETE", Scope::bucket, "cors", "", true, delete_bucket_cors},
    {"DeleteBucketTagging", "DELETE", Scope::bucket, "tagging", "", true, delete_bucket_tagging},
    {"DeleteBucketLifecycle", "DELETE", Scope::bucket, "lifecycle", "", true,
     delete_bucket_lifecycle},
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
    {"DeleteBucket", "DELETE", Scope::bucket, "", "", true, delete_bucket},
    {"DeleteObjects", "POST", Scope::bucket, "delete", "", true, delete_objects, "",
     "x-amz-checksum-*", true},
    {"CreateBucketMetadataConfiguration", "POST", Scope::bucket, "metadataConfiguration", "", true,
     nullptr},
    {"CreateBucketMetadataTableConfiguration", "POST", Scope::bucket, "metadataTable", "", true,
     nullptr},
    {"PostObject", "POST", Scope::bucket, "", "", true, post_object, "", "", true},
    {"GetObjectAnnotation", "GET", Scope::object, "annotation annotationName", "", false, nullptr,
     "versionId"},
    {"ListParts", "GET", Scope::object, "uploadId", "", false, list_parts,
     "max-parts part-number-marker"},
    {"GetObjectAcl", "GET", Scope::object, "acl", "", false, get_object_acl, "versionId"},
    {"GetObjectTagging", "GET", Scope::object, "tagging", "", false, get_object_tagging,
     "versionId"},
    {"GetObjectAttributes", "GET", Scope::object, "attributes", "", false, get_object_attributes,
     "versionId"},
    {"GetObjectRetention", "GET", Scope::object, "retention", "", false, nullptr, "versionId"},
    {"GetObjectLegalHold", "GET", Scope::object, "legal-hold", "", false, nullptr, "versionId"},
    {"GetObjectTorrent", "GET", Scope::object, "torrent", "", false, nullptr},
    {"ListObjectAnnotations", "GET", Scope::object, "annotation", "", false, nullptr,
     "annotation-prefix continuation-token max-annotation-results versionId"},
    {"GetObject", "GET", Scope::object, "", "", false, get_object,
     "partNumber response-cache-control response-content-disposition response-content-encoding "
     "response-content-language response-content-type response-expires versionId"},
    {"HeadObject", "HEAD", Scope::object, "", "", false, head_object,
     "partNumber response-cache-control response-content-disposition response-content-encoding "
     "response-content-language response-content-type response-expires versionId"},
    {"UploadPartCopy", "PUT", Scope::object, "partNumber uploadId", "x-amz-copy-source", true,
     upload_part_copy, "",
     "x-amz-copy-source x-amz-copy-source-if-match x-amz-copy-source-if-modified-since "
     "x-amz-copy-source-if-none-match x-amz-copy-source-if-unmodified-since "
     "x-amz-copy-source-range"},
    {"UploadPart", "PUT", Scope::object, "partNumber uploadId", "", true, upload_part, "",
     "x-amz-checksum-*", true},
    {"PutObjectAcl", "PUT", Scope::object, "acl", "", true, put_object_acl, "versionId",
     "x-amz-acl x-amz-checksum-* x-amz-grant-full-control x-amz-grant-read x-amz-grant-read-acp "
     "x-amz-grant-write x-amz-grant-write-acp",
     true},
    {"PutObjectTagging", "PUT", Scope::object, "tagging", "", true, put_object_tagging, "versionId",
     "x-amz-checksum-*", true},
    {"PutObjectRetention", "PUT", Scope::object, "retention", "", true, nullptr, "versionId"},
    {"PutObjectLegalHold", "PUT", Scope::object, "legal-hold", "", true, nullptr, "versionId"},
    {"RenameObject", "PUT", Scope::object, "renameObject", "", true, rename_object, "",
     "if-match if-modified-since if-none-match if-unmodified-since x-amz-client-token "
     "x-amz-rename-source x-amz-rename-source-if-match x-amz-rename-source-if-modified-since "
     "x-amz-rename-source-if-none-match x-amz-rename-source-if-unmodified-since"},
    {"PutObjectAnnotation", "PUT", Scope::object, "annotation", "", true, nullptr,
     "annotationName versionId"},
    {"UpdateObjectEncryption", "PUT", Scope::object, "encryption", "", true, nullptr, "versionId"},
    {"CopyObject", "PUT", Scope::object, "", "x-amz-copy-source", true, copy_object, "",
     "if-match if-none-match x-amz-acl x-amz-checksum-algorithm x-amz-copy-source "
     "x-amz-copy-source-if-match x-amz-copy-source-if-modified-since "
     "x-amz-copy-source-if-none-match x-amz-copy-source-if-unmodified-since x-amz-meta-* "
     "x-amz-metadata-directive x-amz-server-side-encryption x-amz-storage-class x-amz-tagging "
     "x-amz-tagging-directive"},
    {"PutObject", "PUT", Scope::object, "", "", true, put_object, "",
     "if-match if-none-match x-amz-acl x-amz-checksum-* x-amz-meta-* x-amz-metadata-directive "
     "x-amz-server-side-encryption x-amz-storage-class x-amz-tagging",
     true},
    {"AbortMultipartUpload", "DELETE", Scope::object, "uploadId", "", true, abort_multipart_upload},
    {"DeleteObjectTagging", "DELETE", Scope::object, "tagging", "", true, delete_object_tagging,
     "versionId"},
    {"DeleteObjectAnnotation", "DELETE", Scope::object, "annotation", "", true, nullptr,
     "annotationName versionId"},
    {"DeleteObject", "DELETE", Scope::object, "", "", true, delete_object, "versionId", "if-match"},
    {"CreateMultipartUpload", "POST", Scope::object, "uploads", "", true, create_multipart_upload,
     "",
     "x-amz-acl x-amz-checksum-algorithm x-amz-checksum-type x-amz-meta-* "
     "x-amz-metadata-directive x-amz-server-side-encryption x-amz-storage-class x-amz-tagging"},
    {"CompleteMultipartUpload", "POST", Scope::object, "uploadId", "", true,
     complete_multipart_upload, "",
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
