// Several loops on threads of their own, for tests that work on all of them at once. Only tests
// include this.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "disk/store.h"
#include "disk/temp_folder_test.h"
#include "io/engine.h"
#include "io/sync.h"
#include "job/crew.h"

namespace forebay::object {

class Loops {
 protected:
  static constexpr int kLoops = 3;

  Loops() {
    for (int i = 0; i < kLoops; ++i) {
      loops_.push_back(&engine_->loop(i));
      crews_.add(*loops_.back());
    }
  }
  std::shared_ptr<disk::Store> open_disks(uint64_t capacity) {
    disk::Options disks;
    disks.disks.push_back({.path = folder_.path() + "/a", .capacity = capacity});
    disks.boot_id = "boot";
    return *engine_->run_task(disk::Store::open(std::move(disks), {.loop = loops_[0]}));
  }
  /// Runs `task`, made for `loop`, there; wait_for_all() waits for it.
  void start_on(io::Loop& loop, Task<> task) {
    ++running_;
    loop.post([this, &loop, held = std::make_shared<Task<>>(std::move(task))] {
      io::start<void>(loop, std::move(*held), [this](Result<> done) {
        EXPECT_TRUE(done) << done.error().text();
        --running_;
        ended_.notify();
      });
    });
  }
  void wait_for_all() { EXPECT_TRUE(engine_->run_task(wait({.loop = loops_[0]}))); }
  void stop_crews() {
    for (io::Loop* loop : loops_) start_on(*loop, crews_.of(*loop).stop());
    wait_for_all();
  }

  disk::TempFolder folder_;
  std::unique_ptr<io::Engine> engine_ = *io::Engine::make({.loops = kLoops, .pool_threads = 4});
  std::vector<io::Loop*> loops_;
  job::Crews crews_;

 private:
  Task<> wait(Context ctx) {
    while (true) {
      uint64_t seen = ended_.count();
      if (running_ == 0) co_return ok;
      co_await co_await ended_.changed(seen, ctx);
    }
  }
  std::atomic<int> running_ = 0;
  io::Progress ended_;
};

}  // namespace forebay::object
