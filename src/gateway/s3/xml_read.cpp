// The documents that clients send. What is not exactly one of S3's is malformed.
#include <algorithm>
#include <charconv>
#include <optional>
#include <pugixml.hpp>
#include <utility>

#include "gateway/s3/access.h"
#include "gateway/s3/cors.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/tagging.h"
#include "gateway/s3/xml.h"
#include "gateway/s3/xml_nodes.h"

namespace forebay::gateway::s3 {

namespace {

Result<DeleteRequest::Item> read_item(const pugi::xml_node& node) {
  std::optional<std::string> key, version, etag;
  for (pugi::xml_node field : elements(node)) {
    std::string_view name = local(field);
    if (name == "Size" || name == "LastModifiedTime") {
      return not_implemented("A delete on the condition of " + std::string(name));
    }
    auto value = leaf(field);
    auto& taken = name == "Key" ? key : name == "ETag" ? etag : version;
    bool known = name == "Key" || name == "ETag" || name == "VersionId";
    if (!known || !value || taken) return malformed();
    taken = std::string(*value);
  }
  if (!key || key->empty()) return malformed();
  return DeleteRequest::Item{std::move(*key), std::move(version), std::move(etag)};
}

}  // namespace

Result<std::string> parse_create_bucket(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "CreateBucketConfiguration");
  if (!root) return std::move(root.error());
  std::optional<std::string> place;
  for (pugi::xml_node node : elements(*root)) {
    std::string_view name = local(node);
    if (name == "Location" || name == "Bucket" || name == "Tags") {
      return not_implemented("A bucket with " + std::string(name));
    }
    auto value = leaf(node);
    if (name != "LocationConstraint" || !value || place) return malformed();
    place = std::string(*value);
  }
  return std::move(place).value_or("");
}

Result<origin::Versioning> parse_versioning(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "VersioningConfiguration");
  if (!root) return std::move(root.error());
  std::optional<origin::Versioning> to;
  bool told = false;
  for (pugi::xml_node node : elements(*root)) {
    auto value = leaf(node);
    if (local(node) == "MfaDelete" && value == "Enabled") {
      return not_implemented("Deleting with MFA only");
    }
    if (local(node) == "MfaDelete" && value == "Disabled" && !std::exchange(told, true)) continue;
    bool enabled = value == "Enabled";
    if (local(node) != "Status" || to || (!enabled && value != "Suspended")) return malformed();
    to = enabled ? origin::Versioning::enabled : origin::Versioning::suspended;
  }
  if (!to) return malformed();
  return *to;
}

Result<DeleteRequest> parse_delete(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "Delete");
  if (!root) return std::move(root.error());
  DeleteRequest request;
  bool told = false;
  for (pugi::xml_node node : elements(*root)) {
    if (local(node) == "Quiet") {
      auto quiet = boolean(leaf(node));
      if (!quiet || told) return malformed();
      told = true;
      request.quiet = *quiet;
    } else if (local(node) == "Object") {
      auto item = read_item(node);
      if (!item) return std::move(item.error());
      request.items.push_back(std::move(*item));
    } else {
      return malformed();
    }
  }
  if (request.items.empty() || request.items.size() > 1000) return malformed();
  return request;
}

namespace {

// Who an Owner or a Grantee is.
std::optional<std::string> read_who(const pugi::xml_node& node) {
  std::optional<std::string> who, shown;
  for (pugi::xml_node field : elements(node)) {
    std::string_view name = local(field);
    auto value = leaf(field);
    bool names = name == "ID" || name == "EmailAddress" || name == "URI";
    auto& taken = names ? who : shown;
    if ((!names && name != "DisplayName") || !value || taken) return std::nullopt;
    taken = std::string(*value);
  }
  return who;
}

Result<std::pair<std::string, std::string>> read_grant(const pugi::xml_node& node) {
  std::optional<std::string> grantee, permission;
  if (local(node) != "Grant") return malformed();
  for (pugi::xml_node field : elements(node)) {
    if (local(field) == "Permission") {
      auto value = leaf(field);
      if (!value || permission) return malformed();
      permission = std::string(*value);
      continue;
    }
    if (local(field) != "Grantee" || grantee) return malformed();
    grantee = read_who(field);
    if (!grantee) return malformed();
  }
  if (!grantee || !permission) return malformed();
  return std::pair(std::move(*grantee), std::move(*permission));
}

}  // namespace

Result<AccessPolicy> parse_acl(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "AccessControlPolicy");
  if (!root) return std::move(root.error());
  AccessPolicy policy;
  size_t lists = 0;
  for (pugi::xml_node node : elements(*root)) {
    if (local(node) == "Owner" && !policy.owner) {
      policy.owner = read_who(node);
      if (!policy.owner) return malformed();
      continue;
    }
    if (local(node) != "AccessControlList" || ++lists > 1) return malformed();
    for (pugi::xml_node one : elements(node)) {
      auto grant = read_grant(one);
      if (!grant) return std::move(grant.error());
      policy.grants.push_back(std::move(*grant));
    }
  }
  if (lists != 1) return malformed();
  return policy;
}

Result<std::string> parse_ownership(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "OwnershipControls");
  if (!root) return std::move(root.error());
  auto rules = elements(*root);
  if (rules.size() != 1 || local(rules[0]) != "Rule") return malformed();
  auto fields = elements(rules[0]);
  if (fields.size() != 1 || local(fields[0]) != "ObjectOwnership") return malformed();
  auto value = leaf(fields[0]);
  bool known = value && (*value == "BucketOwnerEnforced" || *value == "BucketOwnerPreferred" ||
                         *value == "ObjectWriter");
  if (!known) return malformed();
  return std::string(*value);
}

Result<std::map<std::string, bool, std::less<>>> parse_public_access_block(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "PublicAccessBlockConfiguration");
  if (!root) return std::move(root.error());
  std::map<std::string, bool, std::less<>> blocks;
  for (pugi::xml_node node : elements(*root)) {
    std::string_view name = local(node);
    auto value = boolean(leaf(node));
    bool known = std::ranges::find(kPublicAccessBlocks, name) != kPublicAccessBlocks.end();
    if (!known || !value || !blocks.emplace(name, *value).second) return malformed();
  }
  return blocks;
}

Result<origin::TagSet> parse_tagging(std::string_view xml, size_t most) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "Tagging");
  if (!root) return std::move(root.error());
  auto sets = elements(*root);
  if (sets.size() != 1 || local(sets[0]) != "TagSet") return malformed();
  origin::TagSet tags;
  for (pugi::xml_node node : elements(sets[0])) {
    auto tag = read_tag(node);
    if (!tag) return std::move(tag.error());
    tags.push_back(std::move(*tag));
  }
  Result<> good = check_tags(tags, most);
  if (!good) return std::move(good.error());
  return tags;
}

namespace {

Result<object::CorsRule> read_cors_rule(const pugi::xml_node& node) {
  object::CorsRule rule;
  bool named = false;
  if (local(node) != "CORSRule") return malformed();
  for (pugi::xml_node field : elements(node)) {
    std::string_view element = local(field);
    auto value = leaf(field);
    if (!value) return malformed();
    if (element == "AllowedOrigin") {
      rule.origins.emplace_back(*value);
    } else if (element == "AllowedMethod") {
      rule.methods.emplace_back(*value);
    } else if (element == "AllowedHeader") {
      rule.headers.emplace_back(*value);
    } else if (element == "ExposeHeader") {
      rule.exposed.emplace_back(*value);
    } else if (element == "ID" && !named) {
      named = true;
      rule.id = *value;
    } else if (element == "MaxAgeSeconds" && !rule.max_age) {
      uint32_t seconds = 0;
      auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
      if (error != std::errc() || end != value->data() + value->size()) return malformed();
      rule.max_age = seconds;
    } else {
      return malformed();
    }
  }
  if (rule.origins.empty() || rule.methods.empty()) return malformed();
  return rule;
}

}  // namespace

Result<object::CorsRules> parse_cors(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "CORSConfiguration");
  if (!root) return std::move(root.error());
  object::CorsRules rules;
  for (pugi::xml_node node : elements(*root)) {
    auto rule = read_cors_rule(node);
    if (!rule) return std::move(rule.error());
    rules.push_back(std::move(*rule));
  }
  if (rules.empty() || rules.size() > kMaxCorsRules) return malformed();
  Result<> good = check_cors(rules);
  if (!good) return std::move(good.error());
  return rules;
}

namespace {

// One part as completion names it: what is said twice, or is not understood, is not guessed at.
Result<origin::CompletedPart> read_part(const pugi::xml_node& node) {
  origin::CompletedPart part;
  for (pugi::xml_node field : elements(node)) {
    std::string_view element = local(field);
    auto value = leaf(field);
    if (!value) return malformed();
    if (element == "PartNumber" && part.number == 0) {
      auto [end, error] =
          std::from_chars(value->data(), value->data() + value->size(), part.number);
      if (error != std::errc() || end != value->data() + value->size()) return malformed();
      if (part.number == 0 || part.number > 10'000) return malformed();
    } else if (element == "ETag" && part.etag.empty()) {
      bool quoted = value->starts_with('"');
      part.etag = ETag(quoted ? std::string(*value) : "\"" + std::string(*value) + "\"");
    } else if (element.starts_with("Checksum")) {
      auto kind = parse_checksum_kind(element.substr(8));
      if (!kind || element.substr(8) != name(*kind)) return malformed();
      if (!part.checksums.emplace(header_name(*kind), *value).second) return malformed();
    } else {
      return malformed();
    }
  }
  if (part.number == 0 || part.etag.empty()) return malformed();
  return part;
}

}  // namespace

Result<std::vector<origin::CompletedPart>> parse_complete(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "CompleteMultipartUpload", kMaxCompleteTree);
  if (!root) return std::move(root.error());
  std::vector<origin::CompletedPart> parts;
  for (pugi::xml_node node : elements(*root)) {
    if (local(node) != "Part") return malformed();
    auto part = read_part(node);
    if (!part) return std::move(part.error());
    if (!parts.empty() && part->number <= parts.back().number) {
      return fail(Code::invalid,
                  "The list of parts was not in ascending order. The parts list must be specified "
                  "in order by part number.",
                  "InvalidPartOrder");
    }
    parts.push_back(std::move(*part));
  }
  if (parts.empty() || parts.size() > 10'000) return malformed();
  return parts;
}

}  // namespace forebay::gateway::s3
