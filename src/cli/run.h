// The `forebay` program, all but `serve`: parse, connect, carry out, say what went wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/shell.h"

namespace forebay::cli {

/// The exit code: 0 done, 1 failed, 2 wrong usage. `arguments` without the program's name. Both
/// references must outlive the task. ctx.cancel ends a command early; what it had begun is undone.
Task<int> run(std::vector<std::string> arguments,
              const Environment& environment [[clang::lifetimebound]],
              const Streams& streams [[clang::lifetimebound]], Context ctx);

/// What to look at next, as a line for standard error; empty where the error says it all.
std::string hint(const Error& error);

/// Whether an error tells of an origin whose answer was not S3's.
bool is_no_s3(std::string_view text);

}  // namespace forebay::cli
