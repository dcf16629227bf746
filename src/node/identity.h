// Which node this is: drawn when its data folder is first used, kept there for good.
#pragma once

#include <string>

#include "io/file.h"
#include "io/loop.h"

namespace forebay::node {

/// 32 hex digits, from the file `node` in the data folder, which is made when it is missing. Code::
/// corrupt when it holds something else: two nodes must not pass for one. Blocks.
Result<std::string> load_identity(io::Directory& data, io::Loop& loop);

}  // namespace forebay::node
