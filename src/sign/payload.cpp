#include "sign/payload.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/encoding.h"

namespace forebay::sign {

std::string_view word(PayloadKind kind) {
  switch (kind) {
    case PayloadKind::hash: return {};
    case PayloadKind::unsigned_body: return kUnsignedPayload;
    case PayloadKind::streaming_signed: return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    case PayloadKind::streaming_signed_trailer: return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    case PayloadKind::streaming_unsigned_trailer: return "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  }
  return {};
}

Result<Payload> Payload::parse(std::string_view value) {
  for (PayloadKind kind :
       {PayloadKind::unsigned_body, PayloadKind::streaming_signed,
        PayloadKind::streaming_signed_trailer, PayloadKind::streaming_unsigned_trailer}) {
    if (value == word(kind)) return Payload{kind, {}};
  }
  if (value.starts_with("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")) {
    return fail(Code::invalid, "Signature Version 4A (ECDSA) is not implemented", "NotImplemented");
  }
  Payload payload{PayloadKind::hash, {}};
  auto digest = value.size() == 2 * payload.sha256.size() ? from_hex(value) : std::nullopt;
  if (!digest) {
    return fail(Code::invalid,
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
                "InvalidArgument");
  }
  std::memcpy(payload.sha256.data(), digest->data(), payload.sha256.size());
  return payload;
}

}  // namespace forebay::sign
