// Native buckets keep the contract of origins: in simulation, and on real disks and rows.
#include <gtest/gtest.h>

#include "disk/temp_folder_test.h"
#include "io/engine.h"
#include "meta/rocks_store.h"
#include "object/native/native_world_test.h"

namespace forebay::object {
namespace {

testkit::OriginUnderTest native_under(NativeOrigin& origin) {
  return {.origin = origin,
          .capabilities = {.conditional_put = true,
                           .conditional_get = true,
                           .part_number = true,
                           .start_after = true},
          .prefix = "p/"};
}

class NativeContract : public testing::TestWithParam<testkit::OriginCase> {};

TEST_P(NativeContract, holds) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    NativeMachine machine(seed);
    machine.start(origin::kMinPart);
    machine.process->faulty.options().delay = milliseconds(2);
    testkit::OriginUnderTest suite = native_under(machine.origin());
    auto done = machine.run(GetParam().run(suite, machine.ctx()));
    EXPECT_TRUE(done) << "seed " << seed << ": " << done.error().text();
    Result<> swept = machine.run(machine.origin().sweep(machine.ctx()));
    EXPECT_TRUE(swept) << swept.error().text();
    std::vector<UnitId> named = machine.named(), here = machine.units();
    EXPECT_TRUE(std::ranges::includes(here, named)) << "seed " << seed;
    EXPECT_LE(here.size(), named.size() + machine.origin().loose().retired());
  }
}

INSTANTIATE_TEST_SUITE_P(Origin, NativeContract, testing::ValuesIn(testkit::origin_cases()),
                         testkit::origin_case_name);

class NativeContractReal : public testing::TestWithParam<testkit::OriginCase> {
 protected:
  NativeContractReal() : engine_(*io::Engine::make({.loops = 2, .pool_threads = 4})) {
    disk::Options options;
    options.boot_id = "boot";
    options.disks.push_back({.path = folder_.path() + "/disk", .capacity = 512 << 20});
    disks_ = *engine_->run_task(disk::Store::open(std::move(options), ctx()));
    rows_ = *engine_->run_task(meta::RocksStore::open({.path = folder_.path() + "/meta"}, ctx()));
    meta_ = std::make_unique<meta::SingleMeta>(*rows_);
    units_ = std::make_unique<unit::Native>(disks_, 64 << 10, 8 << 20);
    origin_ = std::make_unique<NativeOrigin>(NativeOptions{
        .incarnation = 7, .self = std::string(32, 'a'), .units = *units_, .meta = *meta_});
  }
  ~NativeContractReal() override {
    origin_.reset();
    EXPECT_TRUE(engine_->run_task(disks_->close({.loop = &engine_->loop(0)})));
  }
  Context ctx() {
    io::Loop& loop = engine_->loop(0);
    return {.loop = &loop, .deadline = loop.now() + seconds(60)};
  }

  disk::TempFolder folder_;
  std::unique_ptr<io::Engine> engine_;
  std::shared_ptr<disk::Store> disks_;
  std::unique_ptr<meta::RocksStore> rows_;
  std::unique_ptr<meta::SingleMeta> meta_;
  std::unique_ptr<unit::Native> units_;
  std::unique_ptr<NativeOrigin> origin_;
};

TEST_P(NativeContractReal, holds) {
  testkit::OriginUnderTest suite = native_under(*origin_);
  auto done = engine_->run_task(GetParam().run(suite, ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

INSTANTIATE_TEST_SUITE_P(Origin, NativeContractReal, testing::ValuesIn(testkit::origin_cases()),
                         testkit::origin_case_name);

}  // namespace
}  // namespace forebay::object
