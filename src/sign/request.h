// The request as a signature sees it: raw bytes, exactly as they stood on the wire. Nothing may be
// decoded, normalised or reordered before it gets here.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/header.h"

namespace forebay::sign {

using forebay::Header;

/// Views of a request's raw bytes; whoever makes one keeps the bytes alive.
struct RequestView {
  std::string_view method;          ///< as sent ("GET")
  std::string_view path;            ///< the request target before '?', still percent-encoded
  std::string_view query;           ///< after '?', still percent-encoded; empty without
  std::span<const Header> headers;  ///< in the order sent

  /// The first header of that name (given in lower case); nullptr when there is none.
  const Header* find(std::string_view lower_name) const;
};

/// Most header lines and query parameters a signed request may have; more is InvalidRequest.
inline constexpr size_t kMaxHeaders = 256;
inline constexpr size_t kMaxParameters = 256;

}  // namespace forebay::sign
