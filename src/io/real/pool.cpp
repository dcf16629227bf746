#include "io/real/pool.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <system_error>

namespace forebay::io::real {

namespace {

constexpr std::chrono::seconds kIdle{10};

}  // namespace

Time boot_now() {
  timespec t;
  ::clock_gettime(CLOCK_BOOTTIME, &t);
  return {t.tv_sec * 1'000'000'000 + t.tv_nsec};
}

// --- PoolLane

LaneStats PoolLane::stats(Time now) const {
  std::lock_guard lock(mutex_);
  LaneStats out{.kind = options().kind, .subject = options().subject};
  out.threads = threads_;
  out.running = threads_ - idle_;
  out.waiting = queue_.size();
  out.begun = begun_;
  out.refused = refused_;
  out.waited = waited_;
  if (!queue_.empty()) out.oldest = now - queue_.front().since;
  return out;
}

bool PoolLane::refuses(Time now) const {
  const std::optional<Duration>& patience = options().patience;
  if (!patience) return false;
  bool stuck = idle_ == 0 && threads_ >= options().threads && now - last_turn_ > *patience;
  return stuck || queue_.size() >= kMaxWaiting;
}

void PoolLane::grow() {
  if (threads_ >= options().threads) return;
  if (!pool_.start(shared_from_this(), threads_ == 0)) return;
  ++threads_;
  ++idle_;
}

Offload PoolLane::submit(std::move_only_function<void()> work,
                         std::move_only_function<void()> tell) {
  Offload given;
  std::optional<Call> mine;
  {
    std::lock_guard lock(mutex_);
    Time now = boot_now();
    if (refuses(now)) {
      ++refused_;
      return {};
    }
    given.ticket = ++tickets_;
    queue_.push_back({given.ticket, now, std::move(work), std::move(tell)});
    if (queue_.size() > idle_) grow();
    given.waits = queue_.size() > idle_;
    if (threads_ == 0) {
      // No thread is to be had, and nobody will ever take the call: better slow than never.
      mine = std::move(queue_.back());
      queue_.pop_back();
      given.waits = false;
    }
  }
  if (mine) {
    mine->work();
    mine->tell();
  }
  wake_.notify_one();
  return given;
}

bool PoolLane::withdraw(uint64_t ticket) {
  Call dropped;  // outside of the lock
  std::lock_guard lock(mutex_);
  auto at = std::ranges::lower_bound(queue_, ticket, {}, &Call::ticket);
  if (at == queue_.end() || at->ticket != ticket) return false;
  dropped = std::move(*at);
  queue_.erase(at);
  waited_ = waited_ + (boot_now() - dropped.since);
  ++refused_;
  return true;
}

void PoolLane::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

void PoolLane::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    bool called = wake_.wait_for(lock, kIdle, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty() && (stopping_ || !called)) break;
    if (queue_.empty()) continue;
    Call call = std::move(queue_.front());
    queue_.pop_front();
    --idle_;
    ++begun_;
    last_turn_ = boot_now();
    waited_ = waited_ + (last_turn_ - call.since);
    lock.unlock();
    call.work();
    call.work = nullptr;
    lock.lock();
    // Before anybody hears of it: who comes then must not find a lane that looks stuck.
    ++idle_;
    lock.unlock();
    call.tell();
    call.tell = nullptr;
    lock.lock();
  }
  --idle_;
  --threads_;
}

// --- Pool

Pool::~Pool() {
  std::vector<std::shared_ptr<PoolLane>> lanes;
  std::map<std::thread::id, std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    for (auto& weak : lanes_) {
      if (auto lane = weak.lock()) lanes.push_back(std::move(lane));
    }
  }
  for (auto& lane : lanes) lane->stop();
  {
    std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (auto& [id, thread] : threads) thread.join();
  for (auto& thread : ended_) thread.join();
}

std::shared_ptr<PoolLane> Pool::make_lane(LaneOptions options) {
  auto lane = std::make_shared<PoolLane>(*this, std::move(options));
  std::lock_guard lock(mutex_);
  std::erase_if(lanes_, [](auto& weak) { return weak.expired(); });
  lanes_.push_back(lane);
  return lane;
}

std::vector<LaneStats> Pool::stats(Time now) const {
  std::vector<std::shared_ptr<PoolLane>> lanes;
  {
    std::lock_guard lock(mutex_);
    for (auto& weak : lanes_) {
      if (auto lane = weak.lock()) lanes.push_back(std::move(lane));
    }
  }
  std::vector<LaneStats> out;
  out.reserve(lanes.size());
  for (auto& lane : lanes) out.push_back(lane->stats(now));
  return out;
}

bool Pool::start(std::shared_ptr<PoolLane> lane, bool first) {
  std::vector<std::thread> over;
  std::lock_guard lock(mutex_);
  over.swap(ended_);
  for (auto& thread : over) thread.join();
  if (threads_.size() >= most_threads_ && !first) return false;
  // Signals are loop 0's. A thread inherits the mask: one that set its own would have a moment at
  // its start in which a signal ends the process.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  bool started = true;
  try {
    std::thread thread([this, lane = std::move(lane)] {
      lane->run();
      ended();
    });
    std::thread::id id = thread.get_id();
    threads_.emplace(id, std::move(thread));
  } catch (const std::system_error&) {
    started = false;  // the process has as many threads as it may
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void Pool::ended() {
  std::lock_guard lock(mutex_);
  auto mine = threads_.find(std::this_thread::get_id());
  if (mine == threads_.end()) return;  // the destructor has it
  ended_.push_back(std::move(mine->second));
  threads_.erase(mine);
}

}  // namespace forebay::io::real
