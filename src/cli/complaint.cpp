#include "cli/complaint.h"

#include <vector>

#include "cli/nearest.h"

namespace forebay::cli {

namespace {

// What could stand where a word was not understood: flags of the commands that were named, and
// commands of the last one.
struct Known {
  std::vector<std::string> flags;
  std::vector<std::string> commands;
};

Known known_to(const CLI::App& app) {
  Known known;
  const CLI::App* at = &app;
  while (true) {
    for (const CLI::Option* option : at->get_options([](const CLI::Option*) { return true; })) {
      for (const std::string& name : option->get_lnames()) known.flags.push_back("--" + name);
    }
    std::vector<CLI::App*> named = at->get_subcommands();
    if (named.empty()) break;
    at = named.back();
  }
  for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; })) {
    known.commands.push_back(command->get_name());
  }
  return known;
}

// More commands than these take it: naming them all helps nobody.
constexpr size_t kMostTakers = 3;

// The commands below `app` that have this option, as they are typed.
void takers(const CLI::App& app, const std::string& flag, const std::string& path,
            std::vector<std::string>& out) {
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::string typed = path.empty() ? one->get_name() : path + ' ' + one->get_name();
    if (one->get_option_no_throw(flag) != nullptr) out.push_back("'" + typed + "'");
    takers(*one, flag, typed, out);
  }
}

// Words that no option and no command took, as they were written.
std::string about_leftover(const CLI::App& app, const std::string& word, bool command) {
  Known known = known_to(app);
  if (word.starts_with("-") && word != "-") {
    std::string flag = word.substr(0, word.find('='));
    std::vector<std::string> whose;
    if (flag.starts_with("--")) takers(app, flag, "", whose);
    if (whose.empty() || whose.size() > kMostTakers) {
      return "unknown option '" + flag + "'" + did_you_mean(flag, known.flags, "--");
    }
    std::string text = "unknown option '" + flag + "' here; it is one of " + whose.front();
    for (size_t i = 1; i < whose.size(); ++i) text += ", " + whose[i];
    return text;
  }
  if (!command) {
    // "bukcet ls" is "ls" with a word too many.
    std::vector<std::string> first;
    for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; })) {
      first.push_back(one->get_name());
    }
    return "unexpected argument '" + word + "'" + did_you_mean(word, first);
  }
  return "unknown command '" + word + "'" + did_you_mean(word, known.commands);
}

}  // namespace

std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  std::vector<std::string> left = app.remaining(true);
  bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ||
                 dynamic_cast<const CLI::CallForHelp*>(&error) != nullptr;
  bool extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if ((missing || extra) && !left.empty()) {
    text = about_leftover(app, left.front(), missing);
  } else if (missing && text.starts_with("A subcommand")) {
    text = "a command is missing:";
    for (const std::string& one : known_to(app).commands) text += ' ' + one;
  }
  return text + "\nRun with --help for more information.\n";
}

}  // namespace forebay::cli
