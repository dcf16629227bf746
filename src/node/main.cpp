// `forebay`: the daemon (`serve`) and, for every other word, the command line client.
#include <cstdio>
#include <iostream>

#include "gateway/s3/compatibility.h"
#include "node/node.h"

extern char** environ;

namespace {

forebay::node::Environment read_environment() {
  forebay::node::Environment out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

int serve(const std::vector<std::string>& arguments,
          const forebay::node::Environment& environment) {
  using namespace forebay;
  auto settings = node::read_settings(arguments, environment);
  if (!settings) {
    bool asked = settings.error().code() == Code::cancelled;
    (asked ? std::cout : std::cerr) << settings.error().text() << (asked ? "" : "\n");
    return asked ? 0 : 2;
  }
  Result<> served =
      node::serve(*settings, [](std::string line) { std::cout << line << std::endl; });
  if (!served) {
    std::cerr << "forebay: " << served.error().text() << "\n";
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  auto environment = read_environment();
  if (!arguments.empty() && arguments.front() == "serve") {
    arguments.erase(arguments.begin());
    return serve(arguments, environment);
  }
  if (!arguments.empty() && arguments.front() == "s3-compatibility") {
    std::cout << forebay::gateway::s3::compatibility_page();
    return 0;
  }
  std::cerr << "usage: forebay serve …\n";
  return 2;
}
