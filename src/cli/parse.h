// The command line's grammar and its help. CLI11 stays inside parse.cpp.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/command.h"

namespace forebay::cli {

/// Nothing to carry out: help (exit code 0) or a mistake in the arguments (2), with what to print.
struct Say {
  int exit_code = 0;
  std::string text;
};

/// "help COMMAND" as "COMMAND --help", anything else as it is.
std::vector<std::string> spell_out_help(std::vector<std::string> arguments);

/// `arguments` without the program's name.
std::variant<CommandLine, Say> parse(const std::vector<std::string>& arguments,
                                     const std::string& version);

/// A script for bash that completes commands and options; `serve_options` are those of the daemon
/// ("--data"), which are declared elsewhere.
std::string bash_completion(const std::vector<std::string>& serve_options);

}  // namespace forebay::cli
