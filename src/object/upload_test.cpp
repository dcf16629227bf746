// Parts of uploads are copied as they pass, and are the object's when it is complete.
#include "object/world_test.h"

namespace forebay::object {
namespace {

class UploadTest : public ObjectTest {
 protected:
  UploadTest() { origin_->options().min_part = 1; }
  std::string begin() { return *run(origin_->create_upload(key_, {}, ctx())); }
  ETag put_part(const std::string& upload, uint32_t number, std::string bytes) {
    auto part = run(
        objects_.put_part({.bucket = bucket_, .key = key_, .upload_id = upload, .number = number},
                          io::Body::of(Bytes(std::move(bytes))), ctx()));
    EXPECT_TRUE(part);
    return part ? part->etag : ETag();
  }
  Result<origin::PutAnswer> complete(const std::string& upload, std::vector<ETag> etags) {
    CompleteRequest request{bucket_, key_, upload, {}, {}};
    for (const ETag& etag : etags) {
      request.parts.push_back({static_cast<uint32_t>(request.parts.size() + 1), etag, {}});
    }
    return run(objects_.complete(std::move(request), ctx()));
  }
  std::string get() {
    auto answer = run(objects_.read({.bucket = bucket_, .key = key_}, ctx()));
    if (!answer) return answer.error().text();
    served_ = answer->served;
    if (answer->body.source == nullptr) return {};
    return run(io::read_all(std::move(answer->body), 1 << 30, ctx())).value_or("short");
  }
  uint64_t fetched() { return origin_->counts("get").requests; }
  uint64_t stored() { return store_->stats().disks.at(0).live; }

  BucketRef bucket_ = make_bucket(origin_, "exact");
  unit::Served served_ = unit::Served::hit;
};

TEST_F(UploadTest, what_was_uploaded_is_read_without_a_fetch) {
  // Of any sizes; one is small, one is cut into units.
  bucket_ = make_bucket(origin_, "exact", 1 << 20);
  const std::string a = pattern(300'000, 1), b = pattern(2'500'000, 2), c = pattern(70, 3);
  std::string id = begin();
  std::vector<ETag> etags{put_part(id, 1, a), put_part(id, 2, b), put_part(id, 3, c)};
  ASSERT_TRUE(complete(id, etags));
  world_->settle();
  EXPECT_TRUE(get() == a + b + c);
  EXPECT_EQ(served_, unit::Served::hit);
  EXPECT_EQ(fetched(), 0U);
}

TEST_F(UploadTest, an_object_of_one_part_is_no_exception) {
  std::string id = begin();
  ASSERT_TRUE(complete(id, {put_part(id, 1, pattern(300'000))}));
  EXPECT_TRUE(get() == pattern(300'000));
  EXPECT_EQ(fetched(), 0U);
}

TEST_F(UploadTest, a_part_that_came_another_way_is_fetched_and_only_that) {
  const std::string a = pattern(300'000, 1), b = pattern(200'000, 2), c = pattern(100'000, 3);
  std::string id = begin();
  std::vector<ETag> etags{put_part(id, 1, a)};
  etags.push_back(run(origin_->put_part(key_, id, 2, {}, io::Body::of(Bytes(b)), ctx()))->etag);
  etags.push_back(put_part(id, 3, c));
  ASSERT_TRUE(complete(id, etags));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(get() == a + b + c);
    world_->settle();
    EXPECT_EQ(fetched(), 1U);
  }
  EXPECT_EQ(origin_->counts("get").bytes, b.size());
}

TEST_F(UploadTest, of_a_part_that_comes_twice_the_object_has_the_last) {
  std::string id = begin();
  ETag old = put_part(id, 1, pattern(300'000, 1));
  ETag now = put_part(id, 1, pattern(300'000, 2));
  uint64_t one = stored();
  EXPECT_LT(one, 500'000U) << "the first one's bytes are gone";
  EXPECT_EQ(complete(id, {old}).error().detail(), "InvalidPart");
  ASSERT_TRUE(complete(id, {now}));
  EXPECT_TRUE(get() == pattern(300'000, 2));
  EXPECT_EQ(fetched(), 0U);
}

TEST_F(UploadTest, a_part_that_others_replaced_is_theirs) {
  std::string id = begin();
  put_part(id, 1, pattern(300'000, 1));
  auto theirs =
      run(origin_->put_part(key_, id, 1, {}, io::Body::of(Bytes(pattern(300'000, 2))), ctx()));
  ASSERT_TRUE(complete(id, {theirs->etag}));
  EXPECT_TRUE(get() == pattern(300'000, 2));
  EXPECT_EQ(fetched(), 1U);
}

TEST_F(UploadTest, etags_that_are_no_digest_name_nothing) {
  origin_->options().opaque_etags = true;
  std::string id = begin();
  ASSERT_TRUE(complete(id, {put_part(id, 1, pattern(300'000))}));
  EXPECT_TRUE(get() == pattern(300'000));
  EXPECT_EQ(fetched(), 1U);
}

TEST_F(UploadTest, what_is_not_in_the_object_leaves_the_cache) {
  std::string id = begin();
  std::vector<ETag> etags{put_part(id, 1, pattern(300'000, 1))};
  put_part(id, 2, pattern(5'000'000, 2));
  EXPECT_GT(stored(), 5'000'000U);
  ASSERT_TRUE(complete(id, etags));
  EXPECT_LT(stored(), 1'000'000U);
  EXPECT_TRUE(get() == pattern(300'000, 1));
  id = begin();
  put_part(id, 1, pattern(5'000'000, 3));
  EXPECT_GT(stored(), 5'000'000U);
  ASSERT_TRUE(run(objects_.abort(bucket_, key_, id, ctx())));
  EXPECT_LT(stored(), 1'000'000U);
  EXPECT_EQ(run(objects_.abort(bucket_, key_, id, ctx())).error().detail(), "NoSuchUpload");
}

TEST_F(UploadTest, what_does_not_reach_the_origin_is_not_kept) {
  auto part =
      run(objects_.put_part({.bucket = bucket_, .key = key_, .upload_id = "none", .number = 1},
                            io::Body::of(Bytes(pattern(300'000))), ctx()));
  EXPECT_EQ(part.error().detail(), "NoSuchUpload");
  world_->settle();
  EXPECT_EQ(stored(), 0U);
}

}  // namespace
}  // namespace forebay::object
