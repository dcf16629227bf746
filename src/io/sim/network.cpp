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
  SimListener(std::shared_ptr<Network> network, Address address)
      : network_(std::move(network)),
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

  bool takes(const Address& to) const {
    bool any_host = address_.host == "0.0.0.0" || address_.host == "::";
    return address_.port == to.port && (any_host || address_.host == to.host) &&
           pending_.size() < kBacklog;
  }
  /// From an event.
  void push(std::unique_ptr<Stream> stream) {
    pending_.push_back(std::move(stream));
    if (Waiter* waiter = std::exchange(waiter_, nullptr)) waiter->on_ready();
  }

 private:
  void wake_soon() {
    network_->world_->after({0}, [network = network_, number = number_] {
      for (SimListener* listener : network->listeners_) {
        if (listener->number_ != number) continue;
        if (Waiter* waiter = std::exchange(listener->waiter_, nullptr)) waiter->on_ready();
        return;
      }
    });
  }

  std::shared_ptr<Network> network_;
  Address address_;
  uint64_t number_;
  std::deque<std::unique_ptr<Stream>> pending_;
  Waiter* waiter_ = nullptr;
};

Result<std::unique_ptr<Listener>> Network::listen(Address address, Sharing sharing) {
  if (!is_numeric(address.host)) return error_from_errno(EINVAL, "listen on " + address.host);
  if (address.port == 0) address.port = next_port_++;
  bool taken = std::ranges::any_of(listeners_,
                                   [&](SimListener* other) { return other->address() == address; });
  if (taken && sharing == Sharing::alone) {
    return error_from_errno(EADDRINUSE, "listen on " + address.to_string());
  }
  return std::make_unique<SimListener>(shared_from_this(), std::move(address));
}

// A connection attempt on its way. The leaf is emptied when it no longer waits.
struct Network::Attempt {
  Address to;
  Connecting* leaf;
};

class Network::Connecting final : public Leaf {
 public:
  Connecting(Network& network, Address to, Context ctx)
      : Leaf(ctx), network_(network), to_(std::move(to)) {}
  Result<std::unique_ptr<Stream>> await_resume() {
    std::string what = "connect to " + to_.to_string();
    Result<> ended = outcome(what);
    if (!ended) return std::move(ended.error());
    if (error_ != 0) return error_from_errno(error_, what);
    return std::move(stream_);
  }
  void finish(int error, std::unique_ptr<Stream> stream) {
    error_ = error;
    stream_ = std::move(stream);
    complete(0);
  }

 private:
  bool try_now() override { return false; }
  void start() override {
    World& world = *network_.world_;
    attempt_ = std::make_shared<Attempt>(to_, this);
    world.after(
        world.dice.up_to(world.options.network_delay),
        [network = network_.shared_from_this(), attempt = attempt_] { network->arrive(attempt); });
  }
  void stop() override { attempt_->leaf = nullptr; }

  Network& network_;
  Address to_;
  std::shared_ptr<Attempt> attempt_;
  std::unique_ptr<Stream> stream_;
  int error_ = 0;
};

// The attempt has reached its host; the answer takes its time back.
void Network::arrive(std::shared_ptr<Attempt> attempt) {
  std::vector<SimListener*> takers;
  for (SimListener* listener : listeners_) {
    if (listener->takes(attempt->to)) takers.push_back(listener);
  }
  int error = takers.empty() ? ECONNREFUSED : 0;
  if (world_->dice.chance(world_->options.reset)) error = ECONNRESET;
  std::unique_ptr<Stream> stream;
  if (error == 0) {
    Address client{"127.0.0.1", next_client_port_++};
    if (next_client_port_ == 0) next_client_port_ = kFirstClientPort;
    auto [ours, theirs] = make_connection(world_, std::move(client), attempt->to);
    stream = std::move(ours);
    takers[world_->dice.below(takers.size())]->push(std::move(theirs));
  }
  world_->after(world_->dice.up_to(world_->options.network_delay),
                [attempt, error, stream = std::move(stream)]() mutable {
                  if (attempt->leaf == nullptr) return;
                  std::exchange(attempt->leaf, nullptr)->finish(error, std::move(stream));
                });
}

Task<std::unique_ptr<Stream>> Network::connect(Address address, Context ctx) {
  if (!is_numeric(address.host)) {
    co_return error_from_errno(EINVAL, "connect to " + address.host);
  }
  Connecting leaf(*this, std::move(address), ctx);
  co_return co_await leaf;
}

Task<std::vector<Address>> Network::resolve(std::string host, uint16_t port, Context ctx) {
  if (is_numeric(host)) co_return std::vector<Address>{{std::move(host), port}};
  Duration delay = world_->dice.up_to(world_->options.network_delay);
  co_await co_await sleep_until(world_->now + delay, ctx);
  if (host != "localhost" && !host.ends_with(".localhost")) {
    co_return fail(Code::unavailable, "cannot resolve " + host);
  }
  co_return std::vector<Address>{{"127.0.0.1", port}};
}

}  // namespace forebay::io::sim
