#include "io/sim/network.h"

#include <arpa/inet.h>

#include <deque>

#include "base/check.h"
#include "io/sim/stream.h"

namespace forebay::io::sim {

namespace {

constexpr size_t kBacklog = 1024;
constexpr uint16_t kFirstClientPort = 50000;

bool is_numeric(const std::string& host) {
  in6_addr storage;
  return inet_pton(AF_INET, host.c_str(), &storage) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &storage) == 1;
}

}  // namespace

class Network::SimListener final : public Listener {
 public:
  SimListener(std::shared_ptr<Network> network, Host& host, Address address)
      : network_(std::move(network)),
        host_(host),
        life_(host.life),
        address_(std::move(address)),
        number_(network_->next_listener_++) {
    network_->listeners_.push_back(this);
  }
  ~SimListener() override {
    check(waiter_ == nullptr, "a listener is destroyed while someone waits for it");
    std::erase(network_->listeners_, this);
    for (auto& stream : pending_) stream->reset_on_close();
  }

  std::unique_ptr<Stream> try_accept(int* error) override {
    *error = EAGAIN;
    if (pending_.empty()) return nullptr;
    *error = 0;
    auto stream = std::move(pending_.front());
    pending_.pop_front();
    return stream;
  }
  void arm(Waiter& waiter) override {
    check(waiter_ == nullptr, "two wait for one listener");
    waiter_ = &waiter;
    if (!pending_.empty()) wake_soon();
  }
  void disarm() override { waiter_ = nullptr; }
  Address address() const override { return address_; }

  bool is_of(const Host& host) const { return &host_ == &host && life_ == host.life; }
  bool takes(const Host& host, const Address& to) const {
    bool any_host = address_.host == "0.0.0.0" || address_.host == "::";
    return is_of(host) && address_.port == to.port && (any_host || address_.host == to.host) &&
           pending_.size() < kBacklog;
  }
  /// From an event.
  void push(std::unique_ptr<Stream> stream) {
    pending_.push_back(std::move(stream));
    if (Waiter* waiter = std::exchange(waiter_, nullptr)) waiter->on_ready();
  }

 private:
  void wake_soon() {
    host_.after({0}, [network = network_, number = number_] {
      for (SimListener* listener : network->listeners_) {
        if (listener->number_ != number) continue;
        if (Waiter* waiter = std::exchange(listener->waiter_, nullptr)) waiter->on_ready();
        return;
      }
    });
  }

  std::shared_ptr<Network> network_;  // which has the host
  Host& host_;
  uint64_t life_;
  Address address_;
  uint64_t number_;
  std::deque<std::unique_ptr<Stream>> pending_;
  Waiter* waiter_ = nullptr;
};

Result<std::unique_ptr<Listener>> Network::listen(Host& at, Address address, Sharing sharing) {
  if (!is_numeric(address.host)) return error_from_errno(EINVAL, "listen on " + address.host);
  if (address.port == 0) address.port = next_port_++;
  bool taken = std::ranges::any_of(listeners_, [&](SimListener* other) {
    return other->is_of(at) && other->address() == address;
  });
  if (taken && sharing == Sharing::alone) {
    return error_from_errno(EADDRINUSE, "listen on " + address.to_string());
  }
  return std::make_unique<SimListener>(shared_from_this(), at, std::move(address));
}

// A connection attempt on its way. The leaf is emptied when it no longer waits.
struct Network::Attempt {
  Host& from;
  uint64_t life;  ///< of `from`
  Address to;
  Connecting* leaf;
  int error = 0;
  std::unique_ptr<Stream> stream = nullptr;
};

class Network::Connecting final : public Leaf {
 public:
  Connecting(Network& network, Host& from, Address to, Context ctx)
      : Leaf(ctx), network_(network), from_(from), to_(std::move(to)) {}
  Result<std::unique_ptr<Stream>> await_resume() {
    std::string what = "connect to " + to_.to_string();
    Result<> ended = outcome(what);
    if (!ended) return std::move(ended.error());
    if (attempt_->error != 0) return error_from_errno(attempt_->error, what);
    return std::move(attempt_->stream);
  }
  void finish() { complete(0); }

 private:
  bool try_now() override { return false; }
  void start() override {
    attempt_ = std::make_shared<Attempt>(from_, from_.life, to_, this);
    from_.after(
        from_.dice.up_to(from_.options.network_delay),
        [network = network_.shared_from_this(), attempt = attempt_] { network->arrive(attempt); });
  }
  void stop() override { attempt_->leaf = nullptr; }

  Network& network_;
  Host& from_;
  Address to_;
  std::shared_ptr<Attempt> attempt_;
};

Host& Network::machine(const Host& from, const std::string& address) const {
  for (const auto& host : hosts_) {
    if (host->address == address) return *host;
  }
  return *hosts_[from.number];
}

// The attempt has reached its host.
void Network::arrive(std::shared_ptr<Attempt> attempt) {
  Host& from = attempt->from;
  Host& to = machine(from, attempt->to.host);
  if (from.world->is_cut(from.number, to.number)) {
    if (attempt->leaf == nullptr) return;
    return from.after(kResend, [self = shared_from_this(), attempt] { self->arrive(attempt); });
  }
  std::vector<SimListener*> takers;
  for (SimListener* listener : listeners_) {
    if (listener->takes(to, attempt->to)) takers.push_back(listener);
  }
  attempt->error = takers.empty() ? ECONNREFUSED : 0;
  bool breaks = from.dice.chance(from.options.reset) || from.life != attempt->life;
  if (breaks) attempt->error = ECONNRESET;
  if (attempt->error == 0) {
    Address client{&from == &to ? "127.0.0.1" : from.address, next_client_port_++};
    if (next_client_port_ == 0) next_client_port_ = kFirstClientPort;
    auto both =
        make_connection({hosts_[from.number], std::move(client)}, {hosts_[to.number], attempt->to});
    std::erase_if(connections_, [](const auto& one) { return one.expired(); });
    connections_.push_back(both);
    attempt->stream = stream_of(both, 0);
    takers[from.dice.below(takers.size())]->push(stream_of(both, 1));
  }
  from.after(from.dice.up_to(from.options.network_delay),
             [self = shared_from_this(), attempt] { self->answer(attempt); });
}

// The answer has come back.
void Network::answer(std::shared_ptr<Attempt> attempt) {
  Host& from = attempt->from;
  if (attempt->leaf == nullptr) return;
  if (from.world->is_cut(from.number, machine(from, attempt->to.host).number)) {
    return from.after(kResend, [self = shared_from_this(), attempt] { self->answer(attempt); });
  }
  std::exchange(attempt->leaf, nullptr)->finish();
}

void Network::end_life(const Host& host) {
  for (const auto& one : connections_) {
    if (auto connection = one.lock()) end_life_of(*connection, host);
  }
}

Task<std::unique_ptr<Stream>> Network::connect(Host& at, Address address, Context ctx) {
  if (!is_numeric(address.host)) {
    co_return error_from_errno(EINVAL, "connect to " + address.host);
  }
  Connecting leaf(*this, at, std::move(address), ctx);
  co_return co_await leaf;
}

Task<std::vector<Address>> Network::resolve(Host& at, std::string host, uint16_t port,
                                            Context ctx) {
  if (is_numeric(host)) co_return std::vector<Address>{{std::move(host), port}};
  Duration delay = at.dice.up_to(at.options.network_delay);
  co_await co_await sleep_until(at.now() + delay, ctx);
  if (host != "localhost" && !host.ends_with(".localhost")) {
    co_return fail(Code::unavailable, "cannot resolve " + host);
  }
  co_return std::vector<Address>{{"127.0.0.1", port}};
}

}  // namespace forebay::io::sim
