// What several commands tell of a job at the server: a line, and all of it.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/shell.h"

namespace forebay::cli {

/// The detail of the error of a command whose job has come to no good end.
inline constexpr std::string_view kJobOver = "JobOver";

/// "data/images": whose objects.
std::string job_path(const Json& job);
/// Whether it removes objects; else it fetches them.
bool removes(const Json& job);
/// "12 of 40 objects, 1.0 GiB of 3.4 GiB"; of what is known so far. "nothing found under
/// data/images" where there are none.
std::string job_numbers(const Json& job);
/// What is to be told of a job that is there.
struct Follow {
  bool wait = false;  ///< look on until its end
  bool json = false;  ///< the job as the server tells it, in place of words
};
/// What became of an order: tells it, and with `wait` looks on until its end. `does`: "fetches".
Task<> follow_job(Shell& shell [[clang::lifetimebound]], Json ordered, Follow how, std::string does,
                  Context ctx);
/// Its end: ok, or why not all objects were done.
Result<> job_end(const Json& job);

}  // namespace forebay::cli
