// `forebay`: the daemon (`serve`) and, for every other word, the command line client. The only
// place that reads the process's environment and holds its standard streams.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "cli/parse.h"
#include "cli/run.h"
#include "gateway/s3/compatibility.h"
#include "io/stream.h"
#include "node/node.h"

extern char** environ;

namespace {

using namespace forebay;

node::Environment read_environment() {
  node::Environment out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

int serve(const std::vector<std::string>& arguments, const node::Environment& environment) {
  auto settings = node::read_settings(arguments, environment);
  if (!settings) {
    bool asked = settings.error().code() == Code::cancelled;
    (asked ? std::cout : std::cerr)
        << settings.error().text() << (settings.error().text().ends_with('\n') ? "" : "\n");
    return asked ? 0 : 2;
  }
  auto say = [](std::string line) { std::cout << line << std::endl; };
  Result<> served = node::serve(*settings, say);
  if (!served) {
    std::cerr << "forebay: " << served.error().text() << "\n";
    return served.error().detail() == node::kUsage ? 2 : 1;
  }
  return 0;
}

Result<> write_out(std::string_view text) {
  while (!text.empty()) {
    ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io::error_from_errno(errno, "write to standard output");
    text.remove_prefix(static_cast<size_t>(n));
  }
  return ok;
}

Result<size_t> read_in(ByteSpan into) {
  while (true) {
    ssize_t n = ::read(STDIN_FILENO, into.data(), into.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io::error_from_errno(errno, "read from standard input");
    return static_cast<size_t>(n);
  }
}

int command(std::vector<std::string> arguments, const node::Environment& variables) {
  cli::Environment environment;
  environment.variables.insert(variables.begin(), variables.end());
  environment.directory = std::filesystem::current_path().string();
  environment.version = node::kVersion;
  environment.terminal = ::isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    environment.columns = size.ws_col;
  }
  cli::Streams streams{write_out, [](std::string_view text) { std::cerr << text; }, read_in};
  for (const std::string& slip : node::unknown_variables(variables)) {
    std::cerr << "forebay: warning: " << slip << "\n";
  }
  auto engine = io::Engine::make({.loops = 1, .pool_threads = 4});
  if (!engine) {
    std::cerr << "forebay: " << engine.error().text() << "\n";
    return 1;
  }
  CancelToken cancel;
  for (int signal : {SIGINT, SIGTERM}) {
    (void)(*engine)->on_signal(signal, [&] { cancel.cancel(); });
  }
  Context ctx{.loop = &(*engine)->loop(0), .cancel = &cancel};
  Result<int> code = (*engine)->run_task(cli::run(std::move(arguments), environment, streams, ctx));
  return code ? *code : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments = cli::spell_out_help({argv + 1, argv + argc});
  auto environment = read_environment();
  if (!arguments.empty() && arguments.front() == "serve") {
    arguments.erase(arguments.begin());
    return serve(arguments, environment);
  }
  if (arguments == std::vector<std::string>{"s3-compatibility"}) {
    std::cout << gateway::s3::compatibility_page();
    return 0;
  }
  if (arguments == std::vector<std::string>{"completion"}) {
    std::cout << cli::bash_completion(node::serve_options());
    return 0;
  }
  return command(std::move(arguments), environment);
}
