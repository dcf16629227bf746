#include "base/xml.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>

namespace forebay {

namespace {

// What pugixml may still allocate on this thread. It asks through functions that are the whole
// process's, for the documents we write, too: those have no bound.
thread_local size_t room = std::numeric_limits<size_t>::max();

void* allocate(size_t size) {
  if (size > room) return nullptr;
  room -= size;
  return std::malloc(size);
}

// Before there are threads.
[[maybe_unused]] const bool installed = [] {
  pugi::set_memory_management_functions(allocate, std::free);
  return true;
}();

// While it lives this thread's allocations are `bytes` at most, in all.
class Budget {
 public:
  explicit Budget(size_t bytes) : before_(std::exchange(room, bytes)) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  ~Budget() { room = before_; }

 private:
  size_t before_;
};

constexpr auto kFlags =
    pugi::parse_default | pugi::parse_ws_pcdata | pugi::parse_doctype | pugi::parse_fragment;

// A character's number as it stands between "&#" and ";". Control characters may be
// referred to, as in XML 1.1: S3 and we write those of a key so.
bool names_character(std::string_view digits) {
  bool hex = digits.starts_with('x');
  if (hex) digits.remove_prefix(1);
  uint32_t value = 0;
  const char* last = digits.data() + digits.size();
  auto [end, error] = std::from_chars(digits.data(), last, value, hex ? 16 : 10);
  if (error != std::errc() || end != last) return false;
  bool surrogate = value >= 0xd800 && value <= 0xdfff;
  return value != 0 && value <= 0x10ffff && !surrogate && value != 0xfffe && value != 0xffff;
}

// pugixml leaves as text what it does not know, counts modulo 2^32 and ends the text at 0.
bool references_are_good(std::string_view text) {
  for (size_t at = text.find('&'); at != text.npos; at = text.find('&', at + 1)) {
    size_t end = text.find(';', at);
    if (end == text.npos) return false;
    std::string_view name = text.substr(at + 1, end - at - 1);
    bool known = name.starts_with('#') ? names_character(name.substr(1))
                                       : name == "amp" || name == "lt" || name == "gt" ||
                                             name == "quot" || name == "apos";
    if (!known) return false;
  }
  return true;
}

// Looks at texts and attributes as they were written.
class Witness final : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node& node) override {
    bool good = node.type() != pugi::node_pcdata || references_are_good(node.value());
    for (const pugi::xml_attribute& one : node.attributes()) {
      good = good && references_are_good(one.value());
    }
    return good;
  }
};

// Read once more without replacing anything: only the parser knows where CDATA and comments are,
// in which an '&' is an '&'.
bool refers_well(std::string_view xml) {
  if (xml.find('&') == xml.npos) return true;
  pugi::xml_document raw;
  if (!raw.load_buffer(xml.data(), xml.size(), kFlags & ~pugi::parse_escapes)) return false;
  Witness witness;
  return raw.traverse(witness);
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

bool load_xml(pugi::xml_document& document, std::string_view xml, size_t tree) {
  // One of them at a time: a copy of the text with a byte behind it, and the tree.
  size_t most = tree + xml.size() + 1;
  {
    Budget budget(most);
    if (xml.find('\0') != xml.npos || !refers_well(xml)) return false;
  }
  Budget budget(most);
  // As a fragment, because only then what is beside the root is there to be seen.
  if (!document.load_buffer(xml.data(), xml.size(), kFlags)) return false;
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

std::string save_xml(const pugi::xml_document& document) {
  struct Writer final : pugi::xml_writer {
    std::string out;
    void write(const void* data, size_t size) override {
      out.append(static_cast<const char*>(data), size);
    }
  } writer;
  document.save(writer, "", pugi::format_raw | pugi::format_no_declaration);
  return std::move(writer.out);
}

}  // namespace forebay
