#include "cli/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace forebay::cli {

namespace {

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

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names,
                         std::string_view prefix) {
  std::string best = nearest(word, names);
  if (best.empty()) return {};
  // A word may be shorter than what names begin with: "-=".
  size_t own = word.size() - std::min(word.size(), prefix.size());
  size_t most = std::min(kMostSlips, own / 2);
  return distance(word, best) <= most ? "; did you mean " + best + "?" : std::string();
}

}  // namespace forebay::cli
