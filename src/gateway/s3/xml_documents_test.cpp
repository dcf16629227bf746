// What holds for every document that clients send, whichever it is.
#include <gtest/gtest.h>

#include <functional>
#include <pugixml.hpp>
#include <sstream>

#include "gateway/s3/lifecycle.h"
#include "gateway/s3/tagging.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {
namespace {

/// A document of each kind, and who reads it.
struct Reader {
  std::string text;
  /// S3's code of the refusal; empty: it is taken.
  std::string (*code)(std::string_view);
};

template <auto kParse, auto... kMore>
std::string code_of(std::string_view xml) {
  auto parsed = kParse(xml, kMore...);
  return parsed ? "" : parsed.error().detail();
}

const Reader kReaders[] = {
    {"<Delete><Quiet>true</Quiet><Object><Key>k</Key><VersionId>v</VersionId></Object></Delete>",
     &code_of<&parse_delete>},
    {"<CreateBucketConfiguration><LocationConstraint>eu</LocationConstraint>"
     "</CreateBucketConfiguration>",
     &code_of<&parse_create_bucket>},
    {"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>"
     "</CompleteMultipartUpload>",
     &code_of<&parse_complete>},
    {"<AccessControlPolicy><Owner><ID>me</ID><DisplayName>i</DisplayName></Owner>"
     "<AccessControlList><Grant><Grantee><ID>me</ID></Grantee><Permission>READ</Permission></Grant>"
     "</AccessControlList></AccessControlPolicy>",
     &code_of<&parse_acl>},
    {"<VersioningConfiguration><MfaDelete>Disabled</MfaDelete><Status>Enabled</Status>"
     "</VersioningConfiguration>",
     &code_of<&parse_versioning>},
    {"<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>"
     "</OwnershipControls>",
     &code_of<&parse_ownership>},
    {"<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
     "</PublicAccessBlockConfiguration>",
     &code_of<&parse_public_access_block>},
    {"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
     &code_of<&parse_tagging, kMaxTags>},
    {"<CORSConfiguration><CORSRule><ID>i</ID><AllowedOrigin>*</AllowedOrigin>"
     "<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
     &code_of<&parse_cors>},
    {"<LifecycleConfiguration><Rule><ID>i</ID><Filter><And><Prefix>p</Prefix><Tag><Key>a</Key>"
     "<Value>b</Value></Tag></And></Filter><Status>Enabled</Status><Expiration><Days>1</Days>"
     "</Expiration></Rule></LifecycleConfiguration>",
     &code_of<&parse_lifecycle>},
};

/// For each element of `text` a document in which `change` was made to it; false: to none.
std::vector<std::string> changed(const std::string& text,
                                 const std::function<bool(pugi::xml_node)>& change) {
  std::vector<std::string> out;
  for (size_t at = 0;; ++at) {
    pugi::xml_document document;
    EXPECT_TRUE(document.load_string(text.c_str()));
    size_t seen = 0;
    auto element = document.find_node(
        [&](auto node) { return node.type() == pugi::node_element && seen++ == at; });
    if (!element) return out;
    if (!change(element)) continue;
    std::ostringstream printed;
    document.save(printed, "", pugi::format_raw);
    out.push_back(printed.str());
  }
}

TEST(Documents, no_element_has_attributes_of_its_own) {
  for (const Reader& reader : kReaders) {
    EXPECT_EQ(reader.code(reader.text), "") << reader.text;
    auto odd = changed(reader.text, [](pugi::xml_node element) {
      element.append_attribute("Prefix") = "logs/";
      return true;
    });
    EXPECT_GT(odd.size(), 1U);
    for (const std::string& one : odd) EXPECT_EQ(reader.code(one), "MalformedXML") << one;
    auto plain = changed(reader.text, [](pugi::xml_node element) {
      element.append_attribute("xmlns:xsi") = "http://www.w3.org/2001/XMLSchema-instance";
      element.append_attribute("xsi:type") = "CanonicalUser";
      return true;
    });
    for (const std::string& one : plain) EXPECT_EQ(reader.code(one), "") << one;
  }
}

// It would be taken for an element that holds nothing.
TEST(Documents, no_element_that_holds_elements_holds_text_instead) {
  for (const Reader& reader : kReaders) {
    for (auto type : {pugi::node_pcdata, pugi::node_cdata}) {
      auto odd = changed(reader.text, [&](pugi::xml_node element) {
        bool holds = element.first_child().type() == pugi::node_element;
        element.remove_children();
        element.append_child(type).set_value("logs/");
        return holds;
      });
      EXPECT_GE(odd.size(), 1U);
      for (const std::string& one : odd) EXPECT_EQ(reader.code(one), "MalformedXML") << one;
    }
  }
}

TEST(Documents, what_is_there_once_is_not_there_twice) {
  for (const Reader& reader : kReaders) {
    auto odd = changed(reader.text, [](pugi::xml_node element) {
      std::string_view name = element.name();
      bool many = name == "Object" || name == "Grant" || name == "CORSRule" ||
                  name == "AllowedOrigin" || name == "AllowedMethod";
      if (element.parent().type() != pugi::node_element || many) return false;
      element.parent().insert_copy_after(element, element);
      return true;
    });
    for (const std::string& one : odd) EXPECT_NE(reader.code(one), "") << one;
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
