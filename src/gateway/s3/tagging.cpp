#include "gateway/s3/tagging.h"

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "gateway/s3/document.h"
#include "http/message.h"

namespace forebay::gateway::s3 {

namespace {

Error invalid_tag(std::string text) { return fail(Code::invalid, std::move(text), "InvalidTag"); }

Error bad_header() {
  return fail(Code::invalid,
              "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
              "parameters without tag name duplicates.",
              "InvalidArgument");
}

bool allowed(char c) {
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  // Beyond ASCII S3 takes letters, digits and blanks of any script; which those are is not judged.
  return letter || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view(" +-=._:/@").find(c) != std::string_view::npos;
}

bool good_text(std::string_view text, size_t most) {
  auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return is_utf8(text) && std::ranges::all_of(text, allowed) &&
         static_cast<size_t>(std::ranges::count_if(text, begins)) <= most;
}

bool is_reserved(std::string_view name) { return http::same_name(name.substr(0, 4), "aws:"); }

}  // namespace

Result<> check_tags(const origin::TagSet& tags, size_t most) {
  if (tags.size() > most) {
    return fail(Code::invalid, "There cannot be more than " + std::to_string(most) + " tags",
                "BadRequest");
  }
  std::set<std::string_view> names;
  for (const auto& [name, value] : tags) {
    if (name.empty() || !good_text(name, kMaxTagName)) {
      return invalid_tag("The TagKey you have provided is invalid");
    }
    if (!good_text(value, kMaxTagValue)) {
      return invalid_tag("The TagValue you have provided is invalid");
    }
    if (is_reserved(name)) {
      return invalid_tag("System tags cannot be added/updated by requester");
    }
    if (!names.insert(name).second) {
      return invalid_tag("Cannot provide multiple Tags with the same key");
    }
  }
  return ok;
}

Result<origin::TagSet> parse_tagging_header(std::string_view header) {
  origin::TagSet tags;
  while (!header.empty()) {
    std::string_view one = header.substr(0, header.find('&'));
    header.remove_prefix(std::min(header.size(), one.size() + 1));
    size_t equals = one.find('=');
    auto name = percent_decode(one.substr(0, equals), true);
    bool valued = equals != std::string_view::npos;
    auto value = percent_decode(valued ? one.substr(equals + 1) : "", true);
    if (!name || !value || name->empty()) return bad_header();
    for (const auto& before : tags) {
      if (before.first == *name) return bad_header();
    }
    tags.emplace_back(std::move(*name), std::move(*value));
    if (tags.size() > kMaxTags) break;  // refused below
  }
  Result<> good = check_tags(tags, kMaxTags);
  if (!good) return std::move(good.error());
  return tags;
}

Result<http::Response> tagging_response(Call& call, const origin::TagSet& tags) {
  Xml xml("Tagging");
  xml.open("TagSet");
  for (const auto& [name, value] : tags) {
    xml.open("Tag").text("Key", name).text("Value", value).close();
  }
  return document(call, xml);
}

}  // namespace forebay::gateway::s3
