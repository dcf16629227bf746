// Node: one daemon. Opens every room, serves, and takes all of it down in order.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/engine.h"
#include "node/settings.h"

namespace forebay::node {

/// Serves until SIGTERM or SIGINT; then drains (at most kDrain) and returns. `say` gets what an
/// operator should see on standard output: generated credentials once, and the ready line.
Result<> serve(const Settings& settings, std::function<void(std::string)> say);

inline constexpr const char* kVersion = "0.1.0";

/// How long requests in flight may take to end after SIGTERM.
inline constexpr Duration kDrain = seconds(20);

}  // namespace forebay::node
