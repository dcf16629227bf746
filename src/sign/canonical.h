// The canonical request of Signature Version 4, written to a hash (the way of every request) or to
// text (to explain a refusal). Shared by both sides of the signature; internal to this room.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "sign/request.h"
#include "sign/text.h"

namespace forebay::sign {

/// Which of the spellings of path and query is signed.
enum class Spelling {
  recoded,  ///< decoded and encoded again by the rules of SigV4, the query sorted: what S3 does
  as_sent   ///< the very bytes: what curl before 8 and hand-written clients sign
};

/// The header lines that are signed, in canonical order, and what is wrong with them.
struct SignedLines {
  struct Line {
    uint16_t header;  ///< index in the request
    bool continues;   ///< same name as the line before
  };
  std::array<Line, kMaxHeaders> lines;
  size_t count = 0;
  bool has_host = false;
  std::string_view missing = {};     ///< a name in the list that the request lacks
  std::string_view not_signed = {};  ///< an x-amz-* header that is not in the list

  /// Finds the lines of `signed_headers` ("host;x-amz-date"). Each line is used once, so a name
  /// listed twice is missing the second time. InvalidRequest beyond kMaxHeaders.
  static Result<SignedLines> find(const RequestView& request, std::string_view signed_headers);
};

/// What stands in the canonical request beside the request's own bytes.
struct CanonicalParts {
  const RequestView& request;
  const SignedLines& lines;
  std::string_view signed_headers;
  std::string_view payload_line;
};

/// The SHA-256 of the canonical request. InvalidRequest beyond kMaxParameters.
Result<Digest256> canonical_hash(const CanonicalParts& parts, Spelling spelling);
/// The canonical request itself.
Result<std::string> canonical_text(const CanonicalParts& parts, Spelling spelling);
/// Whether both spellings are the same text.
bool spelled_canonically(const RequestView& request);

/// Appends "AWS4-HMAC-SHA256\n<timestamp>\n<scope>\n<hash>" to a std::string or a Text.
template <class Out>
void append_string_to_sign(Out& out, std::string_view timestamp, std::string_view scope_text,
                           const Digest256& canonical) {
  out += "AWS4-HMAC-SHA256\n";
  out += timestamp;
  out += '\n';
  out += scope_text;
  out += '\n';
  out += view(hex_of(canonical));
}

}  // namespace forebay::sign
