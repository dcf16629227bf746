// The `dir` origin on simulated disks: slow, failing and losing power.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "io/sim.h"
#include "origin/dir.h"
#include "testkit/origin_contract.h"

namespace forebay::origin {
namespace {

using testkit::body_of;
using testkit::key_of;
using testkit::pattern;

Context context(io::Simulation& world) {
  return {.loop = &world.loop(), .deadline = world.loop().now() + seconds(3600)};
}

class DirSimContract : public testing::TestWithParam<testkit::OriginCase> {};

TEST_P(DirSimContract, holds) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    auto world = io::Simulation::make({.seed = seed});
    auto origin = make_dir_origin({.path = "/bucket", .create = true});
    testkit::OriginUnderTest under{.origin = *origin,
                                   .capabilities = {.conditional_put = true,
                                                    .conditional_get = true,
                                                    .part_number = true,
                                                    .start_after = true},
                                   .prefix = "p/"};
    auto done = world->run(GetParam().run(under, context(*world)));
    EXPECT_TRUE(done) << "seed " << seed << ": " << done.error().text();
  }
}

INSTANTIATE_TEST_SUITE_P(Origin, DirSimContract, testing::ValuesIn(testkit::origin_cases()),
                         testkit::origin_case_name);

/// What a client was told about one key.
struct Told {
  std::vector<std::string> possible;  ///< texts that may be there; "" stands for no object
};
using Ledger = std::map<std::string, Told>;

Task<> write_randomly(Origin& origin, Ledger& ledger, int steps, Context ctx) {
  for (int step = 0; step < steps; ++step) {
    std::string name = "k/" + std::to_string(ctx.loop->random() % 4);
    if (ctx.loop->random() % 3 == 0) name += ".d/x";
    Told& told = ledger[name];
    if (told.possible.empty()) told.possible = {""};
    std::string text = ctx.loop->random() % 5 == 0
                           ? std::string()
                           : pattern(1 + ctx.loop->random() % 20'000, ctx.loop->random());
    told.possible.push_back(text);
    Result<> done = ok;
    if (text.empty()) {
      done = co_await origin.remove(key_of(name), ctx);
    } else {
      auto made = co_await origin.put(key_of(name), {}, body_of(text, 5000), ctx);
      if (!made) done = std::move(made.error());
    }
    if (done) told.possible = {text};
  }
  co_return ok;
}

Task<> check_ledger(Origin& origin, Ledger& ledger, uint64_t seed, Context ctx) {
  for (auto& [name, told] : ledger) {
    std::string found;
    auto answer = co_await origin.get(key_of(name), {}, ctx);
    if (answer) {
      found = co_await co_await io::read_all(std::move(answer->body), 1 << 20, ctx);
      auto md5 = Checksum::make(ChecksumKind::md5);
      md5->update(as_bytes(found));
      EXPECT_EQ(answer->info.etag.text(), "\"" + to_hex(as_bytes(md5->digest())) + "\"")
          << "seed " << seed << ' ' << name;
    } else {
      EXPECT_EQ(answer.error().detail(), "NoSuchKey") << answer.error().text();
    }
    bool possible =
        std::find(told.possible.begin(), told.possible.end(), found) != told.possible.end();
    EXPECT_TRUE(possible) << "seed " << seed << ": " << name << " holds " << found.size()
                          << " bytes that nobody was told of";
  }
  co_return ok;
}

TEST(DirSim, keeps_what_it_acknowledged_through_power_loss) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    auto world = io::Simulation::make({.seed = seed});
    Ledger ledger;
    {
      auto origin = make_dir_origin({.path = "/data/bucket", .create = true});
      bool ended = false;
      io::start<void>(world->loop(), write_randomly(*origin, ledger, 12, context(*world)),
                      [&](Result<>) { ended = true; });
      uint64_t until = world->loop().random() % 400;
      for (uint64_t step = 0; step < until && !ended; ++step) world->step();
      world->power_loss();
      while (!ended) world->step();
    }
    auto origin = make_dir_origin({.path = "/data/bucket", .create = true});
    auto done = world->run(check_ledger(*origin, ledger, seed, context(*world)));
    EXPECT_TRUE(done) << "seed " << seed << ": " << done.error().text();
  }
}

TEST(DirSim, tells_the_truth_while_the_disk_fails) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    auto world = io::Simulation::make({.seed = seed});
    Ledger ledger;
    auto origin = make_dir_origin({.path = "/bucket", .create = true});
    ASSERT_TRUE(world->run(origin->probe(context(*world))));
    world->options().disk_error = 0.02;
    auto wrote = world->run(write_randomly(*origin, ledger, 20, context(*world)));
    world->options().disk_error = 0;
    EXPECT_TRUE(wrote);
    auto done = world->run(check_ledger(*origin, ledger, seed, context(*world)));
    EXPECT_TRUE(done) << "seed " << seed << ": " << done.error().text();
  }
}

TEST(DirSim, answers_busy_when_the_disk_is_full) {
  auto world = io::Simulation::make({.seed = 1, .disk_bytes = 1 << 20});
  auto origin = make_dir_origin({.path = "/bucket", .create = true});
  auto made = world->run(origin->put(key_of("k"), {}, body_of(pattern(4 << 20)), context(*world)));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Code::busy);
  EXPECT_EQ(made.error().detail(), "ENOSPC");
  auto small = world->run(origin->put(key_of("k"), {}, body_of("fits"), context(*world)));
  EXPECT_TRUE(small) << small.error().text();
}

}  // namespace
}  // namespace forebay::origin
