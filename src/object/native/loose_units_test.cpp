#include "object/native/loose_units.h"

#include <gtest/gtest.h>

#include "object/native/native_world_test.h"

namespace forebay::object {
namespace {

class Loose : public NativeTest {
 protected:
  UnitId make(uint64_t n) {
    auto write = [](unit::Native& to, UnitId id, Context ctx) -> Task<> {
      auto unit =
          co_await co_await to.begin(id, {.incarnation = NativeMachine::kIncarnation}, 3, ctx);
      co_await co_await unit.add(as_bytes("abc"), ctx);
      co_return co_await unit.commit(ctx);
    };
    UnitId id = disk::unit_id(n);
    EXPECT_TRUE(run(write(*machine_.process->units, id, ctx())));
    return id;
  }
  bool here(const UnitId& id) { return std::ranges::binary_search(machine_.units(), id); }
  bool holds(const UnitId& id) {
    auto all = loose_.all();
    return all && std::ranges::find(*all, id) != all->end();
  }
  LooseUnits loose_{*machine_.process->units, 2};
};

TEST_F(Loose, a_write_that_is_given_up_takes_its_units_along) {
  UnitId id = make(1);
  {
    LooseUnits::Write write(loose_);
    write.add(id);
    EXPECT_TRUE(holds(id));
    LooseUnits::Write moved(std::move(write));
    EXPECT_TRUE(holds(id));
  }
  EXPECT_FALSE(here(id));
  EXPECT_FALSE(holds(id));
}

TEST_F(Loose, what_moves_is_loose_to_the_end_of_the_sweeps) {
  UnitId early = make(1), late = make(2), doubtful = make(3);
  {
    LooseUnits::Moving moving(loose_, {early});
    EXPECT_TRUE(holds(early));
  }
  EXPECT_FALSE(holds(early));
  {
    LooseUnits::Moving moving(loose_, {doubtful});
    moving.doubt();
  }
  EXPECT_TRUE(holds(doubtful));
  {
    LooseUnits::Sweep one(loose_);
    {
      LooseUnits::Sweep other(loose_);
      LooseUnits::Moving moving(loose_, {late});
    }
    EXPECT_TRUE(holds(late)) << "the other one is not at its end";
    EXPECT_TRUE(here(late));
    LooseUnits::Moving many(loose_, std::vector<UnitId>(LooseUnits::kMaxMoved - 1, late));
  }
  EXPECT_FALSE(holds(late));
  {
    LooseUnits::Sweep one(loose_);
    {
      LooseUnits::Moving most(loose_, std::vector<UnitId>(LooseUnits::kMaxMoved, late));
    }
    EXPECT_TRUE(loose_.all());
    {
      LooseUnits::Moving more(loose_, {late});
    }
    EXPECT_FALSE(loose_.all());
  }
  EXPECT_TRUE(loose_.all());
  EXPECT_TRUE(here(late));
}

TEST_F(Loose, what_is_named_is_let_go_of_and_what_may_be_is_not) {
  UnitId named = make(1), doubtful = make(2);
  {
    LooseUnits::Write write(loose_), other(loose_);
    write.add(named);
    other.add(doubtful);
    write.named();
    other.doubt();
  }
  EXPECT_TRUE(here(named) && here(doubtful));
  EXPECT_FALSE(holds(named));
  EXPECT_TRUE(holds(doubtful));
}

TEST_F(Loose, past_the_limit_of_doubt_nothing_is_known) {
  auto doubt = [&](uint64_t first, uint64_t count) {
    LooseUnits::Write write(loose_);
    for (uint64_t i = 0; i < count; ++i) write.add(disk::unit_id(first + i));
    write.doubt();
  };
  doubt(1, LooseUnits::kMaxDoubtful);
  ASSERT_TRUE(loose_.all());
  EXPECT_EQ(loose_.all()->size(), LooseUnits::kMaxDoubtful);
  doubt(1'000'000, 1);
  EXPECT_FALSE(loose_.all());
}

TEST_F(Loose, what_leaves_is_held_without_a_gap_and_stays_when_it_does_not) {
  UnitId id = make(1);
  {
    LooseUnits::Leaving leaving(loose_, {id});
    EXPECT_TRUE(holds(id));
  }
  EXPECT_FALSE(holds(id));
  EXPECT_TRUE(here(id));
  {
    LooseUnits::Leaving leaving(loose_, {id});
    leaving.retire(loop().now());
    EXPECT_TRUE(holds(id));
  }
  EXPECT_TRUE(holds(id));
  EXPECT_EQ(loose_.retired(), 1U);
}

TEST_F(Loose, each_has_its_grace) {
  UnitId first = make(1), second = make(2);
  Time begin = loop().now();
  EXPECT_EQ(loose_.remove_due(begin), std::nullopt);
  LooseUnits::Leaving(loose_, {first}).retire(begin);
  LooseUnits::Leaving(loose_, {second}).retire(begin + seconds(1));
  EXPECT_EQ(loose_.remove_due(begin + (LooseUnits::kGrace - nanoseconds(1))),
            begin + LooseUnits::kGrace);
  EXPECT_TRUE(here(first));
  EXPECT_EQ(loose_.remove_due(begin + LooseUnits::kGrace), begin + LooseUnits::kGrace + seconds(1));
  EXPECT_FALSE(here(first));
  EXPECT_TRUE(here(second));
  EXPECT_EQ(loose_.remove_retired(), 1U);
  EXPECT_FALSE(here(second));
}

TEST_F(Loose, past_its_limit_the_oldest_go) {
  std::vector<UnitId> ids{make(1), make(2), make(3)};
  LooseUnits::Leaving(loose_, {ids[0], ids[1]}).retire(loop().now());
  EXPECT_TRUE(here(ids[0]));
  LooseUnits::Leaving(loose_, {ids[2]}).retire(loop().now());
  EXPECT_FALSE(here(ids[0]));
  EXPECT_TRUE(here(ids[1]) && here(ids[2]));
  EXPECT_EQ(loose_.retired(), 2U);
}

}  // namespace
}  // namespace forebay::object
