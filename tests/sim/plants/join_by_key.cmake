# A read joins a fill of the same key and range, whatever version that one fetches.
include(${CMAKE_CURRENT_LIST_DIR}/plant.cmake)
plant([[
  Stripe& s = stripe(unit.id);
  std::lock_guard lock(s.mutex);
  auto it = s.fills.find(unit.id);
]] [[
  Stripe& s = stripes_[0];
  std::lock_guard lock(s.mutex);
  auto it = s.fills.find(unit.id);
  for (auto other = s.fills.begin(); it == s.fills.end() && other != s.fills.end(); ++other) {
    const Fill& fill = *other->second;
    if (fill.version()->key == version->key && fill.unit().range == unit.range) it = other;
  }
]])
plant("stripe(fill.unit().id)" "stripes_[0]")
