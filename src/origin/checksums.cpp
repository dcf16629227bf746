#include "origin/checksums.h"

#include <algorithm>
#include <string>

#include "base/encoding.h"

namespace forebay::origin {

namespace {

/// Whether the checksum of a whole follows from those of its parts and their sizes.
bool linear(ChecksumKind kind) {
  return kind == ChecksumKind::crc32 || kind == ChecksumKind::crc32c ||
         kind == ChecksumKind::crc64nvme;
}

bool allowed(ChecksumKind kind, ChecksumType type) {
  if (type == ChecksumType::full_object) return linear(kind);
  return kind != ChecksumKind::crc64nvme;
}

Error invalid_request(std::string text) {
  return fail(Code::invalid, std::move(text), "InvalidRequest");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string known_kinds() {
  std::string out;
  for (ChecksumKind kind : kAllChecksumKinds) {
    out += (out.empty() ? "" : ", ") + std::string(name(kind));
  }
  return out;
}

const std::string* find(const Fields& checksums, ChecksumKind kind) {
  auto found = checksums.find(std::string(header_name(kind)));
  return found == checksums.end() ? nullptr : &found->second;
}

/// The raw checksum of a whole made of these parts; nothing when one of them has none.
std::optional<std::string> reckon(const ChecksumPlan& plan, const std::vector<PartInfo>& parts) {
  auto composite = Checksum::make(plan.kind);
  std::string full = composite->digest();  // of no bytes
  for (const PartInfo& part : parts) {
    const std::string* text = find(part.checksums, plan.kind);
    auto raw = text == nullptr ? std::nullopt : from_base64(*text);
    if (!raw) return std::nullopt;
    if (plan.type == ChecksumType::composite) {
      composite->update(as_bytes(*raw));
      continue;
    }
    auto combined = combine_checksums(plan.kind, full, *raw, part.size);
    if (!combined) return std::nullopt;
    full = std::move(*combined);
  }
  return plan.type == ChecksumType::composite ? composite->digest() : full;
}

Result<> check_asked_part(const std::optional<ChecksumPlan>& plan, const CompletedPart& asked,
                          const PartInfo& chosen) {
  for (ChecksumKind kind : kAllChecksumKinds) {
    const std::string* said = find(asked.checksums, kind);
    if (said == nullptr) continue;
    const std::string* there = find(chosen.checksums, kind);
    if (there != nullptr && *there == *said) continue;
    return fail(Code::invalid,
                "part " + std::to_string(asked.number) + " has another " + std::string(name(kind)) +
                    " checksum, or none",
                "InvalidPart");
  }
  if (!plan || plan->type != ChecksumType::composite) return ok;
  if (find(asked.checksums, plan->kind) != nullptr) return ok;
  return invalid_request("The upload was created using a " + lower(name(plan->kind)) +
                         " checksum. The complete request must include the checksum for each "
                         "part. It was missing for part " +
                         std::to_string(asked.number) + " in the request.");
}

Result<> check_whole(const Fields& said, const Fields& whole) {
  for (const auto& [header, value] : said) {
    auto there = whole.find(header);
    if (there != whole.end() && there->second == value) continue;
    // S3 gives such a whole one of its own, of all bytes; so a client may call it that.
    bool told_type = header == kChecksumTypeHeader;
    if (whole.empty() && told_type && value == name(ChecksumType::full_object)) continue;
    if (whole.empty() && !told_type) {
      return invalid_request(
          "The upload was created without a checksum algorithm: there is "
          "nothing to compare " +
          header + " with.");
    }
    return fail(Code::invalid, "The " + header + " you specified did not match what was computed.",
                "BadDigest");
  }
  return ok;
}

}  // namespace

std::string_view name(ChecksumType type) {
  return type == ChecksumType::composite ? "COMPOSITE" : "FULL_OBJECT";
}

std::optional<ChecksumType> parse_checksum_type(std::string_view text) {
  for (ChecksumType type : {ChecksumType::composite, ChecksumType::full_object}) {
    if (lower(text) == lower(name(type))) return type;
  }
  return std::nullopt;
}

Result<std::optional<ChecksumPlan>> plan_checksums(std::optional<std::string_view> algorithm,
                                                   std::optional<std::string_view> type) {
  if (!algorithm) {
    if (!type) return std::nullopt;
    return invalid_request(
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
        "header.");
  }
  auto kind = parse_checksum_kind(*algorithm);
  if (!kind) {
    return invalid_request(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid "
        "types: [" +
        known_kinds() + "]");
  }
  bool only_full = *kind == ChecksumKind::crc64nvme;
  ChecksumPlan plan{*kind, only_full ? ChecksumType::full_object : ChecksumType::composite};
  if (type) {
    auto parsed = parse_checksum_type(*type);
    if (!parsed) return invalid_request("Value for x-amz-checksum-type header is invalid.");
    plan.type = *parsed;
  }
  if (allowed(plan.kind, plan.type)) return plan;
  return invalid_request("The " + std::string(name(plan.type)) +
                         " checksum type cannot be used with the " + lower(name(plan.kind)) +
                         " checksum algorithm.");
}

void PlanSeen::add(std::string_view header, std::string_view value) {
  constexpr std::string_view kPrefix = "x-amz-checksum-";
  if (header == kChecksumTypeHeader) {
    told_ = parse_checksum_type(value);
  } else if (!kind_ && header.starts_with(kPrefix)) {
    kind_ = parse_checksum_kind(header.substr(kPrefix.size()));
    // "…-N" is of parts; base64 has no such sign.
    parts_ = value.find('-') != std::string_view::npos;
  }
}

std::optional<ChecksumPlan> PlanSeen::plan() const {
  if (!kind_) return std::nullopt;
  ChecksumType seen = parts_ ? ChecksumType::composite : ChecksumType::full_object;
  return ChecksumPlan{*kind_, told_.value_or(seen)};
}

std::optional<ChecksumPlan> plan_of(const Fields& checksums) {
  PlanSeen seen;
  for (const auto& [header, value] : checksums) seen.add(header, value);
  return seen.plan();
}

Result<> check_part(const std::optional<ChecksumPlan>& plan, const Fields& checksums,
                    std::string_view trailing) {
  if (!plan) return ok;
  for (ChecksumKind kind : kAllChecksumKinds) {
    if (kind == plan->kind) continue;
    if (find(checksums, kind) == nullptr && trailing != header_name(kind)) continue;
    return invalid_request(
        "Checksum Type mismatch occurred, expected checksum Type: " + lower(name(plan->kind)) +
        ", actual checksum Type: " + lower(name(kind)));
  }
  return ok;
}

MissingChecksum missing_checksum(const std::optional<ChecksumPlan>& plan,
                                 const PutOptions& options) {
  if (!plan) return {};
  std::string header(header_name(plan->kind));
  if (options.checksums.contains(header) || options.trailing_name == header) return {};
  return {std::move(header), Checksum::make(plan->kind)};
}

Fields checksums_of_whole(const std::optional<ChecksumPlan>& plan,
                          const std::vector<PartInfo>& parts) {
  Fields out;
  if (!plan || parts.empty()) return out;
  auto raw = reckon(*plan, parts);
  if (!raw) return out;
  std::string text = to_base64(as_bytes(*raw));
  if (plan->type == ChecksumType::composite) text += "-" + std::to_string(parts.size());
  out[std::string(header_name(plan->kind))] = std::move(text);
  out[std::string(kChecksumTypeHeader)] = name(plan->type);
  return out;
}

Result<> check_completion(const std::optional<ChecksumPlan>& plan,
                          const std::vector<CompletedPart>& asked,
                          const std::vector<PartInfo>& chosen, const PutOptions& options,
                          const Fields& whole) {
  uint64_t size = 0;
  for (size_t i = 0; i < asked.size() && i < chosen.size(); ++i) {
    // As an origin told them: a sum that wraps could be what the client says.
    if (chosen[i].size > kMaxObjectBytes - size) {
      return fail(Code::too_large, "the parts are larger than any object", "EntityTooLarge");
    }
    size += chosen[i].size;
    Result<> part = check_asked_part(plan, asked[i], chosen[i]);
    if (!part) return part;
  }
  if (options.size && *options.size != size) {
    return invalid_request("The provided 'x-amz-mp-object-size' header value " +
                           std::to_string(*options.size) +
                           " does not match what was computed: " + std::to_string(size));
  }
  return check_whole(options.checksums, whole);
}

}  // namespace forebay::origin
