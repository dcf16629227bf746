// Objects without a strong tag: nothing ties the answer to a GET to the head that was decided on.
#include "base/encoding.h"
#include "object/lying_test.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

/// HEADs tell of one version, GETs of the next.
class UntaggedTest : public ObjectTest {
 protected:
  UntaggedTest() {
    liar_->heads = [&](origin::HeadOptions) -> Result<origin::ObjectInfo> {
      ++asked_;
      return asked_ <= lies_ ? before_ : now_;
    };
    liar_->gets = [&](origin::GetOptions options) -> Result<origin::GetAnswer> {
      ByteRange range = options.range.value_or(ByteRange{0, now_.size});
      origin::GetAnswer answer{.info = now_, .range = range};
      answer.body = io::Body::of(Bytes(std::string(range.length, 'n')));
      return answer;
    };
    now_.modified = before_.modified;
    now_.modified.ns += 1'000'000'000;
  }
  Result<ReadAnswer> read(ReadConditions conditions, std::optional<RangeRequest> range = {}) {
    asked_ = 0;
    return run(objects_.read({.bucket = bucket_,
                              .key = key_,
                              .range = range,
                              .conditions = std::move(conditions),
                              .check = true},
                             ctx()));
  }

  std::shared_ptr<LyingOrigin> liar_ = std::make_shared<LyingOrigin>();
  BucketRef bucket_ = make_bucket(liar_, "exact");
  origin::ObjectInfo before_{.size = 100, .etag = ETag("W/\"a\""), .modified = {1'000'000'000}};
  origin::ObjectInfo now_{.size = 50, .etag = ETag("W/\"b\"")};
  int asked_ = 0;
  int lies_ = 1;  ///< HEADs that tell of what was before
};

TEST_F(UntaggedTest, a_condition_is_held_against_the_version_that_is_answered) {
  auto answer = read({.if_unmodified_since = before_.modified});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->decision, Decision::precondition_failed);
  answer = read({.if_none_match = "W/\"b\""});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->decision, Decision::not_modified);
  answer = read({.if_none_match = "W/\"c\""});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->decision, Decision::whole);
  EXPECT_EQ(answer->head->info.etag, now_.etag);
}

TEST_F(UntaggedTest, a_range_is_one_of_the_version_that_is_answered) {
  auto answer = read({}, RangeRequest::parse("bytes=-10"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->decision, Decision::partial);
  EXPECT_EQ(answer->range, (ByteRange{40, 10}));
  answer = read({.if_range = http_date(before_.modified)}, RangeRequest::parse("bytes=0-9"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->decision, Decision::whole) << "what If-Range was about is gone";
}

TEST_F(UntaggedTest, one_that_changes_at_every_look_is_an_error) {
  lies_ = 1000;
  auto answer = read({.if_unmodified_since = before_.modified});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().detail(), "SlowDown");
}

}  // namespace
}  // namespace forebay::object
