#include "sign/sigv4.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/encoding.h"
#include "sign/canonical.h"
#include "sign/credential.h"
#include "sign/text.h"

namespace forebay::sign {

namespace {

Error header_malformed(std::string_view why) {
  return fail(Code::invalid, "The authorization header is malformed; " + std::string(why),
              "AuthorizationHeaderMalformed");
}
Error query_malformed(std::string_view why) {
  return fail(Code::invalid, std::string(why), "AuthorizationQueryParametersError");
}
Error old_signature() {
  return fail(Code::invalid,
              "The authorization mechanism you have provided is not supported. Please use "
              "AWS4-HMAC-SHA256 (boto3: Config(signature_version=\"s3v4\"); awscli: aws configure "
              "set default.s3.signature_version s3v4; s3cmd: signature_v2 = False).",
              "InvalidRequest");
}
Error ecdsa() {
  return fail(Code::invalid, "Signature Version 4A (ECDSA) is not implemented", "NotImplemented");
}
Error denied(std::string text) { return fail(Code::denied, std::move(text), "AccessDenied"); }
Error mismatch(std::string why) {
  return fail(Code::denied, std::move(why), "SignatureDoesNotMatch");
}

bool has_body(const RequestView& request) {
  if (request.find("transfer-encoding") != nullptr) return true;
  const Header* length = request.find("content-length");
  return length != nullptr && trim(length->value) != "0";
}

// The form of RFC 9110, also with RFC 5322's zone, which boto and others write.
std::optional<WallTime> parse_date(std::string_view text) {
  constexpr std::string_view kZone = " +0000";
  if (!text.ends_with(kZone)) return parse_http_date(text);
  return parse_http_date(std::string(text.substr(0, text.size() - kZone.size())) + " GMT");
}

// x-amz-date wins over Date, which may have either form.
Result<> read_date_header(Claim& claim, const RequestView& request) {
  const Header* header = request.find("x-amz-date");
  if (header == nullptr) header = request.find("date");
  std::string_view text = header == nullptr ? std::string_view{} : trim(header->value);
  auto when = parse_amz_date(text);
  if (when) {
    std::ranges::copy(text, claim.timestamp.begin());
  } else if ((when = parse_date(text))) {
    std::ranges::copy(amz_date(*when).text, claim.timestamp.begin());
  } else {
    return denied("AWS authentication requires a valid Date or x-amz-date header");
  }
  claim.date = *when;
  return ok;
}

Result<> read_payload_header(Claim& claim, const RequestView& request) {
  const Header* header = request.find("x-amz-content-sha256");
  if (header == nullptr && has_body(request)) {
    return fail(Code::invalid,
                "Missing required header for this request: x-amz-content-sha256 (with curl add -H "
                "\"x-amz-content-sha256: UNSIGNED-PAYLOAD\")",
                "InvalidRequest");
  }
  claim.payload_line = header == nullptr ? kEmptySha256 : trim(header->value);
  auto payload = Payload::parse(claim.payload_line);
  if (!payload) return payload.error();
  claim.payload = *payload;
  return ok;
}

Result<std::optional<Claim>> parse_header(const RequestView& request, std::string_view value,
                                          std::string_view service) {
  std::string_view scheme = cut(value, ' ');
  if (scheme == "AWS") return old_signature();
  if (scheme.starts_with("AWS4-ECDSA-")) return ecdsa();
  if (scheme != kAlgorithm) {
    return fail(Code::invalid, "Unsupported Authorization Type", "InvalidArgument");
  }
  Claim claim;
  std::string_view credential;
  while (!value.empty()) {
    std::string_view field = trim(cut(value, ','));
    std::string_view name = cut(field, '=');
    if (name == "Credential") credential = field;
    if (name == "SignedHeaders") claim.signed_headers = field;
    if (name == "Signature") claim.signature = field;
  }
  if (credential.empty() || claim.signed_headers.empty() || claim.signature.empty()) {
    return header_malformed(
        "the authorization header requires three components: Credential, SignedHeaders, and "
        "Signature.");
  }
  if (auto read = read_credential(claim, credential, service, header_malformed); !read)
    return read.error();
  if (auto read = read_date_header(claim, request); !read) return read.error();
  if (auto good = check_scope_date(claim, header_malformed); !good) return good.error();
  if (auto read = read_payload_header(claim, request); !read) return read.error();
  if (const Header* token = request.find("x-amz-security-token")) {
    claim.session_token = trim(token->value);
  }
  return claim;
}

// The signing parameters of a query, still encoded.
struct QueryParts {
  enum Name { algorithm, credential, signature, date, signed_headers, expires, token, sha256 };
  static constexpr std::array<std::string_view, 8> kNames = {
      "X-Amz-Algorithm",     "X-Amz-Credential", "X-Amz-Signature",      "X-Amz-Date",
      "X-Amz-SignedHeaders", "X-Amz-Expires",    "X-Amz-Security-Token", "X-Amz-Content-Sha256"};
  static constexpr size_t kRequired = 6;
  std::array<std::optional<std::string_view>, kNames.size()> values;
  bool version2 = false;

  bool version4() const { return values[algorithm] || values[credential] || values[signature]; }

  static QueryParts of(std::string_view query) {
    QueryParts parts;
    while (!query.empty()) {
      std::string_view value = cut(query, '&');
      std::string_view name = cut(value, '=');
      if (name == "AWSAccessKeyId" || name == "Signature") parts.version2 = true;
      if (!name.starts_with("X-Amz-")) continue;
      for (size_t i = 0; i < kNames.size(); ++i) {
        if (name == kNames[i] && !parts.values[i]) parts.values[i] = value;
      }
    }
    return parts;
  }

  // Decodes all values into memory the claim owns.
  void decode(Claim& claim) {
    size_t size = 0;
    for (auto& value : values) size += value ? value->size() : 0;
    claim.decoded = std::make_unique<char[]>(size);
    char* out = claim.decoded.get();
    for (auto& value : values) {
      if (!value) continue;
      std::string_view text = *value;
      char* start = out;
      for (size_t i = 0; i < text.size();) {
        SpelledByte spelled = spelled_byte(text, i);
        *out++ = spelled.byte;
        i += spelled.length;
      }
      value = std::string_view(start, static_cast<size_t>(out - start));
    }
  }
};

Result<> read_expires(Claim& claim, std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || !all_digits(text)) return query_malformed("X-Amz-Expires should be a number");
  if (negative) return query_malformed("X-Amz-Expires must be non-negative");
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > kMaxExpires.ns / 1'000'000'000) {
    return query_malformed(
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
        "must be less than 604800 seconds");
  }
  claim.expires = seconds(value);
  return ok;
}

// The body's form comes from the header when there is one, the signed word from the query, else
// from a signed header, else it is UNSIGNED-PAYLOAD.
Result<> read_presigned_payload(Claim& claim, const RequestView& request,
                                std::optional<std::string_view> parameter) {
  const Header* header = request.find("x-amz-content-sha256");
  claim.payload_line = kUnsignedPayload;
  bool header_signed = false;
  for (std::string_view names = claim.signed_headers; !names.empty();) {
    header_signed = header_signed || cut(names, ';') == "x-amz-content-sha256";
  }
  if (parameter) {
    claim.payload_line = *parameter;
  } else if (header != nullptr && header_signed) {
    claim.payload_line = trim(header->value);
  }
  auto payload = Payload::parse(header != nullptr ? trim(header->value) : claim.payload_line);
  if (!payload) return payload.error();
  auto line = Payload::parse(claim.payload_line);
  if (!line) return line.error();
  // A hash in the URL is a promise about the body that no header may loosen.
  claim.payload = line->kind == PayloadKind::hash ? *line : *payload;
  if (has_chunk_signatures(claim.payload.kind) && claim.payload_line != word(claim.payload.kind)) {
    return fail(Code::invalid, "A presigned URL cannot be used with signed chunks",
                "InvalidRequest");
  }
  return ok;
}

Result<std::optional<Claim>> parse_query(const RequestView& request, QueryParts parts,
                                         std::string_view service) {
  for (size_t i = 0; i < QueryParts::kRequired; ++i) {
    if (!parts.values[i].value_or("").empty()) continue;
    return query_malformed(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
        "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
  }
  Claim claim;
  claim.form = Claim::Form::presigned;
  parts.decode(claim);
  auto value = [&](QueryParts::Name name) { return parts.values[name].value_or(""); };
  if (value(QueryParts::algorithm).starts_with("AWS4-ECDSA-")) return ecdsa();
  if (value(QueryParts::algorithm) != kAlgorithm) {
    return query_malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  }
  auto malformed = [](std::string_view why) {
    return query_malformed("Error parsing the X-Amz-Credential parameter; " + std::string(why));
  };
  if (auto read = read_credential(claim, value(QueryParts::credential), service, malformed);
      !read) {
    return read.error();
  }
  auto when = parse_amz_date(value(QueryParts::date));
  if (!when) {
    return query_malformed(
        "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  claim.date = *when;
  std::ranges::copy(value(QueryParts::date), claim.timestamp.begin());
  if (auto good = check_scope_date(claim, query_malformed); !good) return good.error();
  if (auto read = read_expires(claim, value(QueryParts::expires)); !read) return read.error();
  claim.signed_headers = value(QueryParts::signed_headers);
  claim.signature = value(QueryParts::signature);
  claim.session_token = value(QueryParts::token);
  if (claim.session_token.empty()) {
    if (const Header* token = request.find("x-amz-security-token")) {
      claim.session_token = trim(token->value);
    }
  }
  if (auto read = read_presigned_payload(claim, request, parts.values[QueryParts::sha256]); !read) {
    return read.error();
  }
  return claim;
}

Result<> check_time(const Claim& claim, WallTime now) {
  int64_t age = now.ns - claim.date.ns;
  if (claim.form == Claim::Form::header) {
    if (age <= kMaxSkew.ns && age >= -kMaxSkew.ns) return ok;
    return fail(Code::denied,
                "The difference between the request time and the current time is too large "
                "(request " +
                    std::string(claim.timestamp_text()) + ", server " + std::string(amz_date(now)) +
                    ").",
                "RequestTimeTooSkewed");
  }
  if (age < -kMaxSkew.ns) return denied("Request is not valid yet");
  if (age > claim.expires.ns) return denied("Request has expired");
  return ok;
}

Hex256 signature_of(const Claim& claim, const HmacKey& key, const Digest256& canonical) {
  Text<1024> text;
  append_string_to_sign(text, claim.timestamp_text(), claim.scope_text, canonical);
  return hex_of(key.sign(as_bytes(text.view())));
}

}  // namespace

Result<std::optional<Claim>> parse(const RequestView& request, std::string_view service) {
  const Header* authorization = request.find("authorization");
  std::string_view value = authorization == nullptr ? "" : trim(authorization->value);
  QueryParts parts = QueryParts::of(request.query);
  if (!value.empty()) {
    if (parts.version4() || parts.version2) {
      return fail(
          Code::invalid,
          "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
          "Signature query string parameter or the Authorization header should be specified",
          "InvalidArgument");
    }
    return parse_header(request, value, service);
  }
  if (parts.version4()) return parse_query(request, parts, service);
  if (parts.version2) return old_signature();
  return std::optional<Claim>{};
}

Result<> verify(const Claim& claim, const RequestView& request, const HmacKey& key, WallTime now) {
  if (auto good = check_time(claim, now); !good) return good;
  auto lines = SignedLines::find(request, claim.signed_headers);
  if (!lines) return lines.error();
  if (!lines->missing.empty()) {
    return mismatch("The signed header " + quoted(lines->missing) + " is not in the request.");
  }
  if (!lines->has_host || !lines->not_signed.empty()) {
    return denied("There were headers present in the request which were not signed: " +
                  std::string(lines->has_host ? lines->not_signed : "host"));
  }
  CanonicalParts parts{request, *lines, claim.signed_headers, claim.payload_line};
  for (Spelling spelling : {Spelling::recoded, Spelling::as_sent}) {
    if (spelling == Spelling::as_sent && spelled_canonically(request)) break;
    auto hash = canonical_hash(parts, spelling);
    if (!hash) return hash.error();
    if (same_secretly(view(signature_of(claim, key, *hash)), claim.signature)) return ok;
  }
  return mismatch(
      "The request signature we calculated does not match the signature you provided. Check your "
      "key and signing method.");
}

Explanation explain(const Claim& claim, const RequestView& request) {
  Explanation explanation;
  auto lines = SignedLines::find(request, claim.signed_headers);
  if (!lines) return explanation;
  CanonicalParts parts{request, *lines, claim.signed_headers, claim.payload_line};
  auto text = canonical_text(parts, Spelling::recoded);
  if (!text) return explanation;
  explanation.canonical_request = *std::move(text);
  append_string_to_sign(explanation.string_to_sign, claim.timestamp_text(), claim.scope_text,
                        Sha256::of(as_bytes(explanation.canonical_request)));
  return explanation;
}

}  // namespace forebay::sign
