#include "origin/s3/xml.h"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/xml.h"
#include "origin/checksums.h"
#include "origin/parts.h"

namespace forebay::origin {

namespace {

/// Of an answer's tree, in bytes: a list of 1000 takes half of it, with every field there is.
constexpr size_t kMaxTree = 4 << 20;

Error corrupt(std::string_view what) {
  return fail(Code::corrupt, "the origin's answer is not a " + std::string(what));
}

std::string_view local_name(const pugi::xml_node& node) {
  std::string_view name = node.name();
  size_t colon = name.find(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_node& one : node.children()) {
    if (local_name(one) == name) return one;
  }
  return {};
}

// All of it: CDATA sections and comments cut the text of an element into pieces, and the first
// alone would be another key.
std::string text(const pugi::xml_node& node, std::string_view name) {
  std::string whole;
  for (const pugi::xml_node& piece : child(node, name).children()) {
    bool said = piece.type() == pugi::node_pcdata || piece.type() == pugi::node_cdata;
    if (said) whole += piece.value();
  }
  return whole;
}

/// Every server sends IsTruncated with a list; a list without it may have been cut anywhere.
Result<bool> truncated(const pugi::xml_node& list) {
  std::string said = text(list, "IsTruncated");
  if (said != "true" && said != "false") return corrupt("list: it does not say whether it goes on");
  return said == "true";
}

/// Digits and nothing else, and no more than `most`.
Result<uint64_t> number(const pugi::xml_node& node, std::string_view name, uint64_t most) {
  std::string said = text(node, name);
  uint64_t value = 0;
  auto [end, error] = std::from_chars(said.data(), said.data() + said.size(), value);
  bool good = !said.empty() && error == std::errc() && end == said.data() + said.size();
  if (!good || value > most) {
    return corrupt("list: a " + std::string(name) + " is no number").in("'" + said + "'");
  }
  return value;
}
WallTime date(const pugi::xml_node& node, std::string_view name) {
  return parse_iso8601(text(node, name)).value_or(WallTime{});
}

Result<pugi::xml_node> root(pugi::xml_document& document, std::string_view xml,
                            std::string_view name) {
  if (!load_xml(document, xml, kMaxTree)) return corrupt(name);
  pugi::xml_node node = document.document_element();
  if (local_name(node) != name) return corrupt(name);
  return node;
}

/// Decodes names in a document whose EncodingType may be "url".
class Names {
 public:
  explicit Names(const pugi::xml_node& document)
      : encoded_(text(document, "EncodingType") == "url") {}
  /// What does not decode is taken as a sign that nothing can be trusted; and so is an entry that
  /// has no name.
  std::string get(const pugi::xml_node& node, std::string_view name) {
    std::string value = maybe(node, name);
    if (value.empty()) broken_ = true;
    return value;
  }
  /// The same where there may be none.
  std::string maybe(const pugi::xml_node& node, std::string_view name) {
    std::string value = text(node, name);
    if (!encoded_) return value;
    std::optional<std::string> plain = percent_decode(value, true);
    if (!plain) broken_ = true;
    return std::move(plain).value_or("");
  }
  bool broken() const { return broken_; }

 private:
  bool encoded_;
  bool broken_ = false;
};

/// The checksums a node tells, by the names of their headers.
Fields checksums_in(const pugi::xml_node& node) {
  Fields out;
  for (ChecksumKind kind : kAllChecksumKinds) {
    std::string sum = text(node, "Checksum" + std::string(name(kind)));
    if (!sum.empty()) out[std::string(header_name(kind))] = std::move(sum);
  }
  return out;
}

/// What kind of checksums a node tells of; nothing unless it tells both words.
std::optional<ChecksumPlan> plan_in(const pugi::xml_node& node) {
  auto kind = parse_checksum_kind(text(node, "ChecksumAlgorithm"));
  auto type = parse_checksum_type(text(node, "ChecksumType"));
  if (!kind || !type) return std::nullopt;
  return ChecksumPlan{*kind, *type};
}

Result<ListedObject> listed(const pugi::xml_node& node, Names& names) {
  ListedObject out;
  out.key = names.get(node, "Key");
  Result<uint64_t> size = number(node, "Size", kMaxObjectBytes);
  if (!size) return std::move(size.error());
  out.size = *size;
  out.etag = s3_etag(text(node, "ETag"));
  out.modified = date(node, "LastModified");
  std::string storage = text(node, "StorageClass");
  if (!storage.empty()) out.storage_class = std::move(storage);
  out.checksum = plan_in(node);
  return out;
}

/// Who deletes what is listed needs the id: without one it would be another version.
Result<ListedVersion> listed_version(const pugi::xml_node& node, bool marker, Names& names) {
  ListedVersion out{.version_id = text(node, "VersionId"), .marker = marker};
  if (out.version_id.empty()) return corrupt("list of versions: one has no id");
  std::string latest = text(node, "IsLatest");
  if (latest != "true" && latest != "false") {
    return corrupt("list of versions: one does not say whether it is the latest");
  }
  out.latest = latest == "true";
  if (marker) {
    out.object.key = names.get(node, "Key");
    out.object.modified = date(node, "LastModified");
    return out;
  }
  Result<ListedObject> object = listed(node, names);
  if (!object) return std::move(object.error());
  out.object = std::move(*object);
  return out;
}

Result<PartInfo> listed_part(const pugi::xml_node& node) {
  Result<uint64_t> part_number = number(node, "PartNumber", kMaxPartNumber);
  if (!part_number) return std::move(part_number.error());
  if (*part_number == 0) return corrupt("list of parts: one has no number");
  Result<uint64_t> size = number(node, "Size", kMaxObjectBytes);
  if (!size) return std::move(size.error());
  return PartInfo{.number = static_cast<uint32_t>(*part_number),
                  .size = *size,
                  .etag = s3_etag(text(node, "ETag")),
                  .modified = date(node, "LastModified"),
                  .checksums = checksums_in(node)};
}

}  // namespace

ETag s3_etag(std::string_view text) {
  if (text == "\"\"") return {};  // names nothing
  if (text.empty() || text.starts_with('"') || text.starts_with("W/")) {
    return ETag(std::string(text));
  }
  return ETag('"' + std::string(text) + '"');
}

Result<S3Page> parse_s3_list(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> list = root(document, xml, "ListBucketResult");
  if (!list) return std::move(list.error());
  Names names(*list);
  S3Page page;
  for (const pugi::xml_node& node : list->children()) {
    if (local_name(node) == "Contents") {
      Result<ListedObject> object = listed(node, names);
      if (!object) return std::move(object.error());
      page.list.objects.push_back(std::move(*object));
    } else if (local_name(node) == "CommonPrefixes") {
      page.list.prefixes.push_back(names.get(node, "Prefix"));
    }
  }
  Result<bool> more = truncated(*list);
  if (!more) return std::move(more.error());
  page.list.truncated = *more;
  page.token = text(*list, "NextContinuationToken");
  page.marker = names.maybe(*list, "NextMarker");
  // Marker is what only the first version has; KeyCount what the second must have.
  page.second = !page.token.empty() || child(*list, "KeyCount") || !child(*list, "Marker");
  if (names.broken()) return corrupt("list: a name is missing or badly encoded");
  return page;
}

Result<std::string> parse_s3_upload_id(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "InitiateMultipartUploadResult");
  if (!node) return std::move(node.error());
  std::string id = text(*node, "UploadId");
  if (id.empty()) return corrupt("begun upload: no id");
  return id;
}

Result<ListPartsAnswer> parse_s3_parts(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> list = root(document, xml, "ListPartsResult");
  if (!list) return std::move(list.error());
  ListPartsAnswer out;
  for (const pugi::xml_node& node : list->children()) {
    if (local_name(node) != "Part") continue;
    Result<PartInfo> part = listed_part(node);
    if (!part) return std::move(part.error());
    out.parts.push_back(std::move(*part));
  }
  std::ranges::sort(out.parts, {}, &PartInfo::number);
  out.plan = plan_in(*list);
  Result<bool> more = truncated(*list);
  if (!more) return std::move(more.error());
  out.truncated = *more;
  if (!out.truncated) return out;
  if (out.parts.empty()) return corrupt("list of parts: truncated and empty");
  if (child(*list, "NextPartNumberMarker")) {
    Result<uint64_t> next = number(*list, "NextPartNumberMarker", kMaxPartNumber);
    if (!next) return std::move(next.error());
    out.next_marker = static_cast<uint32_t>(*next);
  }
  if (out.next_marker == 0) out.next_marker = out.parts.back().number;
  return out;
}

Result<ListUploadsAnswer> parse_s3_uploads(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> list = root(document, xml, "ListMultipartUploadsResult");
  if (!list) return std::move(list.error());
  Names names(*list);
  ListUploadsAnswer out;
  for (const pugi::xml_node& node : list->children()) {
    if (local_name(node) == "Upload") {
      out.uploads.push_back(
          {names.get(node, "Key"), text(node, "UploadId"), date(node, "Initiated"), plan_in(node)});
      if (out.uploads.back().upload_id.empty()) return corrupt("list of uploads: one has no id");
    } else if (local_name(node) == "CommonPrefixes") {
      out.prefixes.push_back(names.get(node, "Prefix"));
    }
  }
  Result<bool> more = truncated(*list);
  if (!more) return std::move(more.error());
  out.truncated = *more;
  if (out.truncated) {
    out.next_key = names.maybe(*list, "NextKeyMarker");
    out.next_upload = text(*list, "NextUploadIdMarker");
    // SeaweedFS names only the upload.
    if (out.next_key.empty() && !out.uploads.empty()) out.next_key = out.uploads.back().key;
    if (out.next_key.empty()) return corrupt("list of uploads: truncated without a way on");
  }
  if (names.broken()) return corrupt("list of uploads: a name is missing or badly encoded");
  return out;
}

Result<TagSet> parse_s3_tagging(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "Tagging");
  if (!node) return std::move(node.error());
  TagSet out;
  size_t sets = 0;
  for (const pugi::xml_node& set : node->children()) {
    if (local_name(set) != "TagSet") continue;
    ++sets;
    for (const pugi::xml_node& tag : set.children()) {
      if (local_name(tag) != "Tag") continue;
      out.emplace_back(text(tag, "Key"), text(tag, "Value"));
      if (out.back().first.empty()) return corrupt("tag set: a tag without a name");
    }
  }
  if (sets != 1) return corrupt("tag set");
  return out;
}

Result<Versioning> parse_s3_versioning(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "VersioningConfiguration");
  if (!node) {
    // Of a server that does not know the question, and lists.
    bool listed = local_name(document.document_element()) == "ListBucketResult";
    return listed ? Result<Versioning>(Versioning::never) : std::move(node.error());
  }
  std::string status = text(*node, "Status");
  if (status == "Enabled") return Versioning::enabled;
  return status.empty() ? Versioning::never : Versioning::suspended;
}

Result<ListVersionsAnswer> parse_s3_versions(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> list = root(document, xml, "ListVersionsResult");
  if (!list) return std::move(list.error());
  Names names(*list);
  ListVersionsAnswer out;
  for (const pugi::xml_node& node : list->children()) {
    std::string_view name = local_name(node);
    if (name == "CommonPrefixes") out.prefixes.push_back(names.get(node, "Prefix"));
    if (name != "Version" && name != "DeleteMarker") continue;
    Result<ListedVersion> version = listed_version(node, name == "DeleteMarker", names);
    if (!version) return std::move(version.error());
    out.versions.push_back(std::move(*version));
  }
  Result<bool> more = truncated(*list);
  if (!more) return std::move(more.error());
  out.truncated = *more;
  if (out.truncated) {
    out.next_key = names.maybe(*list, "NextKeyMarker");
    out.next_version = text(*list, "NextVersionIdMarker");
    if (out.next_key.empty()) return corrupt("list of versions: truncated without a way on");
  }
  if (names.broken()) return corrupt("list of versions: a name is missing or badly encoded");
  return out;
}

std::optional<S3Fault> parse_s3_fault(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "Error");
  if (!node) return std::nullopt;
  return S3Fault{text(*node, "Code"), text(*node, "Message")};
}

namespace {

/// Whether an answer tells more than one ETag: then nobody knows which one it is.
bool tells_two_etags(const pugi::xml_node& node) {
  size_t count = 0;
  for (const pugi::xml_node& one : node.children()) count += local_name(one) == "ETag" ? 1 : 0;
  return count > 1;
}

/// With what kind they are, where that is told.
Fields typed_checksums_in(const pugi::xml_node& node) {
  Fields out = checksums_in(node);
  std::string type = text(node, "ChecksumType");
  if (!type.empty() && !out.empty()) out[std::string(kChecksumTypeHeader)] = std::move(type);
  return out;
}

}  // namespace

Result<S3Copied> parse_s3_copied(std::string_view xml) {
  // White space keeps the connection alive meanwhile; a declaration may stand only at the begin.
  xml.remove_prefix(std::min(xml.find_first_not_of(" \t\r\n"), xml.size()));
  if (auto fault = parse_s3_fault(xml)) return S3Copied{.fault = std::move(fault)};
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "CopyObjectResult");
  if (!node) node = root(document, xml, "CopyPartResult");
  if (!node) return std::move(node.error());
  S3Copied out{.etag = s3_etag(text(*node, "ETag")),
               .modified = date(*node, "LastModified"),
               .checksums = typed_checksums_in(*node)};
  if (out.etag.empty() || tells_two_etags(*node)) return corrupt("copied object: not one ETag");
  return out;
}

Result<S3Completed> parse_s3_completed(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "CompleteMultipartUploadResult");
  if (node) {
    if (tells_two_etags(*node)) return corrupt("completed upload: two ETags");
    return S3Completed{.etag = s3_etag(text(*node, "ETag")),
                       .checksums = typed_checksums_in(*node)};
  }
  std::optional<S3Fault> fault = parse_s3_fault(xml);
  if (!fault) return std::move(node.error());
  return S3Completed{.fault = std::move(fault)};
}

}  // namespace forebay::origin
