// Members that tests of this room make maps of.
#pragma once

#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "place/map.h"

namespace forebay::place {

/// Member `number`: active, weight 100, no zone.
inline Member some_member(size_t number) {
  std::string name = "n" + std::to_string(number);
  Digest256 digest = Sha256::of(as_bytes(name));
  return {.disk = to_hex(ByteView(digest).first(16)),
          .nonce = number,
          .name = name,
          .peer = "10.0.0.1:" + std::to_string(10'000 + number),
          .zone = "",
          .state = MemberState::active};
}

/// Members 0 … count - 1.
inline std::vector<Member> some_members(size_t count) {
  std::vector<Member> out;
  for (size_t i = 0; i < count; ++i) out.push_back(some_member(i));
  return out;
}

}  // namespace forebay::place
