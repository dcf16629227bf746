#include "meta/etcd/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace forebay::meta::etcd {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// "c/a" to "c/z".
const Ask kAsk{.from = "c/a", .to = "c/z", .limit = 2};

TEST(EtcdAnswer, RequestsAreJson) {
  EXPECT_EQ(range_request(kAsk), R"({"key":"Yy9h","range_end":"Yy96","limit":2})");
  EXPECT_EQ(range_request({.from = "\0"s, .to = "\xff", .limit = 1, .revision = 7}),
            R"({"key":"AA==","range_end":"/w==","limit":1,"revision":7})");
  Txn txn = Txn().require("a", "").require_absent("b").put("c", "v").remove("d");
  EXPECT_EQ(txn_request("c/", txn),
            R"({"compare":[{"result":"EQUAL","key":"Yy9h","target":"VALUE","value":""},)"
            R"({"result":"EQUAL","key":"Yy9i","target":"CREATE","create_revision":"0"}],)"
            R"("success":[{"request_put":{"key":"Yy9j","value":"dg=="}},)"
            R"({"request_delete_range":{"key":"Yy9k"}}],)"
            R"("failure":[{"request_range":{"key":"Yy9h"}},{"request_range":{"key":"Yy9i"}}]})");
  EXPECT_TRUE(Json::parse(txn_request("c/", Txn())));
}

TEST(EtcdAnswer, RowsHaveWhatWasLeftOut) {
  Result<RangeAnswer> answer = parse_range(
      R"({"header":{"revision":"12"},"kvs":[{"key":"Yy9h"},{"key":"Yy9i","value":"/wA="}],)"
      R"("more":true,"count":"9"})",
      kAsk);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->revision, 12);
  EXPECT_TRUE(answer->more);
  EXPECT_THAT(answer->rows, ElementsAre(Row{"c/a", ""}, Row{"c/b", "\xff\0"s}));
  answer = parse_range(R"({"header":{"revision":"1"}})", kAsk);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->more);
  EXPECT_THAT(answer->rows, ElementsAre());
}

TEST(EtcdAnswer, WhatIsNoAnswerIsCorrupt) {
  const std::string head = R"({"header":{"revision":"12"},)";
  for (const std::string& bad : {
           ""s,
           "{"s,
           "[]"s,
           "null"s,
           "<html>"s,
           "{}"s,
           R"({"header":1})"s,
           R"({"header":{}})"s,
           R"({"header":{"revision":12}})"s,
           R"({"header":{"revision":"-1"}})"s,
           R"({"header":{"revision":"1x"}})"s,
           R"({"header":{"revision":"9223372036854775808"}})"s,
           head + R"("kvs":{}})",
           head + R"("kvs":[1]})",
           head + R"("kvs":[{"key":"*"}]})",
           head + R"("kvs":[{"key":1}]})",
           head + R"("kvs":[{"key":"Yy9h","value":"Y"}]})",
           head + R"("kvs":[{"key":"Yy9i"},{"key":"Yy9h"}]})",  // out of order
           head + R"("kvs":[{"key":"Yy9i"},{"key":"Yy9i"}]})",
           head + R"("kvs":[{"key":"Yy96"}]})",  // past the end
           head + R"("kvs":[{"key":"YS9h"}]})",  // another cluster's
           head + R"("kvs":[{"key":"Yy9h"},{"key":"Yy9i"},{"key":"Yy9j"}]})",
           head + R"("more":1})",
           head + R"("more":true})",
       }) {
    Result<RangeAnswer> answer = parse_range(bad, kAsk);
    ASSERT_FALSE(answer) << bad;
    EXPECT_EQ(answer.error().code(), Code::corrupt) << bad;
  }
}

TEST(EtcdAnswer, ATransactionSaysWhatItFound) {
  Txn txn = Txn().require("a", "1").require_absent("b").put("c", "");
  const std::string head = R"({"header":{"revision":"12"},)";
  Result<TxnAnswer> good = parse_txn(head + R"("succeeded":true,"responses":[{}]})", "c/", txn);
  ASSERT_TRUE(good);
  EXPECT_TRUE(good->succeeded);
  Result<TxnAnswer> refused =
      parse_txn(head + R"("responses":[{"response_range":{"kvs":[{"key":"Yy9h","value":"eA=="}]}},)"
                       R"({"response_range":{}}]})",
                "c/", txn);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->succeeded);
  EXPECT_THAT(refused->found, ElementsAre("x", std::nullopt));
  for (const std::string& bad : {
           R"({"succeeded":true,"responses":[{}]})"s,
           head + R"("succeeded":true})",
           head + R"("succeeded":"true","responses":[{}]})",
           head + R"("responses":[]})",
           head + R"("responses":[{"response_range":{}}]})",
           head + R"("responses":[{"response_put":{}},{"response_range":{}}]})",
           head + R"("responses":[{"response_range":{"kvs":[{"key":"Yy9i"}]}},)"
                  R"({"response_range":{}}]})",
       }) {
    Result<TxnAnswer> answer = parse_txn(bad, "c/", txn);
    ASSERT_FALSE(answer) << bad;
    EXPECT_EQ(answer.error().code(), Code::corrupt) << bad;
  }
  EXPECT_FALSE(parse_txn(R"({"header":{}})", "c/", Txn()));
}

TEST(EtcdAnswer, AWatchSaysWhatHappenedAndWhereToGoOn) {
  EXPECT_EQ(watch_request(kAsk, 6),
            R"({"create_request":{"key":"Yy9h","range_end":"Yy96","fragment":true,)"
            R"("start_revision":"6"}})");
  auto read = [](std::string_view line) { return parse_watch(line, "c/", kAsk, 5); };
  EXPECT_THAT(read(R"({"result":{"header":{},"created":true}})")->events, ElementsAre());
  const std::string events = R"("events":[{"kv":{"key":"Yy9h","mod_revision":"6"}},)"
                             R"({"type":"DELETE","kv":{"key":"Yy9i","mod_revision":"7"}}])";
  Result<WatchAnswer> answer = read(R"({"result":{)" + events + "}}");
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->events, ElementsAre(Event{"a", "", 6}, Event{"b", std::nullopt, 7}));
  EXPECT_EQ(answer->after, 7u);
  // The rest of 7 is still to come.
  EXPECT_EQ(read(R"({"result":{"fragment":true,)" + events + "}}")->after, 6u);
  EXPECT_EQ(read(R"({"result":{"canceled":true,"compact_revision":"9"}})").error().detail(),
            kCompacted);
  for (std::string_view broken :
       {R"({"result":{"canceled":true}})", R"({"error":{"grpc_code":14,"message":"no leader"}})"}) {
    EXPECT_EQ(read(broken).error().code(), Code::unavailable) << broken;
  }
  for (const std::string& bad : {
           ""s,
           "{}"s,
           R"({"result":1})"s,
           R"({"result":{"events":[{}]}})"s,
           R"({"result":{"events":[{"type":"X","kv":{"key":"Yy9h","mod_revision":"6"}}]}})"s,
           R"({"result":{"events":[{"kv":{"key":"Yy9h","mod_revision":"5"}}]}})"s,
           R"({"result":{"events":[{"kv":{"key":"YS9h","mod_revision":"6"}}]}})"s,
           R"({"result":{"events":[{"kv":{"key":"Yy9h","mod_revision":"7"}},)"s +
               R"({"kv":{"key":"Yy9h","mod_revision":"6"}}]}})",
       }) {
    EXPECT_EQ(read(bad).error().code(), Code::corrupt) << bad;
  }
}

TEST(EtcdAnswer, LeasesHaveANameAndATerm) {
  EXPECT_EQ(grant_request(5), R"({"TTL":"5"})");
  EXPECT_EQ(lease_request(7), R"({"ID":"7"})");
  EXPECT_THAT(txn_request("c/", Txn().put("a", "").remove("b"), 7), HasSubstr(R"("lease":"7")"));
  Result<Lease> lease = parse_grant(R"({"header":{},"ID":"7","TTL":"5"})");
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->id, 7u);
  EXPECT_EQ(lease->ttl, seconds(5));
  for (std::string_view bad : {R"({"header":{},"ID":"7"})", R"({"header":{},"TTL":"5"})", "{}",
                               R"({"header":{},"ID":"7","TTL":"9223372036854775807"})"}) {
    EXPECT_EQ(parse_grant(bad).error().code(), Code::corrupt) << bad;
  }
  EXPECT_EQ(parse_keep(R"({"result":{"ID":"7","TTL":"5"}})").value(), seconds(5));
  EXPECT_EQ(parse_keep(R"({"result":{"ID":"7"}})").value(), seconds(0));
  EXPECT_EQ(parse_keep(R"({"error":{"message":"x"}})").error().code(), Code::corrupt);
}

TEST(EtcdAnswer, FaultsMeanWhatTheCallerCanDo) {
  struct {
    int status;
    std::string_view text;
    Code code;
    bool open;
  } cases[] = {
      {400, R"({"message":"etcdserver: request is too large","code":3})", Code::too_large, false},
      {400, R"({"message":"etcdserver: user name is empty","code":3})", Code::denied, false},
      {400, R"({"message":"etcdserver: key is not provided","code":3})", Code::invalid, false},
      {403, R"({"error":"etcdserver: permission denied","code":7})", Code::denied, false},
      {401, R"({"message":"etcdserver: invalid auth token","code":16})", Code::denied, false},
      {429, R"({"message":"etcdserver: mvcc: database space exceeded","code":8})", Code::busy,
       false},
      {404, R"({"message":"etcdserver: requested lease not found","code":5})", Code::not_found,
       false},
      {503, R"({"message":"etcdserver: no leader","code":14})", Code::unavailable, true},
      {503, R"({"message":"etcdserver: request timed out","code":14})", Code::unavailable, true},
      {504, R"({"message":"context deadline exceeded","code":4})", Code::unavailable, true},
      {500, R"({"message":"raft proposal dropped","code":2})", Code::unavailable, true},
      {502, "<html>Bad Gateway</html>", Code::unavailable, true},
      {404, "Not Found", Code::unavailable, true},
      {500, R"({"message":7,"code":"x"})", Code::unavailable, true},
      {500, "", Code::unavailable, true},
  };
  for (const auto& c : cases) {
    Fault fault = parse_fault(c.status, c.text);
    EXPECT_EQ(fault.error.code(), c.code) << c.text;
    EXPECT_EQ(fault.open, c.open) << c.text;
  }
  Fault gone = parse_fault(
      400, R"({"message":"etcdserver: mvcc: required revision has been compacted","code":11})");
  EXPECT_EQ(gone.error.detail(), kCompacted);
  Fault ahead = parse_fault(
      400, R"({"message":"etcdserver: mvcc: required revision is a future revision","code":11})");
  EXPECT_EQ(ahead.error.detail(), "");
  EXPECT_THAT(parse_fault(502, "x").error.text(), HasSubstr("502"));
  EXPECT_LE(
      parse_fault(500, R"({"message":")" + std::string(5000, 'x') + "\"}").error.text().size(),
      200u);
}

}  // namespace
}  // namespace forebay::meta::etcd
