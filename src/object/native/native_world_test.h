// What the tests of native buckets share: a simulated machine whose disks and rows outlive the
// processes that die on it. Only tests of this folder include it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "disk/store_test.h"
#include "io/sim.h"
#include "io/sync.h"
#include "meta/faulty_store.h"
#include "meta/memory_store.h"
#include "meta/schema.h"
#include "object/head.h"
#include "object/native/native_origin.h"
#include "testkit/origin_contract.h"

namespace forebay::object {

/// What a process sees of rows that outlive it: after die() nothing gets through. Before that it
/// can be told to fail, and to let others in just before a commit.
class ProcessRows final : public meta::Store {
 public:
  explicit ProcessRows(meta::Store& below) : below_(below) {}
  void die() { dead_ = true; }
  /// Called before each commit with what it would change; what it gives happens first.
  std::function<std::optional<meta::Txn>(const meta::Txn&)> before_commit = nullptr;
  /// The answer to commits; they happen all the same when `happens`.
  std::optional<Error> answer = std::nullopt;
  bool happens = false;
  /// What others do once, one after the other: just before the next commit or scan, or just after
  /// it.
  using Hook = std::function<void(std::vector<Task<>>&)>;
  Hook before_next_commit = nullptr, after_next_commit = nullptr;
  Hook before_next_scan = nullptr, after_next_scan = nullptr, after_next_get = nullptr;
  std::string after_scan_ends;  ///< after_next_scan waits for a page that ends with this row
  bool lose_next = false;       ///< the next commit happens, and its answer is lost
  uint64_t commits = 0, scans = 0;
  uint64_t read = 0;  ///< rows that scans gave
  int fail_scan = 0;  ///< of the scans from now on this one fails

  Task<std::optional<std::string>> get(std::string key, Context ctx) override {
    if (dead_) co_return gone();
    auto found = co_await below_.get(std::move(key), ctx);
    co_await co_await once(after_next_get);
    co_return found;
  }
  Task<meta::Page> scan(meta::Range range, uint32_t limit, Context ctx) override {
    if (dead_) co_return gone();
    ++scans;
    if (fail_scan > 0 && --fail_scan == 0) co_return gone();
    co_await co_await once(before_next_scan);
    meta::Page page = co_await co_await below_.scan(std::move(range), limit, ctx);
    read += page.rows.size();
    bool ends =
        after_scan_ends.empty() || (!page.rows.empty() && page.rows.back().key == after_scan_ends);
    if (ends) co_await co_await once(after_next_scan);
    co_return page;
  }
  Task<> commit(meta::Txn txn, Context ctx) override {
    if (dead_) co_return gone();
    ++commits;
    auto first = before_commit ? before_commit(txn) : std::nullopt;
    if (first) co_await co_await below_.commit(std::move(*first), ctx);
    if (answer && !happens) co_return *answer;
    co_await co_await once(before_next_commit);
    bool lost = std::exchange(lose_next, false);
    Result<> done = co_await below_.commit(std::move(txn), ctx);
    co_await co_await once(after_next_commit);
    if (lost) co_return fail(Code::unavailable, "the answer is lost");
    if (answer) co_return *answer;
    co_return done;
  }

 private:
  static Task<> once(Hook& hook) {
    Hook now = std::exchange(hook, nullptr);
    std::vector<Task<>> steps;
    if (now) now(steps);
    for (Task<>& step : steps) co_await co_await std::move(step);
    co_return ok;
  }
  static Error gone() { return fail(Code::unavailable, "the process is dead"); }
  meta::Store& below_;
  bool dead_ = false;
};

/// Bytes that differ by place and by `seed`.
inline std::string bytes_of(uint64_t size, uint64_t seed = 1) {
  return testkit::pattern(size, seed);
}

/// One machine and what runs on it.
class NativeMachine {
 public:
  static constexpr uint64_t kIncarnation = 7;
  static constexpr uint64_t kUnitMax = 100'000;
  static constexpr uint64_t kSmallMax = 16 << 10;

  explicit NativeMachine(uint64_t seed, uint64_t capacity = 256 << 20,
                         Duration commit = milliseconds(5))
      : sim(io::Simulation::make({.seed = seed})) {
    disks_.small_max = kSmallMax;
    disks_.commit_interval = commit;
    disks_.disks.push_back({.path = "/disk", .capacity = capacity});
  }
  ~NativeMachine() {
    if (process != nullptr) stop();
  }

  struct Process {
    explicit Process(meta::Store& below) : rows(below), faulty(rows, {.delay = {}}), meta(faulty) {}
    std::shared_ptr<disk::ProcessIndex> index;
    ProcessRows rows;
    meta::FaultyStore faulty;  ///< kind unless told otherwise
    meta::SingleMeta meta;
    CancelToken token;
    std::shared_ptr<disk::Store> disks;
    std::unique_ptr<unit::Native> units;
    std::shared_ptr<NativeOrigin> origin;
    size_t running = 0;
  };

  /// A process starts.
  void start(uint64_t min_part = 0, uint64_t max_retired = 1 << 16) {
    disks_.boot_id = "boot " + std::to_string(boots_);
    process = std::make_unique<Process>(rows);
    process->index = std::make_shared<disk::ProcessIndex>(index_);
    disks_.disks[0].open_index = [index = process->index] {
      return Result<std::shared_ptr<disk::Index>>(index);
    };
    auto store = sim->run(disk::Store::open(disks_, ctx()));
    ASSERT_TRUE(store) << store.error().text();
    process->disks = std::move(*store);
    process->units = std::make_unique<unit::Native>(process->disks, kSmallMax, 8 << 20);
    process->origin = std::make_shared<NativeOrigin>(NativeOptions{.incarnation = kIncarnation,
                                                                   .unit_max = kUnitMax,
                                                                   .self = std::string(32, 'a'),
                                                                   .units = *process->units,
                                                                   .meta = process->meta,
                                                                   .min_part = min_part,
                                                                   .max_retired = max_retired});
    process->units->when_full([process = process.get()] {
      process->origin->remove_retired();
      return false;
    });
    spawn(process->disks->run_evictor(ctx()));
    spawn(process->disks->run_recycler(ctx()));
    spawn(process->disks->run_committer(ctx()));
  }
  /// A task of the process; it has ended before the process is gone.
  void spawn(Task<> task) {
    ++process->running;
    io::start<void>(sim->loop(), std::move(task), [p = process.get()](Result<>) { --p->running; });
  }
  /// Until those that were spawned have ended. Others run till they are cancelled: the tasks of the
  /// disks, which start() has spawned.
  void finish(size_t others = 3) {
    while (process->running > others) ASSERT_TRUE(sim->step()) << "a task does not end";
  }
  void kill() {
    die([&] { sim->kill(); });
  }
  void power_loss() {
    die([&] { sim->power_loss(); });
    index_->crash(sim->loop().random() % (index_->unflushed() + 1));
    ++boots_;
  }
  /// An orderly end.
  void stop() {
    process->token.cancel();
    wind_down();
    Result<> closed = sim->run(process->disks->close({.loop = &sim->loop()}));
    EXPECT_TRUE(closed) << closed.error().text();
    process.reset();
  }

  Context ctx() { return {.loop = &sim->loop(), .cancel = &process->token}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return sim->run(std::move(task));
  }
  NativeOrigin& origin() { return *process->origin; }
  /// Native units that are here.
  std::vector<UnitId> units() { return process->units->of(kIncarnation); }
  /// Native units that rows name, in order.
  std::vector<UnitId> named() {
    std::vector<UnitId> out;
    auto add = [&](const std::string& key, const Layout& layout, const Sixteen& write) {
      for (uint64_t at = 0; at < layout.size();) {
        unit::Unit unit = unit_of(layout, kIncarnation, key, to_hex(write), at);
        out.push_back(unit.id);
        at = unit.range.end();
      }
    };
    std::string objects = meta::schema::objects(kIncarnation);
    for (const meta::Row& row : all(objects)) {
      NativeHead head = parse_native_head(row.value).value();
      std::string key = meta::schema::parse_object(row.key)->key;
      if (!head.named_by.empty()) key = head.named_by;
      add(key, head.layout(kUnitMax).value(), head.write);
    }
    for (const meta::Row& row : all(meta::schema::parts(kIncarnation))) {
      NativePart part = parse_native_part(row.value).value();
      add(meta::schema::parse_part(row.key)->upload.key, Layout::whole(part.size, kUnitMax),
          part.write);
    }
    std::ranges::sort(out);
    return out;
  }
  std::vector<meta::Row> all(std::string prefix) {
    Context none{.loop = &sim->loop()};
    return run(meta::scan_all(rows, meta::Range::prefix(prefix), 100'000, none)).value();
  }

  std::unique_ptr<io::Simulation> sim;
  meta::MemoryStore rows;
  std::unique_ptr<Process> process;

 private:
  void wind_down() { finish(0); }
  template <class Blow>
  void die(Blow blow) {
    blow();
    process->index->die();
    process->rows.die();
    process->token.cancel();
    wind_down();
    process.reset();
  }

  std::shared_ptr<disk::MemoryIndex> index_ = std::make_shared<disk::MemoryIndex>();
  disk::Options disks_;
  unsigned boots_ = 1;
};

inline constexpr uint64_t kNativeUnit = NativeMachine::kUnitMax;

/// A machine with a process, and short ways to its origin.
class NativeTest : public testing::Test {
 protected:
  explicit NativeTest(uint64_t capacity = 256 << 20, Duration commit = milliseconds(5))
      : machine_(3, capacity, commit) {
    machine_.start();
  }

  static ObjectKey key_of(std::string_view text) { return testkit::key_of(text); }
  NativeOrigin& origin() { return machine_.origin(); }
  ProcessRows& rows() { return machine_.process->rows; }
  Context ctx() { return machine_.ctx(); }
  io::Loop& loop() { return machine_.sim->loop(); }
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.run(std::move(task));
  }
  void sleep(Duration time) { EXPECT_TRUE(run(io::sleep_until(loop().now() + time, ctx()))); }

  Result<origin::PutAnswer> put(std::string_view key, std::string text,
                                origin::PutOptions options = {}) {
    return run(origin().put(key_of(key), std::move(options),
                            testkit::body_of(std::move(text), 10'000), ctx()));
  }
  Result<origin::ObjectInfo> head(std::string_view key) {
    return run(origin().head(key_of(key), {}, ctx()));
  }
  static Task<std::string> read(NativeOrigin& from, ObjectKey key, origin::GetOptions options,
                                Context ctx) {
    auto answer = co_await co_await from.get(std::move(key), std::move(options), ctx);
    co_return co_await io::read_all(std::move(answer.body), 64 << 20, ctx);
  }
  Result<std::string> get(std::string_view key, origin::GetOptions options = {}) {
    return run(read(origin(), key_of(key), std::move(options), ctx()));
  }
  Result<> remove(std::string_view key) { return run(origin().remove(key_of(key), ctx())); }

  /// Sweeps; then what is here is what rows name and nothing else.
  void expect_swept() {
    Result<> swept = run(origin().sweep(ctx()));
    ASSERT_TRUE(swept) << swept.error().text();
    EXPECT_EQ(machine_.units(), machine_.named());
  }
  /// The same while others are in their grace, or may be named yet: those stay.
  void expect_swept_but(size_t others) {
    Result<> swept = run(origin().sweep(ctx()));
    ASSERT_TRUE(swept) << swept.error().text();
    std::vector<UnitId> here = machine_.units(), named = machine_.named();
    EXPECT_TRUE(std::ranges::includes(here, named));
    EXPECT_EQ(here.size(), named.size() + others);
  }
  size_t units() { return machine_.units().size(); }

  NativeMachine machine_;
};

}  // namespace forebay::object
