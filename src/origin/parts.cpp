#include "origin/parts.h"

#include <iterator>
#include <string>

#include "base/encoding.h"
#include "base/hash.h"
#include "origin/tags.h"

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

void LeastUploads::offer(UploadInfo info) {
  const ListUploadsOptions& asked = options_;
  if (!info.key.starts_with(asked.prefix) || info.key < asked.key_marker) return;
  // Without an id marker the marked key itself is done with; with one, its later uploads follow.
  bool same = info.key == asked.key_marker;
  if (same && (asked.upload_id_marker.empty() || info.upload_id <= asked.upload_id_marker)) return;
  size_t at = asked.delimiter.empty() ? std::string::npos
                                      : info.key.find(asked.delimiter, asked.prefix.size());
  Name name(info.key, info.upload_id);
  std::optional<UploadInfo> listed;
  if (at == std::string::npos) {
    listed = std::move(info);
  } else {
    name = Name(info.key.substr(0, at + asked.delimiter.size()), "");
    if (name.first <= asked.key_marker) return;
  }
  least_.try_emplace(std::move(name), std::move(listed));
  // One more than the page tells that it goes on.
  if (least_.size() > asked.max_uploads + size_t{1}) least_.erase(std::prev(least_.end()));
}

ListUploadsAnswer LeastUploads::page() {
  ListUploadsAnswer out;
  for (auto& [name, info] : least_) {
    if (out.uploads.size() + out.prefixes.size() == options_.max_uploads) {
      out.truncated = options_.max_uploads > 0;
      return out;
    }
    out.next_key = name.first;
    out.next_upload = name.second;
    if (info) {
      out.uploads.push_back(std::move(*info));
    } else {
      out.prefixes.push_back(name.first);
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

Result<ETag> etag_of_parts(const std::vector<PartInfo>& parts) {
  std::string digests;
  for (const PartInfo& part : parts) {
    auto raw = from_hex(unquoted(part.etag));
    if (!raw || raw->size() != 16) {
      return fail(Code::corrupt, "the record of a part is lost", "InvalidPart");
    }
    digests += *raw;
  }
  return multipart_etag(digests);
}

std::string completion_fingerprint(const std::vector<CompletedPart>& asked,
                                   const PutOptions& options) {
  Sha256 sum;
  auto line = [&](const std::string& name, const std::string& value) {
    sum.update(as_bytes(name + ' ' + value + '\n'));
  };
  for (const CompletedPart& part : asked) {
    line(std::to_string(part.number), part.etag.text());
    for (const auto& [header, value] : part.checksums) line(header, value);
  }
  // Behind the parts: a checksum of the last one must not look like one of the whole.
  if (!options.checksums.empty()) line("whole", "");
  for (const auto& [header, value] : options.checksums) line(header, value);
  if (options.size) line("size", std::to_string(*options.size));
  if (options.conditions.if_none_match_any) line("if-none-match", "*");
  if (!options.conditions.if_match.empty()) line("if-match", options.conditions.if_match.text());
  return to_hex(sum.finish());
}

}  // namespace forebay::origin
