#include "sign/profile.h"

#include <optional>

namespace forebay::sign {

namespace {

std::string_view strip(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// All of one section; nothing when there is none.
std::optional<Profile> read_section(std::string_view text, std::string_view name) {
  Profile out;
  bool found = false, inside = false;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    // An indented line belongs to the setting above it (config files nest so).
    bool nested = line.starts_with(' ') || line.starts_with('\t');
    line = strip(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[' && line.back() == ']') {
      std::string_view section = strip(line.substr(1, line.size() - 2));
      if (section.starts_with("profile ")) section = strip(section.substr(8));
      inside = section == name;
      found = found || inside;
      continue;
    }
    size_t equals = line.find('=');
    if (!inside || nested || equals == std::string_view::npos) continue;
    std::string_view key = strip(line.substr(0, equals));
    std::string value(strip(line.substr(equals + 1)));
    if (key == "aws_access_key_id") {
      out.credentials.access_key = std::move(value);
    } else if (key == "aws_secret_access_key") {
      out.credentials.secret = Secret(std::move(value));
    } else if (key == "aws_session_token") {
      out.credentials.session_token = std::move(value);
    } else if (key == "region") {
      out.region = std::move(value);
    }
  }
  if (!found) return std::nullopt;
  return out;
}

}  // namespace

Result<Profile> parse_profile(std::string_view text, std::string_view name) {
  std::optional<Profile> out = read_section(text, name);
  if (!out) return fail(Code::not_found, "no profile '" + std::string(name) + "'");
  if (out->credentials.access_key.empty() || out->credentials.secret.empty()) {
    return fail(Code::invalid, "profile '" + std::string(name) + "' lacks a key or its secret");
  }
  return std::move(*out);
}

std::string parse_region(std::string_view text, std::string_view name) {
  std::optional<Profile> out = read_section(text, name);
  return out ? out->region : std::string();
}

std::string format_profile(const Profile& profile, std::string_view name) {
  std::string out = "[" + std::string(name) + "]\n";
  out += "aws_access_key_id = " + profile.credentials.access_key + '\n';
  out += "aws_secret_access_key = " + profile.credentials.secret.reveal() + '\n';
  if (!profile.credentials.session_token.empty()) {
    out += "aws_session_token = " + profile.credentials.session_token + '\n';
  }
  if (!profile.region.empty()) out += "region = " + profile.region + '\n';
  return out;
}

}  // namespace forebay::sign
