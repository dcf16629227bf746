// docs/s3-compatibility.md, made from the table of operations.
#pragma once

#include <string>

namespace forebay::gateway::s3 {

/// The whole page. A test compares it with the file.
std::string compatibility_page();

}  // namespace forebay::gateway::s3
