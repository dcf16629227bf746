// Documents of S3 servers where there is little room for them: lists ask for less.
#include "base/held_text.h"
#include "origin/s3/request.h"
#include "origin/s3/script_test.h"

namespace forebay::origin {
namespace {

class S3Page : public S3 {
 protected:
  void room(uint64_t bytes) {
    documents_ = std::make_shared<Allowance>(bytes);
    options_.documents = documents_;
    origin_ = make_s3_origin(options_);
  }
  /// Of keys with 1000 bytes each; the last one is the last there is.
  static std::string list(int keys) {
    std::string out = "<ListBucketResult><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated>";
    for (int i = 0; i < keys; ++i) {
      out += "<Contents><Key>" + std::to_string(1000 + i) + std::string(996, 'k') +
             "</Key><Size>1</Size></Contents>";
    }
    return out + "</ListBucketResult>";
  }
  std::string asked() const {
    const std::string& target = script_.log.back();
    return target.substr(target.find("max-"));
  }

  std::shared_ptr<Allowance> documents_;
};

TEST_F(S3Page, a_page_holds_a_share_as_long_as_it_is_there) {
  room(4 << 20);
  {
    reply(200, {}, list(1000));
    auto page = run(origin_->list({}, ctx()));
    ASSERT_TRUE(page) << page.error().text();
    EXPECT_EQ(asked(), "max-keys=1000");
    EXPECT_EQ(page->objects.size(), 1000U);
    EXPECT_EQ(page->share.bytes(), (4U << 20) - documents_->left());
    EXPECT_GE(page->share.bytes(), 1'000'000U);
  }
  EXPECT_EQ(documents_->left(), 4U << 20);
}

TEST_F(S3Page, who_finds_no_room_asks_for_less) {
  // Room for 1000 by their number, not by their size.
  room(1 << 20);
  reply(200, {}, list(2000));
  reply(200, {}, list(4));
  auto page = run(origin_->list({}, ctx()));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->objects.size(), 4U);
  EXPECT_EQ(asked(), "max-keys=4");
  EXPECT_EQ(script_.log.size(), 2U);
  // Fewer from the begin, and none held for so few.
  for (auto [bytes, count] : {std::pair(100 << 10, "100"), {5 << 10, "5"}, {0, "4"}}) {
    room(static_cast<uint64_t>(bytes));
    reply(200, {}, list(4));
    auto few = run(origin_->list({}, ctx()));
    ASSERT_TRUE(few) << few.error().text();
    EXPECT_EQ(asked(), "max-keys=" + std::string(count));
    EXPECT_EQ(few->share.bytes(), 0U);
  }
  reply(200, {}, list(1));
  ASSERT_TRUE(run(origin_->list({.max_keys = 1}, ctx())));
  EXPECT_EQ(asked(), "max-keys=1");
}

TEST_F(S3Page, what_finds_no_room_at_all_is_to_be_asked_again) {
  room(0);
  reply(200, {}, list(20));
  auto page = run(origin_->list({}, ctx()));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code(), Code::busy);
  EXPECT_EQ(page.error().detail(), "SlowDown");
  // An origin that asks for patience itself is asked once.
  room(1 << 20);
  script_.log.clear();
  reply(503, {}, "<Error><Code>SlowDown</Code><Message>m</Message></Error>");
  EXPECT_EQ(run(origin_->list({}, ctx())).error().detail(), "SlowDown");
  EXPECT_EQ(script_.log.size(), 1U);
}

TEST_F(S3Page, other_lists_ask_for_less_too) {
  room(0);
  reply(200, {}, "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>");
  ASSERT_TRUE(run(origin_->list_parts(testkit::key_of("k"), "id", 0, 1000, ctx())));
  EXPECT_EQ(asked(), "max-parts=4");
  reply(200, {},
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
        "</ListMultipartUploadsResult>");
  ASSERT_TRUE(run(origin_->list_uploads({}, ctx())));
  EXPECT_EQ(asked(), "max-uploads=4");
}

TEST_F(S3Page, a_document_may_be_so_large_and_no_larger) {
  const std::string head =
      "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated>";
  const std::string tail = "</ListBucketResult>";
  size_t most = kMaxS3Document - head.size() - tail.size();
  room(64 << 20);
  reply(200, {}, head + std::string(most, ' ') + tail);
  EXPECT_TRUE(run(origin_->list({}, ctx())));
  reply(200, {}, head + std::string(most + 1, ' ') + tail);
  EXPECT_EQ(run(origin_->list({}, ctx())).error().code(), Code::corrupt);
  EXPECT_EQ(documents_->left(), 64U << 20);
}

}  // namespace
}  // namespace forebay::origin
