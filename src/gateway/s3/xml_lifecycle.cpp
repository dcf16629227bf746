// The document of PutBucketLifecycleConfiguration.
#include <algorithm>
#include <charconv>
#include <set>

#include "base/encoding.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/lifecycle.h"
#include "gateway/s3/tagging.h"
#include "gateway/s3/xml_nodes.h"

namespace forebay::gateway::s3 {

namespace {

using object::LifecycleFilter;
using object::LifecycleRule;

Error argument(std::string text) { return fail(Code::invalid, std::move(text), "InvalidArgument"); }
Error request(std::string text) { return fail(Code::invalid, std::move(text), "InvalidRequest"); }

std::optional<int64_t> whole_number(const pugi::xml_node& node) {
  auto text = leaf(node);
  int64_t number = 0;
  if (!text) return std::nullopt;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

Result<> read_days(const pugi::xml_node& node, std::string_view action,
                   std::optional<uint32_t>& to) {
  auto days = whole_number(node);
  if (!days || to || *days > kMaxLifecycleDays) return malformed();
  if (*days <= 0) {
    return argument("'" + std::string(local(node)) + "' for " + std::string(action) +
                    " action must be a positive integer");
  }
  to = static_cast<uint32_t>(*days);
  return ok;
}

Result<> read_date(const pugi::xml_node& node, std::optional<object::Day>& to) {
  auto text = leaf(node);
  auto when = text ? parse_iso8601(*text) : std::nullopt;
  if (!when || to) return malformed();
  to = object::day_of(*when);
  if (object::midnight(*to) != *when) return argument("'Date' must be at midnight GMT");
  return ok;
}

Result<> read_expiration(const pugi::xml_node& node, LifecycleRule& rule) {
  auto fields = elements(node);
  if (fields.size() != 1 || rule.days || rule.date || rule.lone_markers) return malformed();
  std::string_view name = local(fields[0]);
  if (name == "Days") return read_days(fields[0], "Expiration", rule.days);
  if (name == "Date") return read_date(fields[0], rule.date);
  if (name != "ExpiredObjectDeleteMarker") return malformed();
  rule.lone_markers = boolean(leaf(fields[0]));
  return rule.lone_markers ? Result<>(ok) : malformed();
}

Result<> read_noncurrent(const pugi::xml_node& node, LifecycleRule& rule) {
  if (rule.noncurrent_days) return malformed();
  for (pugi::xml_node field : elements(node)) {
    if (local(field) == "NoncurrentDays") {
      Result<> done = read_days(field, "NoncurrentVersionExpiration", rule.noncurrent_days);
      if (!done) return done;
      continue;
    }
    auto newer = whole_number(field);
    if (local(field) != "NewerNoncurrentVersions" || !newer || rule.newer_noncurrent) {
      return malformed();
    }
    if (*newer < 1 || *newer > kMaxNewerNoncurrent) {
      return argument("'NewerNoncurrentVersions' must be between 1 and 100");
    }
    rule.newer_noncurrent = static_cast<uint32_t>(*newer);
  }
  return rule.noncurrent_days ? Result<>(ok) : malformed();
}

Result<> read_abort(const pugi::xml_node& node, LifecycleRule& rule) {
  auto fields = elements(node);
  bool good = fields.size() == 1 && local(fields[0]) == "DaysAfterInitiation";
  if (!good) return malformed();
  return read_days(fields[0], "AbortIncompleteMultipartUpload", rule.abort_days);
}

Result<> read_size(const pugi::xml_node& node, std::optional<uint64_t>& to) {
  auto size = whole_number(node);
  if (!size || *size < 0 || to) return malformed();
  to = static_cast<uint64_t>(*size);
  return ok;
}

// One thing that a Filter, or the And in it, asks for.
Result<> read_predicate(const pugi::xml_node& node, LifecycleFilter& filter) {
  std::string_view name = local(node);
  if (name == "ObjectSizeGreaterThan") return read_size(node, filter.larger);
  if (name == "ObjectSizeLessThan") return read_size(node, filter.smaller);
  if (name == "Tag") {
    auto tag = read_tag(node);
    if (!tag) return std::move(tag.error());
    filter.tags.push_back(std::move(*tag));
    return ok;
  }
  auto text = leaf(node);
  if (name != "Prefix" || !text || filter.prefix) return malformed();
  filter.prefix = std::string(*text);
  return ok;
}

Result<> read_filter(const pugi::xml_node& node, LifecycleFilter& filter) {
  auto fields = elements(node);
  if (fields.size() > 1) return malformed();
  if (fields.empty()) return ok;
  if (local(fields[0]) != "And") return read_predicate(fields[0], filter);
  filter.form = LifecycleFilter::Form::all;
  auto all = elements(fields[0]);
  if (all.empty()) return malformed();
  for (pugi::xml_node one : all) {
    Result<> done = read_predicate(one, filter);
    if (!done) return done;
  }
  return ok;
}

Result<> check_filter(const LifecycleRule& rule) {
  const LifecycleFilter& filter = rule.filter;
  if (filter.begins().size() > kMaxLifecyclePrefix) {
    return request("The maximum size of a prefix is 1024.");
  }
  if (!is_utf8(filter.begins())) return malformed();
  if (Result<> good = check_tags(filter.tags, kMaxTags); !good) return good;
  if (filter.smaller && *filter.smaller <= filter.larger.value_or(0)) {
    return request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.");
  }
  if (filter.tags.empty() && !filter.sizes()) return ok;
  std::string by = filter.tags.empty() ? "object sizes." : "Tags.";
  if (rule.abort_days) {
    return request("AbortIncompleteMultipartUpload cannot be specified with " + by);
  }
  if (rule.lone_markers) {
    return request("ExpiredObjectDeleteMarker cannot be specified with " + by);
  }
  return ok;
}

Result<> check_rule(const LifecycleRule& rule) {
  if (rule.id.size() > kMaxLifecycleId) {
    return argument("ID length should not exceed allowed limit of 255");
  }
  if (!is_plain(rule.id)) return malformed();
  if (!rule.acts()) return request("At least one action needs to be specified in a rule.");
  if (rule.newer_noncurrent && rule.filter.form == LifecycleFilter::Form::rule) {
    return request("NewerNoncurrentVersions can only be specified in a rule with a Filter.");
  }
  return check_filter(rule);
}

// An element of a rule that is there once at most.
Result<> read_element(const pugi::xml_node& node, LifecycleRule& rule) {
  std::string_view name = local(node);
  if (name == "Filter") return read_filter(node, rule.filter);
  if (name == "Expiration") return read_expiration(node, rule);
  if (name == "NoncurrentVersionExpiration") return read_noncurrent(node, rule);
  if (name == "AbortIncompleteMultipartUpload") return read_abort(node, rule);
  auto text = leaf(node);
  if (!text) return malformed();
  if (name == "ID") {
    rule.id = *text;
  } else if (name == "Status" && (*text == "Enabled" || *text == "Disabled")) {
    rule.enabled = *text == "Enabled";
  } else if (name == "Prefix") {
    rule.filter.form = LifecycleFilter::Form::rule;
    rule.filter.prefix = std::string(*text);
  } else {
    return malformed();
  }
  return ok;
}

Result<LifecycleRule> read_rule(const pugi::xml_node& node) {
  LifecycleRule rule;
  std::set<std::string_view> named;
  if (local(node) != "Rule") return malformed();
  for (pugi::xml_node field : elements(node)) {
    std::string_view name = local(field);
    if (name == "Transition" || name == "NoncurrentVersionTransition") {
      return not_implemented("A lifecycle rule with " + std::string(name));
    }
    if (!named.insert(name).second) return malformed();
    Result<> done = read_element(field, rule);
    if (!done) return std::move(done.error());
  }
  // What it is about is said in one of two ways, and whether it holds in any case.
  bool about = named.contains("Filter") != named.contains("Prefix");
  if (!about || !named.contains("Status")) return malformed();
  Result<> good = check_rule(rule);
  if (!good) return std::move(good.error());
  return rule;
}

}  // namespace

Result<object::Lifecycle> parse_lifecycle(std::string_view xml) {
  pugi::xml_document document;
  auto root = root_of(document, xml, "LifecycleConfiguration", kMaxLifecycleTree);
  if (!root) return std::move(root.error());
  object::Lifecycle out;
  std::set<std::string> ids;
  for (pugi::xml_node node : elements(*root)) {
    auto rule = read_rule(node);
    if (!rule) return std::move(rule.error());
    if (!rule->id.empty() && !ids.insert(rule->id).second) {
      return argument("Rule ID must be unique. Found same ID for more than one rule");
    }
    out.rules.push_back(std::move(*rule));
  }
  if (out.rules.empty()) return malformed();
  if (out.rules.size() > kMaxLifecycleRules) {
    return argument("Lifecycle configuration allows a maximum of 1000 rules");
  }
  return out;
}

}  // namespace forebay::gateway::s3
