// Small files of the data folder that only the daemon's user may read.
#pragma once

#include <string>
#include <string_view>

#include "io/file.h"

namespace forebay::node {

/// The first 4 KiB of the file. Blocks.
Result<std::string> read_private(io::Directory& data, const std::string& name);
/// Makes or replaces it, durably; after a crash it is the old one or the new one. Blocks.
Result<> write_private(io::Directory& data, const std::string& name, std::string_view text);

}  // namespace forebay::node
