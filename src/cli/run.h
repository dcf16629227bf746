// The `forebay` program, all but `serve`: parse, connect, carry out, say what went wrong.
#pragma once

#include <string>
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

}  // namespace forebay::cli
