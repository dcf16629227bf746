// The `dir` origin on simulated disks: slow, failing and losing power.
#include "io/sim.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "io/sync.h"
#include "origin/dir/dir.h"
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

TEST(DirSim, says_so_when_the_disk_is_full) {
  auto world = io::Simulation::make({.seed = 1, .disk_bytes = 1 << 20});
  auto origin = make_dir_origin({.path = "/bucket", .create = true});
  auto made = world->run(origin->put(key_of("k"), {}, body_of(pattern(4 << 20)), context(*world)));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), Code::busy);
  EXPECT_EQ(made.error().detail(), "InsufficientStorage");
  auto small = world->run(origin->put(key_of("k"), {}, body_of("fits"), context(*world)));
  EXPECT_TRUE(small) << small.error().text();
}

// One upload, asked of by several at once.
class DirTurnsSim : public testing::Test {
 protected:
  static constexpr int kSeeds = 40;
  void begin(uint64_t seed) {
    origin_.reset();
    world_ = io::Simulation::make({.seed = seed});
    origin_ = make_dir_origin({.path = "/bucket", .create = true});
    id_ = *world_->run(origin_->create_upload(key_of("k"), {}, context(*world_)));
    PartInfo part =
        *world_->run(origin_->put_part(key_of("k"), id_, 1, {}, body_of("part"), context(*world_)));
    parts_ = {{1, part.etag, {}}};
    answers_.clear();
  }
  Task<> complete(Duration after, Context ctx) {
    co_await co_await io::sleep_until(ctx.loop->now() + after, ctx);
    answers_.push_back(co_await origin_->complete_upload(key_of("k"), id_, parts_, {}, ctx));
    co_return ok;
  }
  Task<> abort(Result<>& aborted, Context ctx) {
    aborted = co_await origin_->abort_upload(key_of("k"), id_, ctx);
    co_return ok;
  }
  Task<> replace(Result<PartInfo>& part, Context ctx) {
    part = co_await origin_->put_part(key_of("k"), id_, 1, {}, body_of("other"), ctx);
    co_return ok;
  }
  /// Both side by side.
  void run(Task<> first, Task<> second) {
    auto both = [](Task<> one, Task<> other, Context ctx) -> Task<> {
      io::Group group(ctx);
      group.spawn(std::move(one));
      group.spawn(std::move(other));
      co_return co_await group.join();
    };
    auto done = world_->run(both(std::move(first), std::move(second), context(*world_)));
    EXPECT_TRUE(done) << done.error().text();
  }

  std::unique_ptr<io::Simulation> world_;
  std::unique_ptr<Origin> origin_;
  std::string id_;
  std::vector<CompletedPart> parts_;
  std::vector<Result<PutAnswer>> answers_;
};

TEST_F(DirTurnsSim, a_completion_repeated_while_the_first_works_writes_once) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    begin(seed);
    run(complete({}, context(*world_)),
        complete({.ns = static_cast<int64_t>(seed) * 1000}, context(*world_)));
    ASSERT_EQ(answers_.size(), 2u);
    ASSERT_TRUE(answers_[0] && answers_[1]) << "seed " << seed;
    EXPECT_EQ(answers_[0]->etag, answers_[1]->etag);
    // Only whoever wrote can name the bytes.
    EXPECT_NE(answers_[0]->tag.strong(), answers_[1]->tag.strong()) << "seed " << seed;
  }
}

TEST_F(DirTurnsSim, an_upload_completes_or_is_aborted) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    begin(seed);
    Result<> aborted = ok;
    run(complete({}, context(*world_)), abort(aborted, context(*world_)));
    ASSERT_EQ(answers_.size(), 1u);
    ASSERT_NE(answers_[0].has_value(), aborted.has_value()) << "seed " << seed;
    const Error& error = aborted ? answers_[0].error() : aborted.error();
    EXPECT_EQ(error.detail(), "NoSuchUpload") << "seed " << seed << ": " << error.text();
  }
}

TEST_F(DirTurnsSim, a_part_comes_before_a_completion_or_too_late) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    begin(seed);
    Result<PartInfo> part = fail(Code::internal, "not asked");
    run(complete({}, context(*world_)), replace(part, context(*world_)));
    ASSERT_EQ(answers_.size(), 1u);
    ASSERT_NE(answers_[0].has_value(), part.has_value()) << "seed " << seed;
    EXPECT_EQ((part ? answers_[0].error() : part.error()).detail(),
              part ? "InvalidPart" : "NoSuchUpload");
  }
}

}  // namespace
}  // namespace forebay::origin
