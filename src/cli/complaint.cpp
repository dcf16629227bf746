#include "cli/complaint.h"

namespace forebay::cli {

namespace {

// Words that no option and no command took, as they were written.
std::string about_leftover(const std::string& word, bool command) {
  if (word.starts_with("-") && word != "-") {
    return "unknown option '" + word.substr(0, word.find('=')) + "'";
  }
  return (command ? "unknown command '" : "unexpected argument '") + word + "'";
}

}  // namespace

std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  std::vector<std::string> left = app.remaining(true);
  bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  bool extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if ((missing || extra) && !left.empty()) text = about_leftover(left.front(), missing);
  return text + "\nRun with --help for more information.\n";
}

}  // namespace forebay::cli
