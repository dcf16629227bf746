// What the readers of clients' documents share; only they include it, since pugixml stays with
// them.
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

/// MalformedXML.
Error malformed();
/// The element's name; they come with and without the namespace's prefix.
std::string_view local(const pugi::xml_node& node);
/// The elements inside `node`; a document may have comments and processing instructions anywhere.
/// A text there stands among them without a name, as something that no reader knows.
std::vector<pugi::xml_node> elements(const pugi::xml_node& node);
/// The text of an element without elements.
std::optional<std::string_view> leaf(const pugi::xml_node& node);
/// "true", "false", "1", "0".
std::optional<bool> boolean(std::optional<std::string_view> text);
/// The one element of the document, if it has that name; the tree takes `tree` bytes at most. Of
/// attributes S3's documents have none of their own: others than XML's are malformed.
Result<pugi::xml_node> root_of(pugi::xml_document& document, std::string_view xml,
                               std::string_view name, size_t tree = kMaxXmlTree);
/// A Tag: Key and Value.
Result<std::pair<std::string, std::string>> read_tag(const pugi::xml_node& node);

}  // namespace forebay::gateway::s3
