// Versions by their ids: read past what is believed and cached, removed as any write is.
#include "object/versions.h"

#include "object/world_test.h"

namespace forebay::object {
namespace {

const std::string kUnknown(32, 'v');

class VersionsTest : public ObjectTest {
 protected:
  VersionsTest() { origin_->options().capabilities.versions = true; }
  Result<ReadAnswer> read(std::string version, std::optional<RangeRequest> range = {},
                          ReadConditions conditions = {}) {
    ReadRequest request{.bucket = bucket_, .key = key_, .version_id = std::move(version)};
    request.range = range;
    request.conditions = std::move(conditions);
    return run(objects_.read(std::move(request), ctx()));
  }
  std::string body(Result<ReadAnswer> answer) {
    if (!answer) return answer.error().detail();
    served_ = answer->served;
    if (answer->body.source == nullptr) return "";
    return run(io::read_all(std::move(answer->body), 1 << 20, ctx())).value_or("");
  }
  Result<origin::Removed> remove(std::string version) {
    return run(objects_.remove_version(bucket_, key_, std::move(version), {}, ctx()));
  }
  HeadRef believed() { return heads_.believed(*bucket_, "key", loop_.now()); }

  BucketRef bucket_ = make_bucket(origin_, "immutable");
  unit::Served served_ = unit::Served::hit;
};

TEST_F(VersionsTest, are_read_past_what_is_believed_and_cached) {
  auto old = origin_->change("key", pattern(5000));
  auto now = origin_->change("key", pattern(3000, 1));
  EXPECT_EQ(body(read("")), pattern(3000, 1));
  world_->settle();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(body(read(old.version_id)), pattern(5000));
    EXPECT_EQ(served_, unit::Served::bypass);
    EXPECT_EQ(body(read(now.version_id)), pattern(3000, 1));
    EXPECT_EQ(served_, unit::Served::bypass);
  }
  EXPECT_EQ(believed()->info.version_id, now.version_id);
  EXPECT_EQ(body(read("")), pattern(3000, 1));
  EXPECT_EQ(served_, unit::Served::hit);
  EXPECT_EQ(read(kUnknown).error().detail(), "NoSuchVersion");
}

TEST_F(VersionsTest, decide_conditions_and_ranges_themselves) {
  auto old = origin_->change("key", "0123456789");
  origin_->change("key", "new");
  auto part = read(old.version_id, RangeRequest{8, 20, {}});
  EXPECT_EQ(part->range, (ByteRange{8, 2}));
  EXPECT_EQ(body(std::move(part)), "89");
  EXPECT_EQ(read(old.version_id, {}, {.if_none_match = old.etag.text()})->decision,
            Decision::not_modified);
  EXPECT_EQ(read("", {}, {.if_match = old.etag.text()})->decision, Decision::precondition_failed);
}

TEST_F(VersionsTest, tell_their_own_parts) {
  auto old = origin_->change_parts("key", {pattern(70'000), pattern(30'000, 1)});
  origin_->change_parts("key", {pattern(10'000), pattern(60'000, 1)});
  ReadRequest request{.bucket = bucket_, .key = key_, .version_id = old.version_id};
  request.part_number = 2;
  auto answer = run(objects_.read(std::move(request), ctx()));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->range, (ByteRange{70'000, 30'000}));
  EXPECT_EQ(body(std::move(answer)), pattern(30'000, 1));
}

TEST_F(VersionsTest, removed_by_id_uncover_those_before) {
  auto old = origin_->change("key", "old");
  auto now = origin_->change("key", pattern(5000));
  EXPECT_EQ(body(read("")), pattern(5000));
  world_->settle();
  unit::Unit unit = believed()->first;
  auto removed = remove(now.version_id);
  ASSERT_TRUE(removed) << removed.error().text();
  EXPECT_FALSE(removed->marker);
  EXPECT_EQ(believed(), nullptr);
  EXPECT_FALSE(cache_->contains(unit.id));
  EXPECT_EQ(body(read("")), "old");
  EXPECT_EQ(read(now.version_id).error().detail(), "NoSuchVersion");
  // A marker covers it, and uncovers it when it goes itself.
  removed = remove("");
  EXPECT_TRUE(removed->marker);
  EXPECT_EQ(read("").error().detail(), origin::kDeleteMarker);
  EXPECT_EQ(read(removed->version_id).error().code(), Code::invalid);
  EXPECT_TRUE(remove(removed->version_id)->marker);
  EXPECT_EQ(body(read("")), "old");
  EXPECT_TRUE(remove(old.version_id));
  EXPECT_EQ(read("").error().code(), Code::not_found);
}

TEST_F(VersionsTest, removed_by_id_leave_the_bytes_of_others) {
  auto old = origin_->change("key", "old");
  origin_->change("key", pattern(5000));
  EXPECT_EQ(body(read("")), pattern(5000));
  world_->settle();
  EXPECT_TRUE(remove(old.version_id));
  EXPECT_EQ(body(read("")), pattern(5000));
  EXPECT_EQ(served_, unit::Served::hit);
}

TEST_F(VersionsTest, removed_without_an_answer_leave_nothing_believed) {
  auto now = origin_->change("key", "now");
  EXPECT_EQ(body(read("")), "now");
  origin_->fail_next("remove", fail(Code::unavailable, "no"));
  EXPECT_FALSE(remove(now.version_id));
  EXPECT_EQ(body(read("")), "now");
  EXPECT_EQ(believed(), nullptr);
}

TEST_F(VersionsTest, have_tags_of_their_own) {
  auto old = origin_->change("key", "old");
  auto now = origin_->change("key", "now");
  EXPECT_TRUE(run(objects_.set_tags(bucket_, key_, old.version_id, {{"a", "b"}}, ctx())));
  EXPECT_EQ(run(objects_.tags(bucket_, key_, old.version_id, ctx()))->size(), 1U);
  EXPECT_EQ(run(objects_.tags(bucket_, key_, now.version_id, ctx()))->size(), 0U);
  EXPECT_EQ(run(objects_.tags(bucket_, key_, "", ctx()))->size(), 0U);
  EXPECT_EQ(run(objects_.tags(bucket_, key_, kUnknown, ctx())).error().detail(), "NoSuchVersion");
}

TEST_F(VersionsTest, are_copied_with_their_tags_by_whom_ever) {
  auto old = origin_->change("key", pattern(5000), {{"x-amz-meta-a", "b"}});
  EXPECT_TRUE(run(objects_.set_tags(bucket_, key_, "", {{"a", "b"}}, ctx())));
  origin_->change("key", "now");
  for (bool by_itself : {false, true}) {
    origin_->options().copies = by_itself;
    ObjectKey to = *ObjectKey::parse(by_itself ? "one" : "two");
    CopyRequest request{.source = bucket_,
                        .source_key = key_,
                        .version_id = old.version_id,
                        .limit = 1 << 20,
                        .bucket = bucket_,
                        .key = to};
    auto copied = run(objects_.copy(std::move(request), ctx()));
    ASSERT_TRUE(copied) << copied.error().text();
    EXPECT_EQ(copied->source_version_id, old.version_id);
    EXPECT_EQ(origin_->bytes(to.text()), pattern(5000));
    EXPECT_EQ(origin_->versions(to.text()).back().info.fields.at("x-amz-tagging-count"), "1");
  }
  CopyRequest marker{
      .source = bucket_, .source_key = key_, .limit = 1, .bucket = bucket_, .key = key_};
  marker.version_id = remove("")->version_id;
  EXPECT_EQ(run(objects_.copy(marker, ctx())).error().detail(), "InvalidRequest");
  marker.version_id.clear();
  EXPECT_EQ(run(objects_.copy(marker, ctx())).error().detail(), "NoSuchKey");
}

TEST_F(VersionsTest, left_behind_keep_a_bucket) {
  auto left = [&] {
    Result<> none = run(check_no_versions(bucket_, ctx()));
    return none ? "" : none.error().detail();
  };
  EXPECT_EQ(left(), "");
  auto old = origin_->change("key", "old");
  std::string marker = remove("")->version_id;
  EXPECT_EQ(left(), "BucketNotEmpty");
  EXPECT_TRUE(remove(old.version_id));
  EXPECT_EQ(left(), "BucketNotEmpty");
  origin_->fail_next("list_versions", fail(Code::denied, "no", "AccessDenied"));
  EXPECT_EQ(left(), "");
  origin_->fail_next("list_versions", fail(Code::busy, "no", "SlowDown"));
  EXPECT_EQ(left(), "SlowDown");
  EXPECT_TRUE(remove(marker));
  EXPECT_EQ(left(), "");
}

TEST_F(VersionsTest, where_none_were_kept_there_is_null) {
  origin_->options().capabilities.versions = false;
  origin_->change("key", pattern(5000));
  EXPECT_EQ(body(read("")), pattern(5000));
  world_->settle();
  EXPECT_EQ(body(read("null")), pattern(5000));
  EXPECT_EQ(served_, unit::Served::hit);
  EXPECT_EQ(read(kUnknown).error().detail(), "NoSuchVersion");
  EXPECT_EQ(read("v1").error().detail(), "InvalidArgument");
  EXPECT_EQ(remove("v1").error().detail(), "InvalidArgument");
  EXPECT_EQ(remove(kUnknown)->version_id, kUnknown);
  EXPECT_EQ(body(read("")), pattern(5000));
  EXPECT_EQ(remove("null")->version_id, "null");
  EXPECT_EQ(read("").error().detail(), "NoSuchKey");
}

}  // namespace
}  // namespace forebay::object
