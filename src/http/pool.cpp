#include "http/pool.h"

#include <algorithm>

#include "base/check.h"

namespace forebay::http {

Link::Link(Pool& the_pool, Endpoint to, std::unique_ptr<io::Stream> connected)
    : pool(the_pool),
      endpoint(std::move(to)),
      stream(std::move(connected)),
      input(the_pool.buffers) {
  pool.counters.open.add();
}

Link::~Link() { pool.counters.open.subtract(); }

void Link::leave() {
  share = nullptr;
  turn = {};
  place = {};
}

// Closes what has been idle for too long.
class Pool::Reaper final : public io::Timer {
 public:
  explicit Reaper(Pool& pool) : pool_(pool) {}
  void set(Time due) {
    if (set_) return;
    set_ = true;
    pool_.loop_.add_timer(*this, due);
  }
  void clear() {
    if (set_) pool_.loop_.remove_timer(*this);
    set_ = false;
  }

 private:
  void on_timer() override {
    set_ = false;
    pool_.reap();
  }
  Pool& pool_;
  bool set_ = false;
};

Pool::Pool(io::Loop& loop, ClientOptions the_options)
    : options(std::move(the_options)),
      buffers(options.large_buffers),
      loop_(loop),
      reaper_(std::make_unique<Reaper>(*this)) {}

Pool::~Pool() { shut(); }

void Pool::shut() {
  shut_ = true;
  close_idle();
}

void Pool::close_idle() {
  for (auto& [endpoint, peer] : peers_) {
    counters.idle.subtract(peer.idle.size());
    peer.idle.clear();
  }
  reaper_->clear();
}

std::unique_ptr<Link> Pool::take_idle(Peer& peer) {
  while (!peer.idle.empty()) {
    std::unique_ptr<Link> link = std::move(peer.idle.back());
    peer.idle.pop_back();
    counters.idle.subtract();
    // Nobody owes us a byte: what can be read is the peer's end, or nonsense.
    std::byte probe;
    bool quiet = link->stream->try_read({&probe, 1}) == -EAGAIN;
    if (quiet && link->idle_until > loop_.now()) {
      link->reused = true;
      return link;
    }
  }
  return nullptr;
}

std::unique_ptr<Link> Pool::take_now(const Endpoint& endpoint) {
  auto found = peers_.find(endpoint);
  if (found == peers_.end()) return nullptr;
  auto place = found->second.places.try_acquire(1);
  if (!place) return nullptr;
  std::unique_ptr<Link> link = take_idle(found->second);
  if (link != nullptr) link->place = std::move(*place);
  return link;
}

Task<io::Semaphore::Permit> Pool::turn(Task<io::Semaphore::Permit> wait, Context ctx) {
  auto permit = co_await std::move(wait);
  bool impatient =
      !permit && permit.error().code() == Code::timeout && ctx.loop->now() < ctx.deadline;
  if (!impatient) co_return permit;
  counters.no_place.add();
  co_return fail(Code::busy, "all connections there are in use", "SlowDown");
}

Task<std::unique_ptr<Link>> Pool::take(Endpoint endpoint, Want want, Context ctx) {
  Peer& peer =
      peers_.try_emplace(endpoint, loop_, options.max_connections, counters.gave_way).first->second;
  Share* share = want.use == Use::upload        ? &peer.uploads
                 : want.use == Use::slow_reader ? &peer.slow_readers
                                                : nullptr;
  io::Semaphore::Permit shared;
  if (share != nullptr) shared = co_await co_await turn(share->acquire(patient(ctx)), ctx);
  io::Semaphore::Permit place = co_await co_await turn(peer.places.acquire(1, patient(ctx)), ctx);
  std::unique_ptr<Link> link;
  if (!want.fresh) link = take_idle(peer);
  if (link == nullptr) {
    Result<std::unique_ptr<io::Stream>> stream = co_await open(endpoint, peer, std::nullopt, ctx);
    if (!stream) {
      counters.connect_errors.add();
      co_return stream.error_in("connect to " + endpoint.authority());
    }
    counters.connects.add();
    link = std::make_unique<Link>(*this, std::move(endpoint), std::move(*stream));
  }
  link->share = share;
  link->turn = std::move(shared);
  link->place = std::move(place);
  co_return link;
}

Task<std::unique_ptr<Link>> Pool::take_spare(Endpoint endpoint, Context ctx) {
  auto none = [] { return fail(Code::busy, "no connection to spare", std::string(kNoSpare)); };
  auto found = peers_.find(endpoint);
  if (found == peers_.end()) co_return none();
  Peer& peer = found->second;
  if (peer.places.free() < share(options.max_connections, kSpareEighths)) co_return none();
  auto place = peer.places.try_acquire(1);
  if (!place) co_return none();
  std::unique_ptr<Link> link = take_idle(peer);
  if (link == nullptr) {
    if (!peer.reached) co_return none();
    auto stream = co_await co_await open(endpoint, peer, peer.reached, ctx);
    counters.connects.add();
    link = std::make_unique<Link>(*this, std::move(endpoint), std::move(stream));
  }
  link->place = std::move(*place);
  co_return link;
}

void Pool::give(std::unique_ptr<Link> link) {
  check(link->stream != nullptr, "a link without its connection is no link to keep");
  auto found = peers_.find(link->endpoint);
  bool kept = !shut_ && found != peers_.end() && link->input.unread().empty() &&
              found->second.idle.size() < options.max_idle;
  if (!kept) return;
  link->input.begin();  // gives its memory back
  Time until = loop_.now() + options.idle_timeout;
  link->idle_until = until;
  link->leave();
  found->second.idle.push_back(std::move(link));
  counters.idle.add();
  reaper_->set(until);
}

void Pool::reap() {
  Time now = loop_.now();
  Time next = kNever;
  for (auto at = peers_.begin(); at != peers_.end();) {
    Peer& peer = at->second;
    // The longest idle come first.
    auto live = std::ranges::find_if(peer.idle, [&](auto& link) { return link->idle_until > now; });
    counters.idle.subtract(static_cast<uint64_t>(live - peer.idle.begin()));
    peer.idle.erase(peer.idle.begin(), live);
    if (!peer.idle.empty()) next = std::min(next, peer.idle.front()->idle_until);
    at = peer.unused(options.max_connections) ? peers_.erase(at) : std::next(at);
  }
  if (next != kNever) reaper_->set(next);
}

Task<std::unique_ptr<io::Stream>> Pool::connect(Endpoint endpoint, Peer& peer, Context ctx) {
  std::vector<io::Address> addresses =
      co_await co_await ctx.loop->resolve(endpoint.host, endpoint.port, ctx);
  Error last = fail(Code::unavailable, "the name has no address");
  for (size_t i = 0; i < addresses.size(); ++i) {
    // Each address gets its share of what time is left, so that a silent one does not take it all.
    Time now = ctx.loop->now();
    auto share = static_cast<int64_t>(addresses.size() - i);
    Time until = ctx.deadline == kNever ? kNever : now + Duration{(ctx.deadline - now).ns / share};
    Result<std::unique_ptr<io::Stream>> stream =
        co_await ctx.loop->connect(addresses[i], ctx.until(until));
    if (stream) {
      peer.reached = std::move(addresses[i]);
      co_return stream;
    }
    last = std::move(stream.error());
    if (last.code() == Code::cancelled) break;
  }
  co_return last;
}

Task<std::unique_ptr<io::Stream>> Pool::open(Endpoint endpoint, Peer& peer,
                                             std::optional<io::Address> known, Context ctx) {
  Context limited = ctx.until(ctx.loop->now() + options.connect_timeout);
  if (endpoint.secure && options.tls == nullptr) {
    co_return fail(Code::invalid, "TLS is not set up for this client");
  }
  auto connected =
      known ? ctx.loop->connect(std::move(*known), limited) : connect(endpoint, peer, limited);
  std::unique_ptr<io::Stream> stream = co_await co_await std::move(connected);
  if (!endpoint.secure) co_return stream;
  co_return co_await io::tls_connect(options.tls, std::move(stream), endpoint.host, limited);
}

}  // namespace forebay::http
