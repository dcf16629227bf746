// Any bytes as JSON: they are refused, or what was read comes back when it is written and read.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/json.h"

namespace {

using forebay::Json;

// Fractions may be off by a unit in the last place (see Json).
bool same(const Json& a, const Json& b) {
  if (auto* left = a.as_array()) {
    auto* right = b.as_array();
    if (right == nullptr || left->size() != right->size()) return false;
    for (size_t i = 0; i < left->size(); ++i) {
      if (!same((*left)[i], (*right)[i])) return false;
    }
    return true;
  }
  if (auto* left = a.as_object()) {
    auto* right = b.as_object();
    if (right == nullptr || left->size() != right->size()) return false;
    for (size_t i = 0; i < left->size(); ++i) {
      bool equal = (*left)[i].first == (*right)[i].first;
      if (!equal || !same((*left)[i].second, (*right)[i].second)) return false;
    }
    return true;
  }
  if (a.dump() == b.dump()) return true;
  auto x = a.as_double(), y = b.as_double();
  return x && y && std::abs(*x - *y) <= 1e-14 * std::abs(*x) + 1e-300;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto json = Json::parse({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  auto again = Json::parse(json->dump());
  forebay::check(again.has_value(), "what was written cannot be read");
  auto third = Json::parse(again->dump());
  forebay::check(third.has_value() && same(*third, *again), "another value came back");
  return 0;
}
