// Any text as a request: parse() and verify() give an error or an answer, and what our own signer
// signs is verified, whatever the path, the query and the header values are made of.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/encoding.h"
#include "sign/raw_request_test.h"
#include "sign/signer.h"
#include "sign/sigv4.h"

using namespace forebay;
using namespace forebay::sign;

namespace {

// The secret and the time of the seeds, which botocore signed (tools/sign_vectors.py).
const Secret kSecret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
const WallTime kNow = *parse_amz_date("20260102T030405Z");

void parse_and_verify(const RequestView& request) {
  auto claim = parse(request);
  if (!claim) {
    check(!claim.error().detail().empty(), "a refusal has an S3 code");
    return;
  }
  const std::optional<Claim>& given = *claim;
  if (!given) return;
  auto verified = verify(*given, request, derive_key(kSecret, given->scope), kNow);
  check(verified || !verified.error().detail().empty(), "a refusal has an S3 code");
  explain(*given, request);
}

bool signable(const RequestView& request) {
  size_t parameters = std::ranges::count(request.query, '&') + 8;
  if (request.headers.size() + 8 > kMaxHeaders || parameters > kMaxParameters) return false;
  if (request.query.contains("Signature") || request.query.contains("X-Amz-") ||
      request.query.contains("AWSAccessKeyId")) {
    return false;
  }
  for (const Header& header : request.headers) {
    bool plain = !header.name.empty() && !header.name.contains(';') &&
                 !same_name(header.name, "host") && !same_name(header.name, "authorization") &&
                 !same_name(header.name, "x-amz-security-token") &&
                 !same_name(header.name, "x-amz-date") &&
                 !same_name(header.name, "x-amz-content-sha256");
    if (!plain || header.name.contains(',')) return false;
    if (trim(header.name) != header.name) return false;
  }
  return true;
}

void sign_and_verify(const RequestView& request) {
  if (!signable(request)) return;
  static const Signer signer({"key", kSecret}, "region");
  std::vector<Header> headers(request.headers.begin(), request.headers.end());
  headers.push_back({"Host", "h"});
  RequestView view = request;
  view.headers = headers;
  Signed added = signer.sign(view, Body::not_signed(), kNow);
  for (const auto& [name, value] : added.headers()) headers.push_back({name, value});
  view.headers = headers;
  auto claim = parse(view);
  check(claim.has_value(), "our own claim is read");
  const Claim& given = present(*claim, "our own claim is read");
  check(verify(given, view, derive_key(kSecret, given.scope), kNow).has_value(),
        "our own signature is verified");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  RawRequest request({reinterpret_cast<const char*>(data), size});
  parse_and_verify(request);
  sign_and_verify(request);
  return 0;
}
