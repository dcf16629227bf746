#include "object/heads.h"

#include "object/world_test.h"

namespace forebay::object {
namespace {

class HeadsTest : public ObjectTest {
 protected:
  std::string current(bool force = false) {
    auto head = run(heads_.current(bucket_, key_, force, ctx()));
    if (!head) return std::string(name(head.error().code()));
    return (*head)->exists ? (*head)->info.etag.text() : "missing";
  }
  HeadRef believed() { return heads_.believed(*bucket_, key_.text(), loop_.now()); }
  HeadRef head_of(const origin::ObjectInfo& info) {
    return Heads::head_with(*bucket_, key_, info, Layout::whole(info.size, 0), loop_.now());
  }
  Heads::Ticket ticket() { return open_ticket(heads_, key_); }
  Heads::Ticket open_ticket(Heads& heads, ObjectKey key) {
    return *run(heads.open_ticket(bucket_, std::move(key), Leaves::nothing, ctx()));
  }
  std::string change(std::string bytes) { return origin_->change("key", bytes).etag.text(); }
  void use(std::string_view freshness) { bucket_ = make_bucket(origin_, freshness); }
  /// Begins a read and lets it come to the origin; one that joins needs a single step.
  std::shared_ptr<std::optional<Result<HeadRef>>> begin_read(int steps = 2) {
    auto out = std::make_shared<std::optional<Result<HeadRef>>>();
    uint64_t before = checks();
    io::start<HeadRef>(loop_, heads_.current(bucket_, key_, false, ctx()),
                       [out](Result<HeadRef> head) { out->emplace(std::move(head)); });
    for (int i = 0; i < steps && checks() == before; ++i) world_->step();
    return out;
  }

  BucketRef bucket_ = make_bucket(origin_, "immutable");
};

TEST_F(HeadsTest, no_head_means_check_and_then_it_is_believed_by_freshness) {
  change("1");
  struct Case {
    const char* freshness;
    uint64_t checks_at_once, checks_later;
  };
  for (const Case& c : {Case{"exact", 2, 3}, Case{"ttl:10s", 1, 2}, Case{"immutable", 1, 1},
                        Case{"ttl:0s", 2, 3}}) {
    Heads heads(meta_, crews_, {}, metrics_);
    use(c.freshness);
    origin_->reset_counts();
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(run(heads.current(bucket_, key_, false, ctx())));
    EXPECT_EQ(checks(), c.checks_at_once) << c.freshness;
    sleep(seconds(10));
    EXPECT_TRUE(run(heads.current(bucket_, key_, false, ctx())));
    EXPECT_EQ(checks(), c.checks_later) << c.freshness;
  }
}

TEST_F(HeadsTest, age_counts_from_the_start_of_the_check) {
  use("ttl:1s");
  change("1");
  origin_->options().delay = seconds(4);
  Time begun = loop_.now();
  current();
  EXPECT_GT(loop_.now() - begun, seconds(1)) << "the seed draws a slow one";
  EXPECT_EQ(believed(), nullptr);
}

TEST_F(HeadsTest, force_asks_again) {
  std::string first = change("1");
  EXPECT_EQ(current(), first);
  std::string second = change("2");
  EXPECT_EQ(current(), first);
  EXPECT_EQ(current(true), second);
  EXPECT_EQ(current(), second);
}

TEST_F(HeadsTest, a_missing_key_is_believed_for_a_second) {
  for (const char* freshness : {"ttl:60s", "immutable"}) {
    use(freshness);
    origin_->drop("key");
    EXPECT_EQ(current(true), "missing");
    std::string made = change("1");
    EXPECT_EQ(current(), "missing");
    sleep(milliseconds(1100));
    EXPECT_EQ(current(), made);
  }
  use("ttl:100ms");
  origin_->drop("key");
  EXPECT_EQ(current(true), "missing");
  std::string made = change("2");
  sleep(milliseconds(150));
  EXPECT_EQ(current(), made);
  use("exact");
  origin_->drop("key");
  EXPECT_EQ(current(), "missing");
  made = change("3");
  EXPECT_EQ(current(), made);
}

TEST_F(HeadsTest, what_has_no_strong_tag_is_asked_for_again_until_it_has) {
  for (const char* freshness : {"ttl:60s", "immutable"}) {
    use(freshness);
    origin_->options().strong = false;
    change("1");
    EXPECT_EQ(run(heads_.current(bucket_, key_, true, ctx())).value()->version, nullptr);
    origin_->options().strong = true;
    change("1");
    EXPECT_EQ(run(heads_.current(bucket_, key_, false, ctx())).value()->version, nullptr);
    sleep(milliseconds(1100));
    EXPECT_NE(run(heads_.current(bucket_, key_, false, ctx())).value()->version, nullptr);
    uint64_t before = checks();
    sleep(seconds(20));
    EXPECT_TRUE(run(heads_.current(bucket_, key_, false, ctx())));
    EXPECT_EQ(checks(), before);
  }
}

TEST_F(HeadsTest, an_error_is_told_and_not_kept) {
  std::string etag = change("1");
  origin_->fail_next("head", fail(Code::denied, "no"));
  EXPECT_EQ(current(), "denied");
  EXPECT_EQ(current(), etag);
}

TEST_F(HeadsTest, a_read_joins_only_a_check_that_starts_after_it_came) {
  use("exact");
  std::string first = change("1");
  origin_->options().delay = milliseconds(200);
  origin_->reset_counts();
  auto one = begin_read();
  std::vector<std::shared_ptr<std::optional<Result<HeadRef>>>> more;
  for (int i = 0; i < 10; ++i) more.push_back(begin_read(1));
  EXPECT_EQ(checks(), 1U) << "one in flight, one waiting";
  world_->settle();
  EXPECT_EQ(checks(), 2U);
  for (auto& read : more) {
    ASSERT_TRUE(*read);
    EXPECT_EQ((***read)->info.etag.text(), first);
  }
  EXPECT_NE(***one, ***more[0]);
  EXPECT_EQ(***more[0], ***more[9]);
}

TEST_F(HeadsTest, a_reader_that_leaves_while_it_asks_does_not_take_the_others_along) {
  use("exact");
  std::string etag = change("1");
  origin_->options().delay = milliseconds(200);
  origin_->reset_counts();
  CancelToken gone;
  std::optional<Result<HeadRef>> first;
  io::start<HeadRef>(loop_, heads_.current(bucket_, key_, false, ctx().under(gone)),
                     [&](Result<HeadRef> head) { first.emplace(std::move(head)); });
  while (checks() == 0) world_->step();
  auto second = begin_read(1);
  auto third = begin_read(1);
  gone.cancel();
  world_->settle();
  ASSERT_TRUE(first && *second && *third);
  EXPECT_EQ(first->error().code(), Code::cancelled);
  EXPECT_EQ((***second)->info.etag.text(), etag);
  EXPECT_EQ((***third)->info.etag.text(), etag);
  EXPECT_EQ(checks(), 2U);
  EXPECT_EQ(current(), etag) << "and the next may ask again";
}

TEST_F(HeadsTest, an_open_ticket_drops_the_head_and_nothing_is_installed) {
  change("1");
  current();
  EXPECT_NE(believed(), nullptr);
  {
    Heads::Ticket open = ticket();
    EXPECT_EQ(believed(), nullptr);
    uint64_t before = checks();
    current();
    current();
    EXPECT_EQ(checks(), before + 2);
    EXPECT_EQ(believed(), nullptr);
    open.close(nullptr);
  }
  EXPECT_EQ(believed(), nullptr) << "closed without a head: the next read asks";
  current();
  EXPECT_NE(believed(), nullptr);
}

TEST_F(HeadsTest, a_ticket_alone_publishes_its_head) {
  Heads::Ticket open = ticket();
  HeadRef head = head_of(origin_->change("key", "1"));
  open.close(head);
  EXPECT_EQ(believed(), head);
  EXPECT_EQ(checks(), 0U);
}

TEST_F(HeadsTest, tickets_that_overlapped_publish_nothing) {
  HeadRef head = head_of(origin_->change("key", "1"));
  Heads::Ticket first = ticket();
  Heads::Ticket second = ticket();
  first.close(head);
  EXPECT_EQ(believed(), nullptr);
  Heads::Ticket third = ticket();  // overlaps the second only, which is crowded
  second.close(head);
  third.close(head);
  EXPECT_EQ(believed(), nullptr);
  Heads::Ticket fourth = ticket();
  fourth.close(head);
  EXPECT_EQ(believed(), head) << "alone again";
}

TEST_F(HeadsTest, a_check_that_met_a_ticket_is_not_installed) {
  change("1");
  origin_->options().delay = milliseconds(200);
  for (bool closes : {false, true}) {
    std::optional<Heads::Ticket> before;
    if (closes) before.emplace(ticket());
    auto read = begin_read();
    if (!closes) before.emplace(ticket());
    before->close(nullptr);
    world_->settle();
    ASSERT_TRUE(*read);
    EXPECT_TRUE(**read) << "it has its answer";
    EXPECT_EQ(believed(), nullptr);
  }
}

TEST_F(HeadsTest, an_uncertain_commit_is_checked_for_a_minute) {
  change("1");
  for (bool dropped : {false, true}) {
    {
      Heads::Ticket open = ticket();
      if (!dropped) open.close_uncertain();
    }
    current();
    EXPECT_EQ(believed(), nullptr);
    Heads::Ticket sure = ticket();
    sure.close(head_of(origin_->change("key", "2")));
    EXPECT_EQ(believed(), nullptr) << "the uncertain one may still come";
    sleep(kUncertain);
    EXPECT_EQ(believed(), nullptr);
    current();
    EXPECT_NE(believed(), nullptr);
  }
}

TEST_F(HeadsTest, the_last_head_seen_is_a_hint_only) {
  EXPECT_EQ(heads_.last_seen(*bucket_, key_), nullptr);
  std::string etag = change("1");
  current();
  ticket().close(nullptr);
  EXPECT_EQ(believed(), nullptr);
  ASSERT_NE(heads_.last_seen(*bucket_, key_), nullptr);
  EXPECT_EQ(heads_.last_seen(*bucket_, key_)->info.etag.text(), etag);
}

TEST_F(HeadsTest, a_new_incarnation_knows_nothing) {
  change("1");
  current();
  Bucket other = *bucket_;
  other.incarnation = 8;
  EXPECT_EQ(heads_.believed(other, "key", loop_.now()), nullptr);
}

TEST_F(HeadsTest, memory_is_bounded_for_reads_and_writes) {
  Heads small(meta_, crews_, {.max_bytes = 64 * 2000}, metrics_);
  auto info = origin_->change("key", "1");
  for (int i = 0; i < 3000; ++i) {
    ObjectKey key = *ObjectKey::parse("key" + std::to_string(i));
    open_ticket(small, key).close(head_of(info));
  }
  int kept = 0;
  for (int i = 0; i < 3000; ++i) {
    kept += small.believed(*bucket_, "key" + std::to_string(i), loop_.now()) != nullptr;
  }
  EXPECT_GT(kept, 64 * 8);
  EXPECT_LT(kept, 64 * 22);
  EXPECT_NE(small.believed(*bucket_, "key2999", loop_.now()), nullptr);
}

TEST_F(HeadsTest, those_that_must_stay_keep_none_of_the_others) {
  Heads small(meta_, crews_, {.max_bytes = 64 * 2000}, metrics_);
  auto info = origin_->change("key", "1");
  auto name = [](int i) { return "key" + std::to_string(i); };
  std::vector<Heads::Ticket> open;  // the oldest of every stripe, many of each
  for (int i = 0; i < 2000; ++i) {
    open.push_back(open_ticket(small, *ObjectKey::parse(name(i))));
  }
  for (int i = 2000; i < 8000; ++i) {
    open_ticket(small, *ObjectKey::parse(name(i))).close(head_of(info));
  }
  int kept = 0;
  for (int i = 2000; i < 8000; ++i)
    kept += small.believed(*bucket_, name(i), loop_.now()) != nullptr;
  EXPECT_LT(kept, 64 * 40);
  for (Heads::Ticket& ticket : open) ticket.close(nullptr);
}

TEST_F(HeadsTest, memory_is_bounded_whatever_an_origin_tells) {
  auto kept_of = [&](const origin::ObjectInfo& info) {
    Heads small(meta_, crews_, {.max_bytes = 64 * 20'000}, metrics_);
    int kept = 0;
    for (int i = 0; i < 3000; ++i) {
      ObjectKey key = *ObjectKey::parse("key" + std::to_string(i));
      open_ticket(small, key).close(head_of(info));
    }
    for (int i = 0; i < 3000; ++i) {
      kept += small.believed(*bucket_, "key" + std::to_string(i), loop_.now()) != nullptr;
    }
    return kept;
  };
  auto info = origin_->change("key", "1");
  EXPECT_GT(kept_of(info), 64 * 10);
  std::string much(10'000, 'e');
  auto with = info;
  with.etag = ETag("\"" + much + "\"");
  EXPECT_LT(kept_of(with), 64 * 3);
  with = info;
  with.version_id = much;
  EXPECT_LT(kept_of(with), 64 * 3);
  with = info;
  with.checksums["x-amz-checksum-sha256"] = much + much;
  EXPECT_LT(kept_of(with), 64 * 3);
}

TEST_F(HeadsTest, parts_of_unequal_size_count) {
  auto kept_of = [&](std::vector<uint64_t> parts) {
    Heads small(meta_, crews_, {.max_bytes = 64 * 20'000}, metrics_);
    auto info = origin_->change("key", "1");
    Layout layout = *Layout::of_parts(std::move(parts), 0);
    info.size = layout.size();
    int kept = 0;
    for (int i = 0; i < 2000; ++i) {
      ObjectKey key = *ObjectKey::parse("key" + std::to_string(i));
      open_ticket(small, key).close(Heads::head_with(*bucket_, key, info, layout, loop_.now()));
    }
    for (int i = 0; i < 2000; ++i) {
      kept += small.believed(*bucket_, "key" + std::to_string(i), loop_.now()) != nullptr;
    }
    return kept;
  };
  std::vector<uint64_t> parts(1000, 5);
  EXPECT_GT(kept_of(parts), 64 * 25) << "one size says it all";
  parts[3] = 7;
  EXPECT_LT(kept_of(parts), 64 * 18);
}

TEST_F(HeadsTest, a_layout_is_remembered_with_its_tag) {
  auto info = origin_->change_parts("key", {pattern(30), pattern(10), pattern(30)});
  Layout known = *Layout::of_parts({30, 10, 30}, bucket_->unit_max);
  EXPECT_TRUE(run(heads_.layouts().remember(*bucket_, key_, info, known, ctx())));
  auto head = *run(heads_.current(bucket_, key_, false, ctx()));
  EXPECT_TRUE(head->layout.known());
  EXPECT_EQ(head->layout.part_sizes(), known.part_sizes());
  // As large in all and in as many parts: only the tag tells that it is another version.
  origin_->change_parts("key", {pattern(20), pattern(20), pattern(30)});
  head = *run(heads_.current(bucket_, key_, true, ctx()));
  EXPECT_FALSE(head->layout.known());
  EXPECT_NE(head->layout.part_sizes(), known.part_sizes());
  Layouts& layouts = heads_.layouts();
  auto second = *run(layouts.part(*bucket_, key_, *head, 2, ctx()));
  EXPECT_EQ(second, (ByteRange{20, 20})) << "the origin's answer, not the row's";
  origin_->change_parts("key", {pattern(30), pattern(30), pattern(9)});
  head = *run(heads_.current(bucket_, key_, true, ctx()));
  EXPECT_FALSE(head->layout.known()) << "another version: guessed by its first part";
  EXPECT_EQ(head->layout.part_sizes(), (std::vector<uint64_t>{30, 30, 9}));
}

}  // namespace
}  // namespace forebay::object
