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
constexpr Duration kAtLeast = seconds(1);

bool stopped(const Context& ctx) { return ctx.cancel != nullptr && ctx.cancel->cancelled(); }
Context one_call(Context ctx) { return ctx.until(ctx.loop->now() + kCallTime); }

bool is_there(const std::vector<place::Member>& live, const place::Member& member) {
  return std::ranges::any_of(live, [&](const place::Member& one) {
    return one.disk == member.disk && one.nonce == member.nonce;
  });
}

}  // namespace

std::shared_ptr<const Terms::View> Terms::view() const {
  std::lock_guard lock(mutex_);
  return view_;
}

place::PlacementRef Terms::active() const { return view()->active; }

bool Terms::is_in(const place::Map& map) const {
  place::Member self = tenure_.self();
  int at = map.find(self.disk);
  return at >= 0 && map.members()[static_cast<size_t>(at)].nonce == self.nonce;
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
  Stored out;
  for (meta::Row& row : page.rows) {
    if (row.key == meta::schema::kActiveMap) {
      out.active = co_await place::Map::parse(row.value);
      out.active_row = std::move(row.value);
    } else if (row.key == meta::schema::kProposedMap) {
      out.proposed = co_await place::Map::parse(row.value);
      out.proposed_row = std::move(row.value);
    }
  }
  bool in_force = out.active && out.proposed && out.proposed->version() == out.active->version();
  if (in_force) out.proposed = nullptr;
  co_return out;
}

Task<std::vector<place::Member>> Terms::live(Context ctx) {
  Context soon = one_call(ctx);
  auto rows = co_await co_await meta::scan_all(
      control_, meta::Range::prefix(meta::schema::kMembers), Mirror::kMaxRows, soon);
  std::vector<place::Member> out;
  for (const meta::Row& row : rows) {
    Presence presence = co_await Presence::parse(row.value);
    out.push_back(std::move(presence.member));
  }
  co_return out;
}

// Looks whenever a map was changed, the lease is another, or some time has passed.
Task<> Terms::follow(Context ctx) {
  while (!stopped(ctx)) {
    uint64_t seen = maps_.changed()->count();
    (void)co_await look(ctx);
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
    if (one && one->map().version() == map->version()) co_return one;
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

// Those that come later in the order of disks leave the work to the first, and do it if it does
// not.
Task<> Terms::wait_turn(Duration base, Context ctx) {
  size_t before = 0;
  std::string self = meta::schema::member(tenure_.self().disk);
  if (auto rows = members_.rows()) {
    for (const auto& [key, row] : *rows) before += key < self ? 1 : 0;
  }
  Duration wait = base + kRank * static_cast<int64_t>(std::min<size_t>(before, 20));
  Duration jitter = nanoseconds(static_cast<int64_t>(ctx.loop->random() % kLook.ns));
  co_return co_await io::sleep_until(ctx.loop->now() + wait + jitter, ctx);
}

Task<> Terms::lead(Context ctx) {
  while (!stopped(ctx)) {
    uint64_t seen = members_.changed()->count();
    if (tenure_.valid(ctx.loop->now())) {
      (void)co_await propose(ctx);
      (void)co_await put_in_force(ctx);
    }
    (void)co_await members_.changed()->changed(seen, ctx.until(ctx.loop->now() + kAtLeast));
  }
  co_return ok;
}

Task<> Terms::propose(Context ctx) {
  Stored stored = co_await co_await read(ctx);
  auto newest = [&] { return stored.proposed ? stored.proposed : stored.active; };
  place::MapRef next = co_await next_map(newest().get(), co_await co_await live(ctx));
  if (!next) co_return ok;
  co_await co_await wait_turn(kGather, ctx);
  stored = co_await co_await read(ctx);
  next = co_await next_map(newest().get(), co_await co_await live(ctx));
  if (!next) co_return ok;
  const std::string key(meta::schema::kProposedMap);
  meta::Txn txn;
  stored.proposed_row ? txn.require(key, *stored.proposed_row) : txn.require_absent(key);
  txn.put(key, next->dump());
  co_return co_await control_.commit(std::move(txn), one_call(ctx));
}

Task<> Terms::put_in_force(Context ctx) {
  Stored stored = co_await co_await read(ctx);
  if (!stored.proposed) co_return ok;
  co_await co_await wait_turn({}, ctx);
  stored = co_await co_await read(ctx);
  if (!stored.proposed || !stored.proposed_row) co_return ok;
  co_await co_await await_confirmations(stored, ctx);
  co_await co_await fence_.raise(stored.proposed->version(), one_call(ctx));
  meta::Txn txn;
  const std::string proposed(meta::schema::kProposedMap), active(meta::schema::kActiveMap);
  txn.require(proposed, *stored.proposed_row);
  stored.active_row ? txn.require(active, *stored.active_row) : txn.require_absent(active);
  txn.put(active, stored.proposed->dump());
  co_return co_await control_.commit(std::move(txn), one_call(ctx));
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
    bool all = std::ranges::all_of(stored.active->members(), [&](const place::Member& member) {
      if (!place::is_candidate(member)) return true;
      auto found = said.find(meta::schema::confirmation(member.disk));
      bool own = found != said.end() && found->second.nonce == member.nonce;
      if (own && (found->second.left || found->second.version == version)) return true;
      if (!is_there(there, member)) away.emplace(member.disk, now);
      auto since = away.find(member.disk);
      return since != away.end() && now - since->second > kLease + kMargin;
    });
    if (all) co_return ok;
    co_await co_await io::sleep_until(ctx.loop->now() + kLook, ctx);
    Stored anew = co_await co_await read(ctx);
    if (anew.proposed_row != stored.proposed_row || anew.active_row != stored.active_row) {
      co_return fail(Code::conflict, "another map is proposed, or in force");
    }
  }
}

}  // namespace forebay::cluster
