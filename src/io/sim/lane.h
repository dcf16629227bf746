// A simulated lane: as many calls at once as it has threads, the others in the order they came. A
// call that begins ends later, on simulated time. Internal to the simulated engine (io/sim.h).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "io/lane.h"
#include "io/sim/host.h"

namespace forebay::io::sim {

/// See Lane. One thread.
class SimLane final : public Lane, public std::enable_shared_from_this<SimLane> {
 public:
  SimLane(std::shared_ptr<Host> host, LaneOptions options)
      : Lane(std::move(options)), host_(std::move(host)), last_turn_(host_->now()) {}

  LaneStats stats(Time now) const override {
    LaneStats out = stats_;
    out.kind = options().kind;
    out.subject = options().subject;
    out.threads = options().threads;
    out.waiting = queue_.size();
    if (!queue_.empty()) out.oldest = now - queue_.front().since;
    return out;
  }

  Offload submit(std::move_only_function<void()> work, std::move_only_function<void()> done) {
    bool busy = stats_.running >= options().threads;
    auto patience = options().patience;
    if (patience &&
        (queue_.size() >= kMaxWaiting || (busy && host_->now() - last_turn_ > *patience))) {
      ++stats_.refused;
      return {};
    }
    uint64_t ticket = ++tickets_;
    queue_.push_back({ticket, host_->now(), std::move(work), std::move(done)});
    if (!busy) begin();
    return {ticket, busy};
  }

  bool withdraw(uint64_t ticket) {
    for (auto at = queue_.begin(); at != queue_.end(); ++at) {
      if (at->ticket != ticket) continue;
      queue_.erase(at);
      ++stats_.refused;
      return true;
    }
    return false;
  }

 private:
  struct Call {
    uint64_t ticket;
    Time since;
    std::move_only_function<void()> work;
    std::move_only_function<void()> done;
  };

  void begin() {
    Call call = std::move(queue_.front());
    queue_.pop_front();
    ++stats_.running;
    ++stats_.begun;
    last_turn_ = host_->now();
    stats_.waited = stats_.waited + (last_turn_ - call.since);
    run(std::move(call), host_->dice.up_to(host_->options.disk_delay));
  }

  // Work and completion are two events: the world goes on between them, and may end there.
  void run(Call call, Duration delay) {
    host_->after(delay, [self = shared_from_this(), call = std::move(call)]() mutable {
      Host& host = *self->host_;
      if (host.options.hung.contains(self->options().subject)) {
        self->run(std::move(call), milliseconds(10));
        return;
      }
      call.work();
      --self->stats_.running;
      if (!self->queue_.empty()) self->begin();
      host.after(host.dice.up_to(kStepTime), std::move(call.done));
    });
  }

  std::shared_ptr<Host> host_;
  std::deque<Call> queue_;
  uint64_t tickets_ = 0;
  Time last_turn_;
  LaneStats stats_;
};

}  // namespace forebay::io::sim
