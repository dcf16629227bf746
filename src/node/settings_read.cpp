// Reading settings from a TOML file, the environment and flags. toml++ and CLI11 stay in here.
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <sstream>

#include "cli/complaint.h"
#include "cli/nearest.h"
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
    where << path << ":";
    // It has no line where there is no file.
    if (error.source().begin.line > 0) where << error.source().begin.line << ":";
    where << " " << error.description();
    return fail(Code::invalid, where.str());
  }
  return ok;
}

/// What the daemon reads beside its settings, and what only other commands of this program do.
constexpr std::string_view kOtherVariables[] = {"FOREBAY_CONFIG",
                                                "FOREBAY_ROOT_ACCESS_KEY",
                                                "FOREBAY_ROOT_SECRET_KEY",
                                                "FOREBAY_ORIGIN_ACCESS_KEY",
                                                "FOREBAY_ORIGIN_SECRET_KEY",
                                                "FOREBAY_CA_BUNDLE"};

// Kubernetes tells every container of a Service called "forebay" or "forebay-…" so, asked or not:
// FOREBAY_SERVICE_HOST, FOREBAY_SERVICE_PORT_S3, FOREBAY_PORT=tcp://…, FOREBAY_PORT_9000_TCP_ADDR.
bool tells_of_a_service(std::string_view name, std::string_view value) {
  if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT")) return true;
  if (name.contains("_SERVICE_PORT_")) return true;
  if (name.ends_with("_PORT")) return value.contains("://");
  size_t port = name.find("_PORT_");
  if (port == name.npos) return false;
  std::string_view rest = name.substr(port + std::string_view("_PORT_").size());
  size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  rest.remove_prefix(digits);
  return digits > 0 &&
         (rest.starts_with("_TCP") || rest.starts_with("_UDP") || rest.starts_with("_SCTP"));
}

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  Settings settings;
  visit(settings,
        [&](std::string_view name, auto&, std::string_view) { names.emplace_back(name); });
  return names;
}

Result<> read_environment(Settings& settings, const Environment& environment) {
  // A setting with a slip in its name would be one that silently is not made.
  std::vector<std::string> unknown = unknown_variables(environment);
  if (!unknown.empty()) return fail(Code::invalid, unknown.front());
  for (const std::string& name : setting_names()) {
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

std::vector<std::string> unknown_variables(const Environment& environment) {
  std::vector<std::string> known(std::begin(kOtherVariables), std::end(kOtherVariables));
  for (const std::string& name : setting_names()) known.push_back(variable(name));
  std::vector<std::string> unknown;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("FOREBAY_") || value.empty()) continue;
    if (std::ranges::find(known, name) != known.end() || tells_of_a_service(name, value)) continue;
    unknown.push_back("the environment's " + name + " is no setting" +
                      cli::did_you_mean(name, known, "FOREBAY_") +
                      " (forebay serve --help lists all of them)");
  }
  return unknown;
}

std::vector<std::string> serve_options() {
  std::vector<std::string> options{"--config", "--help"};
  for (const std::string& name : setting_names()) options.push_back("--" + name);
  return options;
}

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
      "a variable FOREBAY_… that is none is refused;\n"
      "flags win over the environment, the environment over the file.\n"
      "Root credentials: FOREBAY_ROOT_ACCESS_KEY and FOREBAY_ROOT_SECRET_KEY, or generated at the\n"
      "first start and kept in DATA/credentials.");
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, ignored;
    std::string usage(kUsage);
    if (app.exit(error, out, ignored) == 0) return fail(Code::cancelled, out.str(), usage);
    return fail(Code::invalid, cli::complaint(app, error), usage);
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
