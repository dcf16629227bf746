// The simulated engine: machines with a loop, a disk and clocks each, on simulated time and one
// network, all from one seed. Run queues are shuffled, messages are delayed and split, connections
// reset, disk calls delayed and failed, machines die, stop and go on — so that production code
// meets in milliseconds what takes months outside. Everything happens on the one thread that calls
// step(). Only tests include this.
//
// What the world knows: machine N (from 0) has address 10.0.0.(N+1); every other address means the
// machine that asks. A listener on 0.0.0.0 or :: takes connections to any address of its machine;
// `localhost` and `….localhost` resolve to 127.0.0.1, other names are Code::unavailable; all
// folders of a machine lie on one disk, without symbolic links; a folder made by
// Loop::open_directory is durable at once. TLS draws its own randomness: a run with TLS in it is
// not repeated byte by byte.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/check.h"
#include "io/file.h"
#include "io/loop.h"

namespace forebay::io {

/// How unkind the world is. Probabilities are per call, 0…1.
struct SimOptions {
  uint64_t seed = 1;
  size_t machines = 1;
  bool shuffle = true;                       ///< run queue order from the seed
  Duration network_delay = milliseconds(2);  ///< at most; each message draws its own
  Duration disk_delay = milliseconds(5);     ///< at most
  double short_io = 0.3;  ///< reads and writes move less than asked; memory has not what is read
  double reset = 0;       ///< a stream breaks at this call
  double disk_error = 0;  ///< a file call fails with EIO
  uint64_t disk_bytes = 1ULL << 40;  ///< then ENOSPC
  uint64_t disk_taken = 0;           ///< of them, used by others
  uint64_t disk_inodes = 0;          ///< files and folders, then ENOSPC; 0: as many as there are
  std::set<std::string> hung = {};   ///< subjects of lanes whose calls begin and do not end
};

/// One machine, with one process after another. When a life ends the caller winds down what ran of
/// it and starts anew on the same loop. What the old life had open reaches nothing any more; what
/// it connects to or listens on after that would count as the new one's, so it is to be cancelled
/// first.
class SimMachine {
 public:
  virtual ~SimMachine() = default;
  virtual Loop& loop() = 0;
  virtual const std::string& address() const = 0;
  /// Its own: how its disk, its lanes, and what it sends fare. May be changed while it runs.
  virtual SimOptions& options() = 0;

  /// SIGSTOP and SIGCONT: nothing of its process runs meanwhile, but calls of the kernel that
  /// have begun end, and what is sent to it waits.
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// From now on both clocks run `rate` times as fast as the world.
  virtual void drift(double rate) = 0;
  /// The wall clock is set; the boot clock knows nothing of it.
  virtual void jump(Duration by) = 0;

  /// Power loss, now: the disk falls back to what was durable — data not synced is dropped, kept,
  /// or torn at a 4 KiB page, names not synced are dropped or kept, drawn from the seed — and
  /// every file handle and folder opened before fails with EIO and changes nothing from here on.
  /// Connections and listeners are gone; who was connected learns it when it sends something.
  virtual void power_loss() = 0;
  /// Process death: what was written stays as the page cache has it; old handles fail as above,
  /// and who was connected is told.
  virtual void kill() = 0;
  /// Every file that is now in the folder or below, an absolute path, cannot be read any more
  /// (EIO).
  virtual void spoil(const std::string& folder) = 0;
};

class Simulation {
 public:
  static std::unique_ptr<Simulation> make(const SimOptions& options);
  virtual ~Simulation() = default;

  /// By number, below SimOptions::machines.
  virtual SimMachine& machine(size_t number) = 0;
  /// From now on nothing travels between two machines, or does again (`off` false): connecting
  /// waits, and what is sent on connections arrives later.
  virtual void cut(size_t one, size_t other, bool off) = 0;

  /// The first machine's.
  Loop& loop() { return machine(0).loop(); }
  SimOptions& options() { return machine(0).options(); }
  void power_loss() { machine(0).power_loss(); }
  void kill() { machine(0).kill(); }
  void spoil(const std::string& folder) { machine(0).spoil(folder); }

  /// Takes one step: drains the run queues once, fires what is due, or advances the time to the
  /// next event. False when nothing is left to happen.
  virtual bool step() = 0;

  /// Drives the world until `task` has ended; more than `limit` of simulated time is a failure.
  template <class T>
  Result<T> run(Task<T> task, Duration limit = seconds(3600)) {
    std::optional<Result<T>> out;
    Time end = loop().now() + limit;
    start<T>(loop(), std::move(task), [&](Result<T> result) { out.emplace(std::move(result)); });
    while (!out) {
      bool more = step();
      check(out || (more && loop().now() < end), "a simulated task does not end");
    }
    return std::move(*out);
  }
  /// A fingerprint of all that has happened: the same program and seed give the same one.
  virtual uint64_t digest() const = 0;

  /// Drives the world until nothing is left to happen.
  void settle() {
    while (step()) {
    }
  }
};

}  // namespace forebay::io
