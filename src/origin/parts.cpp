#include "origin/parts.h"

#include <string>

namespace forebay::origin {

namespace {

/// Clients may leave the quotes out.
std::string_view unquoted(const ETag& etag) {
  std::string_view text = etag.text();
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

}  // namespace

Result<std::vector<PartInfo>> choose_parts(const std::map<uint32_t, PartInfo>& there,
                                           const std::vector<CompletedPart>& asked,
                                           uint64_t min_part) {
  if (asked.empty()) return fail(Code::invalid, "no part is named", "MalformedXML");
  for (size_t i = 1; i < asked.size(); ++i) {
    if (asked[i].number <= asked[i - 1].number) {
      return fail(Code::invalid, "parts are not in ascending order", "InvalidPartOrder");
    }
  }
  std::vector<PartInfo> out;
  for (const CompletedPart& part : asked) {
    auto found = there.find(part.number);
    if (found == there.end() || unquoted(found->second.etag) != unquoted(part.etag)) {
      return fail(Code::invalid,
                  "part " + std::to_string(part.number) + " is missing or has another ETag",
                  "InvalidPart");
    }
    out.push_back(found->second);
  }
  for (size_t i = 0; i + 1 < out.size(); ++i) {
    if (out[i].size < min_part) {
      return fail(Code::invalid,
                  "part " + std::to_string(out[i].number) + " is below the smallest part",
                  "EntityTooSmall");
    }
  }
  return out;
}

}  // namespace forebay::origin
