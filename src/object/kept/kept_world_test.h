// What the tests of kept heads share: a machine whose rows, cache and origin outlive the processes
// that die on it. Only tests of this folder include it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "meta/faulty_store.h"
#include "meta/memory_store.h"
#include "meta/schema.h"
#include "object/native/native_world_test.h"
#include "object/store.h"
#include "object/world_test.h"

namespace forebay::object {

/// Rows of a machine: a power loss takes the end of what was not synced.
class MachineRows final : public meta::Store {
 public:
  Task<std::optional<std::string>> get(std::string key, Context ctx) override {
    co_return co_await rows_->get(std::move(key), ctx);
  }
  Task<meta::Page> scan(meta::Range range, uint32_t limit, Context ctx) override {
    co_return co_await rows_->scan(std::move(range), limit, ctx);
  }
  Task<> commit(meta::Txn txn, Context ctx) override {
    meta::Txn done = txn;
    done.conditions.clear();
    co_await co_await rows_->commit(std::move(txn), ctx);
    log_.push_back(std::move(done));
    if (log_.back().sync) synced_ = log_.size();
    co_return ok;
  }
  /// `draw` tells how much of the end is kept.
  void lose_power(io::Simulation& world, uint64_t draw) {
    log_.resize(synced_ + draw % (log_.size() - synced_ + 1));
    rows_ = std::make_unique<meta::MemoryStore>();
    Context ctx{.loop = &world.loop()};
    for (const meta::Txn& txn : log_) ASSERT_TRUE(world.run(rows_->commit(txn, ctx)));
    synced_ = log_.size();
  }
  uint64_t syncs() const {
    uint64_t count = 0;
    for (const meta::Txn& txn : log_) count += txn.sync ? 1 : 0;
    return count;
  }

 private:
  std::unique_ptr<meta::MemoryStore> rows_ = std::make_unique<meta::MemoryStore>();
  std::vector<meta::Txn> log_;
  size_t synced_ = 0;
};

/// What a client gets.
inline Task<std::string> take(Store& from, ReadRequest request, Context ctx) {
  if (auto now = from.read_now(request, *ctx.loop)) {
    if (now->body.source == nullptr) co_return std::string();
    co_return co_await io::read_all(std::move(now->body), 8 << 20, ctx);
  }
  ReadAnswer answer = co_await co_await from.read(std::move(request), ctx);
  if (answer.body.source == nullptr) co_return std::string();
  co_return co_await io::read_all(std::move(answer.body), 8 << 20, ctx);
}

/// What one process of the machine has.
struct KeptProcess {
  KeptProcess(meta::Store& below, io::Loop& loop, HeadOptions options) : rows(below) {
    crews.add(loop);
    heads.emplace(meta, crews, options, metrics);
  }
  ProcessRows rows;
  meta::FaultyStore faulty{rows, {.delay = {}}};  ///< kind unless told otherwise
  meta::SingleMeta meta{faulty};
  obs::Registry metrics;
  job::Crews crews;
  std::optional<Heads> heads;
  std::optional<Store> objects;
  CancelToken token;
  size_t running = 0;
};

/// A machine with a process. Heads of keys that nobody uses are out of memory at once, unless a
/// test wants it otherwise.
class KeptTest : public ObjectTest {
 public:
  explicit KeptTest(uint64_t memory = 64) : memory_(memory) { start(); }
  ~KeptTest() override {
    if (process_ != nullptr) stop();
  }

  void start() {
    HeadOptions options{.max_bytes = memory_, .life = ++lives_};
    process_ = std::make_unique<KeptProcess>(machine_, loop_, options);
    process_->objects.emplace(*process_->heads, *cache_, process_->crews, process_->metrics);
    EXPECT_TRUE(run(process_->heads->start(ctx())));
  }
  /// An orderly end: what waits is written.
  void stop() { end(true); }
  void restart() {
    stop();
    start();
  }
  void kill() {
    process_->rows.die();
    end(false);
  }
  void lose_power() {
    kill();
    machine_.lose_power(*world_, loop_.random());
  }
  /// A task of the process; it has ended before the process is gone.
  void spawn(Task<> task) {
    ++process_->running;
    io::start<void>(loop_, std::move(task), [p = process_.get()](Result<>) { --p->running; });
  }
  Context mine() { return {.loop = &loop_, .cancel = &process_->token}; }
  Heads& heads() { return *process_->heads; }
  Store& objects() { return *process_->objects; }
  /// What is put is written by now.
  void settle() { sleep(KeptRows::kGather * 2); }

  void use(std::string_view freshness) { bucket_ = make_bucket(origin_, freshness); }
  std::string change(std::string_view key, std::string bytes) {
    return origin_->change(std::string(key), std::move(bytes)).etag.text();
  }
  static ObjectKey key_of(std::string_view text) { return *ObjectKey::parse(text); }
  ReadRequest request(std::string_view key) { return {.bucket = bucket_, .key = key_of(key)}; }
  /// What a client reads; the error's detail when it gets none.
  std::string get(std::string_view key) {
    auto read = run(take(objects(), request(key), mine()));
    return read ? *read : read.error().detail();
  }
  Result<origin::PutAnswer> put(std::string_view key, std::string bytes) {
    return run(
        objects().put(bucket_, key_of(key), {}, io::Body::of(Bytes(std::move(bytes))), mine()));
  }
  /// Other keys are used, so that heads of before are not in use any more.
  void push_out() {
    for (int i = 0; i < 400; ++i) get("missing" + std::to_string(i));
    settle();
    asked();
  }
  /// Requests that the origin has got since the last call.
  uint64_t asked() {
    uint64_t now = origin_->counts("head").requests + origin_->counts("get").requests;
    return now - std::exchange(asked_, now);
  }
  std::string row_name(std::string_view key) {
    return meta::schema::head(bucket_->incarnation, key);
  }
  std::optional<std::string> row(std::string_view key) {
    return *run(machine_.get(row_name(key), ctx()));
  }
  std::optional<KeptKind> row_kind(std::string_view key) {
    auto found = row(key);
    auto stamp = found ? read_kept_stamp(*found) : std::nullopt;
    if (!stamp) return std::nullopt;
    return stamp->kind;
  }

  const uint64_t memory_;
  uint64_t lives_ = 0;
  uint64_t asked_ = 0;
  MachineRows machine_;
  BucketRef bucket_ = make_bucket(origin_, "immutable");
  std::unique_ptr<KeptProcess> process_;

 private:
  void end(bool orderly) {
    process_->token.cancel();
    while (process_->running > 0) ASSERT_TRUE(world_->step()) << "a task does not end";
    EXPECT_TRUE(run(process_->crews.of(loop_).stop()));
    process_->faulty.options() = {.delay = {}};
    if (orderly) {
      EXPECT_TRUE(run(process_->heads->stop(ctx())));
    }
    process_.reset();
  }
};

}  // namespace forebay::object
