// The simulated engine: one loop on simulated time, network and disks, all from one seed. The
// run queue is shuffled, messages are delayed and split, connections reset, disk calls delayed and
// failed — so that production code meets in milliseconds what takes months outside. Everything
// happens on the one thread that calls step(). Only tests include this.
//
// What the world knows: a listener on 0.0.0.0 or :: takes connections to every host; `localhost`
// and `….localhost` resolve to 127.0.0.1, other names are Code::unavailable; all folders lie on one
// disk, without symbolic links; a folder made by Loop::open_directory is durable at once. TLS
// draws its own randomness: a run with TLS in it is not repeated byte by byte.
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

class Simulation {
 public:
  static std::unique_ptr<Simulation> make(const SimOptions& options);
  virtual ~Simulation() = default;

  virtual Loop& loop() = 0;
  /// May be changed while it runs.
  virtual SimOptions& options() = 0;

  /// Takes one step: drains the run queue once, fires what is due, or advances the clock to the
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

  /// Power loss, now: the disks fall back to what was durable — data not synced is dropped, kept,
  /// or torn at a 4 KiB page, names not synced are dropped or kept, drawn from the seed — and
  /// every file handle and folder opened before fails with EIO and changes nothing from here on.
  /// The caller then winds down what ran and opens anew.
  virtual void power_loss() = 0;
  /// Process death: what was written stays as the page cache has it; old handles fail as above.
  virtual void kill() = 0;
  /// Every file that is now in the folder or below, an absolute path, cannot be read any more
  /// (EIO).
  virtual void spoil(const std::string& folder) = 0;
};

}  // namespace forebay::io
