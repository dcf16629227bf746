#include "place/map.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>

namespace forebay::place {

namespace {

constexpr std::array<std::string_view, 5> kStates = {"joining", "active", "maintenance", "leaving",
                                                     "down"};
constexpr size_t kDiskDigits = 32;
constexpr size_t kMemberFields = 8;
constexpr size_t kMapFields = 2;

bool is_disk(std::string_view text) {
  return text.size() == kDiskDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= Member::kMaxNameBytes &&
         std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '.' || c == '_' || c == '-';
         });
}

// A port, and something before it: whether that is an address is known by who connects.
bool is_peer(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  if (text.size() > Member::kMaxNameBytes) return false;
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~'; })) return false;
  std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() && port > 0;
}

Error no_member(const Member& member, std::string_view field) {
  std::string who = is_name(member.name) ? member.name : "without a name";
  return fail(Code::invalid, "member " + who + ": '" + std::string(field) + "' is not understood");
}

Result<> check_member(const Member& member) {
  if (!is_name(member.name)) return no_member(member, "name");
  if (!is_disk(member.disk)) return no_member(member, "disk");
  if (!is_peer(member.peer)) return no_member(member, "peer");
  if (!member.zone.empty() && !is_name(member.zone)) return no_member(member, "zone");
  if (member.weight == 0 || member.weight > Member::kMaxWeight) return no_member(member, "weight");
  if (member.wire == 0) return no_member(member, "wire");
  return ok;
}

Json json_of(const Member& member) {
  Json json;
  json.set("disk", member.disk).set("nonce", member.nonce).set("name", member.name);
  json.set("peer", member.peer).set("zone", member.zone).set("weight", member.weight);
  json.set("state", name(member.state)).set("wire", member.wire);
  return json;
}

Result<> read(const Json& json, std::string_view field, std::string& to) {
  auto value = json.string(field);
  if (!value) return std::move(value.error());
  to = std::move(*value);
  return ok;
}

template <class T>
Result<> read(const Json& json, std::string_view field, T& to) {
  auto value = json.unsigned_integer(field);
  if (!value) return std::move(value.error());
  if (*value > std::numeric_limits<T>::max()) {
    return fail(Code::invalid, "'" + std::string(field) + "' is too large");
  }
  to = static_cast<T>(*value);
  return ok;
}

// A field more may change what the others mean: a map that has one is of a later release.
Result<> has_just(const Json& json, size_t fields) {
  const Json::Object* object = json.as_object();
  if (object != nullptr && object->size() == fields) return ok;
  return fail(Code::invalid, "a map has other fields than are understood");
}

Result<> read_member(const Json& json, Member& to) {
  Result<> done = has_just(json, kMemberFields);
  std::string state;
  if (done) done = read(json, "name", to.name);
  if (done) done = read(json, "disk", to.disk);
  if (done) done = read(json, "nonce", to.nonce);
  if (done) done = read(json, "peer", to.peer);
  if (done) done = read(json, "zone", to.zone);
  if (done) done = read(json, "weight", to.weight);
  if (done) done = read(json, "wire", to.wire);
  if (done) done = read(json, "state", state);
  if (!done) return done;
  auto found = std::ranges::find(kStates, state);
  if (found == kStates.end()) return no_member(to, "state");
  to.state = static_cast<MemberState>(found - kStates.begin());
  return ok;
}

}  // namespace

std::string_view name(MemberState state) { return kStates[static_cast<size_t>(state)]; }

std::string dump(const Member& member) { return json_of(member).dump(); }

Result<Member> parse_member(std::string_view row) {
  auto json = Json::parse(row);
  if (!json) return std::move(json.error());
  Member out;
  Result<> done = read_member(*json, out);
  if (done) done = check_member(out);
  if (!done) return std::move(done.error());
  return out;
}

Result<MapRef> Map::make(uint64_t version, std::vector<Member> members) {
  if (members.size() > kMaxMembers) {
    return fail(Code::too_large,
                "a cluster has " + std::to_string(kMaxMembers) + " members at most");
  }
  std::ranges::sort(members, {}, &Member::disk);
  std::set<std::string_view> names;
  for (size_t i = 0; i < members.size(); ++i) {
    Result<> done = check_member(members[i]);
    if (!done) return std::move(done.error());
    if (i > 0 && members[i - 1].disk == members[i].disk) {
      return fail(Code::invalid, "two members have disk " + members[i].disk);
    }
    if (!names.insert(members[i].name).second) {
      return fail(Code::invalid, "two members are called " + members[i].name);
    }
  }
  Map map;
  map.version_ = version;
  map.members_ = std::move(members);
  return std::make_shared<const Map>(std::move(map));
}

Result<MapRef> Map::parse(std::string_view row) {
  auto json = Json::parse(row);
  if (!json) return std::move(json.error());
  uint64_t version = 0;
  Result<> done = has_just(*json, kMapFields);
  if (done) done = read(*json, "version", version);
  if (!done) return std::move(done.error());
  const Json* list = json->find("members");
  const Json::Array* array = list == nullptr ? nullptr : list->as_array();
  if (array == nullptr) return fail(Code::invalid, "a map has no list of members");
  std::vector<Member> members(std::min(array->size(), kMaxMembers + 1));
  for (size_t i = 0; i < members.size(); ++i) {
    done = read_member((*array)[i], members[i]);
    if (!done) return std::move(done.error());
  }
  return make(version, std::move(members));
}

std::string Map::dump() const {
  Json::Array members;
  for (const Member& member : members_) members.push_back(json_of(member));
  return Json().set("version", version_).set("members", std::move(members)).dump();
}

int Map::find(std::string_view disk) const {
  auto found = std::ranges::lower_bound(members_, disk, {}, &Member::disk);
  if (found == members_.end() || found->disk != disk) return -1;
  return static_cast<int>(found - members_.begin());
}

uint32_t Map::wire() const {
  if (members_.empty()) return 1;
  return std::ranges::min(members_, {}, &Member::wire).wire;
}

}  // namespace forebay::place
