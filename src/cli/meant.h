// The bucket that was probably meant, where a command names one that is not there.
#pragma once

#include <string>
#include <vector>

#include "cli/shell.h"

namespace forebay::cli {

/// What a command names as buckets; a file's path among them looks like one too.
std::vector<std::string> buckets_in(const Command& command);

/// "; did you mean NAME?" for the one of `named` that the error `failed` tells of, or nothing. Asks
/// the server which buckets there are; where it does not say, nothing was meant.
Task<std::string> bucket_meant(Shell& shell [[clang::lifetimebound]],
                               std::vector<std::string> named, std::string failed, Context ctx);

}  // namespace forebay::cli
