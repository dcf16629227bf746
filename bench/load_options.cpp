#include "load_options.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

namespace forebay::bench {

const char* const kLoadUsage =
    R"(usage: loadgen --connect ADDR:PORT (--path PATH... | --paths FILE) [options]
  --connections N    keep-alive connections (1)
  --requests N       stop after N requests            one of the two
  --duration S       stop after S seconds             is needed
  --timeout S        give up after S seconds (120)
  --no-sign          no SigV4; else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are needed
  --region NAME      for the signature (us-east-1)
  --host NAME        Host header (ADDR:PORT)
  --put N            send PUTs with bodies of N bytes
  --range A-B        send a Range header and expect 206
  --expect-length N  every body must have N bytes
  --verify FILE      every body must equal this file
  --discard          read bodies with MSG_TRUNC
  --rate N           slow readers: N bytes per second and connection
  --rcvbuf N         SO_RCVBUF
  --congestion NAME  TCP congestion control (cubic)
  --tls              over TLS; any certificate will do
  --wait             print "armed" when ready and begin at a line on stdin
)";

namespace {

using Text = std::string_view;

template <class Number>
bool parse_number(Text text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_address(Text text, LoadOptions& options) {
  const auto colon = text.rfind(':');
  if (colon == Text::npos) return false;
  options.address = text.substr(0, colon);
  return parse_number(text.substr(colon + 1), options.port) && options.port != 0;
}

bool read_file(const std::string& name, std::string& content) {
  std::ifstream file(name, std::ios::binary);
  content.assign(std::istreambuf_iterator<char>(file), {});
  return file.good() && !content.empty();
}

bool read_paths(const std::string& name, std::vector<std::string>& paths) {
  std::ifstream file(name);
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) paths.push_back(line);
  return !paths.empty();
}

// Paths are signed as they stand, so they must not need any encoding.
bool plain_path(Text path) {
  return path.starts_with('/') &&
         path.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "/-_.~") == Text::npos;
}

using Setter = std::function<bool(Text)>;

std::map<Text, Setter> value_flags(LoadOptions& o) {
  const auto text = [](std::string& field) {
    return [&field](Text value) { return field = value, !value.empty(); };
  };
  const auto number = [](auto& field) {
    return [&field](Text value) { return parse_number(value, field); };
  };
  return {
      {"--connect", [&o](Text value) { return parse_address(value, o); }},
      {"--path", [&o](Text value) { return o.paths.emplace_back(value), true; }},
      {"--paths", [&o](Text value) { return read_paths(std::string(value), o.paths); }},
      {"--verify", [&o](Text value) { return read_file(std::string(value), o.verify); }},
      {"--connections", number(o.connections)},
      {"--requests", number(o.requests)},
      {"--duration", number(o.duration)},
      {"--timeout", number(o.timeout)},
      {"--expect-length", number(o.expect_length)},
      {"--put", number(o.put)},
      {"--rate", number(o.rate)},
      {"--rcvbuf", number(o.receive_buffer)},
      {"--region", text(o.region)},
      {"--host", text(o.host)},
      {"--range", text(o.range)},
      {"--congestion", text(o.congestion)},
  };
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A sentence, or nothing if the options make sense together.
std::string complaint(const LoadOptions& o) {
  if (o.port == 0) return "--connect is needed";
  if (o.paths.empty()) return "--path or --paths is needed";
  for (const auto& path : o.paths)
    if (!plain_path(path.substr(0, path.find('?')))) return "not a plain path: " + path;
  if ((o.requests == 0) == (o.duration <= 0)) return "one of --requests and --duration is needed";
  if (o.connections == 0 || o.connections > 100'000) return "--connections is out of range";
  if (o.requests > 2'000'000) return "--requests is above 2000000";
  if (o.timeout <= 0) return "--timeout must be positive";
  if (o.put > 0 && (o.rate != 0 || !o.range.empty() || !o.verify.empty()))
    return "--put goes with no --rate, --range or --verify";
  if (o.discard && o.tls) return "--discard and --tls exclude each other";
  if (o.discard && !o.verify.empty()) return "--discard and --verify exclude each other";
  if (o.sign && (o.access_key.empty() || o.secret_key.empty()))
    return "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are needed, or --no-sign";
  return "";
}

}  // namespace

std::expected<LoadOptions, std::string> parse_options(int argc, char** argv) {
  LoadOptions options;
  const auto setters = value_flags(options);
  for (int i = 1; i < argc; ++i) {
    const Text flag = argv[i];
    if (flag == "--no-sign") {
      options.sign = false;
    } else if (flag == "--discard") {
      options.discard = true;
    } else if (flag == "--tls") {
      options.tls = true;
    } else if (flag == "--wait") {
      options.wait = true;
    } else if (const auto setter = setters.find(flag); setter == setters.end()) {
      return std::unexpected("unknown option " + std::string(flag));
    } else if (i + 1 == argc || !setter->second(argv[++i])) {
      return std::unexpected("bad value for " + std::string(flag));
    }
  }
  options.access_key = environment("AWS_ACCESS_KEY_ID");
  options.secret_key = environment("AWS_SECRET_ACCESS_KEY");
  if (options.host.empty()) options.host = options.address + ":" + std::to_string(options.port);
  if (const auto text = complaint(options); !text.empty()) return std::unexpected(text);
  return options;
}

}  // namespace forebay::bench
