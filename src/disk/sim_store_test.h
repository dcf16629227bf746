// A Store in the simulated world: processes that live and die over one disk and index, actors that
// read and write at random, and the only right answer to every read. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "disk/format.h"
#include "disk/store_test.h"
#include "io/sim.h"
#include "io/sync.h"

namespace forebay::disk {

class SimWorld {
 public:
  explicit SimWorld(uint64_t seed, uint64_t units = 40)
      : random_(seed), units_(units), sim_(io::Simulation::make({.seed = seed})) {
    sim_->options().disk_delay = milliseconds(2);
    options_.small_max = 16 << 10;
    options_.max_open_files = 4;
    options_.commit_interval = milliseconds(5);
    options_.disks.push_back({.path = "/cache", .capacity = 8 << 20});
  }
  ~SimWorld() {
    if (process_ != nullptr) die([] {});
  }

  uint64_t random(uint64_t below) { return random_() % below; }
  io::Simulation& sim() { return *sim_; }
  Options& options() { return options_; }
  const std::shared_ptr<Store>& store() { return process_->store; }
  const std::shared_ptr<MemoryIndex>& index() { return index_; }
  size_t units() const { return units_; }
  DiskStats stats() { return process_->store->stats().disks[0]; }

  /// Half of the units are small; of the others a few have several blocks.
  static uint64_t length_of(uint64_t n) {
    uint64_t x = n * 0x9e3779b97f4a7c15 >> 20;
    if (n % 2 == 0) return 1 + x % (16 << 10);
    if (n % 10 == 1) return 1 + x % (5 << 19);
    return 1 + x % 200'000;
  }

  /// A process starts. Its boot id is the last one unless the power was lost.
  void open() {
    options_.boot_id = "boot " + std::to_string(boots_);
    process_ = std::make_unique<Process>();
    process_->index = std::make_shared<ProcessIndex>(index_);
    options_.disks[0].open_index = [index = process_->index]() -> Result<std::shared_ptr<Index>> {
      return std::shared_ptr<Index>(index);
    };
    double error = std::exchange(sim_->options().disk_error, 0);
    auto store = sim_->run(Store::open(options_, ctx()));
    sim_->options().disk_error = error;
    ASSERT_TRUE(store) << store.error().text();
    process_->store = std::move(*store);
  }

  /// Starts what happens in the background, and `actors` that do anything at random.
  void start(unsigned actors) {
    Store& store = *process_->store;
    spawn(store.run_evictor(ctx()));
    spawn(store.run_recycler(ctx()));
    spawn(store.run_committer(ctx()));
    for (unsigned i = 0; i < actors; ++i) spawn(act(this, process_->store, ctx()));
  }

  /// A task of the process; it has ended before the process is gone.
  void spawn(Task<> task) {
    ++process_->running;
    io::start<void>(sim_->loop(), std::move(task),
                    [process = process_.get()](Result<>) { --process->running; });
  }

  void steps(uint64_t count) {
    for (uint64_t i = 0; i < count && sim_->step(); ++i) {
    }
  }

  void power_loss() {
    die([&] { sim_->power_loss(); });
    index_->crash(random(index_->unflushed() + 1));
    ++boots_;
  }
  /// The next process finds another boot of the machine.
  void reboot() { ++boots_; }
  void kill() {
    die([&] { sim_->kill(); });
  }
  void close() {
    die([] {}, true);
  }

  /// Everything that is found has the right bytes. Gives how many units were.
  size_t check_all() {
    auto found = sim_->run(check_task(this, process_->store, ctx()));
    EXPECT_TRUE(found) << found.error().text();
    return found.value_or(0);
  }

  template <class T>
  Result<T> run(Task<T> task) {
    return sim_->run(std::move(task));
  }
  Context ctx() { return {.loop = &sim_->loop(), .cancel = &process_->token}; }

 private:
  struct Process {
    std::shared_ptr<ProcessIndex> index;
    CancelToken token;
    std::shared_ptr<Store> store;
    size_t running = 0;
  };

  // Winds the process down: what it still does after `blow` must change nothing.
  template <class Blow>
  void die(Blow blow, bool orderly = false) {
    if (!orderly) {
      blow();
      process_->index->die();
    }
    process_->token.cancel();
    while (process_->running > 0) ASSERT_TRUE(sim_->step()) << "a task does not end";
    if (orderly) {
      Result<> closed = sim_->run(process_->store->close({.loop = &sim_->loop()}));
      EXPECT_TRUE(closed) << closed.error().text();
    }
    process_.reset();
  }

  /// Errors that a caller must live with; a wrong body is not among them.
  static bool allowed(const Error& error) { return error.code() != Code::internal; }

  static Task<> write(SimWorld* world, std::shared_ptr<Store> store, uint64_t n, Context ctx) {
    auto admission = world->random(4) == 0 ? Admission::cold : Admission::hot;
    uint64_t length = length_of(n);
    UnitId id = unit_id(n);
    if (n % 2 == 0) co_return co_await put_unit(store, id, length, ctx, admission);
    Terms terms(admission);
    terms.grows = world->random(2) == 0;
    auto reserved = store->reserve(id, terms.grows ? std::min<uint64_t>(length, 4096) : length);
    if (!reserved) co_return reserved.error_in("actor");
    bool nameless = world->random(3) == 0;
    auto writer = co_await co_await (
        nameless ? store->create_nameless(length, std::move(*reserved), terms, ctx)
                 : store->create(id, length, std::move(*reserved), terms, ctx));
    std::vector<ByteRange> pieces;
    for (uint64_t at = 0; at < length; at += 100'000) {
      pieces.push_back({at, std::min<uint64_t>(100'000, length - at)});
    }
    if (world->random(3) == 0) std::shuffle(pieces.begin(), pieces.end(), world->random_);
    for (ByteRange piece : pieces) {
      if (world->random(100) == 0) co_return ok;  // gives up
      std::string bytes = content_of(id, piece);
      co_await writer->grow(piece.end());
      co_await co_await writer->write(piece.offset, as_bytes(bytes), ctx);
      auto back = co_await co_await read_slice({writer->file(), piece.offset, piece.length}, ctx);
      EXPECT_EQ(back, bytes) << "a growing unit, " << n;
    }
    co_return co_await (nameless ? writer->commit_as(id, ctx) : writer->commit(ctx));
  }

  static Task<> read(SimWorld* world, std::shared_ptr<Store> store, uint64_t n, Context ctx) {
    uint64_t length = length_of(n);
    ByteRange range{world->random(length), 0};
    range.length = 1 + world->random(std::min<uint64_t>(length - range.offset, 50'000));
    auto verify = world->random(8) == 0 ? Verify::always : Verify::start;
    auto bytes = co_await co_await read_unit(store, unit_id(n), range, ctx, verify);
    EXPECT_EQ(bytes, content_of(unit_id(n), range)) << "unit " << n;
    co_return ok;
  }

  static Task<> act(SimWorld* world, std::shared_ptr<Store> store, Context ctx) {
    while (!ctx.cancel->cancelled()) {
      uint64_t n = world->random(world->units_);
      uint64_t what = world->random(20);
      Result<> done = ok;
      if (what == 0) {
        store->remove(unit_id(n));
      } else if (what < 12) {
        done = co_await read(world, store, n, ctx);
        if (!done && done.error().code() == Code::not_found) {
          done = co_await write(world, store, n, ctx);
        }
      } else {
        done = co_await write(world, store, n, ctx);
      }
      EXPECT_TRUE(done || allowed(done.error())) << done.error().text();
      // The pause lets others in, also when nothing was done.
      static_cast<void>(co_await io::sleep_until(
          ctx.loop->now() + microseconds(static_cast<int64_t>(world->random(3000))), ctx));
    }
    co_return ok;
  }

  static Task<size_t> check_task(SimWorld* world, std::shared_ptr<Store> store, Context ctx) {
    size_t found = 0;
    for (uint64_t n = 0; n < world->units_; ++n) {
      if (!store->contains(unit_id(n))) continue;
      ByteRange whole{0, length_of(n)};
      auto bytes = co_await read_unit(store, unit_id(n), whole, ctx);
      EXPECT_TRUE(bytes || allowed(bytes.error())) << bytes.error().text();
      if (!bytes) continue;
      EXPECT_TRUE(*bytes == content_of(unit_id(n), whole)) << "wrong bytes of unit " << n;
      ++found;
    }
    co_return found;
  }

  std::mt19937_64 random_;
  const uint64_t units_;
  std::unique_ptr<io::Simulation> sim_;
  std::shared_ptr<MemoryIndex> index_ = std::make_shared<MemoryIndex>();
  Options options_;
  std::unique_ptr<Process> process_;
  unsigned boots_ = 1;
};

}  // namespace forebay::disk
