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

ListUploadsAnswer page_uploads(const std::vector<UploadInfo>& sorted,
                               const ListUploadsOptions& options) {
  ListUploadsAnswer out;
  std::string last;
  for (const UploadInfo& info : sorted) {
    if (!info.key.starts_with(options.prefix) || info.key < options.key_marker) continue;
    // Without an id marker the marked key itself is done with; with one, its later uploads follow.
    bool same = info.key == options.key_marker;
    if (same && (options.upload_id_marker.empty() || info.upload_id <= options.upload_id_marker)) {
      continue;
    }
    std::string common;
    size_t at = options.delimiter.empty() ? std::string::npos
                                          : info.key.find(options.delimiter, options.prefix.size());
    if (at != std::string::npos) common = info.key.substr(0, at + options.delimiter.size());
    if (!common.empty() && (common <= options.key_marker || common == last)) continue;
    if (out.uploads.size() + out.prefixes.size() == options.max_uploads) {
      out.truncated = options.max_uploads > 0;
      return out;
    }
    last = common;
    out.next_key = common.empty() ? info.key : common;
    out.next_upload = common.empty() ? info.upload_id : "";
    if (common.empty()) {
      out.uploads.push_back(info);
    } else {
      out.prefixes.push_back(std::move(common));
    }
  }
  out.next_key.clear(), out.next_upload.clear();
  return out;
}

ListPartsAnswer page_parts(const std::map<uint32_t, PartInfo>& there, uint32_t part_marker,
                           uint32_t max_parts) {
  ListPartsAnswer out;
  for (auto at = there.upper_bound(part_marker); at != there.end(); ++at) {
    if (out.parts.size() == max_parts) {
      out.truncated = max_parts > 0;
      break;
    }
    out.parts.push_back(at->second);
    out.next_marker = at->first;
  }
  return out;
}

}  // namespace forebay::origin
