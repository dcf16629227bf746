// Rows of heads on disk: written in the background, and gone for good where a write begins.
#include "object/kept/kept_rows.h"

#include "object/kept/kept_world_test.h"

namespace forebay::object {
namespace {

class KeptRowsTest : public KeptTest {
 protected:
  /// It has written before, so the fence is raised.
  KeptRowsTest() { EXPECT_TRUE(forget("nobody")); }
  /// What is written while the process ends must not look for it.
  ~KeptRowsTest() override { process_->rows.before_commit = nullptr; }
  static std::string row_of(KeptKind kind, std::string etag = "\"e\"") {
    origin::ObjectInfo info;
    info.size = 70;
    info.etag = ETag(std::move(etag));
    info.tag = Tag("t");
    return *write_kept({.kind = kind}, info, *Layout::of_parts({30, 30, 10}, 0));
  }
  KeptRows& rows() { return heads().rows(); }
  void put(std::string_view key, std::string row) {
    EXPECT_TRUE(rows().put(bucket_->incarnation, key, std::move(row)));
    rows().write_soon(loop_);
  }
  Result<> forget(std::string_view key, Leaves leaves = Leaves::nothing) {
    return run(rows().forget(bucket_->incarnation, key_of(key), leaves, mine()));
  }
  std::optional<std::string> find(std::string_view key) {
    return *run(rows().find(bucket_->incarnation, key_of(key), mine()));
  }
  /// Holds up the commit of the next batch until let_go().
  void hold_batch() { process_->faulty.options().delay = seconds(1); }
  void let_go() { process_->faulty.options().delay = {}; }
  /// What is put now gets lost on its way.
  void lose_batch(std::string_view key) {
    process_->rows.answer = fail(Code::unavailable, "no answer");
    process_->rows.before_commit = [this](const meta::Txn& txn) {
      if (lost_.changes.empty()) lost_ = txn;
      return std::nullopt;
    };
    put(key, good_);
    sleep(KeptRows::kGather + milliseconds(1));
    ASSERT_FALSE(lost_.changes.empty());
  }
  void find_batch() { process_->rows.answer.reset(); }
  meta::Txn lost_;
  const std::string good_ = row_of(KeptKind::immutable);
};

TEST_F(KeptRowsTest, many_rows_are_written_at_once_and_not_waited_for) {
  for (int i = 0; i < 98; ++i) put("key" + std::to_string(i), good_);
  EXPECT_EQ(find("key1"), good_) << "what waits is found too";
  EXPECT_EQ(row("key1"), std::nullopt);
  uint64_t before = process_->rows.commits;
  settle();
  EXPECT_EQ(row("key1"), good_);
  EXPECT_EQ(row("key97"), good_);
  EXPECT_EQ(process_->rows.commits - before, 1U);
  EXPECT_EQ(machine_.syncs(), 1U) << "the fence's";
}

TEST_F(KeptRowsTest, more_than_a_transaction_may_have_are_several) {
  std::string large = row_of(KeptKind::immutable, std::string(100'000, 'e'));
  for (int i = 0; i < 250; ++i) put("key" + std::to_string(i), good_);
  for (int i = 0; i < 12; ++i) put("large" + std::to_string(i), large);
  settle();
  for (int i = 0; i < 250; ++i) EXPECT_TRUE(row("key" + std::to_string(i)));
  for (int i = 0; i < 12; ++i) EXPECT_EQ(row("large" + std::to_string(i)), large);
}

TEST_F(KeptRowsTest, what_waits_is_bounded) {
  std::string large = row_of(KeptKind::immutable, std::string(100'000, 'e'));
  size_t taken = 0;
  while (rows().put(7, "key" + std::to_string(taken), large)) ++taken;
  EXPECT_GT(taken, KeptRows::kMaxQueued / large.size() - 2);
  EXPECT_LE(taken, KeptRows::kMaxQueued / large.size());
  EXPECT_FALSE(rows().put(7, "one more", large));
  EXPECT_TRUE(forget("key0"));
  EXPECT_TRUE(rows().put(7, "one more", large)) << "there is room again";
  rows().write_soon(loop_);
  settle();
  EXPECT_TRUE(row("one more"));
  EXPECT_FALSE(row("key0"));
  EXPECT_TRUE(rows().put(7, "another", large));
}

TEST_F(KeptRowsTest, what_is_forgotten_is_not_written_any_more) {
  put("key", good_);
  EXPECT_TRUE(forget("key"));
  EXPECT_EQ(find("key"), std::nullopt);
  settle();
  EXPECT_EQ(row("key"), std::nullopt);
}

TEST_F(KeptRowsTest, who_forgets_waits_for_what_is_being_written) {
  put("other", good_);
  settle();  // the fence
  hold_batch();
  put("key", good_);
  sleep(KeptRows::kGather + milliseconds(1));
  EXPECT_EQ(find("key"), good_) << "it is on its way";
  std::optional<Result<>> forgotten;
  io::start<void>(loop_, rows().forget(7, key_of("key"), Leaves::nothing, mine()),
                  [&](Result<> done) { forgotten.emplace(std::move(done)); });
  world_->settle();
  let_go();
  ASSERT_TRUE(forgotten && *forgotten);
  EXPECT_EQ(row("key"), std::nullopt);
}

TEST_F(KeptRowsTest, the_removal_of_what_may_be_believed_is_durable) {
  put("key", good_);
  settle();
  uint64_t before = machine_.syncs();
  EXPECT_TRUE(forget("nobody"));
  EXPECT_EQ(machine_.syncs(), before) << "there is nothing to remove";
  EXPECT_TRUE(forget("key"));
  EXPECT_EQ(machine_.syncs(), before + 1);
  for (KeptKind kind : {KeptKind::ttl, KeptKind::layout}) {
    put("key", row_of(kind));
    settle();
    EXPECT_TRUE(forget("key"));
    EXPECT_EQ(row("key"), std::nullopt);
    EXPECT_EQ(machine_.syncs(), before + 1) << "it says nothing after a power loss";
  }
}

TEST_F(KeptRowsTest, parts_stay_where_the_bytes_do) {
  put("key", good_);
  settle();
  uint64_t before = machine_.syncs();
  EXPECT_TRUE(forget("key", Leaves::layout));
  EXPECT_EQ(row_kind("key"), KeptKind::layout);
  EXPECT_EQ(read_kept(*row("key"), 0)->layout.part_sizes(), (std::vector<uint64_t>{30, 30, 10}));
  EXPECT_EQ(machine_.syncs(), before + 1);
  EXPECT_TRUE(forget("key", Leaves::layout));
  EXPECT_EQ(row_kind("key"), KeptKind::layout);
  EXPECT_TRUE(forget("key"));
  EXPECT_EQ(row("key"), std::nullopt);
  origin::ObjectInfo info{.size = 5, .etag = ETag("\"e\""), .tag = Tag("t")};
  put("key", *write_kept({.kind = KeptKind::immutable}, info, Layout::whole(5, 0)));
  settle();
  EXPECT_TRUE(forget("key", Leaves::layout));
  EXPECT_EQ(row("key"), std::nullopt) << "one part is no layout";
}

TEST_F(KeptRowsTest, many_are_forgotten_with_few_waits_for_the_disk) {
  std::vector<ObjectKey> keys;
  for (int i = 0; i < 120; ++i) {
    keys.push_back(key_of("key" + std::to_string(i)));
    if (i % 2 == 0) put(keys.back().text(), good_);
  }
  settle();
  uint64_t before = machine_.syncs();
  EXPECT_TRUE(run(rows().forget_all(7, keys, mine())));
  for (const ObjectKey& key : keys) EXPECT_EQ(row(key.text()), std::nullopt);
  EXPECT_EQ(machine_.syncs(), before + 2);
}

TEST_F(KeptRowsTest, a_row_that_has_changed_is_not_removed_as_read) {
  put("key", good_);
  settle();
  meta::Row read{row_name("key"), row_of(KeptKind::ttl)};
  EXPECT_TRUE(run(rows().remove_as_read(machine_, {read}, mine())));
  EXPECT_EQ(row("key"), good_);
  read.value = good_;
  EXPECT_TRUE(run(rows().remove_as_read(machine_, {read}, mine())));
  EXPECT_EQ(row("key"), std::nullopt);
}

// The batch is not answered, happens much later, and must not come after the removal.
TEST_F(KeptRowsTest, a_batch_that_comes_late_comes_to_nothing) {
  lose_batch("key");
  std::optional<Result<>> forgotten;
  io::start<void>(loop_, rows().forget(7, key_of("key"), Leaves::nothing, mine()),
                  [&](Result<> done) { forgotten.emplace(std::move(done)); });
  sleep(milliseconds(20));
  EXPECT_FALSE(forgotten) << "as long as it may still happen";
  find_batch();
  sleep(seconds(30));
  ASSERT_TRUE(forgotten && *forgotten);
  EXPECT_EQ(run(machine_.commit(lost_, ctx())).error().code(), Code::conflict);
  EXPECT_EQ(find("key"), std::nullopt);
  put("key", good_);
  settle();
  EXPECT_EQ(row("key"), good_) << "and others are written as before";
}

TEST_F(KeptRowsTest, what_a_process_left_on_its_way_does_not_come_after_a_removal_by_the_next) {
  lose_batch("key");
  kill();
  start();
  EXPECT_TRUE(forget("key"));
  EXPECT_EQ(run(machine_.commit(lost_, ctx())).error().code(), Code::conflict);
  EXPECT_EQ(find("key"), std::nullopt);
}

TEST_F(KeptRowsTest, where_the_outcome_stays_unknown_who_forgets_ends_with_its_request) {
  process_->faulty.options().late = 1;
  put("key", good_);
  sleep(KeptRows::kGather + milliseconds(10));
  Context short_one = mine().until(loop_.now() + seconds(3));
  auto forgotten = run(rows().forget(7, key_of("key"), Leaves::nothing, short_one));
  ASSERT_FALSE(forgotten);
  EXPECT_EQ(forgotten.error().code(), Code::timeout);
}

TEST_F(KeptRowsTest, who_has_time_without_end_is_refused_after_a_while) {
  process_->faulty.options().late = 1;
  put("key", good_);
  sleep(KeptRows::kGather + milliseconds(10));
  Time begun = loop_.now();
  auto forgotten = run(rows().forget(7, key_of("key"), Leaves::nothing, mine()));
  ASSERT_FALSE(forgotten);
  EXPECT_EQ(forgotten.error().code(), Code::busy);
  EXPECT_LT(loop_.now() - begun, KeptRows::kPatience + milliseconds(1));
  EXPECT_TRUE(forget("other")) << "only the keys of that batch wait";
}

TEST_F(KeptRowsTest, a_batch_that_is_refused_is_tried_once_more_and_then_dropped) {
  process_->faulty.options().refuse = 1;
  put("key", good_);
  settle();
  process_->faulty.options().refuse = 0;
  settle();
  EXPECT_EQ(row("key"), std::nullopt);
  EXPECT_TRUE(forget("key")) << "nobody waits for it";
  put("key", good_);
  settle();
  EXPECT_EQ(row("key"), good_);
}

TEST_F(KeptRowsTest, another_process_takes_the_fence_over) {
  put("a", good_);
  settle();
  restart();
  put("b", good_);
  settle();
  EXPECT_EQ(row("a"), good_);
  EXPECT_EQ(row("b"), good_);
}

TEST_F(KeptRowsTest, what_waits_at_an_orderly_end_is_written) {
  put("key", good_);
  stop();
  EXPECT_EQ(row("key"), good_);
  start();
}

}  // namespace
}  // namespace forebay::object
