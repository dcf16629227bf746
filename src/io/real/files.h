// Files and folders of the kernel.
#pragma once

#include <memory>
#include <string>

#include "io/file.h"

namespace forebay::io::real {

/// See Loop::open_directory.
Result<std::shared_ptr<Directory>> open_directory(const std::string& path, bool create,
                                                  std::shared_ptr<Lane> lane);

}  // namespace forebay::io::real
