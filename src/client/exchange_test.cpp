#include "client/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/credentials.h"
#include "testkit/stub_world.h"

namespace forebay::client {
namespace {

using testing::HasSubstr;
using testing::Not;

class ExchangeTest : public testing::Test {
 protected:
  ExchangeTest() { world_.stub().buckets["data"]; }
  Context ctx() { return world_.context(); }
  Exchange exchange(std::string service = "s3", std::string secret = "secret") {
    return Exchange(http_, {false, "127.0.0.1", 9000}, Credentials{"KEY", Secret(secret)},
                    "eu-west-1", std::move(service));
  }
  int status(Call call, std::string service = "s3") {
    Exchange one = exchange(std::move(service));
    return world_.run(one.send(std::move(call), ctx()))->status;
  }

  testkit::StubWorld world_;
  http::Client http_{world_.world().loop()};
};

TEST_F(ExchangeTest, PathsAndQueriesAreEncodedAsTheyAreSigned) {
  for (std::string odd : {"a b", "ü", "%41", "a+b&c=d", "a/b//c", "!*'()", "#?;:@"}) {
    Call put;
    put.method = "PUT";
    put.path = "/data/" + odd;
    put.body = io::Body::of(Bytes("x"));
    EXPECT_EQ(status(std::move(put)), 200) << odd;
    EXPECT_TRUE(world_.stub().buckets["data"].contains(odd)) << odd;
    Call list;
    list.path = "/data";
    list.query = {{"prefix", odd}, {"list-type", "2"}};
    EXPECT_EQ(status(std::move(list)), 200) << odd;
  }
}

TEST_F(ExchangeTest, HeadersAreSigned) {
  Call call;
  call.path = "/data/none";
  call.headers = {{"range", "bytes=0-1"}, {"x-amz-meta-a", " two  blanks "}, {"if-match", "\"e\""}};
  EXPECT_EQ(status(std::move(call)), 404);
}

TEST_F(ExchangeTest, AServiceIsPartOfTheSignature) {
  Call call;
  call.path = "/v1/status";
  EXPECT_EQ(status(std::move(call), "forebay"), 200);
  Call wrong;
  wrong.path = "/v1/status";
  EXPECT_EQ(status(std::move(wrong), "s3"), 403);
}

TEST_F(ExchangeTest, BodiesThatWaitForTheServer) {
  // Over 1 MiB the client asks first.
  Call put;
  put.method = "PUT";
  put.path = "/data/big";
  put.body = io::Body::of(Bytes(std::string(3 << 20, 'x')));
  EXPECT_EQ(status(std::move(put)), 200);
  EXPECT_EQ(world_.stub().buckets["data"]["big"].bytes.size(), 3u << 20);
}

TEST_F(ExchangeTest, ATextHasALimit) {
  world_.stub().buckets["data"]["k"] = {std::string(1000, 'x'), "\"e\"", {}};
  Exchange one = exchange();
  for (auto [limit, fits] : {std::pair(1000, true), std::pair(999, false)}) {
    Call call;
    call.path = "/data/k";
    auto response = std::move(world_.run(one.send(std::move(call), ctx())).value());
    Result<std::string> text = world_.run(read_text(response, static_cast<uint64_t>(limit), ctx()));
    EXPECT_EQ(text.has_value(), fits);
    if (!fits) {
      EXPECT_EQ(text.error().code(), Code::too_large);
    }
  }
}

TEST_F(ExchangeTest, ADeadlineEndsTheWait) {
  world_.world().options().network_delay = seconds(5);
  Exchange one = exchange();
  Context soon = ctx().until(ctx().loop->now() + milliseconds(10));
  Result<http::ClientResponse> late = world_.run(one.send(Call{}, soon));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::timeout);
}

TEST_F(ExchangeTest, SecretsStayOutOfRequests) {
  Exchange one = exchange();
  std::string url = one.presign(Call{}, ctx().loop->wall_now(), seconds(60));
  EXPECT_THAT(url, HasSubstr("X-Amz-Signature="));
  EXPECT_THAT(url, HasSubstr("eu-west-1"));
  EXPECT_THAT(url, Not(HasSubstr("secret")));
}

TEST(CodeOfStatus, SaysWhatTheCallerCanDo) {
  EXPECT_EQ(code_of_status(404), Code::not_found);
  EXPECT_EQ(code_of_status(401), Code::denied);
  EXPECT_EQ(code_of_status(403), Code::denied);
  EXPECT_EQ(code_of_status(409), Code::conflict);
  EXPECT_EQ(code_of_status(412), Code::conflict);
  EXPECT_EQ(code_of_status(408), Code::timeout);
  EXPECT_EQ(code_of_status(413), Code::too_large);
  EXPECT_EQ(code_of_status(429), Code::busy);
  EXPECT_EQ(code_of_status(503), Code::busy);
  EXPECT_EQ(code_of_status(400), Code::invalid);
  EXPECT_EQ(code_of_status(416), Code::invalid);
  EXPECT_EQ(code_of_status(500), Code::unavailable);
  EXPECT_EQ(code_of_status(504), Code::unavailable);
  EXPECT_EQ(code_of_status(301), Code::internal);
}

TEST(Credentials, AreReadFromAProfile) {
  Profile profile =
      parse_profile("[p]\naws_access_key_id=A\naws_secret_access_key=S\n", "p").value();
  EXPECT_EQ(profile.credentials.access_key, "A");
  EXPECT_EQ(parse_region("[profile p]\nregion = r\n", "p"), "r");
}

}  // namespace
}  // namespace forebay::client
