// The word that was probably meant, for a name that is none: commands, flags, settings, variables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace forebay::cli {

/// The one of `names` that is reached from `word` by the fewest letters put in, left out or
/// changed; of equals the first. Empty when there are none.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

/// "; did you mean NAME?", or nothing where no name is near: at most kMostSlips letters off, and
/// half of the word. A `prefix` that word and names begin with makes none of them near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names,
                         std::string_view prefix = {});
inline constexpr size_t kMostSlips = 3;

}  // namespace forebay::cli
