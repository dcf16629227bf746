// Deaths of the process and of the machine at any step while versions are kept: each version that
// was acknowledged is there under its id, in its place; none that was deleted comes back; and what
// is here is what rows name.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "object/native/native_world_test.h"
#include "testkit/seeds.h"

namespace forebay::object {
namespace {

/// What clients were told of versions, over many lives. What was begun and never answered may be
/// there or not.
class VersionLedger {
 public:
  struct Key {
    std::map<std::string, std::string> there;  ///< id → text; of a marker "-"
    std::set<std::string> doubted;             ///< ids that may be gone
    std::set<std::string> gone;                ///< ids
    std::multiset<std::string> begun;          ///< texts, or "-", that may be there
    std::vector<std::string> order;            ///< ids, the oldest first
  };

  /// A put, or with "-" a delete without an id. `null`: it replaces the null version.
  void begin(const std::string& key, const std::string& text, bool null) {
    keys_[key].begun.insert(text);
    if (null) keys_[key].doubted.insert("null");
  }
  void acknowledge(const std::string& key, const std::string& text, const std::string& id) {
    Key& k = keys_[key];
    k.begun.erase(k.begun.find(text));
    std::erase(k.order, id);
    k.there[id] = text;
    k.order.push_back(id);
    k.doubted.erase(id);
    k.gone.erase(id);
  }
  void begin_removal(const std::string& key, const std::string& id) {
    keys_[key].doubted.insert(id);
  }
  void removed(const std::string& key, const std::string& id) {
    Key& k = keys_[key];
    std::erase(k.order, id);
    k.there.erase(id);
    k.doubted.erase(id);
    k.gone.insert(id);
  }
  const std::vector<std::string>& ids(const std::string& key) { return keys_[key].order; }

  static Task<> check(const VersionLedger* ledger, NativeOrigin& origin, uint64_t* checked,
                      Context ctx) {
    std::map<std::string, std::vector<origin::ListedVersion>> listed;
    origin::ListVersionsOptions options{.max_keys = 7};
    for (bool more = true; more;) {
      auto page = co_await co_await origin.list_versions(options, ctx);
      for (auto& one : page.versions) listed[one.object.key].push_back(one);
      more = page.truncated;
      options.key_marker = page.next_key;
      options.version_marker = page.next_version;
    }
    for (const auto& [name, key] : ledger->keys_) {
      SCOPED_TRACE(name);
      co_await co_await check_key(name, key, listed[name], origin, ctx);
      *checked += listed[name].size();
    }
    co_return ok;
  }

 private:
  static Task<> check_key(const std::string& name, const Key& key,
                          const std::vector<origin::ListedVersion>& listed, NativeOrigin& origin,
                          Context ctx) {
    std::vector<std::string> sure;
    std::multiset<std::string> begun = key.begun;
    for (size_t i = 0; i < listed.size(); ++i) {
      const std::string& id = listed[i].version_id;
      EXPECT_EQ(listed[i].latest, i == 0);
      EXPECT_FALSE(key.gone.contains(id)) << "it was deleted";
      std::string text = "-";
      if (!listed[i].marker) {
        auto got = co_await co_await origin.get(testkit::key_of(name), {.version_id = id}, ctx);
        text = co_await co_await io::read_all(std::move(got.body), 8 << 20, ctx);
      }
      auto known = key.there.find(id);
      if (known != key.there.end() && known->second == text) {
        if (!key.doubted.contains(id)) sure.insert(sure.begin(), id);
        continue;
      }
      EXPECT_TRUE(begun.contains(text)) << id << " holds what nobody was told of";
      if (begun.contains(text)) begun.erase(begun.find(text));
    }
    std::vector<std::string> expected = key.order;
    std::erase_if(expected, [&](const std::string& id) { return key.doubted.contains(id); });
    EXPECT_EQ(sure, expected) << "what was acknowledged, in its order";
    co_return ok;
  }
  std::map<std::string, Key> keys_;
};

Task<> put_version(NativeOrigin& origin, VersionLedger& ledger, std::string key, std::string text,
                   bool null, Context ctx) {
  ledger.begin(key, text, null);
  auto done =
      co_await co_await origin.put(testkit::key_of(key), {}, testkit::body_of(text, 30'000), ctx);
  ledger.acknowledge(key, text, done.version_id);
  co_return ok;
}

Task<> put_marker(NativeOrigin& origin, VersionLedger& ledger, std::string key, bool null,
                  Context ctx) {
  ledger.begin(key, "-", null);
  auto done = co_await co_await origin.remove_version(testkit::key_of(key), "", ctx);
  EXPECT_TRUE(done.marker);
  ledger.acknowledge(key, "-", done.version_id);
  co_return ok;
}

Task<> remove_version_of(NativeOrigin& origin, VersionLedger& ledger, std::string key,
                         std::string id, Context ctx) {
  ledger.begin_removal(key, id);
  co_await co_await origin.remove_version(testkit::key_of(key), id, ctx);
  ledger.removed(key, id);
  co_return ok;
}

Task<> upload_version(NativeOrigin& origin, VersionLedger& ledger, std::string key,
                      std::string text, Context ctx) {
  ObjectKey name = testkit::key_of(key);
  std::string id = co_await co_await origin.create_upload(name, {}, ctx);
  auto part = co_await co_await origin.put_part(name, id, 1, {}, testkit::body_of(text), ctx);
  ledger.begin(key, text, false);
  auto done = co_await co_await origin.complete_upload(name, id, {{1, part.etag, {}}}, {}, ctx);
  ledger.acknowledge(key, text, done.version_id);
  co_return ok;
}

/// Each actor has keys of its own, so that what it was told is in order.
Task<> act_on_versions(NativeOrigin& origin, VersionLedger& ledger, std::string name, Context ctx) {
  while (!ctx.cancel->cancelled()) {
    io::Loop& loop = *ctx.loop;
    std::string key = name + std::to_string(loop.random() % 2);
    std::string text = bytes_of(1 + loop.random() % 5000, loop.random());
    uint64_t what = loop.random() % 20;
    const std::vector<std::string>& ids = ledger.ids(key);
    Result<> done = ok;
    if (what < 9 || ids.empty()) {
      done = co_await put_version(origin, ledger, key, text, false, ctx);
    } else if (what < 11) {
      done = co_await put_marker(origin, ledger, key, false, ctx);
    } else if (what < 13) {
      done = co_await upload_version(origin, ledger, key, text, ctx);
    } else if (what < 14) {
      done = co_await origin.sweep(ctx);
    } else if (what < 16) {
      done = co_await remove_version_of(origin, ledger, key, ids.back(), ctx);
    } else {
      std::string id = ids[loop.random() % ids.size()];
      done = co_await remove_version_of(origin, ledger, key, id, ctx);
    }
    if (!done && !ctx.cancel->cancelled()) {
      ADD_FAILURE() << "while nothing is wrong: " << done.error().text();
    }
    if (!done) co_return ok;
  }
  co_return ok;
}

void look_at_versions(NativeMachine& machine, VersionLedger& ledger, uint64_t* checked) {
  auto good = machine.run(VersionLedger::check(&ledger, machine.origin(), checked, machine.ctx()));
  ASSERT_TRUE(good) << good.error().text();
  Result<> swept = machine.run(machine.origin().sweep(machine.ctx()));
  ASSERT_TRUE(swept) << swept.error().text();
  EXPECT_EQ(machine.units(), machine.named());
  ASSERT_TRUE(machine.run(machine.origin().count(machine.ctx())));
  uint64_t bytes = 0;
  for (const auto& row : machine.all(meta::schema::objects(NativeMachine::kIncarnation))) {
    bytes += parse_native_head(row.value)->size;
  }
  for (const auto& row : machine.all(meta::schema::parts(NativeMachine::kIncarnation))) {
    bytes += parse_native_part(row.value)->size;
  }
  EXPECT_EQ(machine.origin().usage()->bytes, bytes);
}

void lives_with_versions(uint64_t seed, bool power, uint64_t* checked) {
  NativeMachine machine(seed);
  VersionLedger ledger;
  for (int life = 0; life < 4; ++life) {
    machine.start();
    auto enabled = origin::Versioning::enabled;
    if (life == 0) {
      ASSERT_TRUE(machine.run(machine.origin().set_versioning(enabled, machine.ctx())));
    }
    EXPECT_EQ(*machine.run(machine.origin().versioning(machine.ctx())), enabled);
    look_at_versions(machine, ledger, checked);
    if (life == 3 || testing::Test::HasFailure()) break;
    machine.process->faulty.options().delay = milliseconds(2);
    for (std::string name : {"a", "b", "c"}) {
      machine.spawn(act_on_versions(machine.origin(), ledger, name, machine.ctx()));
    }
    uint64_t steps = 50 + machine.sim->loop().random() % 2500;
    for (uint64_t i = 0; i < steps && machine.sim->step(); ++i) {
    }
    power ? machine.power_loss() : machine.kill();
  }
}

void many_lives_with_versions(bool power) {
  uint64_t checked = 0;
  for (uint64_t seed = 1; seed <= testkit::seeds(80); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    lives_with_versions(seed, power, &checked);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(checked, testkit::seeds(1000));
}

TEST(NativeVersionsCrash, a_kill_at_any_step_loses_no_version_and_brings_none_back) {
  many_lives_with_versions(false);
}
TEST(NativeVersionsCrash, a_power_loss_at_any_step_loses_no_version_and_brings_none_back) {
  many_lives_with_versions(true);
}

// One script, cut off after every single step of it.
Task<> versions_script(NativeOrigin& origin, VersionLedger& ledger, bool* done, Context ctx) {
  auto enabled = origin::Versioning::enabled, suspended = origin::Versioning::suspended;
  ledger.begin("k", "null", false);
  co_await co_await origin.put(testkit::key_of("k"), {}, testkit::body_of("null"), ctx);
  ledger.acknowledge("k", "null", "null");
  co_await co_await origin.set_versioning(enabled, ctx);
  co_await co_await put_version(origin, ledger, "k", bytes_of(kNativeUnit + 1, 1), false, ctx);
  co_await co_await put_version(origin, ledger, "k", "second", false, ctx);
  std::string second = ledger.ids("k").back();
  co_await co_await put_marker(origin, ledger, "k", false, ctx);
  std::string marker = ledger.ids("k").back();
  co_await co_await upload_version(origin, ledger, "l", "uploaded", ctx);
  co_await co_await remove_version_of(origin, ledger, "k", marker, ctx);
  co_await co_await remove_version_of(origin, ledger, "k", second, ctx);
  co_await co_await origin.set_versioning(suspended, ctx);
  co_await co_await put_version(origin, ledger, "k", "null again", true, ctx);
  co_await co_await put_version(origin, ledger, "k", "and again", true, ctx);
  co_await co_await put_marker(origin, ledger, "k", true, ctx);
  co_await co_await put_version(origin, ledger, "k", "over the marker", true, ctx);
  co_await co_await origin.set_versioning(enabled, ctx);
  co_await co_await put_version(origin, ledger, "k", "third", false, ctx);
  co_await co_await remove_version_of(origin, ledger, "k", "null", ctx);
  co_await co_await origin.sweep(ctx);
  for (std::string key : {"k", "l"}) {
    while (!ledger.ids(key).empty()) {
      co_await co_await remove_version_of(origin, ledger, key, ledger.ids(key).back(), ctx);
    }
  }
  *done = true;
  co_return ok;
}

void cut_versions_script(bool power) {
  uint64_t last = 0, checked = 0;
  for (uint64_t cut = 1; last == 0; ++cut) {
    SCOPED_TRACE("cut after step " + std::to_string(cut));
    NativeMachine machine(11);
    VersionLedger ledger;
    machine.start();
    machine.process->faulty.options().delay = milliseconds(2);
    bool done = false;
    machine.spawn(versions_script(machine.origin(), ledger, &done, machine.ctx()));
    for (uint64_t i = 0; i < cut && machine.sim->step(); ++i) {
    }
    if (done) last = cut;
    power ? machine.power_loss() : machine.kill();
    machine.start();
    look_at_versions(machine, ledger, &checked);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(last, 100U);
  EXPECT_GT(checked, 300U);
}

TEST(NativeVersionsCrash, a_kill_after_each_step_of_a_script) { cut_versions_script(false); }
TEST(NativeVersionsCrash, a_power_loss_after_each_step_of_a_script) { cut_versions_script(true); }

// Rows that are slow, refuse, lose answers and come late, while several write to the same keys:
// whatever was acknowledged and not deleted is there.
Task<> act_in_doubt_on_versions(NativeOrigin& origin, std::map<std::string, std::string>& told,
                                std::string name, int steps, Context ctx) {
  for (int step = 0; step < steps; ++step) {
    io::Loop& loop = *ctx.loop;
    std::string text = name + std::to_string(step);
    ObjectKey key = testkit::key_of("k" + std::to_string(loop.random() % 2));
    auto put = co_await origin.put(key, {}, testkit::body_of(text), ctx);
    if (put) told[key.text() + put->version_id] = text;
    if (loop.random() % 3 == 0) (void)co_await origin.remove_version(key, "", ctx);
    if (!put || loop.random() % 4 != 0) continue;
    // What may be gone is no longer asked for.
    told.erase(key.text() + put->version_id);
    (void)co_await origin.remove_version(key, put->version_id, ctx);
  }
  co_return ok;
}

Task<> check_told(NativeOrigin& origin, const std::map<std::string, std::string>& told,
                  Context ctx) {
  for (const auto& [name, text] : told) {
    origin::GetOptions options{.version_id = name.substr(2)};
    auto got = co_await origin.get(testkit::key_of(name.substr(0, 2)), std::move(options), ctx);
    EXPECT_TRUE(got) << got.error().text();
    if (!got) continue;
    EXPECT_EQ(co_await co_await io::read_all(std::move(got->body), 1 << 20, ctx), text);
  }
  co_return ok;
}

TEST(NativeVersionsCrash, rows_that_fail_in_every_way_lose_no_version) {
  size_t checked = 0;
  for (uint64_t seed = 1; seed <= testkit::seeds(60); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    NativeMachine machine(seed);
    machine.start();
    ASSERT_TRUE(
        machine.run(machine.origin().set_versioning(origin::Versioning::enabled, machine.ctx())));
    std::map<std::string, std::string> told;
    machine.process->faulty.options() = {
        .delay = milliseconds(2), .refuse = 0.1, .lose_answer = 0.15, .late = 0.15};
    for (std::string name : {"a", "b", "c"}) {
      machine.spawn(act_in_doubt_on_versions(machine.origin(), told, name, 15, machine.ctx()));
    }
    machine.finish();
    machine.process->faulty.options() = {.delay = {}};
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(machine.run(machine.origin().sweep(machine.ctx())));
      ASSERT_TRUE(machine.run(check_told(machine.origin(), told, machine.ctx())));
    }
    machine.kill();
    machine.start();
    ASSERT_TRUE(machine.run(check_told(machine.origin(), told, machine.ctx())));
    ASSERT_TRUE(machine.run(machine.origin().sweep(machine.ctx())));
    EXPECT_EQ(machine.units(), machine.named());
    checked += told.size();
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(checked, testkit::seeds(600));
}

}  // namespace
}  // namespace forebay::object
