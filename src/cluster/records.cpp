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

std::string Presence::dump() const {
  Json inner = *Json::parse(place::dump(member));
  return Json().set("lease", lease).set("member", std::move(inner)).dump();
}

Result<Presence> Presence::parse(std::string_view row) {
  auto json = read_row(row, 2);
  if (!json) return std::move(json.error());
  auto lease = json->unsigned_integer("lease");
  if (!lease) return std::move(lease.error());
  const Json* inner = json->find("member");
  auto member = place::parse_member(inner == nullptr ? "" : inner->dump());
  if (!member) return std::move(member.error());
  return Presence{*lease, std::move(*member)};
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
  for (const place::Member& old :
       last == nullptr ? std::vector<place::Member>() : last->members()) {
    auto there = std::ranges::find(live, old.disk, &place::Member::disk);
    members.push_back(there == live.end() ? old : *there);
    // Who is back soon, or was to leave, is no surprise.
    bool missed = there == live.end() && old.state == place::MemberState::active;
    if (missed) members.back().state = place::MemberState::down;
  }
  for (const place::Member& now : live) {
    bool known = last != nullptr && last->find(now.disk) >= 0;
    bool named = std::ranges::find(members, now.name, &place::Member::name) != members.end();
    if (!known && !named && members.size() < place::Map::kMaxMembers) members.push_back(now);
  }
  uint64_t version = last == nullptr ? 1 : last->version() + 1;
  auto map = place::Map::make(version, std::move(members));
  if (map && last != nullptr && (*map)->members() == last->members()) return place::MapRef();
  return map;
}

}  // namespace forebay::cluster
