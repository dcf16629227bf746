#include "gateway/s3/fields.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/encoding.h"
#include "gateway/s3/errors.h"

namespace forebay::gateway::s3 {

namespace {

constexpr auto kKept = std::to_array<std::string_view>(
    {"cache-control", "content-disposition", "content-encoding", "content-language", "content-type",
     "expires", "x-amz-storage-class"});

constexpr auto kRefusedOnWrite = std::to_array<std::string_view>(
    {"x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp",
     "x-amz-grant-write-acp", "x-amz-object-lock-legal-hold", "x-amz-object-lock-mode",
     "x-amz-object-lock-retain-until-date", "x-amz-server-side-encryption",
     "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-context",
     "x-amz-tagging", "x-amz-website-redirect-location", "x-amz-write-offset-bytes"});

bool has(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// "aws-chunked" is framing of the request, not a property of the object.
std::string without_framing(std::string_view encoding) {
  std::string out;
  while (!encoding.empty()) {
    size_t comma = encoding.find(',');
    std::string_view one = encoding.substr(0, comma);
    encoding = comma == std::string_view::npos ? "" : encoding.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.empty() || one == "aws-chunked") continue;
    out += (out.empty() ? "" : ",") + std::string(one);
  }
  return out;
}

Result<origin::WriteConditions> read_write_conditions(const Call& call,
                                                      const object::Bucket& bucket) {
  origin::WriteConditions conditions;
  auto none = call.header("if-none-match");
  auto match = call.header("if-match");
  if (!none && !match) return conditions;
  if ((none && *none != "*") || (none && match) || (match && *match == "*")) {
    return not_implemented("This combination of If-Match and If-None-Match on a write");
  }
  if (!bucket.capabilities.conditional_put) {
    return not_implemented("A conditional write to a bucket whose origin has none");
  }
  conditions.if_none_match_any = none.has_value();
  if (match) {
    bool quoted = match->starts_with('"');
    conditions.if_match = ETag(quoted ? std::string(*match) : "\"" + std::string(*match) + "\"");
  }
  return conditions;
}

}  // namespace

Result<> refuse_unsupported(const Call& call) {
  for (const Header& header : call.request.headers) {
    constexpr std::string_view kCustomer = "x-amz-server-side-encryption-customer-";
    if (http::same_name(header.name.substr(0, kCustomer.size()), kCustomer)) {
      return not_implemented("Encryption with customer keys (SSE-C)");
    }
  }
  auto version = call.parameter("versionId");
  if (version && !version->empty() && *version != "null") {
    return not_implemented("Reading or deleting by version id");
  }
  return ok;
}

Result<origin::PutOptions> read_put_options(const Call& call, const object::Bucket& bucket) {
  Result<> supported = refuse_unsupported(call);
  if (!supported) return std::move(supported.error());
  origin::PutOptions options;
  size_t metadata = 0;
  for (const Header& header : call.request.headers) {
    std::string name = lower(header.name);
    if (has(kRefusedOnWrite, name)) return not_implemented("Header " + name);
    if (name == "x-amz-acl" && header.value != "private" &&
        header.value != "bucket-owner-full-control") {
      return not_implemented("A canned ACL but private");
    }
    bool meta = name.starts_with("x-amz-meta-");
    if (!meta && !has(kKept, name)) continue;
    std::string value(header.value);
    if (name == "content-encoding") value = without_framing(value);
    if (value.empty() && !meta) continue;
    if (meta) metadata += name.size() - std::string_view("x-amz-meta-").size() + value.size();
    std::string& kept = options.fields[name];
    if (!kept.empty()) kept += ',';
    kept += value;
  }
  if (metadata > kMaxMetadata) {
    return fail(Code::too_large, "Your metadata headers exceed the maximum allowed metadata size",
                "MetadataTooLarge");
  }
  auto conditions = read_write_conditions(call, bucket);
  if (!conditions) return std::move(conditions.error());
  options.conditions = std::move(*conditions);
  return options;
}

object::ReadConditions read_conditions(const Call& call) {
  object::ReadConditions conditions;
  auto text = [&](std::string_view name) -> std::optional<std::string> {
    auto value = call.header(name);
    return value ? std::optional(std::string(*value)) : std::nullopt;
  };
  auto date = [&](std::string_view name) {
    auto value = call.header(name);
    return value ? parse_http_date(*value) : std::nullopt;
  };
  conditions.if_match = text("if-match");
  conditions.if_none_match = text("if-none-match");
  conditions.if_modified_since = date("if-modified-since");
  conditions.if_unmodified_since = date("if-unmodified-since");
  conditions.if_range = text("if-range");
  return conditions;
}

void write_info(http::HeadFields& out, const object::Head& head, const origin::Fields& fields) {
  out.add("ETag", head.info.etag.text());
  out.add("Last-Modified", head.last_modified);
  out.add("Accept-Ranges", "bytes");
  if (!fields.contains("content-type")) out.add("Content-Type", "binary/octet-stream");
  for (auto& [name, value] : fields) out.add(name, value);
  if (!head.info.version_id.empty()) out.add("x-amz-version-id", head.info.version_id);
}

}  // namespace forebay::gateway::s3
