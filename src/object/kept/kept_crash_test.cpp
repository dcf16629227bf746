// Deaths of the process and of the machine at any step, over a store of rows that does all that one
// across a network does: a read after an acknowledgement never gives what was there before it.
#include <map>
#include <set>

#include "object/kept/kept_world_test.h"
#include "testkit/seeds.h"

namespace forebay::object {
namespace {

/// What clients were told, over many lives. Each key has one writer, who counts.
struct KeptLedger {
  struct Key {
    uint64_t begun = 0;            ///< the last write that was begun
    uint64_t acknowledged = 0;     ///< the last one that was acknowledged
    std::set<uint64_t> open = {};  ///< those that were not: they may come at any time
  };
  std::map<std::string, Key> keys;
  uint64_t reads = 0;
  std::vector<std::string> wrong;

  static std::string text_of(const std::string& key, uint64_t number) {
    return key + " " + std::to_string(number);
  }
};

Task<> write_on(Store& objects, BucketRef bucket, std::string name, KeptLedger& ledger,
                Context ctx) {
  KeptLedger::Key& key = ledger.keys[name];
  uint64_t number = ++key.begun;
  key.open.insert(number);
  std::string text = KeptLedger::text_of(name, number);
  co_await co_await objects.put(bucket, *ObjectKey::parse(name), {},
                                io::Body::of(Bytes(std::move(text))), ctx);
  key.open.erase(number);
  key.acknowledged = number;
  co_return ok;
}

Task<> read_on(Store& objects, BucketRef bucket, std::string name, KeptLedger& ledger,
               Context ctx) {
  const KeptLedger::Key& key = ledger.keys[name];
  uint64_t least = key.acknowledged;
  ReadRequest request{.bucket = bucket, .key = *ObjectKey::parse(name)};
  std::string text = co_await co_await take(objects, std::move(request), ctx);
  ++ledger.reads;
  uint64_t number = std::stoull(text.substr(text.find(' ') + 1));
  if (number < least && !key.open.contains(number)) {
    ledger.wrong.push_back(text + " was read after " + std::to_string(least));
  }
  co_return ok;
}

class KeptDeath : public KeptTest {
 public:
  KeptDeath(uint64_t memory, uint64_t seed) : KeptTest(memory) {
    for (uint64_t i = 0; i < seed; ++i) (void)loop_.random();
  }
  void TestBody() override {}

  /// Some lives, with a death between any two.
  std::vector<std::string> live(std::string_view freshness) {
    use(freshness);
    make_unkind();
    for (int i = 0; i < kKeys; ++i) {
      ledger_.keys[name(i)] = {.begun = 1, .acknowledged = 1};
      change(name(i), KeptLedger::text_of(name(i), 1));
    }
    for (int life = 0; life < 4; ++life) {
      process_->faulty.options() = faults_;
      for (int i = 0; i < kKeys; ++i) spawn(act(name(i), true));
      for (int i = 0; i < kKeys; ++i) spawn(act(name(i), false));
      for (uint64_t steps = 200 + loop_.random() % 2000; steps > 0; --steps) world_->step();
      bool power = loop_.random() % 2 == 0;
      power ? lose_power() : kill();
      start();
      // Until then nothing that is asked is believed.
      if (loop_.random() % 4 != 0) sleep(kUncertain);
    }
    process_->faulty.options() = {.delay = {}};
    for (int i = 0; i < kKeys; ++i) spawn(read_on(objects(), bucket_, name(i), ledger_, mine()));
    while (process_->running > 0) world_->step();
    return ledger_.wrong;
  }
  uint64_t reads() const { return ledger_.reads; }

 private:
  static constexpr int kKeys = 3;
  static std::string name(int i) { return "key" + std::to_string(i); }

  void make_unkind() {
    auto one_of = [this](double probability) {
      return loop_.random() % 2 == 0 ? 0.0 : probability;
    };
    faults_ = {.delay = milliseconds(static_cast<int64_t>(loop_.random() % 30)),
               .refuse = one_of(0.1),
               .lose_answer = one_of(0.2),
               .late = one_of(0.2)};
    origin_->options().delay = milliseconds(static_cast<int64_t>(loop_.random() % 10));
    origin_->options().lost_answer = one_of(0.1);
    origin_->options().late_commit = one_of(0.1);
  }

  Task<> act(std::string name, bool writes) {
    Context ctx = mine();
    Store& store = objects();
    while (!ctx.cancel->cancelled()) {
      // Errors are told to the client; what it was told before holds all the same.
      if (writes) {
        (void)co_await write_on(store, bucket_, name, ledger_, ctx);
      } else {
        (void)co_await read_on(store, bucket_, name, ledger_, ctx);
      }
      auto pause = milliseconds(static_cast<int64_t>(loop_.random() % (writes ? 400 : 60)));
      co_await co_await io::sleep_until(loop_.now() + pause, ctx);
    }
    co_return ok;
  }

  KeptLedger ledger_;
  meta::FaultOptions faults_;
};

void expect_right(std::string_view freshness, uint64_t memory) {
  uint64_t reads = 0;
  for (uint64_t seed = 1; seed <= testkit::seeds(120); ++seed) {
    KeptDeath death(memory, seed);
    std::vector<std::string> wrong = death.live(freshness);
    ASSERT_TRUE(wrong.empty()) << "seed " << seed << ": " << wrong.front();
    reads += death.reads();
  }
  EXPECT_GT(reads, testkit::seeds(2000));
}

TEST(KeptDeaths, nothing_old_is_believed_for_ever) { expect_right("immutable", 64); }
TEST(KeptDeaths, nothing_old_is_believed_for_ever_with_room_in_memory) {
  expect_right("immutable", 64 * 2400);
}
TEST(KeptDeaths, nothing_old_is_believed_for_a_while) { expect_right("ttl:1s", 64); }
TEST(KeptDeaths, what_a_check_says_is_not_believed_at_all) { expect_right("exact", 64); }

}  // namespace
}  // namespace forebay::object
