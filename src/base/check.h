// Broken invariants stop the process, in release builds too: a cache that goes on after its own
// bookkeeping is wrong may serve wrong bytes. Bad input is never a check: it is an Error.
#pragma once

#include <source_location>
#include <utility>

namespace forebay {

/// Prints `what` with its place to stderr and aborts. Used by check(); call it directly for
/// places that cannot be reached.
[[noreturn]] void broken_invariant(const char* what, std::source_location where);

/// Aborts with `what` when `holds` is false.
inline void check(bool holds, const char* what,
                  std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    broken_invariant(what, where);
}

/// What `optional` holds; aborts with `what` when it holds nothing. For what was decided elsewhere.
template <class Optional>
auto&& present(Optional&& optional, const char* what,
               std::source_location where = std::source_location::current()) {
  check(optional.has_value(), what, where);
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): does not see through check()
  return *std::forward<Optional>(optional);
}

}  // namespace forebay
