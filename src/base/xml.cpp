#include "base/xml.h"

#include <charconv>
#include <cstdint>

namespace forebay {

namespace {

// Whether what is behind "&#" is a reference to what is no character. pugixml counts modulo 2^32
// and ends the text at 0; what has no digits or no semicolon it leaves as the text it is.
bool names_nothing(std::string_view digits) {
  bool hex = digits.starts_with('x');
  if (hex) digits.remove_prefix(1);
  uint32_t value = 0;
  const char* last = digits.data() + digits.size();
  auto [end, error] = std::from_chars(digits.data(), last, value, hex ? 16 : 10);
  bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (error == std::errc::invalid_argument || end == last || *end != ';') return false;
  return error != std::errc() || value == 0 || value > 0x10ffff || surrogate;
}

// Inside of CDATA and comments a reference is only text; there they are refused as well, which
// costs a key like "&#0;" its CDATA, and spares us a second reader of XML.
bool references_are_good(std::string_view xml) {
  for (size_t at = xml.find("&#"); at != xml.npos; at = xml.find("&#", at + 2)) {
    if (names_nothing(xml.substr(at + 2))) return false;
  }
  return true;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

bool load_xml(pugi::xml_document& document, std::string_view xml) {
  if (xml.find('\0') != xml.npos || !references_are_good(xml)) return false;
  // As a fragment, because only then what is beside the root is there to be seen.
  auto flags =
      pugi::parse_default | pugi::parse_ws_pcdata | pugi::parse_doctype | pugi::parse_fragment;
  if (!document.load_buffer(xml.data(), xml.size(), flags)) return false;
  size_t roots = 0;
  for (const pugi::xml_node& node : document.children()) {
    bool blank = node.type() == pugi::node_pcdata && is_blank(node.value());
    if (node.type() == pugi::node_element) {
      ++roots;
    } else if (!blank) {
      return false;
    }
  }
  return roots == 1;
}

}  // namespace forebay
