// What a credential says, wherever it stands: in a header, a query or a form. Private to this room.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "sign/sigv4.h"

namespace forebay::sign {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr size_t kMaxCredential = 512;  // keeps the string to sign in its buffer

inline std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

inline bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Reads "AKID/20130524/us-east-1/s3/aws4_request". The access key may have slashes of its own.
template <class MakeError>
Result<> read_credential(Claim& claim, std::string_view text, std::string_view service,
                         MakeError malformed) {
  std::array<size_t, 4> slash{};
  size_t end = text.size();
  for (size_t i = 4; i-- > 0;) {
    slash[i] = end == 0 ? std::string_view::npos : text.rfind('/', end - 1);
    if (slash[i] == std::string_view::npos) {
      return malformed(
          "the Credential is mal-formed; expecting "
          "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
    }
    end = slash[i];
  }
  claim.access_key = text.substr(0, slash[0]);
  claim.scope_text = text.substr(slash[0] + 1);
  claim.scope.date = text.substr(slash[0] + 1, slash[1] - slash[0] - 1);
  claim.scope.region = text.substr(slash[1] + 1, slash[2] - slash[1] - 1);
  claim.scope.service = text.substr(slash[2] + 1, slash[3] - slash[2] - 1);
  std::string_view terminal = text.substr(slash[3] + 1);
  if (text.size() > kMaxCredential || claim.access_key.empty() || claim.scope.region.empty()) {
    return malformed("the Credential is mal-formed; a part is empty or too long.");
  }
  if (claim.scope.date.size() != 8 || !all_digits(claim.scope.date)) {
    return malformed("incorrect date format " + quoted(claim.scope.date) +
                     ". This date in the credential must be in the format \"yyyyMMdd\".");
  }
  if (claim.scope.service != service) {
    return malformed("incorrect service " + quoted(claim.scope.service) +
                     ". This endpoint belongs to " + quoted(service) + ".");
  }
  if (terminal != "aws4_request") {
    return malformed("incorrect terminal " + quoted(terminal) +
                     ". This endpoint uses \"aws4_request\".");
  }
  return ok;
}

template <class MakeError>
Result<> check_scope_date(const Claim& claim, MakeError malformed) {
  std::string_view day = claim.timestamp_text().substr(0, 8);
  if (claim.scope.date == day) return ok;
  return malformed("Invalid credential date " + quoted(claim.scope.date) +
                   ". This date is not the same as X-Amz-Date: " + quoted(day) + ".");
}

}  // namespace forebay::sign
