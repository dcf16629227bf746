// Origin URLs of the s3 kind.
#include <optional>

#include "base/encoding.h"
#include "base/names.h"
#include "origin/s3/s3.h"

namespace forebay::origin {

namespace {

constexpr std::string_view kScheme = "s3://";
constexpr std::string_view kDefaultRegion = "us-east-1";

Error bad(std::string_view what) {
  return fail(Code::invalid,
              std::string(what) + ": an s3 origin is s3://BUCKET[/PREFIX]?endpoint=URL&region=R",
              "InvalidArgument");
}

struct Parameters {
  std::optional<std::string> endpoint, region, style;
};

Result<Parameters> parse_parameters(std::string_view query) {
  Parameters out;
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    size_t equals = pair.find('=');
    std::string_view name = pair.substr(0, equals);
    auto value = percent_decode(equals == pair.npos ? "" : pair.substr(equals + 1));
    if (!value || value->empty()) return bad("'" + std::string(name) + "' has no value");
    std::optional<std::string>* slot = name == "endpoint" ? &out.endpoint
                                       : name == "region" ? &out.region
                                       : name == "style"  ? &out.style
                                                          : nullptr;
    if (slot == nullptr) return bad("unknown parameter '" + std::string(name) + "'");
    if (slot->has_value()) return bad("'" + std::string(name) + "' stands twice");
    *slot = std::move(*value);
  }
  return out;
}

bool plain_region(std::string_view region) {
  return region.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
             "0123456789-_") == region.npos;
}

Result<bool> is_virtual(const Parameters& parameters, std::string_view bucket) {
  if (!parameters.style) return !parameters.endpoint && !bucket.contains('.');
  if (*parameters.style == "path") return false;
  if (*parameters.style == "virtual") return true;
  return bad("style is path or virtual");
}

}  // namespace

Result<S3Url> parse_s3_url(std::string_view text) {
  if (!text.starts_with(kScheme)) return bad("another scheme");
  text.remove_prefix(kScheme.size());
  if (text.contains('#')) return bad("a fragment");
  std::string_view place = text.substr(0, text.find('?'));
  Result<Parameters> parameters =
      parse_parameters(place.size() == text.size() ? "" : text.substr(place.size() + 1));
  if (!parameters) return std::move(parameters.error());

  S3Url out;
  out.bucket = place.substr(0, place.find('/'));
  if (!out.bucket.empty() && !BucketName::parse(out.bucket)) return bad("no bucket's name");
  if (size_t slash = place.find('/'); slash != place.npos) {
    auto prefix = percent_decode(place.substr(slash + 1));
    if (!prefix) return bad("a badly encoded prefix");
    out.prefix = std::move(*prefix);
  }
  if (!out.prefix.empty()) {
    if (!ObjectKey::parse(out.prefix)) return bad("a prefix that no key can have");
    if (!out.prefix.ends_with('/')) out.prefix += '/';
  }
  out.region = parameters->region.value_or(std::string(kDefaultRegion));
  if (!plain_region(out.region)) return bad("no region's name");
  std::string aws = "https://s3." + out.region + ".amazonaws.com";
  Result<http::Endpoint> endpoint = http::Endpoint::parse(parameters->endpoint.value_or(aws));
  if (!endpoint) return bad("endpoint " + endpoint.error().text());
  out.endpoint = std::move(*endpoint);
  Result<bool> style = is_virtual(*parameters, out.bucket);
  if (!style) return std::move(style.error());
  out.virtual_style = *style;
  return out;
}

}  // namespace forebay::origin
