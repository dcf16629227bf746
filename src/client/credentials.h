// Credentials of a client, and the file they may be kept in.
#pragma once

#include <string>
#include <string_view>

#include "sign/profile.h"
#include "sign/signer.h"

namespace forebay::client {

using Credentials = sign::Credentials;
using Profile = sign::Profile;

/// Reads one section of a file in the form of ~/.aws/credentials (sign/profile.h).
inline Result<Profile> parse_profile(std::string_view text, std::string_view name = "default") {
  return sign::parse_profile(text, name);
}

/// The region of a section of ~/.aws/config; empty when it has none.
inline std::string parse_region(std::string_view config, std::string_view name = "default") {
  return sign::parse_region(config, name);
}

}  // namespace forebay::client
