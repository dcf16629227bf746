#include "object/cors.h"

#include <algorithm>

namespace forebay::object {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view b, bool any_case) {
  return std::ranges::equal(
      a, b, [&](char x, char y) { return any_case ? lower(x) == lower(y) : x == y; });
}

bool matches(std::string_view pattern, std::string_view text, bool any_case) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return same(pattern, text, any_case);
  std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  return text.size() >= before.size() + after.size() &&
         same(before, text.substr(0, before.size()), any_case) &&
         same(after, text.substr(text.size() - after.size()), any_case);
}

bool any(const std::vector<std::string>& patterns, std::string_view text, bool any_case) {
  return std::ranges::any_of(patterns, [&](auto& one) { return matches(one, text, any_case); });
}

Json list(const std::vector<std::string>& texts) {
  Json::Array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

Result<std::vector<std::string>> texts(const Json& rule, std::string_view name) {
  std::vector<std::string> out;
  const Json* found = rule.find(name);
  const Json::Array* array = found == nullptr ? nullptr : found->as_array();
  if (array == nullptr) return fail(Code::invalid, "no list '" + std::string(name) + "'");
  for (const Json& one : *array) {
    const std::string* text = one.as_string();
    if (text == nullptr) return fail(Code::invalid, "no text in '" + std::string(name) + "'");
    out.push_back(*text);
  }
  return out;
}

Result<CorsRule> rule_of(const Json& json) {
  CorsRule rule;
  struct Field {
    std::string_view name;
    std::vector<std::string>& to;
  };
  for (const Field& field : {Field{"origins", rule.origins}, Field{"methods", rule.methods},
                             Field{"headers", rule.headers}, Field{"exposed", rule.exposed}}) {
    auto read = texts(json, field.name);
    if (!read) return std::move(read.error());
    field.to = std::move(*read);
  }
  auto id = json.string_or("id", "");
  if (!id) return std::move(id.error());
  rule.id = std::move(*id);
  if (json.find("max_age") != nullptr) {
    auto age = json.unsigned_integer("max_age");
    if (!age || *age > UINT32_MAX) return fail(Code::invalid, "no 'max_age'");
    rule.max_age = static_cast<uint32_t>(*age);
  }
  return rule;
}

}  // namespace

const CorsRule* find_rule(const CorsRules& rules, const CorsRequest& request) {
  for (const CorsRule& rule : rules) {
    bool allowed = any(rule.origins, request.origin, false) &&
                   std::ranges::find(rule.methods, request.method) != rule.methods.end() &&
                   std::ranges::all_of(request.headers, [&](const std::string& header) {
                     return any(rule.headers, header, true);
                   });
    if (allowed) return &rule;
  }
  return nullptr;
}

bool for_everybody(const CorsRule& rule, std::string_view origin) {
  // The first pattern that the origin meets decides, as in S3.
  auto met = std::ranges::find_if(
      rule.origins, [&](const std::string& pattern) { return matches(pattern, origin, false); });
  return met != rule.origins.end() && *met == "*";
}

Json cors_json(const CorsRules& rules) {
  Json::Array out;
  for (const CorsRule& rule : rules) {
    Json one;
    one.set("id", rule.id)
        .set("origins", list(rule.origins))
        .set("methods", list(rule.methods))
        .set("headers", list(rule.headers))
        .set("exposed", list(rule.exposed));
    if (rule.max_age) one.set("max_age", *rule.max_age);
    out.push_back(std::move(one));
  }
  return out;
}

Result<CorsRules> cors_of(const Json* json) {
  CorsRules rules;
  if (json == nullptr || json->is_null()) return rules;
  const Json::Array* array = json->as_array();
  if (array == nullptr) return fail(Code::invalid, "'cors' is no list");
  for (const Json& one : *array) {
    auto rule = rule_of(one);
    if (!rule) return rule.error_in("cors");
    rules.push_back(std::move(*rule));
  }
  return rules;
}

}  // namespace forebay::object
