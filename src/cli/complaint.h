// What is wrong with a command line, in words that name the word. CLI11's own speak of its rules
// and list leftovers backwards. The daemon's flags are complained about in the same way.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::cli {

/// The text for standard error, with its line end.
std::string complaint(const CLI::App& app, const CLI::ParseError& error);

/// The one of `names` that is reached from `word` by the fewest letters put in, left out or
/// changed; of equals the first. Empty when there are none.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace forebay::cli
