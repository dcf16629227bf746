#include <algorithm>
#include <cstring>
#include <utility>

#include "io/sim.h"
#include "io/sim/disk.h"
#include "io/sim/lane.h"
#include "io/sim/network.h"
#include "io/sim/world.h"

namespace forebay::io {

namespace sim {
namespace {

/// Enough that calls which name no lane never wait for each other.
constexpr unsigned kManyThreads = 1 << 20;

class SimLoop final : public Loop {
 public:
  SimLoop(std::shared_ptr<World> world, std::shared_ptr<Disk> disk)
      : world_(std::move(world)),
        disk_(std::move(disk)),
        network_(std::make_shared<Network>(world_)),
        random_(world_->dice.draw()) {}

  void post(std::move_only_function<void()> work) override { posts_.push_back(std::move(work)); }
  Time now() const override { return world_->now; }
  WallTime wall_now() const override { return world_->wall_now(); }
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
    return std::make_shared<SimLane>(world_, std::move(options));
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
    return network_->listen(address, sharing);
  }
  [[clang::coro_wrapper]] Task<std::unique_ptr<Stream>> connect(Address address,
                                                                Context ctx) override {
    return network_->connect(std::move(address), ctx);
  }
  [[clang::coro_wrapper]] Task<std::vector<Address>> resolve(std::string host, uint16_t port,
                                                             Context ctx) override {
    return network_->resolve(std::move(host), port, ctx);
  }
  // A foreign library speaks to the machine, not to this world.
  Task<> until_ready(int, Readiness, Context) override {
    co_return fail(Code::invalid, "a descriptor of the machine in a simulated world");
  }
  Result<std::shared_ptr<Directory>> open_directory(std::string path, bool create,
                                                    std::shared_ptr<Lane> lane) override {
    return disk_->open_directory(path, create, std::move(lane));
  }

  bool step() {
    if (queue_.empty() && posts_.empty()) {
      Time next = std::min(next_timer(), world_->next_event());
      if (next == kNever) return false;
      world_->now = std::max(world_->now, next);
    } else {
      world_->now = world_->now + world_->dice.up_to(kStepTime);
    }
    ++stats_.polls;
    bool timers_first = world_->options.shuffle && world_->dice.chance(0.5);
    if (timers_first) run_timers(world_->now);
    world_->fire_due();
    if (!timers_first) run_timers(world_->now);
    run_posts();
    if (world_->options.shuffle) shuffle();
    run_queue();
    return true;
  }

 private:
  void run_posts() {
    std::vector<std::move_only_function<void()>> posts;
    posts.swap(posts_);
    for (auto& work : posts) work();
  }

  void shuffle() {
    for (size_t i = queue_.size(); i > 1; --i) {
      std::swap(queue_[i - 1], queue_[world_->dice.below(i)]);
    }
  }

  std::shared_ptr<World> world_;
  std::shared_ptr<Disk> disk_;
  std::shared_ptr<Network> network_;
  std::shared_ptr<SimLane> lane_ = std::make_shared<SimLane>(
      world_, LaneOptions{.kind = "other", .subject = "this machine", .threads = kManyThreads});
  Dice random_;
  std::vector<std::move_only_function<void()>> posts_;
};

class SeededSimulation final : public Simulation {
 public:
  explicit SeededSimulation(const SimOptions& options)
      : world_(std::make_shared<World>(options)),
        disk_(std::make_shared<Disk>(world_)),
        loop_(world_, disk_) {}

  // What has not happened never will; events must not outlive the loop that they speak of.
  ~SeededSimulation() override { world_->end(); }

  Loop& loop() override { return loop_; }
  SimOptions& options() override { return world_->options; }
  bool step() override { return loop_.step(); }
  uint64_t digest() const override {
    // The dice have been thrown once for everything uncertain; a copy's next draw tells them all.
    Dice dice = world_->dice;
    uint64_t hash = dice.draw();
    for (uint64_t word : {static_cast<uint64_t>(world_->now.ns), world_->scheduled(),
                          loop_.stats().resumed, loop_.stats().polls}) {
      hash = (hash ^ word) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 32;
    }
    return hash;
  }
  void power_loss() override { disk_->power_loss(); }
  void kill() override { disk_->kill(); }
  void spoil(const std::string& folder) override { disk_->spoil(folder); }

 private:
  std::shared_ptr<World> world_;
  std::shared_ptr<Disk> disk_;
  SimLoop loop_;
};

}  // namespace
}  // namespace sim

std::unique_ptr<Simulation> Simulation::make(const SimOptions& options) {
  return std::make_unique<sim::SeededSimulation>(options);
}

}  // namespace forebay::io
