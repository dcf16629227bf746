// Any bytes as the row of a map: they are refused, or what was read comes back when it is written.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "place/map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using forebay::place::Map;
  auto map = Map::parse({reinterpret_cast<const char*>(data), size});
  if (!map) return 0;
  auto again = Map::parse((*map)->dump());
  forebay::check(again.has_value() && **again == **map, "another map came back");
  return 0;
}
