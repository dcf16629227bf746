#include "gateway/s3/xml.h"

#include <pugixml.hpp>

#include "base/encoding.h"

namespace forebay::gateway::s3 {

struct Xml::Document {
  pugi::xml_document xml;
  pugi::xml_node at;
};

namespace {

// Of what XML cannot hold (`good`: no more than a NUL).
std::string made_readable(std::string_view text, bool good) {
  std::string out;
  for (char c : text) {
    bool kept = c != '\0' && (good || static_cast<unsigned char>(c) < 0x80);
    if (kept) {
      out += c;
    } else {
      out += "\xef\xbf\xbd";
    }
  }
  return out;
}

// A carriage return that stands as such is read as a line feed (XML 1.0 section 2.11), and a key
// with one as another key. pugixml leaves it.
std::string with_returns(std::string text) {
  if (text.find('\r') == text.npos) return text;
  std::string out;
  for (char c : text) {
    if (c == '\r') {
      out += "&#13;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

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
  auto element = document_->at.append_child(std::string(name).c_str()).text();
  bool good = is_utf8(value);
  if (good && value.find('\0') == value.npos) {
    element.set(value.data(), value.size());
  } else {
    std::string shown = made_readable(value, good);
    element.set(shown.data(), shown.size());
  }
  return *this;
}

Xml& Xml::number(std::string_view name, uint64_t value) {
  return text(name, std::to_string(value));
}

Xml& Xml::boolean(std::string_view name, bool value) {
  return text(name, value ? "true" : "false");
}

Xml& Xml::grantee(std::string_view id) {
  open("Grantee");
  document_->at.append_attribute("xmlns:xsi") = "http://www.w3.org/2001/XMLSchema-instance";
  document_->at.append_attribute("xsi:type") = "CanonicalUser";
  return text("ID", id).text("DisplayName", id).close();
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
  struct Writer final : pugi::xml_writer {
    std::string out;
    void write(const void* data, size_t size) override {
      out.append(static_cast<const char*>(data), size);
    }
  } writer;
  document_->xml.save(writer, "", pugi::format_raw);
  return with_returns(std::move(writer.out));
}

http::Response Xml::response(int status) const {
  return http::Response::text(status, "application/xml", str());
}

void write_checksums(Xml& xml, const origin::Fields& checksums) {
  for (ChecksumKind kind : kAllChecksumKinds) {
    auto found = checksums.find(std::string(header_name(kind)));
    if (found != checksums.end()) xml.text("Checksum" + std::string(name(kind)), found->second);
  }
}

}  // namespace forebay::gateway::s3
