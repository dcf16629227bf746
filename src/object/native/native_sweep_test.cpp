// What nobody names goes, and nothing else: sweeps after deaths, and beside everything that moves a
// unit's name from one place to another.
#include <gtest/gtest.h>

#include "object/native/native_world_test.h"
#include "testkit/seeds.h"

namespace forebay::object {
namespace {

class NativeSwept : public NativeTest {
 protected:
  /// A unit that nobody names, as a process leaves it that dies before its commit.
  void leave_unit(uint64_t seed, uint64_t size = 1000) {
    auto write = [](unit::Native& to, UnitId id, std::string bytes, Context ctx) -> Task<> {
      auto unit = co_await co_await to.begin(id, {.incarnation = NativeMachine::kIncarnation},
                                             bytes.size(), ctx);
      co_await co_await unit.add(as_bytes(bytes), ctx);
      co_return co_await unit.commit(ctx);
    };
    ASSERT_TRUE(run(write(*machine_.process->units, disk::unit_id(seed), bytes_of(size), ctx())));
  }
};

TEST_F(NativeSwept, removes_what_a_dead_process_left) {
  ASSERT_TRUE(put("k", bytes_of(3 * kNativeUnit)));
  ASSERT_TRUE(put("small", "text"));
  for (uint64_t i = 0; i < 20; ++i) leave_unit(i, i % 2 == 0 ? 1000 : 50'000);
  EXPECT_EQ(units(), 24U);
  expect_swept();
  EXPECT_EQ(units(), 4U);
  EXPECT_TRUE(*get("k") == bytes_of(3 * kNativeUnit));
  machine_.stop();
  machine_.start();
  EXPECT_EQ(units(), 4U);
}

TEST_F(NativeSwept, removes_rows_of_parts_whose_upload_is_gone) {
  std::string id = run(origin().create_upload(key_of("k"), {}, ctx())).value();
  for (uint32_t number = 1; number <= 300; ++number) {
    ASSERT_TRUE(
        run(origin().put_part(key_of("k"), id, number, {}, testkit::body_of("part"), ctx())));
  }
  std::string kept = run(origin().create_upload(key_of("j"), {}, ctx())).value();
  ASSERT_TRUE(run(origin().put_part(key_of("j"), kept, 1, {}, testkit::body_of("kept"), ctx())));
  expect_swept();
  EXPECT_EQ(units(), 301U) << "open uploads keep their parts";
  Context none{.loop = &loop()};
  std::string row = meta::schema::upload(NativeMachine::kIncarnation, key_of("k"), id);
  ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().remove(row), none)));
  expect_swept();
  EXPECT_EQ(units(), 1U);
  EXPECT_EQ(machine_.all(meta::schema::parts(NativeMachine::kIncarnation)).size(), 1U);
  // A row that cannot be read is no reason to keep it, once its upload is gone.
  std::string part = meta::schema::part(NativeMachine::kIncarnation, key_of("j"), kept, 1);
  ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().put(part, "x"), none)));
  EXPECT_EQ(run(origin().sweep(ctx())).error().code(), Code::corrupt);
  EXPECT_EQ(units(), 1U);
  row = meta::schema::upload(NativeMachine::kIncarnation, key_of("j"), kept);
  ASSERT_TRUE(run(machine_.rows.commit(meta::Txn().remove(row), none)));
  expect_swept();
  EXPECT_EQ(units(), 0U);
}

TEST_F(NativeSwept, many_rows_are_many_pages) {
  for (int i = 0; i < 350; ++i) ASSERT_TRUE(put("k" + std::to_string(i), "text"));
  for (uint64_t i = 0; i < 2500; ++i) leave_unit(i, 10);
  expect_swept();
  EXPECT_EQ(units(), 350U);
}

TEST_F(NativeSwept, with_more_retired_than_it_remembers_the_oldest_go_early) {
  machine_.stop();
  machine_.start(0, 3);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(put("k" + std::to_string(i), "text"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(remove("k" + std::to_string(i)));
  EXPECT_EQ(units(), 4U);
  ASSERT_TRUE(remove("k3"));
  EXPECT_EQ(units(), 3U);
  EXPECT_EQ(origin().loose().retired(), 3U);
}

// Everything that writes, at random, beside sweeps that never rest: no acknowledged byte goes.
class NativeActors {
 public:
  NativeActors(NativeMachine& machine, uint64_t keys) : machine_(machine), keys_(keys) {}

  static Task<> write(NativeActors* all, uint64_t me, int steps, Context ctx) {
    NativeOrigin& to = all->machine_.origin();
    for (int step = 0; step < steps; ++step) {
      io::Loop& loop = *ctx.loop;
      ObjectKey key = testkit::key_of("k" + std::to_string(me * 100 + loop.random() % all->keys_));
      std::string& told = all->told_[key.text()];
      std::string text = bytes_of(1 + loop.random() % (3 * kNativeUnit), loop.random());
      uint64_t what = loop.random() % 10;
      if (what < 5) {
        co_await co_await to.put(key, {}, testkit::body_of(text, 40'000), ctx);
        told = text;
      } else if (what < 6) {
        co_await co_await to.remove(key, ctx);
        told.clear();
      } else if (what < 9) {
        co_await co_await upload(to, key, text, what == 8, ctx);
        if (what != 8) told = text;
      } else if (!told.empty()) {
        co_await co_await to.set_tags(key, {{"step", std::to_string(step)}}, ctx);
      }
      auto now = co_await to.get(key, {}, ctx);
      EXPECT_EQ(now.has_value(), !told.empty());
      if (!now) continue;
      std::string back = co_await co_await io::read_all(std::move(now->body), 8 << 20, ctx);
      EXPECT_TRUE(back == told) << key.text();
    }
    --all->writing_;
    co_return ok;
  }
  static Task<> upload(NativeOrigin& to, ObjectKey key, std::string text, bool abort, Context ctx) {
    std::string id = co_await co_await to.create_upload(key, {}, ctx);
    std::vector<origin::CompletedPart> parts;
    size_t cut = ctx.loop->random() % text.size();
    for (std::string piece : {text.substr(0, cut), text.substr(cut)}) {
      auto number = static_cast<uint32_t>(parts.size() + 1);
      auto part = co_await co_await to.put_part(key, id, number, {}, testkit::body_of(piece), ctx);
      parts.push_back({number, part.etag, {}});
    }
    co_await co_await to.put_part(key, id, 9, {}, testkit::body_of("not named"), ctx);
    if (abort) co_return co_await to.abort_upload(key, id, ctx);
    auto done = co_await to.complete_upload(key, id, parts, {}, ctx);
    if (!done) co_return std::move(done.error());
    co_return ok;
  }
  static Task<> sweep(NativeActors* all, Context ctx) {
    while (all->writing_ > 0) {
      co_await co_await all->machine_.origin().sweep(ctx);
      ++all->sweeps;
      co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(1), ctx);
    }
    co_return ok;
  }
  static Task<> all_of(NativeActors* all, int writers, int steps, Context ctx) {
    io::Group group(ctx);
    all->writing_ = writers;
    for (int i = 0; i < writers; ++i) {
      group.spawn(write(all, static_cast<uint64_t>(i), steps, ctx));
    }
    group.spawn(sweep(all, ctx));
    co_return co_await group.join();
  }
  uint64_t sweeps = 0;

 private:
  NativeMachine& machine_;
  const uint64_t keys_;
  int writing_ = 0;
  std::map<std::string, std::string> told_;  ///< empty: no object
};

TEST(NativeSweeps, beside_writes_take_nothing_that_is_named) {
  uint64_t sweeps = 0;
  for (uint64_t seed = 1; seed <= testkit::seeds(40); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    NativeMachine machine(seed);
    machine.start();
    machine.process->faulty.options().delay = milliseconds(3);
    NativeActors actors(machine, 3);
    auto done = machine.run(NativeActors::all_of(&actors, 4, 25, machine.ctx()));
    ASSERT_TRUE(done) << done.error().text();
    sweeps += actors.sweeps;
    std::vector<UnitId> here = machine.units(), named = machine.named();
    EXPECT_TRUE(std::ranges::includes(here, named));
    ASSERT_TRUE(machine.run(machine.origin().sweep(machine.ctx())));
    EXPECT_EQ(machine.units().size(), named.size() + machine.origin().loose().retired());
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(sweeps, testkit::seeds(240));
}

// A unit whose name moves from a part to an object while the rows are scanned is seen at one of
// the two.
TEST(NativeSweeps, see_a_unit_whose_name_moves) {
  for (uint64_t seed = 1; seed <= testkit::seeds(300); ++seed) {
    NativeMachine machine(seed);
    machine.start();
    machine.process->faulty.options().delay = milliseconds(3);
    ObjectKey key = testkit::key_of("k");
    auto both = [](NativeMachine& on, ObjectKey k, Context ctx) -> Task<> {
      NativeOrigin& to = on.origin();
      std::string id = co_await co_await to.create_upload(k, {}, ctx);
      auto part = co_await co_await to.put_part(k, id, 1, {}, testkit::body_of("part"), ctx);
      auto later = [](NativeOrigin& origin, ObjectKey named, std::string upload, ETag etag,
                      Context inner) -> Task<> {
        auto wait = milliseconds(static_cast<int64_t>(inner.loop->random() % 20));
        co_await co_await io::sleep_until(inner.loop->now() + wait, inner);
        auto done = co_await origin.complete_upload(named, upload, {{1, etag, {}}}, {}, inner);
        if (!done) co_return std::move(done.error());
        co_return ok;
      };
      io::Group group(ctx);
      group.spawn(later(to, k, id, part.etag, ctx));
      group.spawn(to.sweep(ctx));
      co_return co_await group.join();
    };
    auto done = machine.run(both(machine, key, machine.ctx()));
    ASSERT_TRUE(done) << done.error().text();
    ASSERT_EQ(machine.units(), machine.named()) << "seed " << seed;
    ASSERT_EQ(machine.units().size(), 1U);
  }
}

}  // namespace
}  // namespace forebay::object
