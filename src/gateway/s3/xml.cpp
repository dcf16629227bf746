#include "gateway/s3/xml.h"

#include <charconv>
#include <pugixml.hpp>
#include <sstream>

namespace forebay::gateway::s3 {

struct Xml::Document {
  pugi::xml_document xml;
  pugi::xml_node at;
};

Xml::Xml(std::string_view root, bool name_space) : document_(std::make_unique<Document>()) {
  pugi::xml_node declaration = document_->xml.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  document_->at = document_->xml.append_child(std::string(root).c_str());
  if (name_space) {
    document_->at.append_attribute("xmlns") = "http://s3.amazonaws.com/doc/2006-03-01/";
  }
}

Xml::~Xml() = default;

Xml& Xml::text(std::string_view name, std::string_view value) {
  document_->at.append_child(std::string(name).c_str()).text().set(std::string(value).c_str());
  return *this;
}

Xml& Xml::number(std::string_view name, uint64_t value) {
  return text(name, std::to_string(value));
}

Xml& Xml::boolean(std::string_view name, bool value) {
  return text(name, value ? "true" : "false");
}

Xml& Xml::open(std::string_view name) {
  document_->at = document_->at.append_child(std::string(name).c_str());
  return *this;
}

Xml& Xml::close() {
  document_->at = document_->at.parent();
  return *this;
}

std::string Xml::str() const {
  std::ostringstream out;
  document_->xml.save(out, "", pugi::format_raw);
  return std::move(out).str();
}

http::Response Xml::response(int status) const {
  return http::Response::text(status, "application/xml", str());
}

namespace {

Error malformed() {
  return fail(Code::invalid,
              "The XML you provided was not well-formed or did not validate against our published "
              "schema",
              "MalformedXML");
}

// Names come with and without the namespace's prefix.
std::string_view local(const pugi::xml_node& node) {
  std::string_view name = node.name();
  size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

Result<pugi::xml_node> root_of(pugi::xml_document& document, std::string_view xml,
                               std::string_view name) {
  auto flags = pugi::parse_default | pugi::parse_ws_pcdata_single;
  if (!document.load_buffer(xml.data(), xml.size(), flags)) return malformed();
  pugi::xml_node root = document.document_element();
  if (local(root) != name) return malformed();
  return root;
}

}  // namespace

Result<DeleteRequest> parse_delete(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "Delete");
  if (!root) return std::move(root.error());
  DeleteRequest request;
  for (pugi::xml_node node : root->children()) {
    if (local(node) == "Quiet") {
      request.quiet = std::string_view(node.text().get()) == "true";
    } else if (local(node) == "Object") {
      DeleteRequest::Item item;
      for (pugi::xml_node field : node.children()) {
        if (local(field) == "Key") item.key = field.text().get();
        if (local(field) == "VersionId") item.version_id = field.text().get();
      }
      if (item.key.empty()) return malformed();
      request.items.push_back(std::move(item));
    }
  }
  if (request.items.empty() || request.items.size() > 1000) return malformed();
  return request;
}

Result<std::vector<origin::CompletedPart>> parse_complete(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "CompleteMultipartUpload");
  if (!root) return std::move(root.error());
  std::vector<origin::CompletedPart> parts;
  for (pugi::xml_node node : root->children()) {
    if (local(node) != "Part") continue;
    origin::CompletedPart part;
    for (pugi::xml_node field : node.children()) {
      std::string_view value = field.text().get();
      std::string_view name = local(field);
      if (name == "PartNumber") {
        auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), part.number);
        if (error != std::errc() || end != value.data() + value.size()) return malformed();
      } else if (name == "ETag") {
        bool quoted = value.starts_with('"');
        part.etag = ETag(quoted ? std::string(value) : "\"" + std::string(value) + "\"");
      } else if (name.starts_with("Checksum")) {
        auto kind = parse_checksum_kind(name.substr(8));
        if (kind) part.checksums[std::string(header_name(*kind))] = value;
      }
    }
    if (part.number == 0 || part.number > 10'000 || part.etag.empty()) return malformed();
    if (!parts.empty() && part.number <= parts.back().number) {
      return fail(Code::invalid,
                  "The list of parts was not in ascending order. The parts list must be specified "
                  "in order by part number.",
                  "InvalidPartOrder");
    }
    parts.push_back(std::move(part));
  }
  if (parts.empty() || parts.size() > 10'000) return malformed();
  return parts;
}

}  // namespace forebay::gateway::s3
