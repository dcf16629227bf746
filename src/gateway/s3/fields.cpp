#include "gateway/s3/fields.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/encoding.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/tagging.h"
#include "object/versions.h"

namespace forebay::gateway::s3 {

namespace {

constexpr auto kKept = std::to_array<std::string_view>(
    {"cache-control", "content-disposition", "content-encoding", "content-language", "content-type",
     "expires", "x-amz-storage-class", origin::kEncryptionField});

// S3 API reference, PutObject.
constexpr auto kStorageClasses = std::to_array<std::string_view>(
    {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
     "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS",
     "FSX_ONTAP"});

bool has(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// "aws-chunked" is framing of the request, not a property of the object. What else stands there is
// kept as it was written.
std::string without_framing(std::string_view encoding) {
  std::string out;
  bool first = true;
  while (!encoding.empty()) {
    size_t comma = encoding.find(',');
    std::string_view one = encoding.substr(0, comma);
    encoding = comma == std::string_view::npos ? "" : encoding.substr(comma + 1);
    if (http::same_name(trim(one), "aws-chunked")) continue;
    if (!std::exchange(first, false)) out += ',';
    out += one;
  }
  return std::string(trim(out));
}

Result<> check_storage_class(std::string_view text) {
  if (has(kStorageClasses, text)) return ok;
  return fail(Code::invalid, "The storage class you specified is not valid", "InvalidStorageClass");
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
  if (match) conditions.if_match = wanted_etag(*match);
  return conditions;
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

Result<> check_acl(std::string_view canned) {
  if (canned == "private" || canned == "bucket-owner-full-control") return ok;
  return no_acls();
}

Result<> refuse_unsupported(const Call& call) {
  for (const Header& header : call.request.headers) {
    constexpr std::string_view kCustomer = "x-amz-server-side-encryption-customer-";
    if (http::same_name(header.name.substr(0, kCustomer.size()), kCustomer)) {
      return not_implemented("Encryption with customer keys (SSE-C)");
    }
  }
  return ok;
}

Result<std::string> read_version(const Call& call) {
  auto version = call.parameter("versionId");
  if (version && version->empty()) return object::empty_version();
  return std::string(version.value_or(""));
}

ETag wanted_etag(std::string_view text) {
  bool as_it_is = text == "*" || text.starts_with('"');
  return ETag(as_it_is ? std::string(text) : "\"" + std::string(text) + "\"");
}

Error bad_argument(std::string text) {
  return fail(Code::invalid, std::move(text), "InvalidArgument");
}

bool is_plain(std::string_view text) {
  auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return is_utf8(text) && std::ranges::none_of(text, control);
}

Error condition_with_version() { return not_implemented("A delete of a version on a condition"); }

void write_version(http::HeadFields& out, std::string_view version_id) {
  if (!version_id.empty()) out.add("x-amz-version-id", version_id);
}

Result<origin::PutOptions> read_put_options(const Call& call, const object::Bucket& bucket) {
  Result<> supported = refuse_unsupported(call);
  if (!supported) return std::move(supported.error());
  origin::PutOptions options;
  size_t metadata = 0;
  for (const Header& header : call.request.headers) {
    std::string name = lower(header.name);
    if (name == "x-amz-acl") {
      if (Result<> same = check_acl(header.value); !same) return std::move(same.error());
    }
    if (name == "x-amz-storage-class") {
      Result<> known = check_storage_class(header.value);
      if (!known) return std::move(known.error());
    }
    // A write without a source has nothing to take along: what it says is the object's metadata.
    if (name == "x-amz-metadata-directive" && !call.header("x-amz-copy-source") &&
        header.value != "REPLACE") {
      return not_implemented("This x-amz-metadata-directive of a write that is no copy");
    }
    if (name == origin::kEncryptionField && header.value != "AES256") {
      return not_implemented("Encryption by a key management service");
    }
    if (name == "x-amz-tagging") {
      auto tags = parse_tagging_header(header.value);
      if (!tags) return std::move(tags.error());
      options.tags = std::move(*tags);
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
  if (metadata > kMaxMetadata || options.fields.size() > kMaxFields) {
    return fail(Code::too_large, "Your metadata headers exceed the maximum allowed metadata size",
                "MetadataTooLarge");
  }
  auto conditions = read_write_conditions(call, bucket);
  if (!conditions) return std::move(conditions.error());
  options.conditions = std::move(*conditions);
  return options;
}

Result<bool> wants_url_encoding(const Call& call) {
  auto encoding = call.parameter("encoding-type");
  if (!encoding || encoding->empty()) return false;
  if (*encoding == "url") return true;
  return fail(Code::invalid, "Invalid Encoding Method specified in Request", "InvalidArgument");
}

object::ReadConditions read_conditions(const Call& call, const ConditionHeaders& headers) {
  object::ReadConditions conditions;
  auto text = [&](std::string_view name) -> std::optional<std::string> {
    auto value = call.header(name);
    return value ? std::optional(std::string(*value)) : std::nullopt;
  };
  auto date = [&](std::string_view name) {
    auto value = call.header(name);
    return value ? parse_http_date(*value) : std::nullopt;
  };
  conditions.if_match = text(headers.match);
  conditions.if_none_match = text(headers.none_match);
  conditions.if_modified_since = date(headers.modified_since);
  conditions.if_unmodified_since = date(headers.unmodified_since);
  return conditions;
}

Result<> check_dates(const Call& call, const ConditionHeaders& headers) {
  for (std::string_view name : {headers.modified_since, headers.unmodified_since}) {
    auto value = call.header(name);
    if (value && !parse_http_date(*value)) return bad_argument(std::string(name) + " is no date");
  }
  return ok;
}

object::ReadConditions read_conditions(const Call& call) {
  constexpr ConditionHeaders kHeaders{"if-match", "if-none-match", "if-modified-since",
                                      "if-unmodified-since"};
  object::ReadConditions conditions = read_conditions(call, kHeaders);
  if (auto range = call.header("if-range")) conditions.if_range = std::string(*range);
  return conditions;
}

void write_info(http::HeadFields& out, const object::Head& head, const origin::Fields& fields) {
  out.add("ETag", head.info.etag.text());
  out.add("Last-Modified", head.last_modified);
  out.add("Accept-Ranges", "bytes");
  if (!fields.contains("content-type")) out.add("Content-Type", "binary/octet-stream");
  for (auto& [name, value] : fields) out.add(name, value);
  write_version(out, head.info.version_id);
}

}  // namespace forebay::gateway::s3
