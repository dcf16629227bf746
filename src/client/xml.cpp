#include "client/xml.h"

#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/xml.h"
#include "client/exchange.h"

namespace forebay::client {

namespace {

/// Of an answer's tree, in bytes: a list of 10,000 buckets takes half of it.
constexpr size_t kMaxTree = 16 << 20;

Error corrupt(std::string_view what) {
  return fail(Code::corrupt, "the answer is not a " + std::string(what));
}

std::string_view local_name(const pugi::xml_node& node) {
  std::string_view name = node.name();
  size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
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

Result<pugi::xml_node> root(pugi::xml_document& document, std::string_view xml,
                            std::string_view name) {
  if (!load_xml(document, xml, kMaxTree)) return corrupt(name);
  pugi::xml_node node = document.document_element();
  if (local_name(node) != name) return corrupt(name);
  return node;
}

// Keys come percent-encoded when encoding-type=url was asked for; '+' stays for servers that
// encode a space so.
Result<std::string> decoded(std::string value, bool encoded) {
  if (!encoded) return value;
  std::optional<std::string> plain = percent_decode(value, true);
  if (!plain) return corrupt("list: a key is badly encoded");
  return std::move(*plain);
}

WallTime date(const pugi::xml_node& node, std::string_view name) {
  return parse_iso8601(text(node, name)).value_or(WallTime{});
}

}  // namespace

Result<ListPage> parse_list(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> list = root(document, xml, "ListBucketResult");
  if (!list) return std::move(list.error());
  bool encoded = text(*list, "EncodingType") == "url";
  ListPage page;
  for (const pugi::xml_node& node : list->children()) {
    if (local_name(node) == "Contents") {
      Result<std::string> key = decoded(text(node, "Key"), encoded);
      if (!key) return std::move(key.error());
      page.objects.push_back({std::move(*key), child(node, "Size").text().as_ullong(),
                              ETag(text(node, "ETag")), date(node, "LastModified")});
    } else if (local_name(node) == "CommonPrefixes") {
      Result<std::string> prefix = decoded(text(node, "Prefix"), encoded);
      if (!prefix) return std::move(prefix.error());
      page.prefixes.push_back(std::move(*prefix));
    }
  }
  if (text(*list, "IsTruncated") == "true") {
    page.continuation = text(*list, "NextContinuationToken");
    if (page.continuation.empty()) return corrupt("list: truncated without a way on");
  }
  return page;
}

Result<std::vector<BucketInfo>> parse_buckets(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> list = root(document, xml, "ListAllMyBucketsResult");
  if (!list) return std::move(list.error());
  std::vector<BucketInfo> out;
  for (const pugi::xml_node& node : child(*list, "Buckets").children()) {
    if (local_name(node) == "Bucket") {
      out.push_back({text(node, "Name"), date(node, "CreationDate")});
    }
  }
  return out;
}

Result<std::string> parse_upload_id(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "InitiateMultipartUploadResult");
  if (!node) return std::move(node.error());
  std::string id = text(*node, "UploadId");
  if (id.empty()) return corrupt("begun upload: no id");
  return id;
}

Result<ETag> parse_completed(std::string_view xml) {
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "CompleteMultipartUploadResult");
  if (node) return ETag(text(*node, "ETag"));
  if (local_name(document.document_element()) == "Error") return parse_error(500, xml);
  return std::move(node.error());
}

Error parse_error(int status, std::string_view xml) {
  Code code = code_of_status(status);
  std::string message = "the server answered " + std::to_string(status);
  pugi::xml_document document;
  Result<pugi::xml_node> node = root(document, xml, "Error");
  if (!node) return fail(code, message);
  std::string detail = text(*node, "Code");
  if (detail == "BucketAlreadyExists" || detail == "BucketAlreadyOwnedByYou") code = Code::exists;
  if (detail == "SlowDown") code = Code::busy;
  std::string said = text(*node, "Message");
  if (said.empty()) said = message;
  return fail(code, detail.empty() ? said : said + " (" + detail + ")", detail);
}

std::string complete_document(const std::vector<ETag>& parts) {
  pugi::xml_document document;
  pugi::xml_node root_node = document.append_child("CompleteMultipartUpload");
  for (size_t i = 0; i < parts.size(); ++i) {
    pugi::xml_node part = root_node.append_child("Part");
    part.append_child("PartNumber").text().set(static_cast<unsigned>(i + 1));
    part.append_child("ETag").text().set(parts[i].text().c_str());
  }
  return save_xml(document);
}

}  // namespace forebay::client
