// Heads that are out of memory: whose rows answer, and who must ask the origin all the same.
#include "object/kept/kept_world_test.h"

namespace forebay::object {
namespace {

class KeptHeads : public KeptTest {
 protected:
  using KeptTest::KeptTest;
  /// Reads once, so that all is cached and written.
  void warm(std::string_view key) {
    get(key);
    world_->settle();
    settle();
    asked();
  }
  Result<Heads::Ticket> ticket(std::string_view key) {
    return run(heads().open_ticket(bucket_, key_of(key), Leaves::nothing, mine()));
  }
  uint64_t count(std::string_view name) {
    std::string text = process_->metrics.render();
    size_t at = text.find("\n" + std::string(name) + " ");
    if (at == std::string::npos) return 0;
    return std::stoull(text.substr(at + name.size() + 2));
  }
};

TEST_F(KeptHeads, what_is_cached_is_read_again_without_a_question_also_after_a_restart) {
  for (int i = 0; i < 200; ++i) change("key" + std::to_string(i), pattern(4096, i));
  for (int i = 0; i < 200; ++i) get("key" + std::to_string(i));
  world_->settle();
  settle();
  asked();
  for (int life = 0; life < 3; ++life) {
    for (int i = 0; i < 200; ++i) EXPECT_EQ(get("key" + std::to_string(i)), pattern(4096, i));
    EXPECT_EQ(asked(), 0U) << life;
    EXPECT_GT(count("forebay_head_rows_believed_total"), life == 0 ? 100U : 199U) << life;
    EXPECT_EQ(count("forebay_head_checks_total"), life == 0 ? 200U : 0U);
    restart();
  }
}

TEST_F(KeptHeads, a_row_says_all_that_a_check_would) {
  origin_->change("key", pattern(5000), {{"content-type", "text/x"}, {"x-amz-meta-a", "b"}});
  auto told = *run(heads().current(bucket_, key_of("key"), false, mine()));
  warm("key");
  restart();
  auto found = *run(heads().ask(bucket_, key_of("key"), false, false, mine()));
  EXPECT_TRUE(found.believed);
  EXPECT_EQ(found.head->info, told->info);
  EXPECT_EQ(found.head->last_modified, told->last_modified);
  EXPECT_EQ(found.head->first.id, told->first.id);
  EXPECT_EQ(found.head->version->etag, told->version->etag);
  EXPECT_EQ(asked(), 0U);
}

TEST_F(KeptHeads, what_is_only_asked_about_gets_no_row) {
  change("key", "bytes");
  ReadRequest head = request("key");
  head.body = false;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(objects().read(head, mine())));
  ReadRequest past = request("key");
  past.mode = unit::Mode::past;
  EXPECT_TRUE(run(objects().read(past, mine())));
  settle();
  EXPECT_EQ(row("key"), std::nullopt);
  EXPECT_EQ(get("missing"), "NoSuchKey");
  origin_->options().strong = false;
  change("weak", "bytes");
  EXPECT_EQ(get("weak"), "bytes");
  settle();
  EXPECT_EQ(row("missing"), std::nullopt);
  EXPECT_EQ(row("weak"), std::nullopt);
}

TEST_F(KeptHeads, in_exact_every_read_is_checked) {
  use("exact");
  change("key", "1");
  warm("key");
  EXPECT_EQ(row("key"), std::nullopt);
  change("key", "2");
  EXPECT_EQ(get("key"), "2");
}

TEST_F(KeptHeads, a_row_of_another_freshness_is_not_believed) {
  for (const char* before : {"exact", "ttl:60s", "immutable"}) {
    for (const char* after : {"exact", "ttl:60s", "immutable"}) {
      if (std::string_view(before) == after) continue;
      use(before);
      change("key", std::string("of ") + before);
      for (int i = 0; i < 2; ++i) warm("key");
      push_out();
      use(after);
      std::string now = std::string(before) + " then " + after;
      change("key", now);
      restart();
      EXPECT_EQ(get("key"), now);
      EXPECT_TRUE(ticket("key"));
    }
  }
}

TEST_F(KeptHeads, in_a_bucket_with_a_ttl_one_question_a_key_and_ttl) {
  use("ttl:10s");
  for (int i = 0; i < 50; ++i) change("key" + std::to_string(i), pattern(100, i));
  auto read_all = [&] {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(get("key" + std::to_string(i)), pattern(100, i));
    world_->settle();
    settle();
  };
  read_all();
  asked();
  for (int i = 0; i < 5; ++i) read_all();
  EXPECT_EQ(asked(), 0U);
  EXPECT_GT(count("forebay_head_rows_believed_total"), 0U) << "rows, since memory has no room";
  sleep(seconds(10));
  read_all();
  read_all();
  EXPECT_EQ(asked(), 50U);
  restart();
  read_all();
  EXPECT_EQ(asked(), 50U) << "this process has not seen them checked";
}

TEST_F(KeptHeads, a_head_with_a_ttl_grows_older_on_disk_too) {
  use("ttl:10s");
  change("key", "1");
  get("key");
  world_->settle();
  push_out();
  EXPECT_EQ(row_kind("key"), KeptKind::ttl);
  sleep(seconds(6));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(get("key"), "1");
    EXPECT_EQ(asked(), 0U);
    push_out();
  }
  change("key", "2");
  sleep(seconds(5));
  EXPECT_EQ(get("key"), "2") << "its age counts from the check";
}

TEST_F(KeptHeads, a_write_takes_the_row_away_before_it_begins) {
  change("key", "1");
  warm("key");
  ASSERT_TRUE(row("key"));
  std::optional<std::string> seen = "nobody has looked";
  struct Look final : testkit::MemoryHook {
    Look(KeptHeads& test, std::optional<std::string>& out) : test_(test), out_(out) {}
    Task<> at(testkit::MemoryStep step, testkit::MemoryRequest request, Context ctx) override {
      if (step == testkit::MemoryStep::arrive && request.operation == "put") {
        out_ = co_await co_await test_.machine_.get(test_.row_name("key"), ctx);
      }
      co_return ok;
    }
    KeptHeads& test_;
    std::optional<std::string>& out_;
  };
  Look look(*this, seen);
  origin_->set_hook(&look);
  EXPECT_TRUE(put("key", "2"));
  origin_->set_hook(nullptr);
  EXPECT_EQ(seen, std::nullopt);
  EXPECT_EQ(get("key"), "2");
  restart();
  EXPECT_EQ(get("key"), "2");
}

TEST_F(KeptHeads, every_kind_of_write_takes_it_away) {
  auto writes = std::to_array<std::function<bool()>>({
      [&] { return put("key", "new").has_value(); },
      [&] { return run(objects().remove(bucket_, key_of("key"), mine())).has_value(); },
      [&] {
        return run(objects().remove_version(bucket_, key_of("key"), "null", false, mine()))
            .has_value();
      },
      [&] {
        return run(objects().set_tags(bucket_, key_of("key"), "", {{"a", "b"}}, mine()))
            .has_value();
      },
      [&] {
        CopyRequest copy{.source = bucket_,
                         .source_key = key_of("source"),
                         .limit = 1 << 20,
                         .bucket = bucket_,
                         .key = key_of("key")};
        return run(objects().copy(std::move(copy), mine())).has_value();
      },
      [&] {
        origin_->options().min_part = 1;
        CompleteRequest complete{bucket_, key_of("key"), {}, {}, {}};
        complete.upload_id = *run(origin_->create_upload(key_of("key"), {}, mine()));
        auto part = *run(origin_->put_part(key_of("key"), complete.upload_id, 1, {},
                                           io::Body::of(Bytes(std::string("x"))), mine()));
        complete.parts.push_back({1, part.etag, {}});
        return run(objects().complete(std::move(complete), mine())).has_value();
      },
  });
  change("source", "source");
  for (size_t i = 0; i < writes.size(); ++i) {
    change("key", "old");
    asked();
    restart();
    warm("key");
    ASSERT_EQ(row_kind("key"), KeptKind::immutable) << i;
    EXPECT_TRUE(writes[i]()) << i;
    EXPECT_EQ(row("key"), std::nullopt) << i;
  }
}

TEST_F(KeptHeads, what_the_origin_says_against_a_row_ends_it) {
  for (const char* freshness : {"immutable", "ttl:1h"}) {
    for (bool gone : {true, false}) {
      for (bool seen : {true, false}) {
        use(freshness);
        change("key", "old");
        asked();
        restart();
        warm("key");
        push_out();
        if (!seen) restart();
        gone ? origin_->drop("key") : (void)change("key", "new");
        const std::string expected = gone ? "NoSuchKey" : "new";
        auto head = run(heads().current(bucket_, key_of("key"), true, mine()));
        ASSERT_TRUE(head);
        EXPECT_EQ((*head)->exists, !gone);
        push_out();
        EXPECT_EQ(get("key"), expected) << freshness << seen;
        restart();
        EXPECT_EQ(get("key"), expected) << freshness << seen;
      }
    }
  }
}

TEST_F(KeptHeads, where_a_row_cannot_be_taken_back_the_origins_word_is_not_told) {
  change("key", "old");
  warm("key");
  push_out();
  origin_->drop("key");
  process_->faulty.options().refuse = 1;
  auto head = run(heads().current(bucket_, key_of("key"), true, mine()));
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().detail(), "SlowDown");
  process_->faulty.options().refuse = 0;
  EXPECT_FALSE((*run(heads().current(bucket_, key_of("key"), true, mine())))->exists);
  restart();
  EXPECT_EQ(get("key"), "NoSuchKey");
}

TEST_F(KeptHeads, what_ends_a_head_leaves_the_layout_that_a_completion_wrote) {
  change("key", "old");
  warm("key");
  origin_->options().min_part = 1;
  CompleteRequest complete{bucket_, key_of("key"), {}, {}, {}};
  complete.upload_id = *run(origin_->create_upload(key_of("key"), {}, mine()));
  auto part = *run(objects().put_part({bucket_, key_of("key"), complete.upload_id, 1},
                                      io::Body::of(Bytes(pattern(300'000))), mine()));
  complete.parts.push_back({1, part.etag, {}});
  ASSERT_TRUE(run(objects().complete(std::move(complete), mine())));
  ASSERT_EQ(row_kind("key"), KeptKind::layout);
  ASSERT_TRUE(run(heads().current(bucket_, key_of("key"), true, mine())));
  EXPECT_EQ(row_kind("key"), KeptKind::layout) << "also after a HEAD that tells of it";
  restart();
  asked();
  EXPECT_TRUE(get("key") == pattern(300'000));
  EXPECT_EQ(origin_->counts("get").requests, 1U) << "that of the old one";
}

TEST_F(KeptHeads, a_layout_is_written_once) {
  use("exact");
  origin_->change_parts("key", {"one", "two"});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(get("key"), "onetwo");
    settle();
  }
  EXPECT_EQ(count("forebay_head_rows_written_total"), 1U);
}

TEST_F(KeptHeads, where_the_row_cannot_be_removed_nothing_is_written) {
  change("key", "1");
  warm("key");
  process_->faulty.options().refuse = 1;
  auto done = put("key", "2");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::busy);
  EXPECT_EQ(done.error().detail(), "SlowDown");
  EXPECT_EQ(origin_->counts("put").requests, 0U);
  process_->faulty.options().refuse = 0;
  EXPECT_EQ(get("key"), "1");
  EXPECT_TRUE(put("key", "2"));
  EXPECT_EQ(get("key"), "2");
  use("exact");
  process_->faulty.options().refuse = 1;
  EXPECT_TRUE(put("key", "3")) << "there no row is believed";
}

TEST_F(KeptHeads, while_a_write_is_open_and_for_a_minute_after_an_uncertain_one_no_row_is_put) {
  change("key", "1");
  {
    auto open = ticket("key");
    ASSERT_TRUE(open);
    for (int i = 0; i < 3; ++i) warm("key");
    EXPECT_EQ(row("key"), std::nullopt);
    open->close_uncertain();
  }
  for (int i = 0; i < 3; ++i) warm("key");
  EXPECT_EQ(row("key"), std::nullopt);
  change("key", "2");  // what was uncertain comes after all
  EXPECT_EQ(get("key"), "2");
  sleep(kUncertain);
  warm("key");
  EXPECT_EQ(row_kind("key"), KeptKind::immutable);
}

TEST_F(KeptHeads, what_a_dead_process_has_begun_may_come_for_a_minute) {
  change("key", "1");
  change("other", "1");
  warm("other");
  origin_->options().late_commit = 1;
  origin_->options().late_by = seconds(20);
  EXPECT_FALSE(put("key", "2"));
  origin_->options().late_commit = 0;
  kill();
  start();
  for (int i = 0; i < 3; ++i) warm("key");
  EXPECT_EQ(row("key"), std::nullopt);
  EXPECT_EQ(get("other"), "1");
  EXPECT_EQ(asked(), 0U) << "what has a row was not being written";
  sleep(seconds(30));
  EXPECT_EQ(get("key"), "2");
  EXPECT_TRUE(put("key", "3"));
  change("key", "4");
  EXPECT_EQ(get("key"), "4") << "nor is a write of its own believed yet";
  sleep(kUncertain);
  warm("key");
  EXPECT_EQ(get("key"), "4");
  EXPECT_EQ(asked(), 0U);
  EXPECT_EQ(row_kind("key"), KeptKind::immutable);
}

TEST_F(KeptHeads, after_an_orderly_end_there_is_no_doubt) {
  change("key", "1");
  EXPECT_TRUE(put("written", "1"));
  restart();
  warm("key");
  EXPECT_EQ(get("key"), "1");
  EXPECT_EQ(asked(), 0U);
  {
    auto open = ticket("written");
    ASSERT_TRUE(open);
    open->close_uncertain();
  }
  restart();
  change("fresh", "1");
  EXPECT_EQ(get("fresh"), "1");
  asked();
  EXPECT_EQ(get("fresh"), "1");
  EXPECT_GT(asked(), 0U) << "but where one was left there is";
}

TEST_F(KeptHeads, who_has_only_read_leaves_no_doubt) {
  change("key", "1");
  warm("key");
  kill();
  start();
  change("other", "1");
  EXPECT_EQ(get("other"), "1");
  asked();
  EXPECT_EQ(get("other"), "1");
  EXPECT_EQ(asked(), 0U);
}

TEST_F(KeptHeads, doubt_ends_with_the_process_that_outlived_it) {
  EXPECT_TRUE(put("key", "1"));
  kill();
  start();
  sleep(kUncertain);
  restart();
  change("other", "1");
  EXPECT_EQ(get("other"), "1");
  asked();
  EXPECT_EQ(get("other"), "1");
  EXPECT_EQ(asked(), 0U);
}

TEST_F(KeptHeads, a_head_that_is_old_by_now_is_not_kept) {
  change("key", "1");
  HeadRef old = *run(heads().current(bucket_, key_of("key"), false, mine()));
  EXPECT_TRUE(put("key", "2"));
  heads().keep(*old, loop_);
  settle();
  EXPECT_EQ(row("key"), std::nullopt);
  EXPECT_EQ(get("key"), "2");
}

TEST_F(KeptHeads, a_row_that_is_read_while_a_write_passes_is_not_believed_after_it) {
  change("key", "1");
  warm("key");
  restart();
  process_->faulty.options().delay = seconds(1);
  std::optional<Result<Heads::Current>> read;
  io::start<Heads::Current>(loop_, heads().ask(bucket_, key_of("key"), false, false, mine()),
                            [&](auto found) { read.emplace(std::move(found)); });
  world_->step();
  std::optional<Result<Heads::Ticket>> open;
  io::start<Heads::Ticket>(loop_,
                           heads().open_ticket(bucket_, key_of("key"), Leaves::nothing, mine()),
                           [&](auto opened) { open.emplace(std::move(opened)); });
  world_->settle();
  process_->faulty.options().delay = {};
  ASSERT_TRUE(read && open && *open);
  change("key", "2");
  (*open)->close(nullptr);
  EXPECT_EQ(get("key"), "2");
}

TEST_F(KeptHeads, who_comes_while_a_row_is_looked_for_shares_it) {
  change("key", "1");
  warm("key");
  restart();
  process_->faulty.options().delay = milliseconds(10);
  std::vector<std::optional<Result<Heads::Current>>> reads(5);
  for (size_t i = 0; i < reads.size(); ++i) {
    io::start<Heads::Current>(loop_, heads().ask(bucket_, key_of("key"), false, false, mine()),
                              [&, i](auto found) { reads[i].emplace(std::move(found)); });
  }
  world_->settle();
  for (auto& read : reads) {
    ASSERT_TRUE(read && *read);
    EXPECT_TRUE((*read)->believed);
  }
  EXPECT_EQ(asked(), 0U);
  // One who wants the origin's word gets it, and so do those who wait with him.
  std::vector<std::optional<Result<Heads::Current>>> more(3);
  restart();
  process_->faulty.options().delay = milliseconds(10);
  for (size_t i = 0; i < more.size(); ++i) {
    io::start<Heads::Current>(loop_, heads().ask(bucket_, key_of("key"), i == 2, false, mine()),
                              [&, i](auto found) { more[i].emplace(std::move(found)); });
  }
  world_->settle();
  ASSERT_TRUE(more[2] && *more[2]);
  EXPECT_FALSE((*more[2])->believed);
  EXPECT_EQ(asked(), 1U);
}

TEST_F(KeptHeads, a_version_that_is_gone_is_not_believed_from_its_row) {
  change("key", pattern(300'000, 1));
  bucket_ = make_bucket(origin_, "immutable", 100'000);
  ReadRequest first = request("key");
  first.range = RangeRequest{0, 99'999, {}};
  EXPECT_TRUE(run(take(objects(), first, mine())));
  world_->settle();
  settle();
  ASSERT_TRUE(row("key"));
  change("key", pattern(300'000, 2));
  EXPECT_NE(get("key"), pattern(300'000, 1)) << "it is not to be had any more";
  EXPECT_EQ(get("key"), pattern(300'000, 2));
  restart();
  EXPECT_EQ(get("key"), pattern(300'000, 2));
}

TEST_F(KeptHeads, rows_that_are_no_rows_are_passed_over) {
  change("key", "bytes");
  for (const char* bad : {"", "{\"version\":1,\"tag\":\"e:\",\"parts\":[5]}", "\x02\x02", "\x09"}) {
    restart();
    meta::Txn txn;
    txn.put(row_name("key"), bad);
    EXPECT_TRUE(run(machine_.commit(std::move(txn), ctx())));
    EXPECT_EQ(get("key"), "bytes");
    EXPECT_GT(asked(), 0U);
    EXPECT_TRUE(put("key", "bytes"));
    EXPECT_EQ(row("key"), std::nullopt);
  }
}

TEST_F(KeptHeads, a_store_of_rows_that_fails_costs_a_question_and_no_read) {
  change("key", "bytes");
  warm("key");
  restart();
  process_->faulty.options().refuse = 1;
  EXPECT_EQ(get("key"), "bytes");
  EXPECT_EQ(asked(), 1U);
}

TEST_F(KeptHeads, parts_of_an_upload_are_remembered_over_tags_and_restarts) {
  auto info = origin_->change_parts("key", {pattern(30), pattern(10), pattern(30)});
  Layout known = *Layout::of_parts({30, 10, 30}, bucket_->unit_max);
  for (const char* freshness : {"exact", "immutable"}) {
    use(freshness);
    EXPECT_TRUE(run(heads().layouts().remember(*bucket_, key_of("key"), info, known, mine())));
    warm("key");
    EXPECT_TRUE(run(objects().set_tags(bucket_, key_of("key"), "", {{"a", "b"}}, mine())));
    restart();
    auto head = *run(heads().current(bucket_, key_of("key"), false, mine()));
    EXPECT_TRUE(head->layout.known()) << freshness;
    EXPECT_EQ(head->info.fields.at("x-amz-tagging-count"), "1");
    warm("key");
    restart();
    head = *run(heads().current(bucket_, key_of("key"), false, mine()));
    EXPECT_EQ(head->layout.part_sizes(), known.part_sizes()) << freshness;
    EXPECT_TRUE(put("key", "one part"));
    EXPECT_EQ(row("key"), std::nullopt);
    info = origin_->change_parts("key", {pattern(30), pattern(10), pattern(30)});
  }
}

class PackedHeads : public KeptHeads {
 protected:
  /// Room for a few packed ones of each stripe, and not for one that is whole.
  PackedHeads() : KeptHeads(64 * 2400) {}
  Task<> read(std::string key) {
    (void)co_await take(objects(), request(key), mine());
    co_return ok;
  }
  Task<> write(std::string key) {
    co_await co_await objects().put(bucket_, key_of(key), {},
                                    io::Body::of(Bytes(std::string("new"))), mine());
    co_return ok;
  }
};

TEST_F(PackedHeads, what_is_out_of_use_is_believed_from_memory) {
  use("ttl:60s");
  for (int i = 0; i < 300; ++i) change("key" + std::to_string(i), pattern(100, i));
  for (int i = 0; i < 300; ++i) get("key" + std::to_string(i));
  world_->settle();
  settle();
  asked();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 300; ++i) EXPECT_EQ(get("key" + std::to_string(i)), pattern(100, i));
  }
  EXPECT_EQ(asked(), 0U);
  EXPECT_EQ(count("forebay_head_rows_found_total"), 0U);
  EXPECT_EQ(row("key1"), std::nullopt) << "as long as it is in memory it needs none";
  EXPECT_GT(count("forebay_heads{form=\"packed\"}"), 200U);
  EXPECT_LE(count("forebay_heads_bytes{form=\"packed\"}"), 64U * 2100);
}

TEST_F(PackedHeads, after_a_start_rows_come_into_memory) {
  for (int i = 0; i < 300; ++i) change("key" + std::to_string(i), pattern(100, i));
  for (int i = 0; i < 300; ++i) get("key" + std::to_string(i));
  world_->settle();
  settle();
  restart();
  job::Progress progress;
  EXPECT_TRUE(run(heads().load(bucket_, progress, mine())));
  EXPECT_EQ(progress.done(), 300U);
  asked();
  for (int i = 0; i < 300; ++i) EXPECT_EQ(get("key" + std::to_string(i)), pattern(100, i));
  EXPECT_EQ(asked(), 0U);
  EXPECT_EQ(count("forebay_head_rows_found_total"), 0U);
  EXPECT_EQ(count("forebay_head_rows_written_total"), 0U) << "they are there";
}

TEST_F(PackedHeads, only_what_may_be_believed_comes_into_memory) {
  for (const char* freshness : {"exact", "ttl:60s"}) {
    use(freshness);
    auto info = origin_->change_parts("key", {pattern(30), pattern(10)});
    Layout layout = *Layout::of_parts({30, 10}, 0);
    EXPECT_TRUE(run(heads().layouts().remember(*bucket_, key_of("key"), info, layout, mine())));
    job::Progress progress;
    EXPECT_TRUE(run(heads().load(bucket_, progress, mine())));
    use("immutable");
    EXPECT_TRUE(run(heads().load(bucket_, progress, mine())));
    EXPECT_EQ(heads().believed(*bucket_, "key", loop_.now()), nullptr);
    EXPECT_EQ(heads().last_seen(*bucket_, key_of("key")), nullptr);
  }
}

TEST_F(PackedHeads, no_more_comes_into_memory_than_there_is_room_for) {
  std::string value(2500, '-');  // which is no base64
  for (int i = 0; i < 1200; ++i) {
    origin_->change("key" + std::to_string(i), "x", {{"x-amz-meta-a", value}});
    get("key" + std::to_string(i));
  }
  world_->settle();
  settle();
  restart();
  job::Progress progress;
  EXPECT_TRUE(run(heads().load(bucket_, progress, mine())));
  EXPECT_LE(count("forebay_heads{form=\"packed\"}"), 64U);
  EXPECT_EQ(progress.done(), 1000U) << "one page told that there is none";
}

TEST_F(PackedHeads, what_is_written_while_rows_come_into_memory_is_not_believed_as_it_was) {
  constexpr int kKeys = 300;
  origin_->options().tag_in_put = false;  // so that a write leaves nothing to be believed
  auto name = [](int i) { return "key" + std::to_string(i); };
  for (int round = 0; round < 20; ++round) {
    Bucket fresh = *bucket_;
    ++fresh.incarnation;
    bucket_ = std::make_shared<const Bucket>(std::move(fresh));
    for (int i = 0; i < kKeys; ++i) {
      change(name(i), "old");
      get(name(i));
    }
    world_->settle();
    settle();
    restart();
    process_->faulty.options().delay = milliseconds(20);
    std::optional<Result<>> loaded;
    job::Progress progress;
    // Begun before the load, in even rounds in it too, and out of use again before its end.
    auto load = [&] {
      io::start<void>(loop_, heads().load(bucket_, progress, mine()),
                      [&](Result<> done) { loaded.emplace(std::move(done)); });
    };
    for (int i = 0; i < kKeys; ++i) {
      if (round % 2 == 0 && i == kKeys / 2) load();
      if (i % 4 == 0) sleep(milliseconds(1));
      spawn(write(name(i)));
    }
    if (round % 2 == 1) load();
    for (int i = 0; i < 400; ++i) {
      if (i % 4 == 0) sleep(nanoseconds(200'000));
      spawn(read("missing" + std::to_string(i)));
    }
    world_->settle();
    process_->faulty.options().delay = {};
    ASSERT_TRUE(loaded && *loaded);
    for (int i = 0; i < kKeys; ++i) ASSERT_EQ(get(name(i)), "new") << round << " " << i;
    restart();
    for (int i = 0; i < kKeys; ++i) ASSERT_EQ(get(name(i)), "new") << round << " " << i;
  }
}

TEST_F(PackedHeads, a_write_takes_it_out_of_memory_too) {
  for (int round = 0; round < 3; ++round) {
    change("key", "old");
    EXPECT_TRUE(ticket("key"));
    sleep(kUncertain);
    get("key");
    push_out();
    for (int i = 0; i <= round; ++i) EXPECT_EQ(get("key"), "old");
    EXPECT_TRUE(put("key", "new"));
    change("key", "newest");  // which a believed head would not show
    EXPECT_NE(get("key"), "old");
    push_out();
    EXPECT_NE(get("key"), "old");
  }
}

TEST_F(PackedHeads, a_head_that_was_only_asked_about_gets_its_row_when_bytes_are_read) {
  change("key", "bytes");
  ReadRequest head = request("key");
  head.body = false;
  EXPECT_TRUE(run(objects().read(head, mine())));
  push_out();
  EXPECT_EQ(row("key"), std::nullopt);
  warm("key");
  EXPECT_EQ(row_kind("key"), KeptKind::immutable);
}

TEST_F(PackedHeads, a_delete_drops_what_is_cached_also_of_what_is_out_of_use) {
  change("key", pattern(5000));
  warm("key");
  unit::Unit unit = heads().believed(*bucket_, "key", loop_.now())->first;
  EXPECT_TRUE(cache_->contains(unit.id));
  push_out();
  EXPECT_TRUE(run(objects().remove(bucket_, key_of("key"), mine())));
  EXPECT_FALSE(cache_->contains(unit.id));
}

}  // namespace
}  // namespace forebay::object
