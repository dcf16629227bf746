// The requests of a run, rendered and signed before the clock starts, so that signing is not in
// the measurement and yet every request is valid and different from every other.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "load_options.h"

namespace forebay::bench {

// One request per counted request; for runs bound by time a ring of some thousand.
std::vector<std::string> render_requests(const LoadOptions& options);

}  // namespace forebay::bench
