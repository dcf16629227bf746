#include "cluster/records.h"

#include <algorithm>

namespace forebay::cluster {

namespace {

// A field more is of a later release, and may mean anything.
Result<Json> read_row(std::string_view row, size_t fields) {
  auto json = Json::parse(row);
  if (!json) return json;
  const Json::Object* object = json->as_object();
  if (object != nullptr && object->size() == fields) return json;
  return fail(Code::invalid, "a row of the cluster has other fields than are understood");
}

}  // namespace

std::string MapState::dump() const {
  return Json().set("active", active).set("proposed", proposed).dump();
}

Result<MapState> MapState::parse(std::string_view row) {
  auto json = read_row(row, 2);
  if (!json) return std::move(json.error());
  auto active = json->unsigned_integer("active"), proposed = json->unsigned_integer("proposed");
  if (!active) return std::move(active.error());
  if (!proposed) return std::move(proposed.error());
  if (*proposed < *active) return fail(Code::invalid, "the map in force was never proposed");
  return MapState{*active, *proposed};
}

std::string Presence::dump() const {
  Json inner = *Json::parse(place::dump(member));
  return Json().set("lease", lease).set("put", put).set("member", std::move(inner)).dump();
}

Result<Presence> Presence::parse(std::string_view row) {
  auto json = read_row(row, 3);
  if (!json) return std::move(json.error());
  auto lease = json->unsigned_integer("lease"), put = json->unsigned_integer("put");
  if (!lease) return std::move(lease.error());
  if (!put) return std::move(put.error());
  const Json* inner = json->find("member");
  auto member = place::parse_member(inner == nullptr ? "" : inner->dump());
  if (!member) return std::move(member.error());
  return Presence{*lease, *put, std::move(*member)};
}

std::string Confirmation::dump() const {
  return Json().set("nonce", nonce).set("version", version).set("left", left).dump();
}

Result<Confirmation> Confirmation::parse(std::string_view row) {
  auto json = read_row(row, 3);
  if (!json) return std::move(json.error());
  auto nonce = json->unsigned_integer("nonce"), version = json->unsigned_integer("version");
  auto left = json->boolean("left");
  if (!nonce) return std::move(nonce.error());
  if (!version) return std::move(version.error());
  if (!left) return std::move(left.error());
  return Confirmation{*nonce, *version, *left};
}

Result<place::MapRef> next_map(const place::Map* last, const std::vector<place::Member>& live) {
  std::vector<place::Member> members;
  if (last != nullptr) members = last->members();
  for (place::Member& old : members) {
    auto there = std::ranges::find(live, old.disk, &place::Member::disk);
    if (there != live.end()) {
      // One that takes another's name keeps its own, or there would be no map at all.
      auto other = std::ranges::find(members, there->name, &place::Member::name);
      bool taken = other != members.end() && other->disk != old.disk;
      std::string name = taken ? old.name : there->name;
      old = *there;
      old.name = std::move(name);
    } else if (old.state == place::MemberState::active) {
      // Who is back soon, or was to leave, is no surprise.
      old.state = place::MemberState::down;
    }
  }
  for (const place::Member& now : live) {
    if (last != nullptr && last->find(now.disk) >= 0) continue;
    // A machine may come back with a new disk, and the name that it had.
    std::erase_if(members, [&](const place::Member& old) {
      return old.name == now.name && old.state == place::MemberState::down;
    });
    bool named = std::ranges::find(members, now.name, &place::Member::name) != members.end();
    if (!named && members.size() < place::Map::kMaxMembers) members.push_back(now);
  }
  uint64_t version = last == nullptr ? 1 : last->version() + 1;
  auto map = place::Map::make(version, std::move(members));
  if (map && last != nullptr && (*map)->members() == last->members()) return place::MapRef();
  return map;
}

}  // namespace forebay::cluster
