// Deaths of the process and of the machine at any step of what a native bucket does: what was
// acknowledged is there, whole; what was deleted does not come back; and a sweep leaves no unit
// that nobody names.
#include <gtest/gtest.h>

#include "object/native/native_world_test.h"
#include "testkit/seeds.h"

namespace forebay::object {
namespace {

/// What clients were told, over many lives. "" stands for no object.
class NativeLedger {
 public:
  /// A change begins: until it is acknowledged either may be there.
  void begin(const std::string& key, std::string text) {
    std::vector<std::string>& possible = told_[key];
    if (possible.empty()) possible = {""};
    possible.push_back(std::move(text));
  }
  void acknowledge(const std::string& key, std::string text) { told_[key] = {std::move(text)}; }
  /// It was refused, for certain.
  void refuse(const std::string& key) { told_[key].pop_back(); }

  static Task<> check(const NativeLedger* ledger, NativeOrigin& origin, uint64_t* checked,
                      Context ctx) {
    for (const auto& [key, possible] : ledger->told_) {
      std::string found;
      auto answer = co_await origin.get(testkit::key_of(key), {}, ctx);
      if (answer) {
        found = co_await co_await io::read_all(std::move(answer->body), 8 << 20, ctx);
      } else {
        EXPECT_EQ(answer.error().detail(), "NoSuchKey") << answer.error().text();
      }
      EXPECT_TRUE(std::ranges::find(possible, found) != possible.end())
          << key << " holds " << found.size() << " bytes that nobody was told of";
      ++*checked;
    }
    co_return ok;
  }

 private:
  std::map<std::string, std::vector<std::string>> told_;
};

Task<> put_native(NativeOrigin& origin, NativeLedger& ledger, std::string key, std::string text,
                  Context ctx) {
  ledger.begin(key, text);
  co_await co_await origin.put(testkit::key_of(key), {}, testkit::body_of(text, 30'000), ctx);
  ledger.acknowledge(key, text);
  co_return ok;
}

Task<> remove_native(NativeOrigin& origin, NativeLedger& ledger, std::string key, Context ctx) {
  ledger.begin(key, "");
  co_await co_await origin.remove(testkit::key_of(key), ctx);
  ledger.acknowledge(key, "");
  co_return ok;
}

Task<> upload_native(NativeOrigin& origin, NativeLedger& ledger, std::string key, std::string text,
                     bool abort, Context ctx) {
  ObjectKey name = testkit::key_of(key);
  std::string id = co_await co_await origin.create_upload(name, {}, ctx);
  std::vector<origin::CompletedPart> parts;
  for (uint64_t at = 0; at < text.size(); at += kNativeUnit + 1) {
    auto number = static_cast<uint32_t>(parts.size() + 1);
    std::string piece = text.substr(at, kNativeUnit + 1);
    co_await co_await origin.put_part(name, id, number, {}, testkit::body_of("an earlier one"),
                                      ctx);
    auto part =
        co_await co_await origin.put_part(name, id, number, {}, testkit::body_of(piece), ctx);
    parts.push_back({number, part.etag, {}});
  }
  co_await co_await origin.put_part(name, id, 99, {}, testkit::body_of("not named"), ctx);
  if (abort) co_return co_await origin.abort_upload(name, id, ctx);
  ledger.begin(key, text);
  co_await co_await origin.complete_upload(name, id, parts, {}, ctx);
  ledger.acknowledge(key, text);
  co_return ok;
}

/// Each actor has keys of its own, so that what it was told is in order.
Task<> act_natively(NativeOrigin& origin, NativeLedger& ledger, std::string name, Context ctx) {
  while (!ctx.cancel->cancelled()) {
    io::Loop& loop = *ctx.loop;
    std::string key = name + std::to_string(loop.random() % 3);
    std::string text = bytes_of(
        1 + loop.random() % (loop.random() % 2 == 0 ? 5000 : 2 * kNativeUnit), loop.random());
    uint64_t what = loop.random() % 10;
    Result<> done = ok;
    if (what < 5) {
      done = co_await put_native(origin, ledger, key, text, ctx);
    } else if (what < 7) {
      done = co_await remove_native(origin, ledger, key, ctx);
    } else if (what < 9) {
      done = co_await upload_native(origin, ledger, key, text, loop.random() % 3 == 0, ctx);
    } else {
      done = co_await origin.sweep(ctx);
    }
    if (!done && !ctx.cancel->cancelled()) {
      ADD_FAILURE() << "while nothing is wrong: " << done.error().text();
    }
    if (!done) co_return ok;
  }
  co_return ok;
}

void look_after_death(NativeMachine& machine, NativeLedger& ledger, uint64_t* checked) {
  auto good = machine.run(NativeLedger::check(&ledger, machine.origin(), checked, machine.ctx()));
  ASSERT_TRUE(good) << good.error().text();
  Result<> swept = machine.run(machine.origin().sweep(machine.ctx()));
  ASSERT_TRUE(swept) << swept.error().text();
  EXPECT_EQ(machine.units(), machine.named());
  for (const meta::Row& row : machine.all(meta::schema::parts(NativeMachine::kIncarnation))) {
    auto key = meta::schema::parse_part(row.key).value();
    EXPECT_FALSE(machine
                     .all(meta::schema::upload(NativeMachine::kIncarnation,
                                               testkit::key_of(key.upload.key), key.upload.id))
                     .empty());
  }
}

void native_lives(uint64_t seed, bool power, uint64_t* checked) {
  NativeMachine machine(seed);
  NativeLedger ledger;
  for (int life = 0; life < 4; ++life) {
    machine.start();
    look_after_death(machine, ledger, checked);
    if (life == 3 || testing::Test::HasFailure()) break;
    machine.process->faulty.options().delay = milliseconds(2);
    for (std::string name : {"a", "b", "c"}) {
      machine.spawn(act_natively(machine.origin(), ledger, name, machine.ctx()));
    }
    uint64_t steps = 50 + machine.sim->loop().random() % 1500;
    for (uint64_t i = 0; i < steps && machine.sim->step(); ++i) {
    }
    power ? machine.power_loss() : machine.kill();
  }
}

TEST(NativeCrash, a_kill_at_any_step_loses_nothing_that_was_acknowledged) {
  uint64_t checked = 0;
  for (uint64_t seed = 1; seed <= testkit::seeds(80); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    native_lives(seed, false, &checked);
    if (HasFailure()) return;
  }
  EXPECT_GT(checked, testkit::seeds(1000));
}

TEST(NativeCrash, a_power_loss_at_any_step_loses_nothing_that_was_acknowledged) {
  uint64_t checked = 0;
  for (uint64_t seed = 1; seed <= testkit::seeds(80); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    native_lives(seed, true, &checked);
    if (HasFailure()) return;
  }
  EXPECT_GT(checked, testkit::seeds(1000));
}

// One script, cut off after every single step of it.
Task<> native_script(NativeOrigin& origin, NativeLedger& ledger, bool* done, Context ctx) {
  co_await co_await put_native(origin, ledger, "a", "small", ctx);
  co_await co_await put_native(origin, ledger, "a", bytes_of(kNativeUnit + 1, 1), ctx);
  co_await co_await put_native(origin, ledger, "b", bytes_of(100, 2), ctx);
  co_await co_await remove_native(origin, ledger, "b", ctx);
  co_await co_await upload_native(origin, ledger, "c", bytes_of(2 * kNativeUnit, 3), false, ctx);
  co_await co_await upload_native(origin, ledger, "c", bytes_of(10, 4), true, ctx);
  co_await co_await upload_native(origin, ledger, "a", bytes_of(20, 5), false, ctx);
  co_await co_await origin.sweep(ctx);
  co_await co_await remove_native(origin, ledger, "a", ctx);
  co_await co_await put_native(origin, ledger, "b", bytes_of(50, 6), ctx);
  *done = true;
  co_return ok;
}

void cut_native_script(bool power) {
  uint64_t last = 0, checked = 0;
  for (uint64_t cut = 1; last == 0; ++cut) {
    SCOPED_TRACE("cut after step " + std::to_string(cut));
    NativeMachine machine(11);
    NativeLedger ledger;
    machine.start();
    bool done = false;
    machine.spawn(native_script(machine.origin(), ledger, &done, machine.ctx()));
    for (uint64_t i = 0; i < cut && machine.sim->step(); ++i) {
    }
    if (done) last = cut;
    power ? machine.power_loss() : machine.kill();
    machine.start();
    look_after_death(machine, ledger, &checked);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(last, 100U);
}

TEST(NativeCrash, a_kill_after_each_step_of_a_script) { cut_native_script(false); }
TEST(NativeCrash, a_power_loss_after_each_step_of_a_script) { cut_native_script(true); }

// Rows that are slow, refuse, lose answers and come late, as those of a cluster will.
Task<> act_in_doubt(NativeOrigin& origin, NativeLedger& ledger, std::string name, int steps,
                    Context ctx) {
  for (int step = 0; step < steps; ++step) {
    io::Loop& loop = *ctx.loop;
    std::string key = name + std::to_string(loop.random() % 3);
    std::string text = bytes_of(1 + loop.random() % (2 * kNativeUnit), loop.random());
    // What is in doubt may be there, now or later: nothing is acknowledged over it.
    ledger.begin(key, text);
    auto put = co_await origin.put(testkit::key_of(key), {}, testkit::body_of(text), ctx);
    if (!put && put.error().code() != Code::unavailable) ledger.refuse(key);
  }
  co_return ok;
}

TEST(NativeCrash, rows_that_fail_in_every_way_lose_no_bytes_that_they_name) {
  for (uint64_t seed = 1; seed <= testkit::seeds(60); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    NativeMachine machine(seed);
    NativeLedger ledger;
    machine.start();
    machine.process->faulty.options() = {
        .delay = milliseconds(2), .refuse = 0.1, .lose_answer = 0.15, .late = 0.15};
    auto done = machine.run(act_in_doubt(machine.origin(), ledger, "a", 30, machine.ctx()));
    EXPECT_TRUE(done);
    machine.process->faulty.options() = {.delay = {}};
    uint64_t checked = 0;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(machine.run(machine.origin().sweep(machine.ctx())));
      auto good =
          machine.run(NativeLedger::check(&ledger, machine.origin(), &checked, machine.ctx()));
      ASSERT_TRUE(good) << good.error().text();
    }
    machine.kill();
    machine.start();
    look_after_death(machine, ledger, &checked);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace forebay::object
