#include "unit/turns.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/sim.h"
#include "testkit/memory_origin.h"

namespace forebay::unit {
namespace {

TEST(Turns, EachOriginHasItsOwnAndThoseThatAreGoneAreForgotten) {
  auto world = io::Simulation::make({.seed = 1});
  Turns turns(2, 1, 3);
  std::vector<std::shared_ptr<origin::Origin>> origins;
  for (int i = 0; i < 100; ++i) {
    origins.push_back(std::make_shared<testkit::MemoryOrigin>(world->loop()));
    auto permit = turns.of(origins.back()).demand.try_acquire(2);
    ASSERT_TRUE(permit) << i;
    EXPECT_FALSE(turns.of(origins.back()).demand.try_acquire(1));
    EXPECT_TRUE(turns.of(origins.back()).rest.try_acquire(1));
    EXPECT_TRUE(turns.of(origins.back()).ahead.try_acquire(3));
  }
  EXPECT_EQ(turns.size(), 100U);
  auto kept = turns.of(origins[7]).rest.try_acquire(1);
  // Those of 8 and 9 live on in their turns alone.
  auto ahead = turns.of(origins[8]).ahead.try_acquire(1);
  auto line = turns.of(origins[9]).line.try_acquire(1);
  std::shared_ptr<origin::Origin> last = origins[7];
  origins.clear();
  for (int i = 0; i < 100; ++i) {
    auto origin = std::make_shared<testkit::MemoryOrigin>(world->loop());
    EXPECT_EQ(turns.of(origin).demand.free(), 2U);
  }
  EXPECT_LE(turns.size(), 64U);
  EXPECT_FALSE(turns.of(last).rest.try_acquire(1)) << "who is here keeps his";
  EXPECT_TRUE(ahead && line) << "nor does a turn go under who has it";
}

}  // namespace
}  // namespace forebay::unit
