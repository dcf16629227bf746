#include "cli/shell.h"

#include <array>
#include <cstdio>

#include "cli/local.h"

namespace forebay::cli {

std::string Environment::get(const std::string& name) const {
  auto found = variables.find(name);
  return found == variables.end() ? std::string() : found->second;
}

Result<> Shell::print(std::string_view line) const { return streams.out(std::string(line) + '\n'); }

Error usage(std::string text) { return fail(Code::invalid, std::move(text), std::string(kUsage)); }

Result<Location> Location::parse(std::string_view path) {
  std::string_view rest = path;
  if (rest.starts_with("s3://")) rest.remove_prefix(5);
  size_t slash = rest.find('/');
  Location out{std::string(rest.substr(0, slash)),
               slash == std::string_view::npos ? "" : std::string(rest.substr(slash + 1))};
  if (out.bucket.empty()) {
    return usage("'" + std::string(path) + "' names no bucket");
  }
  return out;
}

Result<Location> parse_object(std::string_view path) {
  Result<Location> location = Location::parse(path);
  if (location && location->key.empty()) {
    return usage("'" + std::string(path) + "' names no object: BUCKET/KEY");
  }
  return location;
}

namespace {

std::string first_of(std::initializer_list<std::string> values) {
  for (const std::string& value : values) {
    if (!value.empty()) return value;
  }
  return {};
}

Task<client::Credentials> from_data(std::string data, const Environment& environment, Context ctx) {
  std::string text = co_await co_await read_file(absolute(environment, data + "/credentials"), ctx);
  Result<client::Profile> profile = client::parse_profile(text);
  if (!profile) co_return profile.error_in(data + "/credentials");
  co_return std::move(profile->credentials);
}

}  // namespace

Task<client::SessionOptions> session_options(Connection connection, const Environment& environment,
                                             Context ctx) {
  client::SessionOptions options;
  options.s3 = first_of({connection.s3, environment.get("FOREBAY_S3"), options.s3});
  options.admin = first_of({connection.admin, environment.get("FOREBAY_ADMIN"), options.admin});
  options.region = first_of(
      {environment.get("AWS_REGION"), environment.get("AWS_DEFAULT_REGION"), options.region});
  options.authorities_file =
      first_of({connection.authorities_file, environment.get("FOREBAY_CA_BUNDLE"),
                environment.get("AWS_CA_BUNDLE")});
  auto from = [&](const char* key, const char* secret, const char* token) {
    client::Credentials found{environment.get(key), Secret(environment.get(secret)),
                              environment.get(token)};
    if (found.access_key.empty() || found.secret.empty()) return false;
    options.credentials = std::move(found);
    return true;
  };
  std::string data = environment.get("FOREBAY_DATA");
  if (!connection.data.empty()) {
    auto found = co_await from_data(connection.data, environment, ctx);
    // A daemon that got its root key from the environment has not written one to its folder.
    bool missing = !found && found.error().code() == Code::not_found;
    if (missing && from("FOREBAY_ROOT_ACCESS_KEY", "FOREBAY_ROOT_SECRET_KEY", "")) {
      co_return options;
    }
    options.credentials = co_await std::move(found);
  } else if (!from("FOREBAY_ROOT_ACCESS_KEY", "FOREBAY_ROOT_SECRET_KEY", "") &&
             !from("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")) {
    std::string folder = first_of({data, kDefaultData});
    // Nobody has said that there is a daemon's folder here.
    bool said = !data.empty() ||
                (co_await kind_of(absolute(environment, folder + "/credentials"), ctx)).has_value();
    if (said) options.credentials = co_await co_await from_data(folder, environment, ctx);
  }
  co_return options;
}

namespace {

std::string scalar(const Json& json) {
  if (const std::string* text = json.as_string()) return *text;
  return json.dump();
}

void render(const Json& json, const std::string& indent, std::string& out) {
  if (const Json::Object* object = json.as_object()) {
    for (const auto& [name, value] : *object) {
      bool nested = value.as_object() != nullptr || value.as_array() != nullptr;
      out += indent + name + (nested ? ":" : ": " + scalar(value)) + '\n';
      if (nested) render(value, indent + "  ", out);
    }
  } else if (const Json::Array* array = json.as_array()) {
    for (const Json& value : *array) {
      bool nested = value.as_object() != nullptr || value.as_array() != nullptr;
      out += indent + (nested ? "-" : "- " + scalar(value)) + '\n';
      if (nested) render(value, indent + "  ", out);
    }
  } else {
    out += indent + scalar(json) + '\n';
  }
}

}  // namespace

std::string render_fields(const Json& json) {
  std::string out;
  render(json, "", out);
  return out;
}

std::string counted(uint64_t count, std::string_view thing) {
  return std::to_string(count) + ' ' + std::string(thing) + (count == 1 ? "" : "s");
}

std::string human_bytes(uint64_t bytes) {
  constexpr std::array<const char*, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

}  // namespace forebay::cli
