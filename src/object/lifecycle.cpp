#include "object/lifecycle.h"

#include <algorithm>
#include <limits>

namespace forebay::object {

namespace {

constexpr int64_t kDayNs = 24LL * 3600 * 1'000'000'000;
constexpr Day kFirstDay = std::numeric_limits<int64_t>::min() / kDayNs;
constexpr Day kLastDay = std::numeric_limits<int64_t>::max() / kDayNs;

// Whether all that a filter says of tags and sizes is so.
bool meets(const LifecycleFilter& filter, const Aging& version) {
  if (!version.key.starts_with(filter.begins())) return false;
  if (version.marker) return filter.tags.empty() && !filter.sizes();
  if (filter.larger && version.size <= *filter.larger) return false;
  if (filter.smaller && version.size >= *filter.smaller) return false;
  return std::ranges::all_of(filter.tags, [&](const auto& tag) {
    return version.tags != nullptr && std::ranges::find(*version.tags, tag) != version.tags->end();
  });
}

// Keeps the earliest; of equal ones the first rule's.
void offer(std::optional<Ending>& first, Day day, const LifecycleRule& rule) {
  if (!first || day < first->day) first = Ending{day, &rule};
}

template <class Wants>
std::vector<std::string> prefixes(const Lifecycle& lifecycle, Wants wants) {
  std::vector<std::string> all, out;
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (rule.enabled && wants(rule)) all.emplace_back(rule.filter.begins());
  }
  std::ranges::sort(all);
  // One that covers others sorts right before them.
  for (std::string& one : all) {
    if (out.empty() || !one.starts_with(out.back())) out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Day day_of(WallTime when) {
  Day day = when.ns / kDayNs;
  return when.ns % kDayNs < 0 ? day - 1 : day;
}

WallTime midnight(Day day) { return {std::clamp(day, kFirstDay, kLastDay) * kDayNs}; }

Day end_of(WallTime when, uint32_t days) { return day_of(when) + Day{days} + 1; }

std::optional<Ending> ending_of(const Lifecycle& lifecycle, const Aging& version) {
  std::optional<Ending> first;
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (!rule.enabled || (!rule.days && !rule.date) || !meets(rule.filter, version)) continue;
    offer(first, rule.date ? *rule.date : end_of(version.modified, *rule.days), rule);
  }
  return first;
}

std::optional<Ending> ending_of_marker(const Lifecycle& lifecycle, const Aging& marker) {
  std::optional<Ending> first = ending_of(lifecycle, marker);
  for (const LifecycleRule& rule : lifecycle.rules) {
    bool at_once = rule.enabled && rule.lone_markers.value_or(false);
    if (at_once && meets(rule.filter, marker)) offer(first, day_of(marker.modified), rule);
  }
  return first;
}

std::optional<Ending> ending_of_older(const Lifecycle& lifecycle, const Aging& version,
                                      WallTime replaced, uint32_t newer) {
  std::optional<Ending> first;
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (!rule.enabled || !rule.noncurrent_days || !meets(rule.filter, version)) continue;
    if (newer < rule.newer_noncurrent.value_or(0)) continue;
    offer(first, end_of(replaced, *rule.noncurrent_days), rule);
  }
  return first;
}

std::optional<Ending> ending_of_upload(const Lifecycle& lifecycle, std::string_view key,
                                       WallTime initiated) {
  std::optional<Ending> first;
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (!rule.enabled || !rule.abort_days || !key.starts_with(rule.filter.begins())) continue;
    offer(first, end_of(initiated, *rule.abort_days), rule);
  }
  return first;
}

bool looks_at_tags(const Lifecycle& lifecycle) {
  return std::ranges::any_of(
      lifecycle.rules, [](const auto& rule) { return rule.enabled && !rule.filter.tags.empty(); });
}

std::vector<std::string> object_prefixes(const Lifecycle& lifecycle) {
  return prefixes(lifecycle, [](const LifecycleRule& rule) {
    return rule.days || rule.date || rule.lone_markers.value_or(false) || rule.noncurrent_days;
  });
}

std::vector<std::string> upload_prefixes(const Lifecycle& lifecycle) {
  return prefixes(lifecycle, [](const LifecycleRule& rule) { return rule.abort_days.has_value(); });
}

// --- the row

namespace {

constexpr std::string_view kForms[] = {"rule", "single", "all"};

template <class T>
void set(Json& json, std::string_view name, const std::optional<T>& value) {
  if (value) json.set(std::string(name), *value);
}

Json json_of(const LifecycleRule& rule) {
  const LifecycleFilter& filter = rule.filter;
  Json one;
  one.set("id", rule.id).set("enabled", rule.enabled);
  one.set("form", kForms[static_cast<size_t>(filter.form)]);
  set(one, "prefix", filter.prefix);
  if (!filter.tags.empty()) {
    Json::Array tags;
    for (const auto& [name, value] : filter.tags) {
      tags.emplace_back(Json::Array{Json(name), Json(value)});
    }
    one.set("tags", std::move(tags));
  }
  set(one, "larger", filter.larger);
  set(one, "smaller", filter.smaller);
  set(one, "days", rule.days);
  set(one, "date", rule.date);
  set(one, "lone_markers", rule.lone_markers);
  set(one, "noncurrent_days", rule.noncurrent_days);
  set(one, "newer_noncurrent", rule.newer_noncurrent);
  set(one, "abort_days", rule.abort_days);
  return one;
}

Error no_rule(std::string_view member) {
  return fail(Code::invalid, "a rule's '" + std::string(member) + "' is not understood");
}

Result<> read(const Json& value, std::optional<uint64_t>& to) {
  to = value.as_uint();
  return to ? Result<>(ok) : no_rule("size");
}
Result<> read(const Json& value, std::optional<uint32_t>& to) {
  auto number = value.as_uint();
  if (!number || *number > std::numeric_limits<uint32_t>::max()) return no_rule("days");
  to = static_cast<uint32_t>(*number);
  return ok;
}
Result<> read(const Json& value, std::optional<Day>& to) {
  to = value.as_int();
  return to ? Result<>(ok) : no_rule("date");
}
Result<> read(const Json& value, std::optional<bool>& to) {
  to = value.as_bool();
  return to ? Result<>(ok) : no_rule("lone_markers");
}

Result<> read_tags(const Json& value, origin::TagSet& tags) {
  const Json::Array* list = value.as_array();
  if (list == nullptr) return no_rule("tags");
  for (const Json& one : *list) {
    const Json::Array* pair = one.as_array();
    if (pair == nullptr || pair->size() != 2) return no_rule("tags");
    const std::string *name = (*pair)[0].as_string(), *text = (*pair)[1].as_string();
    if (name == nullptr || text == nullptr) return no_rule("tags");
    tags.emplace_back(*name, *text);
  }
  return ok;
}

Result<> read_text(std::string_view name, const Json& value, LifecycleRule& rule) {
  const std::string* text = value.as_string();
  if (text == nullptr) return no_rule(name);
  if (name == "id") {
    rule.id = *text;
  } else if (name == "prefix") {
    rule.filter.prefix = *text;
  } else {
    auto found = std::ranges::find(kForms, *text);
    if (found == std::end(kForms)) return no_rule(name);
    rule.filter.form = static_cast<LifecycleFilter::Form>(found - std::begin(kForms));
  }
  return ok;
}

Result<> read_member(std::string_view name, const Json& value, LifecycleRule& rule) {
  if (name == "id" || name == "prefix" || name == "form") return read_text(name, value, rule);
  if (name == "tags") return read_tags(value, rule.filter.tags);
  if (name == "larger") return read(value, rule.filter.larger);
  if (name == "smaller") return read(value, rule.filter.smaller);
  if (name == "days") return read(value, rule.days);
  if (name == "date") return read(value, rule.date);
  if (name == "lone_markers") return read(value, rule.lone_markers);
  if (name == "noncurrent_days") return read(value, rule.noncurrent_days);
  if (name == "newer_noncurrent") return read(value, rule.newer_noncurrent);
  if (name == "abort_days") return read(value, rule.abort_days);
  auto enabled = value.as_bool();
  if (name != "enabled" || !enabled) return no_rule(name);
  rule.enabled = *enabled;
  return ok;
}

}  // namespace

Json lifecycle_json(const Lifecycle& lifecycle) {
  Json::Array rules;
  for (const LifecycleRule& rule : lifecycle.rules) rules.push_back(json_of(rule));
  Json out;
  out.set("rules", std::move(rules)).set("varies", lifecycle.varies);
  return out;
}

Result<LifecycleRef> lifecycle_of(const Json* json) {
  if (json == nullptr || json->is_null()) return LifecycleRef();
  auto out = std::make_shared<Lifecycle>();
  auto varies = json->boolean("varies");
  if (!varies) return varies.error_in("lifecycle");
  out->varies = *varies;
  const Json* list = json->find("rules");
  const Json::Array* rules = list == nullptr ? nullptr : list->as_array();
  if (rules == nullptr) return fail(Code::invalid, "'lifecycle' has no list of rules");
  for (const Json& one : *rules) {
    const Json::Object* members = one.as_object();
    if (members == nullptr) return fail(Code::invalid, "'lifecycle' has a rule that is none");
    LifecycleRule rule;
    for (const auto& [name, value] : *members) {
      Result<> done = read_member(name, value, rule);
      if (!done) return done.error_in("lifecycle");
    }
    for (std::string_view needed : {"id", "enabled", "form"}) {
      if (one.find(needed) == nullptr) return no_rule(needed);
    }
    out->rules.push_back(std::move(rule));
  }
  return LifecycleRef(std::move(out));
}

}  // namespace forebay::object
