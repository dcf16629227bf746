#include "gateway/s3/xml_nodes.h"

#include <algorithm>

#include "base/xml.h"
#include "http/message.h"

namespace forebay::gateway::s3 {

Error malformed() {
  return fail(Code::invalid,
              "The XML you provided was not well-formed or did not validate against our published "
              "schema",
              "MalformedXML");
}

std::string_view local(const pugi::xml_node& node) {
  std::string_view name = node.name();
  size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_text(const pugi::xml_node& node) {
  return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}

}  // namespace

std::vector<pugi::xml_node> elements(const pugi::xml_node& node) {
  std::vector<pugi::xml_node> out;
  for (pugi::xml_node child : node.children()) {
    bool stray = is_text(child) && !is_blank(child.value());
    if (stray || child.type() == pugi::node_element) out.push_back(child);
  }
  return out;
}

std::optional<std::string_view> leaf(const pugi::xml_node& node) {
  bool inner = node.find_child([](auto child) { return child.type() == pugi::node_element; });
  if (inner) return std::nullopt;
  return node.text().get();
}

std::optional<bool> boolean(std::optional<std::string_view> text) {
  if (!text) return std::nullopt;
  if (http::same_name(*text, "true") || *text == "1") return true;
  if (http::same_name(*text, "false") || *text == "0") return false;
  return std::nullopt;
}

namespace {

// xmlns, xmlns:prefix, xml:…, xsi:…
bool has_xmls_attributes(const pugi::xml_node& element) {
  constexpr std::string_view kOfXml[] = {"xmlns:", "xml:", "xsi:"};
  return std::ranges::all_of(element.attributes(), [&](const pugi::xml_attribute& attribute) {
    std::string_view name = attribute.name();
    return name == "xmlns" || std::ranges::any_of(kOfXml, [&](std::string_view prefix) {
             return name.starts_with(prefix);
           });
  });
}

// Makes one text of the pieces that CDATA sections and comments leave; xml_node::text() knows only
// the first. False: text beside elements or an attribute, which S3's documents never have.
// S3's documents are four elements deep; more would only cost us stack.
bool join_text(pugi::xml_node element, int depth = 8) {
  std::string whole;
  size_t pieces = 0;
  bool inner = false;
  if (!has_xmls_attributes(element)) return false;
  for (pugi::xml_node node : element.children()) {
    if (node.type() == pugi::node_element) {
      inner = true;
      if (depth == 0 || !join_text(node, depth - 1)) return false;
    } else if (is_text(node)) {
      whole += node.value();
      ++pieces;
    }
  }
  if (inner) return is_blank(whole);
  if (pieces > 1) {
    element.remove_children();
    element.append_child(pugi::node_pcdata).set_value(whole.c_str());
  }
  return true;
}

}  // namespace

Result<pugi::xml_node> root_of(pugi::xml_document& document, std::string_view xml,
                               std::string_view name, size_t tree) {
  if (!load_xml(document, xml, tree)) return malformed();
  pugi::xml_node root = document.document_element();
  if (local(root) != name || !join_text(root)) return malformed();
  return root;
}

Result<std::pair<std::string, std::string>> read_tag(const pugi::xml_node& node) {
  std::optional<std::string> name, value;
  if (local(node) != "Tag") return malformed();
  for (pugi::xml_node field : elements(node)) {
    auto text = leaf(field);
    auto& taken = local(field) == "Key" ? name : value;
    bool known = local(field) == "Key" || local(field) == "Value";
    if (!known || !text || taken) return malformed();
    taken = std::string(*text);
  }
  if (!name || !value) return malformed();
  return std::pair(std::move(*name), std::move(*value));
}

}  // namespace forebay::gateway::s3
