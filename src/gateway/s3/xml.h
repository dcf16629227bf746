// XML as S3 speaks it: documents we write (xml.cpp), and those we read (xml_read.cpp), where
// pugixml stays.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/result.h"
#include "http/message.h"
#include "object/cors.h"
#include "origin/origin.h"

namespace forebay::gateway::s3 {

/// Writes one document, element by element. Characters that XML 1.0 cannot hold (controls in keys)
/// are written as numeric references, as S3 does; bytes that are no UTF-8 become U+FFFD.
class Xml {
 public:
  /// `name_space`: with xmlns="http://s3.amazonaws.com/doc/2006-03-01/".
  explicit Xml(std::string_view root, bool name_space = true);
  Xml(const Xml&) = delete;
  Xml& operator=(const Xml&) = delete;
  ~Xml();

  Xml& text(std::string_view name, std::string_view value);
  Xml& number(std::string_view name, uint64_t value);
  Xml& boolean(std::string_view name, bool value);
  /// The Grantee of an ACL, by its canonical user id.
  Xml& grantee(std::string_view id);
  /// Opens an element; further calls are inside until close().
  Xml& open(std::string_view name);
  Xml& close();

  std::string str() const;
  http::Response response(int status = 200) const;

 private:
  struct Document;
  std::unique_ptr<Document> document_;
};

/// One element for each of them (x-amz-checksum-… → Checksum…).
void write_checksums(Xml& xml, const origin::Fields& checksums);

/// Bodies of requests in XML are at most this long.
inline constexpr uint64_t kMaxXmlBody = 2 << 20;
/// And their trees take so many bytes at most: of 10,000 parts with all that fits into kMaxXmlBody,
/// one element a line; of 1000 keys, or a bucket's configuration, with their fields.
inline constexpr size_t kMaxCompleteTree = 12 << 20;
inline constexpr size_t kMaxXmlTree = 2 << 20;

struct DeleteRequest {
  struct Item {
    std::string key;
    std::optional<std::string> version_id;
    std::optional<std::string> etag = {};  ///< only what has it; "*": only what is there
  };
  std::vector<Item> items;  ///< 1…1000
  bool quiet = false;
};

/// Code::invalid, "MalformedXML", for anything but the document S3 defines, or a larger tree;
/// "NotImplemented" for what S3 defines there and we do not carry out: conditions of a delete that
/// only directory buckets have, and all of a new bucket but its place.
Result<DeleteRequest> parse_delete(std::string_view xml);
/// The LocationConstraint of a new bucket; empty when it has none.
Result<std::string> parse_create_bucket(std::string_view xml);
Result<std::vector<origin::CompletedPart>> parse_complete(std::string_view xml);
/// An AccessControlPolicy.
struct AccessPolicy {
  std::optional<std::string> owner;  ///< its id, where it is told
  /// The grantee's id (or address, or group) and permission.
  std::vector<std::pair<std::string, std::string>> grants;
};
Result<AccessPolicy> parse_acl(std::string_view xml);
/// What PutBucketVersioning sets: enabled or suspended.
Result<origin::Versioning> parse_versioning(std::string_view xml);
/// The ObjectOwnership of PutBucketOwnershipControls.
Result<std::string> parse_ownership(std::string_view xml);
/// What PutPublicAccessBlock names: its four elements, each as often as it is there.
Result<std::map<std::string, bool, std::less<>>> parse_public_access_block(std::string_view xml);
/// The body of PutObjectTagging or PutBucketTagging, of `most` tags; check_tags() has passed it.
Result<origin::TagSet> parse_tagging(std::string_view xml, size_t most);
/// The body of PutBucketCors; check_cors() has passed it.
Result<object::CorsRules> parse_cors(std::string_view xml);

}  // namespace forebay::gateway::s3
