// Head: the current version of a key, as its owner knows it. Immutable; shared by everyone who
// answers with it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "object/kept/kept_row.h"
#include "object/layout.h"
#include "origin/origin.h"
#include "unit/fill.h"

namespace forebay::object {

/// The unit of an object that holds `offset`: what it is called, and its place.
inline unit::Unit unit_of(const Layout& layout, uint64_t incarnation, std::string_view key,
                          std::string_view tag, uint64_t offset) {
  Layout::Named named = layout.named_at(offset);
  std::string piece = named.piece == nullptr ? std::string() : named.piece->tag();
  UnitName name{.incarnation = incarnation,
                .key = key,
                .tag = named.piece == nullptr ? tag : std::string_view(piece),
                .offset = named.unit.offset - named.base,
                .length = named.unit.length};
  return {name.id(), named.unit};
}

/// All units of an object, in order.
inline std::vector<UnitId> units_of(const Layout& layout, uint64_t incarnation,
                                    std::string_view key, std::string_view tag) {
  std::vector<UnitId> out;
  for (uint64_t at = 0; at < layout.size();) {
    unit::Unit unit = unit_of(layout, incarnation, key, tag, at);
    out.push_back(unit.id);
    at = unit.range.end();
  }
  return out;
}

struct Head {
  origin::ObjectInfo info;
  std::string last_modified;  ///< info.modified as HTTP writes it; every answer needs it
  bool exists = true;         ///< false: the origin has no such key (a 404 is a head without tag)
  bool deleted = false;       ///< and told of a delete marker in its place
  Layout layout;
  bool adaptive = false;             ///< the bucket's: units are fetched as reads earn them
  Time checked;                      ///< when the check that gave it began
  unit::VersionRef version;          ///< for fills; null without a strong tag
  uint64_t incarnation = 0;          ///< the bucket's
  Time until;                        ///< in a bucket with a ttl: when the check is too old
  KeptKind kind = KeptKind::layout;  ///< what may be believed of it once it is out of sight
  /// Whether there is nothing to be done any more so that it is found when it is out of sight.
  mutable std::atomic<bool> kept = false;

  /// The unit that holds `offset`. Only with a strong tag.
  unit::Unit unit_at(uint64_t offset) const {
    const std::string& key = info.named_by.empty() ? version->key.text() : info.named_by;
    return unit_of(layout, incarnation, key, version->tag.text(), offset);
  }
  /// The unit at offset 0, named once: most objects have no other.
  unit::Unit first;
};
using HeadRef = std::shared_ptr<const Head>;

}  // namespace forebay::object
