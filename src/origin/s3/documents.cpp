// The documents that we send to S3 servers.
#include <pugixml.hpp>

#include "base/xml.h"
#include "origin/checksums.h"
#include "origin/s3/xml.h"

namespace forebay::origin {

namespace {

constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

}  // namespace

std::string s3_complete_document(const std::vector<CompletedPart>& parts) {
  pugi::xml_document document;
  pugi::xml_node list = document.append_child("CompleteMultipartUpload");
  list.append_attribute("xmlns") = kNamespace;
  for (const CompletedPart& one : parts) {
    pugi::xml_node part = list.append_child("Part");
    part.append_child("PartNumber").text().set(one.number);
    part.append_child("ETag").text().set(one.etag.text().c_str());
    for (ChecksumKind kind : kAllChecksumKinds) {
      auto sum = one.checksums.find(std::string(header_name(kind)));
      if (sum == one.checksums.end()) continue;
      part.append_child(("Checksum" + std::string(name(kind))).c_str())
          .text()
          .set(sum->second.c_str());
    }
  }
  return save_xml(document);
}

std::string s3_tagging_document(const TagSet& tags) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("Tagging");
  root.append_attribute("xmlns") = kNamespace;
  pugi::xml_node set = root.append_child("TagSet");
  for (const auto& [name, value] : tags) {
    pugi::xml_node tag = set.append_child("Tag");
    tag.append_child("Key").text().set(name.c_str());
    tag.append_child("Value").text().set(value.c_str());
  }
  return save_xml(document);
}

std::string s3_location_document(std::string_view region) {
  pugi::xml_document document;
  pugi::xml_node node = document.append_child("CreateBucketConfiguration");
  node.append_attribute("xmlns") = kNamespace;
  node.append_child("LocationConstraint").text().set(std::string(region).c_str());
  return save_xml(document);
}

std::string s3_versioning_document(Versioning to) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("VersioningConfiguration");
  root.append_attribute("xmlns") = kNamespace;
  root.append_child("Status").text().set(to == Versioning::enabled ? "Enabled" : "Suspended");
  return save_xml(document);
}

}  // namespace forebay::origin
