// The content type of a file, told from its name: a table of our own, so that a copy means the same
// on every machine.
#pragma once

#include <string_view>

namespace forebay::cli {

/// By the last extension, in either case; application/octet-stream where it tells nothing.
std::string_view content_type(std::string_view path);

}  // namespace forebay::cli
