// Settings: everything an operator can say to `forebay serve`. One visit() names each field once;
// file, environment, flags, --help and the printed configuration all come from it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "cli/byte_size.h"

namespace forebay::node {

using cli::ByteSize;

struct Settings {
  std::string data = "./forebay-data";
  std::vector<std::string> disk;
  std::string s3 = "127.0.0.1:9000";
  std::string admin = "127.0.0.1:9001";
  std::string default_origin;
  ByteSize cache_size;
  ByteSize memory{1ULL << 30};
  uint32_t threads = 0;
  std::string region = "us-east-1";
  std::string domain;
  std::string tls_cert;
  std::string tls_key;
  std::string origin_ca;
  std::string freshness = "ttl:60s";
  std::string no_cache = "lota";
  std::string log_level = "info";
  bool log_requests = false;
  std::string log_format = "text";
  std::string log_file;
  /// Environment only: a secret does not belong on a command line or in a shared file.
  std::string root_access_key;
  Secret root_secret_key;
  /// For the default origin; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
  std::string origin_access_key;
  Secret origin_secret_key;
};

/// Calls v(name, field, sentence) for every setting that file and flags may give.
template <class S, class V>
void visit(S& s, V&& v) {
  v("data", s.data, "Folder for everything that must survive: rows, credentials, own buckets.");
  v("disk", s.disk, "Folder on a disk for cached bytes; repeat it for more. [DATA/cache]");
  v("s3", s.s3, "Address and port of the S3 endpoint; port 0 picks a free one.");
  v("admin", s.admin, "Address and port for health, metrics and `forebay bucket …`.");
  v("default-origin", s.default_origin,
    "Origin of buckets that are made without one, by S3 clients too: dir:///PATH or "
    "s3://?endpoint=URL&region=R; empty: none, they are native.");
  v("cache-size", s.cache_size,
    "Bytes of each disk that may be used, as far as there are so many; 0 is the disk less 5 %. "
    "[0]");
  v("memory", s.memory, "Budget for buffers and connections, bytes; 64MiB at least.");
  v("threads", s.threads, "Event loops; 0 is one per CPU.");
  v("region", s.region, "Region told to clients; any is accepted in signatures.");
  v("domain", s.domain, "Domain whose subdomains are buckets, beside localhost.");
  v("tls-cert", s.tls_cert, "PEM file with the certificate chain; turns the S3 address to https.");
  v("tls-key", s.tls_key, "PEM file with its private key.");
  v("origin-ca", s.origin_ca,
    "PEM file of authorities that https origins are checked with. [system]");
  v("freshness", s.freshness, "Of buckets made through S3: exact, ttl:60s or immutable.");
  v("no-cache", s.no_cache,
    "What a request's Cache-Control: no-cache means: lota (served from the cache, a miss is not "
    "stored) or rfc9111 (checked with the origin, then as usual).");
  v("log-level", s.log_level, "debug, info, warn, error or off.");
  v("log-requests", s.log_requests, "true: a line in the log for every request, at info.");
  v("log-format", s.log_format, "text or json.");
  v("log-file", s.log_file, "File to append the log to. [standard error]");
}

/// Sets one field from text: Code::invalid with the setting's name when it does not fit. A list
/// field takes its items separated by ','.
Result<> set(Settings& settings, std::string_view name, std::string_view text);

/// The smallest budget that is measured (docs/performance.md), in bytes.
inline constexpr uint64_t kLeastMemory = 64 << 20;
/// More event loops than this are a slip of the hand.
inline constexpr uint32_t kMostThreads = 1024;

/// Whether each setting is one that can be meant; else Code::invalid with its name and what can.
Result<> judge(const Settings& settings);

/// Where a variable's value comes from: node's main reads the process environment, tests give one.
using Environment = std::vector<std::pair<std::string, std::string>>;
std::string lookup(const Environment& environment, std::string_view name);

/// What is wrong with the names of variables FOREBAY_… that nothing here reads, a sentence each.
std::vector<std::string> unknown_variables(const Environment& environment);

/// The options of `forebay serve`, as they are typed: "--data".
std::vector<std::string> serve_options();

/// The detail of an error in the settings, also where only their use shows it.
inline constexpr std::string_view kUsage = "usage";

/// File (weakest), environment FOREBAY_… and flags (strongest). `--help` and mistakes in the
/// arguments end in an Error whose detail is "usage" and whose text is what to print.
Result<Settings> read_settings(const std::vector<std::string>& arguments,
                               const Environment& environment);

}  // namespace forebay::node
