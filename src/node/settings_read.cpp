// Reading settings from a TOML file, the environment and flags. toml++ and CLI11 stay in here.
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <map>
#include <sstream>

#include "cli/complaint.h"
#include "node/settings.h"

namespace forebay::node {

namespace {

std::string variable(std::string_view setting) {
  std::string out = "FOREBAY_";
  for (char c : setting) {
    out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::string text_of(const toml::node& node) {
  if (auto text = node.value<std::string>()) return *text;
  std::string out;
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& item : *list) {
      out += (out.empty() ? "" : ",") + item.value_or(std::string());
    }
    return out;
  }
  std::ostringstream number;
  node.visit([&](auto& value) { number << value; });
  return number.str();
}

Result<> read_file(Settings& settings, const std::string& path) {
  try {
    toml::table table = toml::parse_file(path);
    for (auto& [key, node] : table) {
      Result<> done = set(settings, key.str(), text_of(node));
      if (!done) return done.error_in(path);
    }
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << path << ":" << error.source().begin.line << ": " << error.description();
    return fail(Code::invalid, where.str());
  }
  return ok;
}

Result<> read_environment(Settings& settings, const Environment& environment) {
  std::vector<std::string> names;
  visit(settings,
        [&](std::string_view name, auto&, std::string_view) { names.emplace_back(name); });
  for (const std::string& name : names) {
    std::string text = lookup(environment, variable(name));
    if (text.empty()) continue;
    Result<> done = set(settings, name, text);
    if (!done) return done.error_in(variable(name));
  }
  settings.root_access_key = lookup(environment, "FOREBAY_ROOT_ACCESS_KEY");
  settings.root_secret_key = Secret(lookup(environment, "FOREBAY_ROOT_SECRET_KEY"));
  settings.origin_access_key = lookup(environment, "AWS_ACCESS_KEY_ID");
  settings.origin_secret_key = Secret(lookup(environment, "AWS_SECRET_ACCESS_KEY"));
  if (settings.root_access_key.empty() != settings.root_secret_key.empty()) {
    return fail(Code::invalid,
                "set both FOREBAY_ROOT_ACCESS_KEY and FOREBAY_ROOT_SECRET_KEY, or neither");
  }
  return ok;
}

std::string shown(const std::string& value) { return value; }
std::string shown(const ByteSize& value) { return value.bytes == 0 ? "" : to_text(value); }
std::string shown(bool value) { return value ? "true" : "false"; }
std::string shown(uint32_t value) { return std::to_string(value); }
std::string shown(const std::vector<std::string>&) { return ""; }

}  // namespace

Result<Settings> read_settings(const std::vector<std::string>& arguments,
                               const Environment& environment) {
  Settings settings;
  CLI::App app("Serve S3 on this node, with a cache on its disks in front of each bucket's origin.",
               "forebay serve");
  std::string config = lookup(environment, "FOREBAY_CONFIG");
  app.add_option("--config", config, "TOML file with these settings, without the dashes.");
  std::map<std::string, std::vector<std::string>> given;
  visit(settings, [&](std::string_view name, auto& field, std::string_view sentence) {
    std::string doc(sentence);
    if (std::string value = shown(field); !value.empty()) doc += " [" + value + "]";
    auto* flag = app.add_option("--" + std::string(name), given[std::string(name)], doc);
    flag->expected(1)->allow_extra_args(false);
    // A list comes as its items, one behind each flag.
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_same_v<Field, std::vector<std::string>>) {
      flag->expected(1, CLI::detail::expected_max_vector_size);
    }
  });
  app.footer(
      "Every setting can also come from the environment (FOREBAY_CACHE_SIZE=…) or the file;\n"
      "flags win over the environment, the environment over the file.\n"
      "Root credentials: FOREBAY_ROOT_ACCESS_KEY and FOREBAY_ROOT_SECRET_KEY, or generated at the\n"
      "first start and kept in DATA/credentials.");
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, ignored;
    if (app.exit(error, out, ignored) == 0) return fail(Code::cancelled, out.str(), "usage");
    return fail(Code::invalid, cli::complaint(app, error), "usage");
  }
  if (!config.empty()) {
    Result<> done = read_file(settings, config);
    if (!done) return std::move(done.error());
  }
  Result<> done = read_environment(settings, environment);
  if (!done) return std::move(done.error());
  for (auto& [name, texts] : given) {
    if (texts.empty()) continue;
    std::string text;
    for (const std::string& one : texts) text += (text.empty() ? "" : ",") + one;
    Result<> one = set(settings, name, text);
    if (!one) return std::move(one.error());
  }
  if (Result<> good = judge(settings); !good) return std::move(good.error());
  return settings;
}

}  // namespace forebay::node
