// The node's own folders: the data folder is made for its user alone, because root's secret and
// those of origins stand in it, and no bucket may have any of them as its origin.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace forebay::node {

/// Makes the folder, mode 0700; its parents as usual. One that is there stays as it is. Blocking.
Result<> make_private_folder(const std::string& path);

/// Whether other users of the machine may look into it. Blocking.
bool others_may_read(const std::string& path);

/// Why nothing can be read of the folder; empty: it is there. Blocking.
std::string missing(const std::string& path);

/// Whether `path` is a folder right in `folder`, whatever links lead there. Blocking.
bool lies_right_in(const std::string& path, const std::string& folder);

/// Whether a folder is one of `own`, above one or inside one, whatever links lead there. Blocking.
bool shows(const std::string& path, const std::vector<std::string>& own);

}  // namespace forebay::node
