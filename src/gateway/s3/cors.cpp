#include "gateway/s3/cors.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/header.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

namespace {

constexpr std::array<std::string_view, 5> kMethods = {"GET", "PUT", "POST", "DELETE", "HEAD"};

Error invalid(std::string text) { return fail(Code::invalid, std::move(text), "InvalidRequest"); }

Error forbidden(std::string_view why) {
  return fail(Code::denied, "CORSResponse: " + std::string(why), "AccessForbidden");
}

Error insufficient(std::string_view header) {
  return fail(Code::invalid,
              "Insufficient information. " + std::string(header) + " request header needed.",
              "BadRequest");
}

bool one_star(std::string_view text) { return std::ranges::count(text, '*') <= 1; }

bool is_name(std::string_view text) { return is_token(text) && text.size() <= kMaxCorsHeader; }

Result<> check_rule(const object::CorsRule& rule) {
  if (rule.id.size() > kMaxCorsId) return invalid("The ID of a CORS rule is too long");
  if (!is_plain(rule.id) || !std::ranges::all_of(rule.origins, is_plain)) {
    return fail(Code::invalid, "An ID or an origin holds what is no text", "MalformedXML");
  }
  if (rule.headers.size() > kMaxCorsHeaders || rule.exposed.size() > kMaxCorsHeaders) {
    return invalid("A CORS rule can not have more than " + std::to_string(kMaxCorsHeaders) +
                   " headers of a kind");
  }
  size_t exposed = 0;
  for (const std::string& header : rule.exposed) exposed += header.size();
  if (exposed > kMaxCorsExposed) {
    return invalid("The headers that a CORS rule exposes are too long");
  }
  if (rule.methods.size() > kMethods.size()) {
    return invalid("A CORS rule has a method more than once");
  }
  for (const std::string& method : rule.methods) {
    if (std::ranges::find(kMethods, method) == kMethods.end()) {
      return invalid("Found unsupported HTTP method in CORS config. Unsupported method is " +
                     method);
    }
  }
  for (const std::string& origin : rule.origins) {
    if (origin.empty() || !one_star(origin)) {
      return invalid("AllowedOrigin \"" + origin + "\" can not have more than one wildcard.");
    }
  }
  for (const std::string& header : rule.headers) {
    if (!is_name(header) || !one_star(header)) {
      return invalid("AllowedHeader \"" + header +
                     "\" is no header's name with one wildcard at most.");
    }
  }
  for (const std::string& header : rule.exposed) {
    if (!is_name(header) || header.contains('*')) {
      return invalid("ExposeHeader \"" + header +
                     "\" is no header's name. Wildcards are not supported there.");
    }
  }
  return ok;
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

// "X-A, x-b" → {"X-A", "x-b"}; nothing for what is no list of names.
std::optional<std::vector<std::string>> header_names(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    one = trim(one);
    if (!is_token(one) || out.size() == kMaxCorsHeaders) return std::nullopt;
    out.emplace_back(one);
  }
  return out;
}

// What a rule lets the page at `origin` do.
void tell(const object::CorsRule& rule, std::string_view origin, http::HeadFields& fields) {
  bool everybody = for_everybody(rule, origin);
  fields.add("Access-Control-Allow-Origin", everybody ? std::string_view("*") : origin);
  fields.add("Access-Control-Allow-Methods", join(rule.methods));
  if (!rule.exposed.empty()) fields.add("Access-Control-Expose-Headers", join(rule.exposed));
  if (rule.max_age) fields.add("Access-Control-Max-Age", std::to_string(*rule.max_age));
  if (!everybody) fields.add("Access-Control-Allow-Credentials", "true");
  fields.add("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

}  // namespace

Result<> check_cors(const object::CorsRules& rules) {
  for (const object::CorsRule& rule : rules) {
    if (Result<> good = check_rule(rule); !good) return good;
  }
  return ok;
}

Result<http::Response> preflight(Call& call) {
  auto origin = call.header("origin");
  if (!origin) return insufficient("Origin");
  auto method = call.header("access-control-request-method");
  if (!method) return insufficient("Access-Control-Request-Method");
  auto names = header_names(call.header("access-control-request-headers").value_or(""));
  if (!names) return invalid("Access-Control-Request-Headers is no list of at most 100 names");
  auto bucket = call.services.buckets.get(call.bucket_name);
  if (!bucket || (*bucket)->settings.cors.empty()) {
    return forbidden("CORS is not enabled for this bucket.");
  }
  object::CorsRequest asked{.origin = *origin, .method = *method, .headers = std::move(*names)};
  const object::CorsRule* rule = find_rule((*bucket)->settings.cors, asked);
  if (rule == nullptr) return forbidden("No rule of this bucket allows this request.");
  http::Response response = http::Response::make(200);
  tell(*rule, *origin, response.fields);
  if (!asked.headers.empty()) {
    response.fields.add("Access-Control-Allow-Headers", join(asked.headers));
  }
  return response;
}

void allow_page(const Call& call, http::Response& response) {
  auto origin = call.header("origin");
  if (!origin || call.bucket_name.empty() || call.request.method == "OPTIONS") return;
  auto bucket = call.services.buckets.get(call.bucket_name);
  if (!bucket) return;
  const auto& rules = (*bucket)->settings.cors;
  const auto* rule = find_rule(rules, {.origin = *origin, .method = call.request.method});
  if (rule != nullptr) tell(*rule, *origin, response.fields);
}

}  // namespace forebay::gateway::s3
