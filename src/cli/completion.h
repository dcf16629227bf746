// The script by which bash completes the command line.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace forebay::cli {

/// Of all commands below `app` and their options; `serve_options` are those of "serve". Behind an
/// option that takes a value, and where no word fits, bash completes names of files.
std::string completion_script(const CLI::App& app, const std::vector<std::string>& serve_options);

}  // namespace forebay::cli
