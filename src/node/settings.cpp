#include "node/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <optional>
#include <set>

#include "auth/keys.h"
#include "cli/nearest.h"
#include "io/loop.h"
#include "node/folders.h"
#include "object/bucket.h"
#include "obs/log.h"

namespace forebay::node {

namespace {

Error no_number(std::string_view text) {
  return fail(Code::invalid, "'" + std::string(text) + "' is not a number");
}

Result<> assign(std::string& field, std::string_view text) {
  field = text;
  return ok;
}

Result<> assign(std::vector<std::string>& field, std::string_view text) {
  field.clear();
  while (!text.empty()) {
    size_t comma = text.find(',');
    field.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  return ok;
}

Result<> assign(uint32_t& field, std::string_view text) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), field);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return no_number(text);
  }
  return ok;
}

Result<> assign(bool& field, std::string_view text) {
  if (text != "true" && text != "false") {
    return fail(Code::invalid, "'" + std::string(text) + "' is neither true nor false");
  }
  field = text == "true";
  return ok;
}

Result<> assign(ByteSize& field, std::string_view text) {
  auto size = cli::parse_size(text);
  if (!size) return std::move(size.error());
  field = *size;
  return ok;
}

}  // namespace

Result<> set(Settings& settings, std::string_view name, std::string_view text) {
  std::optional<Result<>> done;
  std::vector<std::string> names;
  visit(settings, [&](std::string_view field_name, auto& field, std::string_view) {
    names.emplace_back(field_name);
    if (field_name == name) done = assign(field, text);
  });
  if (!done) {
    return fail(Code::invalid,
                "there is no setting '" + std::string(name) + "'" + cli::did_you_mean(name, names));
  }
  if (!*done) return done->error_in("setting " + std::string(name));
  return ok;
}

namespace {

/// The first folder that is named twice, by whatever path; empty: none is.
std::string named_twice(const std::vector<std::string>& folders) {
  std::set<std::filesystem::path> seen;
  for (const std::string& folder : folders) {
    std::error_code error;
    auto path = std::filesystem::weakly_canonical(std::filesystem::absolute(folder, error), error);
    if (!error && !seen.insert(path / "").second) return folder;
  }
  return {};
}

/// Two folders of which one lies in the other, as text; empty: there are none. Each would count the
/// other's bytes as somebody else's, and be gone with it.
std::string nested(const std::vector<std::string>& folders) {
  std::vector<std::string> before;
  for (const std::string& folder : folders) {
    std::error_code error;
    std::string path = std::filesystem::absolute(folder, error).string();
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    for (size_t i = 0; i < before.size(); ++i) {
      if (shows(path, {before[i]})) return folders[i] + " and " + folder;
    }
    before.push_back(std::move(path));
  }
  return {};
}

/// Where a file would be made, if that is no folder; empty: it is one.
std::string missing_folder_of(const std::string& file) {
  if (file.empty()) return {};
  std::error_code error;
  auto folder = std::filesystem::absolute(file, error).parent_path();
  return std::filesystem::is_directory(folder, error) ? "" : folder.string();
}

}  // namespace

Result<> judge(const Settings& settings) {
  auto wrong = [](std::string_view name, std::string_view wanted) {
    return fail(Code::invalid, "setting " + std::string(name) + ": " + std::string(wanted));
  };
  if (settings.memory.bytes < kLeastMemory) return wrong("memory", "64MiB at least");
  if (settings.threads > kMostThreads) return wrong("threads", "1024 at most");
  if (settings.no_cache != "lota" && settings.no_cache != "rfc9111") {
    return wrong("no-cache", "lota or rfc9111");
  }
  if (std::string twice = named_twice(settings.disk); !twice.empty()) {
    return wrong("disk", "each folder once, and " + twice + " is named twice");
  }
  if (std::string two = nested(settings.disk); !two.empty()) {
    return wrong("disk", "folders beside each other, and of " + two + " one lies in the other");
  }
  if (std::string folder = missing_folder_of(settings.log_file); !folder.empty()) {
    return wrong("log-file", "the folder " + folder + " does not exist; make it first");
  }
  if (settings.log_format != "text" && settings.log_format != "json") {
    return wrong("log-format", "text or json");
  }
  if (auto level = obs::parse_level(settings.log_level); !level) {
    return level.error_in("setting log-level");
  }
  const std::string& key_id = settings.root_access_key;
  if (Result<> good = auth::check_key_id(key_id); !key_id.empty() && !good) {
    return good.error_in("FOREBAY_ROOT_ACCESS_KEY");
  }
  if (auto freshness = object::Freshness::parse(settings.freshness); !freshness) {
    return freshness.error_in("setting freshness");
  }
  bool host = std::ranges::all_of(settings.domain, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.';
  });
  if (!host) return wrong("domain", "a host name, as s3.example.com");
  const std::string& origin = settings.default_origin;
  if (!origin.empty() && !origin.starts_with("dir:///") && !origin.starts_with("s3://")) {
    return wrong("default-origin", "dir:///PATH or s3://?endpoint=URL&region=R");
  }
  if (settings.tls_cert.empty() != settings.tls_key.empty()) {
    return wrong("tls-cert", "both it and tls-key, or neither");
  }
  for (const auto& [name, text] : {std::pair("s3", &settings.s3), {"admin", &settings.admin}}) {
    if (auto address = io::Address::parse(*text); !address) {
      return wrong(name, "HOST:PORT, not '" + *text + "'");
    }
  }
  return ok;
}

std::string lookup(const Environment& environment, std::string_view name) {
  for (auto& [key, value] : environment) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace forebay::node
