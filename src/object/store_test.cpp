#include "object/store.h"

#include "meta/schema.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

class StoreTest : public ObjectTest {
 protected:
  Result<ReadAnswer> read(ReadRequest request) {
    return run(objects_.read(std::move(request), ctx()));
  }
  ReadRequest request() { return {.bucket = bucket_, .key = key_}; }
  Result<std::string> get() {
    auto answer = read(request());
    if (!answer) return std::move(answer.error());
    served_ = answer->served;
    if (answer->body.source == nullptr) return std::string();
    return run(io::read_all(std::move(answer->body), 1 << 30, ctx()));
  }
  Result<origin::PutAnswer> put(std::string bytes, origin::PutOptions options = {}) {
    return run(objects_.put(bucket_, key_, std::move(options),
                            io::Body::of(Bytes(std::move(bytes))), ctx()));
  }
  std::string body(ReadAnswer& answer) {
    return run(io::read_all(std::move(answer.body), 1 << 20, ctx())).value_or("");
  }
  bool believed() { return heads_.believed(*bucket_, "key", loop_.now()) != nullptr; }
  std::string upload_parts(std::vector<std::string> bytes, CompleteRequest& complete) {
    auto id = *run(origin_->create_upload(key_, {}, ctx()));
    for (uint32_t i = 0; i < bytes.size(); ++i) {
      auto part =
          *run(origin_->put_part(key_, id, i + 1, {}, io::Body::of(Bytes(bytes[i])), ctx()));
      complete.parts.push_back({i + 1, part.etag, {}});
    }
    complete.upload_id = id;
    return id;
  }

  BucketRef bucket_ = make_bucket(origin_, "immutable");
  unit::Served served_ = unit::Served::hit;
};

TEST_F(StoreTest, a_small_put_is_a_hit_and_asks_nothing) {
  EXPECT_TRUE(put(pattern(5000)));
  world_->settle();
  EXPECT_EQ(get(), pattern(5000));
  EXPECT_EQ(served_, unit::Served::hit);
  EXPECT_EQ(checks() + origin_->counts("get").requests, 0U);
  EXPECT_TRUE(put(std::string()));
  EXPECT_EQ(get(), "");
}

TEST_F(StoreTest, a_small_put_in_a_bucket_of_smaller_units_is_read_right) {
  bucket_ = make_bucket(origin_, "immutable", 1000);
  EXPECT_TRUE(put(pattern(5000)));
  world_->settle();
  EXPECT_EQ(get(), pattern(5000));
}

TEST_F(StoreTest, the_published_head_says_all_that_a_check_would) {
  auto trailing = std::make_shared<origin::Fields>();
  (*trailing)["x-amz-checksum-crc32"] = "AAAAAA==";
  origin::PutOptions options{.fields = {{"content-type", "text/x"}, {"x-amz-meta-a", "b"}},
                             .trailing = trailing};
  EXPECT_TRUE(put("hello", options));
  HeadRef head = heads_.believed(*bucket_, "key", loop_.now());
  ASSERT_NE(head, nullptr);
  EXPECT_EQ(head->info.fields, options.fields);
  EXPECT_EQ(head->info.checksums, *trailing);
  EXPECT_EQ(head->info.size, 5U);
  auto told = *run(origin_->head(key_, {}, ctx()));
  EXPECT_EQ(head->info.etag, told.etag);
  EXPECT_EQ(head->info.tag, told.tag);
  EXPECT_EQ(head->info.modified, told.modified);
}

TEST_F(StoreTest, what_a_put_answers_decides_what_is_believed) {
  struct Case {
    Code code;
    bool certain;
  };
  for (const Case& c :
       {Case{Code::conflict, true}, Case{Code::invalid, true}, Case{Code::denied, true},
        Case{Code::too_large, true}, Case{Code::unavailable, false}, Case{Code::busy, false},
        Case{Code::timeout, false}, Case{Code::corrupt, false}, Case{Code::internal, false}}) {
    Bucket fresh = *bucket_;
    ++fresh.incarnation;
    bucket_ = std::make_shared<const Bucket>(std::move(fresh));
    origin_->fail_next("put", fail(c.code, "no"));
    EXPECT_EQ(put("x").error().code(), c.code);
    origin_->change("key", "y");
    EXPECT_EQ(get(), "y");
    EXPECT_EQ(believed(), c.certain) << name(c.code);
  }
}

TEST_F(StoreTest, a_put_without_tag_in_its_answer_is_asked_for) {
  origin_->options().tag_in_put = false;
  EXPECT_TRUE(put(pattern(5000)));
  EXPECT_FALSE(believed());
  EXPECT_EQ(get(), pattern(5000));
  EXPECT_TRUE(believed());
}

TEST_F(StoreTest, a_delete_is_seen_and_its_bytes_are_gone) {
  EXPECT_TRUE(put(pattern(5000)));
  world_->settle();
  unit::Unit unit = heads_.believed(*bucket_, "key", loop_.now())->first;
  EXPECT_TRUE(cache_->contains(unit.id));
  EXPECT_TRUE(run(objects_.remove(bucket_, key_, ctx())));
  EXPECT_FALSE(cache_->contains(unit.id));
  EXPECT_EQ(get().error().detail(), "NoSuchKey");
}

TEST_F(StoreTest, a_delete_takes_the_row_of_a_layout_along_whether_its_head_is_known_or_not) {
  for (bool known : {true, false}) {
    origin_->change("key", "bytes");
    Layout layout = *Layout::of_parts({3, 2}, 0);
    origin::ObjectInfo uploaded{.size = 5, .etag = ETag("\"a-2\""), .tag = Tag("t")};
    ASSERT_TRUE(run(heads_.layouts().remember(*bucket_, key_, uploaded, layout, ctx())));
    std::string row = meta::schema::head(bucket_->incarnation, key_);
    ASSERT_TRUE(*run(rows_.get(row, ctx())));
    Heads fresh(meta_, crews_, {}, metrics_);
    Store store(fresh, *cache_, crews_, metrics_);
    origin::ObjectInfo parts = origin_->change("key", "bytes");
    parts.etag = ETag("\"a-2\"");
    if (known) {
      (*run(fresh.open_ticket(bucket_, key_, Leaves::layout, ctx())))
          .close(Heads::head_with(*bucket_, key_, parts, layout, loop_.now()));
    }
    ASSERT_TRUE(run(store.remove(bucket_, key_, ctx())));
    EXPECT_FALSE(*run(rows_.get(row, ctx()))) << known;
  }
}

TEST_F(StoreTest, a_completed_upload_is_known_part_by_part) {
  origin_->options().min_part = 1;
  CompleteRequest complete{bucket_, key_, {}, {}, {}};
  upload_parts({pattern(70'000, 1), pattern(30'000, 2), pattern(50'000, 3)}, complete);
  EXPECT_TRUE(run(objects_.complete(complete, ctx())));
  ReadRequest second = request();
  second.part_number = 2;
  auto answer = read(second);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->decision, Decision::partial);
  EXPECT_EQ(answer->range, (ByteRange{70'000, 30'000}));
  EXPECT_EQ(answer->parts_count, 3U);
  EXPECT_EQ(run(io::read_all(std::move(answer->body), 1 << 20, ctx())), pattern(30'000, 2));
  second.part_number = 4;
  EXPECT_EQ(read(second)->decision, Decision::unsatisfiable);
}

TEST_F(StoreTest, a_small_object_of_parts_is_one_unit_until_a_part_is_asked_for) {
  origin_->change_parts("key", {pattern(30), pattern(10, 1), pattern(30)});
  std::string all = pattern(30) + pattern(10, 1) + pattern(30);
  bucket_->cold_small->store(1000);  // small objects are asked for with a GET
  EXPECT_EQ(get(), all);
  EXPECT_EQ(served_, unit::Served::miss);
  EXPECT_EQ(checks(), 0U);
  world_->settle();
  EXPECT_EQ(get(), all);
  EXPECT_EQ(served_, unit::Served::hit);
  ReadRequest second = request();
  second.part_number = 2;
  for (bool check : {false, true}) {
    second.check = check;
    auto answer = read(second);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->range, (ByteRange{30, 10})) << check;
    EXPECT_EQ(answer->parts_count, 3U);
    EXPECT_EQ(run(io::read_all(std::move(answer->body), 1 << 20, ctx())), pattern(10, 1));
  }
  second.part_number = 4;
  EXPECT_EQ(read(second)->decision, Decision::unsatisfiable);
}

TEST_F(StoreTest, a_part_of_another_version_is_noticed) {
  // Guessed layouts: each version has its parts elsewhere, so a place is worth nothing without its
  // version. What is believed meanwhile is the version before.
  auto part = [&](uint32_t number, bool body) {
    ReadRequest asked = request();
    asked.part_number = number;
    asked.body = body;
    return read(asked);
  };
  origin_->change_parts("key", {pattern(300'000, 1), pattern(200'000, 2)});
  EXPECT_EQ(get()->size(), 500'000U);
  world_->settle();
  auto now = origin_->change_parts("key", {pattern(150'000, 3), pattern(250'000, 4)});
  auto second = part(2, true);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(second->head->info.etag, now.etag);
  EXPECT_EQ(second->range, (ByteRange{150'000, 250'000}));
  EXPECT_TRUE(body(*second) == pattern(250'000, 4));

  now = origin_->change_parts("key", {pattern(100'000, 5), pattern(120'000, 6)});
  auto head = part(2, false);
  ASSERT_TRUE(head) << head.error().text();
  EXPECT_EQ(head->head->info.etag, now.etag);
  EXPECT_EQ(head->range, (ByteRange{100'000, 120'000}));

  now = origin_->change("key", pattern(90'000, 7));
  auto none = part(2, true);
  ASSERT_TRUE(none) << none.error().text();
  EXPECT_EQ(none->decision, Decision::unsatisfiable);
  EXPECT_EQ(none->head->info.etag, now.etag) << "which has no second part; the one before had";
}

TEST_F(StoreTest, decisions) {
  auto info = origin_->change("key", pattern(100));
  auto decide = [&](auto change) {
    ReadRequest asked = request();
    change(asked);
    return read(asked)->decision;
  };
  EXPECT_EQ(decide([](auto&) {}), Decision::whole);
  EXPECT_EQ(decide([](auto& r) { r.range = RangeRequest::parse("bytes=10-19"); }),
            Decision::partial);
  EXPECT_EQ(decide([](auto& r) { r.range = RangeRequest::parse("bytes=100-"); }),
            Decision::unsatisfiable);
  EXPECT_EQ(decide([&](auto& r) { r.conditions.if_none_match = info.etag.text(); }),
            Decision::not_modified);
  EXPECT_EQ(decide([](auto& r) { r.conditions.if_match = "\"x\""; }),
            Decision::precondition_failed);
  EXPECT_EQ(decide([](auto& r) {
              r.range = RangeRequest::parse("bytes=10-19");
              r.conditions.if_range = "\"x\"";
            }),
            Decision::whole);
  EXPECT_EQ(origin_->counts("get").requests, 1U) << "one fill; the rest by the head and the disk";
}

TEST_F(StoreTest, a_version_that_changes_before_the_first_byte_is_followed) {
  origin_->change("key", pattern(1000, 1));
  EXPECT_EQ(get(), pattern(1000, 1));
  world_->settle();
  cache_->remove(heads_.believed(*bucket_, "key", loop_.now())->first.id);
  origin_->change("key", pattern(2000, 2));
  Result<std::string> followed = get();
  ASSERT_TRUE(followed) << followed.error().text();
  EXPECT_EQ(*followed, pattern(2000, 2)) << "its believed head was old";
  world_->settle();
  cache_->remove(heads_.believed(*bucket_, "key", loop_.now())->first.id);
  origin_->drop("key");
  EXPECT_EQ(get().error().detail(), "NoSuchKey");
}

TEST_F(StoreTest, no_store_goes_to_the_origin_and_touches_nothing) {
  auto old = origin_->change("key", pattern(100'000, 1));
  EXPECT_TRUE(get().value_or("") == pattern(100'000, 1));
  world_->settle();
  auto now = origin_->change("key", pattern(200'000, 2));
  auto past = [&](auto change) {
    ReadRequest asked = request();
    asked.mode = unit::Mode::past;
    change(asked);
    EXPECT_FALSE(objects_.read_now(asked, loop_));
    return read(asked);
  };
  auto head = past([](auto& r) { r.body = false; });
  ASSERT_TRUE(head);
  EXPECT_EQ(head->head->info.etag, now.etag);
  EXPECT_EQ(head->head->info.size, 200'000U);
  auto changed = past([&](auto& r) { r.conditions.if_none_match = old.etag.text(); });
  EXPECT_EQ(changed->decision, Decision::whole);
  auto matches = past([&](auto& r) { r.conditions.if_match = old.etag.text(); });
  EXPECT_EQ(matches->decision, Decision::precondition_failed);
  auto ranged = past([](auto& r) { r.range = RangeRequest::parse("bytes=-1000"); });
  EXPECT_EQ(ranged->range, (ByteRange{199'000, 1000}));
  EXPECT_EQ(ranged->served, unit::Served::bypass);
  EXPECT_TRUE(body(*ranged) == pattern(200'000, 2).substr(199'000));
  auto whole = past([](auto&) {});
  EXPECT_TRUE(body(*whole) == pattern(200'000, 2));

  uint64_t asked = checks();
  EXPECT_TRUE(get().value_or("") == pattern(100'000, 1)) << "what was believed and stored still is";
  EXPECT_EQ(checks(), asked);
  origin_->drop("key");
  EXPECT_EQ(past([](auto& r) { r.body = false; }).error().detail(), "NoSuchKey");
  EXPECT_TRUE(get().value_or("") == pattern(100'000, 1));
}

TEST_F(StoreTest, no_store_makes_no_head_believed) {
  origin_->change("key", pattern(5000));
  for (bool body : {false, true}) {
    ReadRequest asked = request();
    asked.mode = unit::Mode::past;
    asked.body = body;
    ASSERT_TRUE(read(asked));
    EXPECT_FALSE(believed());
    EXPECT_EQ(heads_.last_seen(*bucket_, key_), nullptr);
  }
  ReadRequest other = request();
  other.key = *ObjectKey::parse("other");
  other.mode = unit::Mode::past;
  EXPECT_FALSE(read(other));
  origin_->change("other", "x");
  other.mode = unit::Mode::normal;
  EXPECT_TRUE(read(other)) << "nor believed missing";
}

TEST_F(StoreTest, no_store_reads_a_part_of_the_version_that_is_there) {
  origin_->change_parts("key", {pattern(300'000, 1), pattern(200'000, 2)});
  EXPECT_EQ(get()->size(), 500'000U);
  world_->settle();
  origin_->change_parts("key", {pattern(200'000, 3), pattern(150'000, 4)});
  ReadRequest asked = request();
  asked.mode = unit::Mode::past;
  asked.part_number = 2;
  auto part = read(asked);
  ASSERT_TRUE(part) << part.error().text();
  EXPECT_TRUE(body(*part) == pattern(150'000, 4));
}

TEST_F(StoreTest, without_a_strong_tag_nothing_is_stored) {
  origin_->options().strong = false;
  origin_->change("key", pattern(1000));
  for (int i = 1; i <= 2; ++i) {
    EXPECT_EQ(get(), pattern(1000));
    EXPECT_EQ(served_, unit::Served::bypass);
    EXPECT_EQ(origin_->counts("get").requests, static_cast<uint64_t>(i));
  }
}

TEST_F(StoreTest, ranges_of_an_origin_that_knows_none) {
  origin_->options().ranges = false;
  for (bool strong : {false, true}) {
    origin_->options().strong = strong;
    Bucket fresh = *bucket_;
    ++fresh.incarnation;
    bucket_ = std::make_shared<const Bucket>(std::move(fresh));
    origin_->change("key", pattern(500'000));
    for (unit::Mode mode : {unit::Mode::past, unit::Mode::normal, unit::Mode::normal}) {
      ReadRequest asked = request();
      asked.mode = mode;
      asked.range = RangeRequest::parse("bytes=300000-300099");
      auto answer = read(asked);
      ASSERT_TRUE(answer) << answer.error().text();
      EXPECT_EQ(answer->body.length, 100U);
      EXPECT_EQ(answer->range, (ByteRange{300'000, 100}));
      EXPECT_EQ(body(*answer), pattern(500'000).substr(300'000, 100));
      world_->settle();
      served_ = answer->served;
    }
    EXPECT_EQ(served_, strong ? unit::Served::hit : unit::Served::bypass);
  }
}

}  // namespace
}  // namespace forebay::object
