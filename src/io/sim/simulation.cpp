#include <algorithm>
#include <cstring>
#include <utility>

#include "io/sim.h"
#include "io/sim/disk.h"
#include "io/sim/host.h"
#include "io/sim/lane.h"
#include "io/sim/network.h"

namespace forebay::io {

namespace sim {
namespace {

/// Enough that calls which name no lane never wait for each other.
constexpr unsigned kManyThreads = 1 << 20;

class SimLoop final : public Loop {
 public:
  SimLoop(std::shared_ptr<Host> host, std::shared_ptr<Disk> disk, std::shared_ptr<Network> network)
      : host_(std::move(host)),
        disk_(std::move(disk)),
        network_(std::move(network)),
        random_(host_->dice.draw()) {}

  void post(std::move_only_function<void()> work) override { posts_.push_back(std::move(work)); }
  Time now() const override { return host_->now(); }
  WallTime wall_now() const override { return host_->wall_now(); }
  uint64_t random() override { return random_.draw(); }

  void random_bytes(ByteSpan into) override {
    while (!into.empty()) {
      uint64_t word = random_.draw();
      size_t part = std::min(into.size(), sizeof word);
      std::memcpy(into.data(), &word, part);
      into = into.subspan(part);
    }
  }

  std::shared_ptr<Lane> make_lane(LaneOptions options) override {
    return std::make_shared<SimLane>(host_, std::move(options));
  }

  Offload offload(Lane* lane, std::move_only_function<void()> work,
                  std::move_only_function<void()> done) override {
    SimLane& chosen = lane != nullptr ? static_cast<SimLane&>(*lane) : *lane_;
    Offload given = chosen.submit(std::move(work), std::move(done));
    if (given.ticket != 0) ++stats_.offloads;
    return given;
  }

  bool withdraw(Lane& lane, uint64_t ticket) override {
    return static_cast<SimLane&>(lane).withdraw(ticket);
  }

  Result<std::unique_ptr<Listener>> listen(const Address& address, Sharing sharing) override {
    return network_->listen(*host_, address, sharing);
  }
  [[clang::coro_wrapper]] Task<std::unique_ptr<Stream>> connect(Address address,
                                                                Context ctx) override {
    return network_->connect(*host_, std::move(address), ctx);
  }
  [[clang::coro_wrapper]] Task<std::vector<Address>> resolve(std::string name, uint16_t port,
                                                             Context ctx) override {
    return Network::resolve(*host_, std::move(name), port, ctx);
  }
  // A foreign library speaks to the machine, not to this world.
  Task<> until_ready(int, Readiness, Context) override {
    co_return fail(Code::invalid, "a descriptor of the machine in a simulated world");
  }
  Result<std::shared_ptr<Directory>> open_directory(std::string path, bool create,
                                                    std::shared_ptr<Lane> lane) override {
    return disk_->open_directory(path, create, std::move(lane));
  }

  bool busy() const { return !host_->paused && !(queue_.empty() && posts_.empty()); }
  /// When, in the world's time, its next timer is due.
  Time next_due() const { return host_->paused ? kNever : host_->world_time(next_timer()); }
  void fire_timers() {
    if (!host_->paused) run_timers(host_->now());
  }
  /// Whatever is queued now, once.
  void turn() {
    if (host_->paused) return;
    ++stats_.polls;
    run_posts();
    if (host_->options.shuffle) shuffle();
    run_queue();
  }

 private:
  void run_posts() {
    std::vector<std::move_only_function<void()>> posts;
    posts.swap(posts_);
    for (auto& work : posts) work();
  }

  void shuffle() {
    for (size_t i = queue_.size(); i > 1; --i) {
      std::swap(queue_[i - 1], queue_[host_->dice.below(i)]);
    }
  }

  std::shared_ptr<Host> host_;
  std::shared_ptr<Disk> disk_;
  std::shared_ptr<Network> network_;
  std::shared_ptr<SimLane> lane_ = std::make_shared<SimLane>(
      host_, LaneOptions{.kind = "other", .subject = "this machine", .threads = kManyThreads});
  Dice random_;
  std::vector<std::move_only_function<void()>> posts_;
};

class SeededMachine final : public SimMachine {
 public:
  SeededMachine(const std::shared_ptr<World>& world, size_t number, const SimOptions& options,
                const std::shared_ptr<Network>& network)
      : host_(std::make_shared<Host>(world, number, options)),
        disk_(std::make_shared<Disk>(host_)),
        network_(network),
        loop_(host_, disk_, network) {
    network_->add(host_);
  }

  SimLoop& loop() override { return loop_; }
  const std::string& address() const override { return host_->address; }
  SimOptions& options() override { return host_->options; }
  void pause() override { host_->paused = true; }
  void resume() override { host_->paused = false; }
  void drift(double rate) override { host_->drift(rate); }
  void jump(Duration by) override { host_->jump(by); }
  void power_loss() override {
    disk_->power_loss();
    end_life(true);
  }
  void kill() override {
    disk_->kill();
    end_life(false);
  }
  void spoil(const std::string& folder) override { disk_->spoil(folder); }

 private:
  void end_life(bool silent) {
    ++host_->life;
    host_->silent = silent;
    host_->paused = false;
    network_->end_life(*host_);
  }

  std::shared_ptr<Host> host_;
  std::shared_ptr<Disk> disk_;
  std::shared_ptr<Network> network_;
  SimLoop loop_;
};

class SeededSimulation final : public Simulation {
 public:
  explicit SeededSimulation(const SimOptions& options)
      : world_(std::make_shared<World>(options.seed)), network_(std::make_shared<Network>()) {
    check(options.machines > 0, "a world has a machine");
    for (size_t i = 0; i < options.machines; ++i) {
      machines_.push_back(std::make_unique<SeededMachine>(world_, i, options, network_));
    }
  }

  // What has not happened never will; events must not outlive the loops that they speak of.
  ~SeededSimulation() override { world_->end(); }

  SimMachine& machine(size_t number) override { return *machines_.at(number); }
  void cut(size_t one, size_t other, bool off) override { world_->cut(one, other, off); }

  bool step() override {
    auto busy = [](const auto& machine) { return machine->loop().busy(); };
    if (std::ranges::any_of(machines_, busy)) {
      world_->now = world_->now + world_->dice.up_to(kStepTime);
    } else {
      Time next = world_->next_event();
      for (auto& machine : machines_) next = std::min(next, machine->loop().next_due());
      if (next == kNever) return false;
      world_->now = std::max(world_->now, next);
    }
    bool timers_first = shuffles() && world_->dice.chance(0.5);
    if (timers_first) fire_timers();
    world_->fire_due();
    if (!timers_first) fire_timers();
    // Machines go on in any order, and some later.
    for (auto& machine : machines_) {
      bool later = machines_.size() > 1 && shuffles() && world_->dice.chance(0.3);
      if (!later) machine->loop().turn();
    }
    return true;
  }

  uint64_t digest() const override {
    // The dice have been thrown once for everything uncertain; a copy's next draw tells them all.
    Dice dice = world_->dice;
    uint64_t hash = dice.draw();
    auto mix = [&](uint64_t word) {
      hash = (hash ^ word) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 32;
    };
    mix(static_cast<uint64_t>(world_->now.ns));
    mix(world_->scheduled());
    for (const auto& machine : machines_) {
      mix(machine->loop().stats().resumed);
      mix(machine->loop().stats().polls);
    }
    return hash;
  }

 private:
  bool shuffles() const { return machines_[0]->options().shuffle; }
  void fire_timers() {
    for (auto& machine : machines_) machine->loop().fire_timers();
  }

  std::shared_ptr<World> world_;
  std::shared_ptr<Network> network_;
  std::vector<std::unique_ptr<SeededMachine>> machines_;
};

}  // namespace
}  // namespace sim

std::unique_ptr<Simulation> Simulation::make(const SimOptions& options) {
  return std::make_unique<sim::SeededSimulation>(options);
}

}  // namespace forebay::io
