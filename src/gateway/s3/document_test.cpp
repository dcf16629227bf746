// Answers that are documents: what they hold while they are there, and what has no room.
#include "gateway/s3/document.h"

#include <gtest/gtest.h>

#include "gateway/s3/world_test.h"

namespace forebay::gateway::s3 {
namespace {

class DocumentTest : public testing::Test {
 protected:
  void room(uint64_t bytes) { world_.services().documents = std::make_shared<Allowance>(bytes); }
  uint64_t left() { return world_.services().documents->left(); }
  /// Keys of 1000 bytes.
  void put(int keys) {
    for (int i = 0; i < keys; ++i) {
      std::string key = std::to_string(1000 + i) + std::string(996, 'k');
      Reply made = world_.ask({.method = "PUT", .target = "/data/" + key, .body = "x"});
      ASSERT_EQ(made.status, 200) << made.body;
    }
  }
  /// The length of the answer that a document of so many bytes is, or the error's code.
  std::string answer(size_t bytes, Call& call, Allowance::Share share = {}) {
    Xml one("R", false);
    one.text("t", "x");
    Xml xml("R", false);
    xml.text("t", std::string(bytes - one.str().size() + 1, 'x'));
    auto made = document(call, xml, std::move(share));
    if (!made) return made.error().detail();
    EXPECT_TRUE(made->within);
    return std::to_string(made->body.length);
  }

  DoorWorld world_;
  http::Request request_;
};

TEST_F(DocumentTest, SmallOnesNeedNoShareOthersHoldWhatTheyAre) {
  constexpr size_t kLarge = 100'000;
  constexpr uint64_t kRoom = kLarge - HeldText::kFree;
  room(kRoom);
  {
    Call call(request_, world_.services(), obs::RequestId::of(1));
    EXPECT_EQ(answer(kLarge + 1, call), "SlowDown");
    EXPECT_EQ(answer(kLarge, call), "100000");
    EXPECT_EQ(left(), 0U);
    Call next(request_, world_.services(), obs::RequestId::of(2));
    EXPECT_EQ(answer(HeldText::kFree + 1, next), "SlowDown");
    EXPECT_EQ(answer(HeldText::kFree, next), "16384");
  }
  EXPECT_EQ(left(), kRoom);
  // What was held for it is used, and what it does not need is given back.
  Call call(request_, world_.services(), obs::RequestId::of(3));
  auto all = world_.services().documents->take(kRoom);
  ASSERT_TRUE(all);
  EXPECT_EQ(answer(50'000, call, std::move(*all)), "50000");
  EXPECT_EQ(left(), kLarge - 50'000U);
}

TEST_F(DocumentTest, AListHoldsItsShareUntilItIsSent) {
  put(30);
  room(0);
  Reply refused = world_.ask({.target = "/data?list-type=2"});
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.element("Code"), "SlowDown");
  EXPECT_EQ(world_.ask({.target = "/data?list-type=2&max-keys=5"}).status, 200);
  room(1 << 20);
  Reply whole = world_.ask({.target = "/data?list-type=2"});
  EXPECT_EQ(whole.status, 200);
  EXPECT_GT(whole.body.size(), 30'000U);
  EXPECT_EQ(left(), 1U << 20) << "it is given back";
}

TEST_F(DocumentTest, NothingIsDeletedWhoseAnswerHasNoRoom) {
  // A key of '&' is five times as long in the answer as in the CDATA that asked for it.
  for (const std::string& piece : {std::string("k"), std::string("%26")}) {
    std::string body = "<Delete>";
    for (int i = 0; i < 30; ++i) {
      std::string key = std::to_string(1000 + i), target = "/data/" + key;
      for (int n = 0; n < 900; ++n) {
        key += piece == "k" ? 'k' : '&';
        target += piece;
      }
      ASSERT_EQ(world_.ask({.method = "PUT", .target = target}).status, 200);
      body += "<Object><Key><![CDATA[" + key + "]]></Key></Object>";
    }
    body += "</Delete>";
    Ask ask{.method = "POST",
            .target = "/data?delete",
            .headers = {{"content-md5", sum(ChecksumKind::md5, body)}},
            .body = body};
    auto& bodies = world_.services().bodies;
    bodies = std::make_shared<Allowance>(50'000);  // for what is asked, not for what is said of it
    EXPECT_EQ(world_.ask(ask).element("Code"), "SlowDown");
    EXPECT_EQ(world_.ask({.target = "/data?list-type=2"}).element("KeyCount"), "30");
    bodies = std::make_shared<Allowance>(1 << 20);
    // Who reads lists slowly keeps nobody from deleting.
    auto all = world_.services().documents->take(world_.services().documents->left());
    Reply done = world_.ask(ask);
    EXPECT_EQ(done.status, 200) << done.body;
    all.reset();
    EXPECT_EQ(world_.ask({.target = "/data?list-type=2"}).element("KeyCount"), "0");
    EXPECT_EQ(bodies->left(), 1U << 20);
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
