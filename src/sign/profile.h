// Profiles: the files in which AWS tools keep credentials (~/.aws/credentials, ~/.aws/config). The
// engine keeps its own root credentials in the same form, so that any S3 tool can be pointed at
// the file. Text in, values out; whoever calls reads the file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sign/signer.h"

namespace forebay::sign {

/// One named section.
struct Profile {
  Credentials credentials;
  std::string region = {};  ///< empty when the section has none
};

/// Reads section [name] (in config files: [profile name]). No such section → Code::not_found; a
/// section without both keys → Code::invalid. Lines it does not know are passed over.
Result<Profile> parse_profile(std::string_view text, std::string_view name = "default");

/// The region of section [name] or [profile name]; empty when there is none. For config files,
/// whose sections need no keys.
std::string parse_region(std::string_view text, std::string_view name = "default");

/// A file with one section.
std::string format_profile(const Profile& profile, std::string_view name = "default");

}  // namespace forebay::sign
