// What is wrong with a command line, in words that name the word. CLI11's own speak of its rules
// and list leftovers backwards. The daemon's flags are complained about in the same way.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace forebay::cli {

/// The text for standard error, with its line end.
std::string complaint(const CLI::App& app, const CLI::ParseError& error);

}  // namespace forebay::cli
