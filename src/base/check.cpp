#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace forebay {

void broken_invariant(const char* what, std::source_location where) {
  std::fprintf(stderr, "forebay: broken invariant: %s (%s:%u in %s)\n", what, where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name());
  std::abort();
}

}  // namespace forebay
