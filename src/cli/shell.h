// Shell: what a command needs of the world around it. The environment and the standard streams
// come in as values and functions, so that commands run in a test as they do in a terminal.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/context.h"
#include "base/json.h"
#include "base/task.h"
#include "cli/command.h"
#include "client/session.h"

namespace forebay::cli {

/// Read by node's main.
struct Environment {
  std::map<std::string, std::string> variables = {};
  std::string directory = "/";  ///< where relative paths begin; absolute
  std::string version = "0";
  bool terminal = false;  ///< standard error is one: progress may be shown
  unsigned columns = 80;  ///< its width

  /// Empty when it is not set.
  std::string get(const std::string& name) const;
};

/// The standard streams. `out` and `in` may block.
struct Streams {
  std::function<Result<>(std::string_view)> out;
  std::function<void(std::string_view)> err;
  /// Bytes read; 0 at the end.
  std::function<Result<size_t>(ByteSpan)> in;
};

/// Given to every command by reference; outlives it.
struct Shell {
  const Environment& environment;
  const Streams& streams;
  client::Session& session;

  client::S3Client& s3() const { return session.s3(); }
  client::AdminClient& admin() const { return session.admin(); }
  /// One line.
  Result<> print(std::string_view line) const;
};

/// The detail of an error in what was typed: no server was asked.
inline constexpr std::string_view kUsage = "usage";
/// Such an error.
Error usage(std::string text);

/// Where the objects of a command are: BUCKET/KEY, with or without "s3://". The key may be empty.
struct Location {
  std::string bucket;
  std::string key;
  static Result<Location> parse(std::string_view path);
  std::string to_string() const { return "s3://" + bucket + "/" + key; }
};

/// The same with a key; else it is wrong usage.
Result<Location> parse_object(std::string_view path);

/// Where a daemon keeps its data if it is not told; beside whom a command runs may be one.
inline constexpr const char* kDefaultData = "./forebay-data";

/// Which server as whom: flags, then variables, then defaults. Reads a credentials file.
Task<client::SessionOptions> session_options(Connection connection,
                                             const Environment& environment
                                             [[clang::lifetimebound]],
                                             Context ctx);

/// Members of an object as "name: value" lines, nested ones indented.
std::string render_fields(const Json& json);

/// "12.3 MiB".
std::string human_bytes(uint64_t bytes);

/// "1 object", "2 objects".
std::string counted(uint64_t count, std::string_view thing);

// One file per noun. Errors are printed by run().
Task<> run_bucket_create(Shell& shell [[clang::lifetimebound]], BucketCreate command, Context ctx);
Task<> run_bucket_set(Shell& shell [[clang::lifetimebound]], BucketSet command, Context ctx);
Task<> run_bucket_list(Shell& shell [[clang::lifetimebound]], BucketList command, Context ctx);
Task<> run_bucket_show(Shell& shell [[clang::lifetimebound]], BucketShow command, Context ctx);
Task<> run_bucket_remove(Shell& shell [[clang::lifetimebound]], BucketRemove command, Context ctx);
Task<> run_list(Shell& shell [[clang::lifetimebound]], List command, Context ctx);
Task<> run_copy(Shell& shell [[clang::lifetimebound]], Copy command, Context ctx);
Task<> run_cat(Shell& shell [[clang::lifetimebound]], Cat command, Context ctx);
Task<> run_remove(Shell& shell [[clang::lifetimebound]], Remove command, Context ctx);
Task<> run_stat(Shell& shell [[clang::lifetimebound]], Stat command, Context ctx);
Task<> run_prefetch(Shell& shell [[clang::lifetimebound]], Prefetch command, Context ctx);
Task<> run_job_list(Shell& shell [[clang::lifetimebound]], JobList command, Context ctx);
Task<> run_job_show(Shell& shell [[clang::lifetimebound]], JobShow command, Context ctx);
Task<> run_job_wait(Shell& shell [[clang::lifetimebound]], JobWait command, Context ctx);
Task<> run_job_cancel(Shell& shell [[clang::lifetimebound]], JobCancel command, Context ctx);
Task<> run_status(Shell& shell [[clang::lifetimebound]], ShowStatus command, Context ctx);

}  // namespace forebay::cli
