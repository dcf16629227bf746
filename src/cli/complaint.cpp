#include "cli/complaint.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace forebay::cli {

namespace {

// Words that no option and no command took, as they were written.
std::string about_leftover(const std::string& word, bool command) {
  if (word.starts_with("-") && word != "-") {
    return "unknown option '" + word.substr(0, word.find('=')) + "'";
  }
  return (command ? "unknown command '" : "unexpected argument '") + word + "'";
}

// Levenshtein's, row by row.
size_t distance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t corner = std::exchange(row[0], i);
    for (size_t j = 1; j <= to.size(); ++j) {
      size_t changed = corner + (from[i - 1] == to[j - 1] ? 0 : 1);
      corner = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  auto found = std::ranges::min_element(
      names, {}, [&](const std::string& name) { return distance(word, name); });
  return found == names.end() ? std::string() : *found;
}

std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  std::vector<std::string> left = app.remaining(true);
  bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  bool extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if ((missing || extra) && !left.empty()) text = about_leftover(left.front(), missing);
  return text + "\nRun with --help for more information.\n";
}

}  // namespace forebay::cli
