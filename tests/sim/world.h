// World: everything of one seed — a machine, an origin, a Forebay, and clients that read, write,
// leave and are patient or not. What they are told is judged as it comes.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "meta/faulty_store.h"
#include "node.h"
#include "oracle.h"
#include "unit/tee.h"

namespace forebay::simtest {

/// What a seed decides.
struct Plan {
  /// Everything interleaves; nobody dies.
  static Plan interleave(uint64_t seed);
  /// Small and quick; the test decides when the process dies.
  static Plan deaths(uint64_t seed);

  uint64_t seed = 0;
  object::BucketSpec bucket;
  testkit::MemoryOriginOptions origin;
  meta::FaultOptions rows;
  bool quiet = true;  ///< nobody changes the origin behind Forebay's back
  double disk_error = 0;
  uint64_t disk_bytes = 1ULL << 40;
  uint32_t clients = 4;
  uint32_t calls = 6;  ///< of each client
  uint32_t keys = 2;
  std::vector<uint64_t> sizes;
};

/// How often what happened; shows that a simulation is not idle.
struct Tally {
  uint64_t answers = 0, good = 0, errors = 0, short_bodies = 0, left = 0, missing = 0;
  uint64_t hits = 0, joined = 0, misses = 0, bypassed = 0;
  uint64_t writes = 0, acknowledged = 0, changes = 0;
  uint64_t evictions = 0, disk_errors = 0, refused = 0;
  std::array<uint64_t, unit::kTeeEnds> copies = {};  ///< of written bodies, by what became of them
};

class World {
 public:
  explicit World(const Plan& plan);

  /// Starts, lets the clients do their work, reads everything in peace, stops. False: see wrong().
  bool run();

  // The steps of run(), for tests that do more between them.
  bool start();
  /// Begins the clients' work; finish() waits for it.
  void begin();
  /// Takes `steps` steps, fewer when the clients have ended.
  void go(uint64_t steps);
  bool finish();
  /// Every key is read without faults and must answer.
  bool read_all();
  bool stop();
  /// Power loss or the death of the process, with clients at work or not; then a new start.
  bool die(bool power);

  /// What broke an invariant, the first first.
  const std::vector<std::string>& wrong() const { return wrong_; }
  const Tally& tally() const { return tally_; }
  uint64_t steps() const { return steps_; }

 private:
  Context context() { return {.loop = &loop_, .cancel = cancel_.get()}; }
  std::string key() { return "key" + std::to_string(loop_.random() % plan_.keys); }
  std::string fresh_content();
  void blame(std::string what);
  bool advance(const bool& done, uint64_t steps = ~uint64_t{0});
  template <class T>
  Result<T> drive(Task<T> task);
  void faults(bool on);

  Task<> work(Context ctx);
  Task<> client(Context ctx);
  Task<> changer(Context ctx);
  Task<> read(std::string key, Context ctx);
  Task<> read_body(io::Body body, Seen& seen, bool patient, Context ctx);
  Task<> put(std::string key, Context ctx);
  Task<> upload(std::string key, Context ctx);
  Task<> remove(std::string key, Context ctx);
  Task<> read_in_peace(Context ctx);
  void count(const Seen& seen);

  Plan plan_;
  std::unique_ptr<io::Simulation> simulation_;
  io::Loop& loop_;
  Machine machine_;
  meta::FaultyStore rows_;
  Oracle oracle_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<CancelToken> cancel_;
  bool worked_ = true;
  uint32_t busy_ = 0;  ///< clients at work
  uint64_t next_id_ = 1;
  uint64_t steps_ = 0;
  uint32_t deaths_ = 0;
  std::vector<std::string> wrong_;
  Tally tally_;
};

}  // namespace forebay::simtest
