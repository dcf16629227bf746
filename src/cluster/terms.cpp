#include "cluster/terms.h"

#include <algorithm>
#include <map>

namespace forebay::cluster {

namespace {

/// How long changes of members are gathered before a map is proposed, and how much longer each
/// waits who is not the first of those that live.
constexpr Duration kGather = milliseconds(200);
constexpr Duration kRank = milliseconds(400);
/// How often what is waited for is looked at.
constexpr Duration kLook = milliseconds(100);
/// How often all is looked at, told or not.
constexpr Duration kAtLeast = seconds(5);
/// How often what leads is looked at, by what is shown here alone.
constexpr Duration kIdle = seconds(1);
/// How often a change is tried whose outcome is not known, or that was refused.
constexpr int kTries = 5;

bool stopped(const Context& ctx) { return ctx.cancel != nullptr && ctx.cancel->cancelled(); }
Context one_call(Context ctx) { return ctx.until(ctx.loop->now() + kCallTime); }

bool is_there(const std::vector<place::Member>& live, const place::Member& member) {
  return std::ranges::any_of(live, [&](const place::Member& one) {
    return one.disk == member.disk && one.nonce == member.nonce;
  });
}

/// Whether one that is to act under the map has gone: then it must not come into force.
bool has_lost_one(const place::Map& map, const std::vector<place::Member>& live) {
  return std::ranges::any_of(map.members(), [&](const place::Member& member) {
    return place::is_candidate(member) && !is_there(live, member);
  });
}

Result<std::vector<place::Member>> members_of(const Mirror::Rows& rows) {
  std::vector<place::Member> out;
  for (const auto& [key, row] : rows) {
    auto presence = Presence::parse(row);
    if (!presence) return std::move(presence.error());
    out.push_back(std::move(presence->member));
  }
  return out;
}

}  // namespace

std::shared_ptr<const Terms::View> Terms::view() const {
  std::lock_guard lock(mutex_);
  return view_;
}

place::PlacementRef Terms::active() const { return view()->active; }

std::string Terms::trouble() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [what, text] : troubles_) {
    out.append(out.empty() ? "" : "; ").append(what).append(": ").append(text);
  }
  return out;
}

void Terms::note(std::string_view what, const Result<>& done) {
  std::lock_guard lock(mutex_);
  // Another was quicker: no trouble.
  if (done || done.error().code() == Code::conflict) {
    troubles_.erase(what);
  } else {
    troubles_[what] = done.error().text();
  }
}

bool Terms::is_in(const place::Map& map) const {
  return std::ranges::any_of(map.members(),
                             [&](const place::Member& one) { return tenure_.is_self(one); });
}

bool Terms::decides(const place::Placement& placement, uint32_t slot) const {
  int owner = placement.owner(slot);
  if (owner < 0) return false;
  const place::Member& member = placement.map().members()[static_cast<size_t>(owner)];
  return tenure_.is_self(member);
}

uint64_t Terms::term(uint32_t slot, Time now) const {
  if (!tenure_.valid(now)) return 0;
  auto seen = view();
  if (seen->lease == 0 || seen->lease != tenure_.number() || !seen->active) return 0;
  if (!decides(*seen->active, slot)) return 0;
  if (seen->next && !decides(*seen->next, slot)) return 0;
  return seen->active->map().version();
}

Task<> Terms::run(Context ctx) {
  io::Group group(ctx);
  group.spawn(maps_.run(ctx));
  group.spawn(members_.run(ctx));
  group.spawn(follow(ctx));
  group.spawn(lead(ctx));
  co_return co_await group.join();
}

Task<Terms::Stored> Terms::read(Context ctx) {
  // One page is one moment.
  meta::Page page =
      co_await co_await control_.scan(meta::Range::prefix(meta::schema::kMaps), 10, one_call(ctx));
  std::map<std::string_view, std::string_view> rows;
  for (const meta::Row& row : page.rows) rows[row.key] = row.value;
  Stored out;
  auto state = rows.find(meta::schema::kMapState);
  if (state == rows.end()) co_return out;
  out.row = std::string(state->second);
  out.state = co_await MapState::parse(state->second);
  auto map = [&](uint64_t version) -> Result<place::MapRef> {
    auto found = rows.find(meta::schema::map(version));
    if (found == rows.end()) return fail(Code::corrupt, "a map is not there that must be");
    return place::Map::parse(found->second);
  };
  const MapState& said = out.state;
  if (said.active != 0) out.active = co_await map(said.active);
  if (said.proposed != said.active) out.proposed = co_await map(said.proposed);
  co_return out;
}

meta::Txn Terms::Stored::unchanged() const {
  meta::Txn txn;
  const std::string key(meta::schema::kMapState);
  row ? txn.require(key, *row) : txn.require_absent(key);
  return txn;
}

Task<std::vector<place::Member>> Terms::live(Context ctx) {
  auto rows = co_await co_await meta::scan_all(
      control_, meta::Range::prefix(meta::schema::kMembers), Mirror::kMaxRows, one_call(ctx));
  Mirror::Rows by_key;
  for (meta::Row& row : rows) by_key[std::move(row.key)] = std::move(row.value);
  co_return members_of(by_key);
}

// Looks whenever a map was changed, the lease is another, or some time has passed.
Task<> Terms::follow(Context ctx) {
  while (!stopped(ctx)) {
    uint64_t seen = maps_.changed()->count();
    note("maps", co_await look(ctx));
    const Time until = ctx.loop->now() + kAtLeast;
    Result<uint64_t> told;
    do {
      told = co_await maps_.changed()->changed(seen, ctx.until(ctx.loop->now() + kLook));
    } while (!told && !stopped(ctx) && view()->lease == tenure_.number() &&
             ctx.loop->now() < until);
  }
  co_return ok;
}

// As it stands already, or made anew.
Task<place::PlacementRef> Terms::placed(place::MapRef map, std::shared_ptr<const View> before,
                                        Context ctx) {
  for (const place::PlacementRef& one : {before->active, before->next}) {
    if (one && one->map() == *map) co_return one;
  }
  auto make = [&]() -> Result<place::PlacementRef> {
    return place::Placement::make(map, before->active.get());
  };
  co_return co_await io::run_blocking(ctx, make);
}

// What a proposal takes is given up before that is confirmed.
Task<> Terms::look(Context ctx) {
  uint64_t lease = tenure_.number();
  Stored stored = co_await co_await read(ctx);
  auto before = view();
  auto now = std::make_shared<View>();
  now->lease = lease;
  if (stored.active) now->active = co_await co_await placed(stored.active, before, ctx);
  if (stored.proposed) now->next = co_await co_await placed(stored.proposed, before, ctx);
  {
    std::lock_guard lock(mutex_);
    view_ = now;
  }
  bool asked = stored.proposed && stored.active && is_in(*stored.active);
  if (asked) co_return co_await confirm(stored.proposed->version(), ctx);
  co_return ok;
}

Task<> Terms::confirm(uint64_t version, Context ctx) {
  place::Member self = tenure_.self();
  const std::string key = meta::schema::confirmation(self.disk);
  std::string row = Confirmation{.nonce = self.nonce, .version = version}.dump();
  std::optional<std::string> there = co_await co_await control_.get(key, one_call(ctx));
  if (there == row) co_return ok;
  meta::Txn txn;
  there ? txn.require(key, std::move(*there)) : txn.require_absent(key);
  txn.put(key, std::move(row));
  co_return co_await control_.commit(std::move(txn), one_call(ctx));
}

size_t Terms::rank() const {
  size_t before = 0;
  std::string self = meta::schema::member(tenure_.self().disk);
  if (auto rows = members_.rows()) {
    for (const auto& [key, row] : *rows) before += key < self ? 1 : 0;
  }
  return before;
}

// Those that come later in the order of disks leave the work to the first, and do it if it does
// not.
Task<> Terms::wait_turn(Duration base, Context ctx) {
  Duration wait = base + kRank * static_cast<int64_t>(rank());
  Duration jitter = nanoseconds(static_cast<int64_t>(ctx.loop->random() % kLook.ns));
  co_return co_await io::sleep_until(ctx.loop->now() + wait + jitter, ctx);
}

// As far as is known here nothing is to be done: no map is proposed, and none would be.
bool Terms::is_idle() const {
  auto seen = view();
  auto rows = members_.rows();
  if (seen->lease == 0 || rows == nullptr) return true;
  if (seen->next) return false;
  auto live = members_of(*rows);
  if (!live) return false;
  auto next = next_map(seen->active ? &seen->active->map() : nullptr, *live);
  return next && *next == nullptr;
}

Task<> Terms::lead(Context ctx) {
  while (!stopped(ctx)) {
    uint64_t seen = members_.changed()->count();
    if (tenure_.valid(ctx.loop->now()) && !is_idle()) {
      note("proposal", co_await propose(ctx));
      note("change of maps", co_await put_in_force(ctx));
    }
    (void)co_await members_.changed()->changed(seen, ctx.until(ctx.loop->now() + kIdle));
  }
  co_return ok;
}

// One that is proposed already is left alone, or those who join could hold off for ever what is to
// be done for one that died; unless it would make one the owner of something that has gone itself.
Task<> Terms::propose(Context ctx) {
  for (bool waited = false;; waited = true) {
    Stored stored = co_await co_await read(ctx);
    std::vector<place::Member> there = co_await co_await live(ctx);
    if (stored.proposed && !has_lost_one(*stored.proposed, there)) co_return ok;
    place::MapRef next = co_await next_map(stored.newest().get(), there);
    if (!next) co_return ok;
    if (!waited) {
      co_await co_await wait_turn(kGather, ctx);
      continue;
    }
    meta::Txn txn = stored.unchanged();
    MapState state{.active = stored.state.active, .proposed = next->version()};
    txn.put(std::string(meta::schema::kMapState), state.dump());
    txn.put(meta::schema::map(next->version()), next->dump());
    if (stored.proposed) txn.remove(meta::schema::map(stored.proposed->version()));
    co_return co_await control_.commit(std::move(txn), one_call(ctx));
  }
}

Task<> Terms::put_in_force(Context ctx) {
  Stored stored = co_await co_await read(ctx);
  if (!stored.proposed) co_return ok;
  co_await co_await wait_turn({}, ctx);
  stored = co_await co_await read(ctx);
  if (!stored.proposed) co_return ok;
  co_await co_await await_confirmations(stored, ctx);
  const uint64_t version = stored.proposed->version();
  meta::Txn txn = stored.unchanged();
  MapState state{.active = version, .proposed = version};
  txn.put(std::string(meta::schema::kMapState), state.dump());
  if (stored.active) txn.remove(meta::schema::map(stored.active->version()));
  // What was confirmed stays so while the rows do.
  Result<> done = ok;
  for (int tries = 0; tries < kTries; ++tries) {
    done = co_await fence_.raise(version, one_call(ctx));
    if (done) done = co_await control_.commit(txn, one_call(ctx));
    if (done || (done.error().code() != Code::busy && done.error().code() != Code::unavailable)) {
      break;
    }
  }
  co_return done;
}

// Waits until every member of the map in force has confirmed, or has been away for so long that it
// believes nothing any more. Who is not there when it is looked, after the proposal was made, sees
// that proposal before it acts again; so how long it was away counts from then.
Task<> Terms::await_confirmations(Stored stored, Context ctx) {
  if (!stored.active) co_return ok;
  const uint64_t version = stored.proposed->version();
  std::map<std::string, Time> away;  // by disk: since when
  while (true) {
    std::vector<place::Member> there = co_await co_await live(ctx);
    Time now = ctx.loop->now();
    auto rows = co_await co_await meta::scan_all(control_,
                                                 meta::Range::prefix(meta::schema::kConfirmations),
                                                 Mirror::kMaxRows, one_call(ctx));
    std::map<std::string, Confirmation> said;
    for (const meta::Row& row : rows) {
      said[row.key] = co_await Confirmation::parse(row.value);
    }
    auto is_out = [&](const place::Member& member) {
      if (!place::is_candidate(member)) return true;
      auto found = said.find(meta::schema::confirmation(member.disk));
      bool own = found != said.end() && found->second.nonce == member.nonce;
      if (own && (found->second.left || found->second.version == version)) return true;
      if (!is_there(there, member)) away.emplace(member.disk, now);
      auto since = away.find(member.disk);
      return since != away.end() && now - since->second > kLease + kMargin;
    };
    // All are looked at each time, so that those who died together are waited for together.
    bool all = true;
    for (const place::Member& member : stored.active->members()) all &= is_out(member);
    if (all) co_return ok;
    if (has_lost_one(*stored.proposed, there)) {
      co_return fail(Code::conflict, "a member of the proposed map has gone");
    }
    // Those that come later look less often: with many members that is most of what there is to do.
    Duration pause = kLook * static_cast<int64_t>(1 + rank());
    co_await co_await io::sleep_until(ctx.loop->now() + pause, ctx);
    auto row = co_await co_await control_.get(std::string(meta::schema::kMapState), one_call(ctx));
    if (row != stored.row) co_return fail(Code::conflict, "another map is proposed, or in force");
  }
}

}  // namespace forebay::cluster
