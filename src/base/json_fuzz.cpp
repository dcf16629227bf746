// Rows and requests as JSON: what is read can be written and read again as the same value.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/json.h"

using forebay::Json;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto json = Json::parse({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  auto again = Json::parse(json->dump());
  forebay::check(again.has_value(), "what was written cannot be read");
  // A member given twice counts once, so the second text is the settled one.
  auto third = Json::parse(again->dump());
  forebay::check(third.has_value() && third->dump() == again->dump(), "another value came back");
  return 0;
}
