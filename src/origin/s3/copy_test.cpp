// Copies that an S3 server makes: what is sent, what its answers mean, and which servers are asked.
#include <gtest/gtest.h>

#include <algorithm>

#include "origin/s3/answer.h"
#include "origin/s3/s3.h"
#include "origin/s3/xml.h"
#include "testkit/origin_contract.h"
#include "testkit/stub_world.h"

namespace forebay::origin {
namespace {

class S3Copy : public testing::Test {
 protected:
  S3Copy() : client_(stub_.world().loop()) {
    stub_.stub().buckets["bucket"];
    stub_.stub().buckets["other"];
  }
  ~S3Copy() override { client_.close_idle(); }
  Context ctx() { return stub_.context(); }
  std::shared_ptr<Origin> at(std::string_view bucket, std::string_view secret = "secret") {
    return make_s3_origin(
        {.url = *parse_s3_url("s3://" + std::string(bucket) + "?endpoint=http://127.0.0.1:9000"),
         .access_key = "KEY",
         .secret = Secret(std::string(secret)),
         .client = [this](io::Loop&) -> http::Client& { return client_; }});
  }
  /// Puts "bytes" under "from" and orders a copy of it.
  CopyOrder put(Origin& origin) {
    ObjectKey from = testkit::key_of("from");
    auto made = stub_.run(origin.put(from, {}, testkit::body_of("bytes"), ctx()));
    EXPECT_TRUE(made);
    return {.source = &origin, .from = from, .etag = made->etag, .size = 5};
  }
  Result<std::optional<PutAnswer>> copy(Origin& origin, CopyOrder order) {
    return stub_.run(origin.copy(testkit::key_of("to"), std::move(order), ctx()));
  }
  bool sent(std::string_view begins) {
    return std::ranges::any_of(stub_.stub().log,
                               [&](const std::string& line) { return line.starts_with(begins); });
  }

  testkit::StubWorld stub_;
  http::Client client_;
};

class S3CopyContract : public S3Copy, public testing::WithParamInterface<testkit::OriginCase> {};

TEST_P(S3CopyContract, holds_at_the_stub) {
  auto origin = at("bucket");
  testkit::OriginUnderTest under{
      .origin = *origin, .capabilities = {}, .prefix = "", .copies = true};
  if (std::string_view(GetParam().name) == "copies_parts") {
    // The stub knows no lists of parts: its own test is below.
    return;
  }
  auto done = stub_.run(GetParam().run(under, ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

std::vector<testkit::OriginCase> copy_cases() {
  std::vector<testkit::OriginCase> out;
  for (const testkit::OriginCase& one : testkit::origin_cases()) {
    std::string_view name = one.name;
    if (name.starts_with("copies_") || name.starts_with("replaces_what")) out.push_back(one);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(S3, S3CopyContract, testing::ValuesIn(copy_cases()),
                         testkit::origin_case_name);

TEST_F(S3Copy, from_another_bucket_of_the_same_place) {
  auto source = at("other"), target = at("bucket");
  auto made = copy(*target, put(*source));
  ASSERT_TRUE(made) << made.error().text();
  ASSERT_TRUE(*made);
  EXPECT_EQ(stub_.stub().buckets["bucket"]["to"].bytes, "bytes");
  // What was seen of the server is remembered, and nothing is left of how.
  size_t requests = stub_.stub().log.size();
  ASSERT_TRUE(copy(*target, put(*source)));
  EXPECT_EQ(stub_.stub().log.size(), requests + 2);
  EXPECT_EQ(stub_.stub().buckets["bucket"].size(), 1U);
  EXPECT_TRUE(stub_.stub().uploads.empty());
}

TEST_F(S3Copy, parts_of_one_version) {
  auto origin = at("bucket");
  CopyOrder order = put(*origin);
  order.upload_id = *stub_.run(origin->create_upload(testkit::key_of("to"), {}, ctx()));
  order.part_number = 2;
  order.range = ByteRange{1, 3};
  auto made = copy(*origin, order);
  ASSERT_TRUE(made && *made);
  EXPECT_EQ(stub_.stub().uploads[order.upload_id].parts[2].bytes, "yte");
  order.etag = ETag("\"other\"");
  order.part_number = 3;
  EXPECT_FALSE(copy(*origin, order));
  EXPECT_EQ(stub_.stub().uploads[order.upload_id].parts.size(), 1U);
}

TEST_F(S3Copy, what_it_cannot_is_not_asked_of_it) {
  auto origin = at("bucket"), stranger = at("other", "another secret");
  CopyOrder order = put(*origin);
  CopyOrder foreign = order;
  foreign.source = stranger.get();
  CopyOrder weak = order;
  weak.etag = ETag("W/\"e\"");
  CopyOrder conditional = order;
  conditional.conditions.if_none_match_any = true;
  size_t requests = stub_.stub().log.size();
  for (const CopyOrder& one : {foreign, weak, conditional}) {
    auto made = copy(*origin, one);
    ASSERT_TRUE(made);
    EXPECT_FALSE(*made);
  }
  EXPECT_EQ(stub_.stub().log.size(), requests);
}

TEST_F(S3Copy, a_server_that_does_not_heed_the_pin_is_not_asked) {
  stub_.stub().pins_copies = false;
  auto origin = at("bucket");
  auto made = copy(*origin, put(*origin));
  ASSERT_TRUE(made);
  EXPECT_FALSE(*made);
  EXPECT_FALSE(sent("PUT /bucket/to"));
  EXPECT_EQ(stub_.stub().buckets["bucket"].size(), 1U);
}

TEST_F(S3Copy, a_server_that_refuses_objects_of_ours_is_not_asked_again) {
  auto origin = at("bucket");
  CopyOrder order = put(*origin);
  stub_.stub().faults.push_back({.begins = "PUT /bucket/forebay-probe-", .status = 403});
  for (int i = 0; i < 2; ++i) {
    auto made = copy(*origin, order);
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_FALSE(*made);
  }
  auto probes = std::ranges::count_if(stub_.stub().log, [](const std::string& line) {
    return line.starts_with("PUT /bucket/forebay-probe-");
  });
  EXPECT_EQ(probes, 1);
}

TEST_F(S3Copy, what_may_be_otherwise_in_a_moment_is_asked_again) {
  auto origin = at("bucket");
  CopyOrder order = put(*origin);
  stub_.stub().faults.push_back({.begins = "PUT /bucket/forebay-probe-", .status = 500});
  EXPECT_EQ(copy(*origin, order).error().code(), Code::unavailable);
  auto made = copy(*origin, order);
  ASSERT_TRUE(made);
  EXPECT_TRUE(*made);
}

TEST_F(S3Copy, behind_a_200_only_a_known_word_says_that_nothing_was_done) {
  auto code = [](std::string_view word) {
    return s3_late_error({.code = std::string(word), .message = "m"}, "NoSuchKey").code();
  };
  for (std::string_view word :
       {"InternalError", "ServiceUnavailable", "Weird", "NoSuchWeird", ""}) {
    EXPECT_EQ(code(word), Code::unavailable) << word;
  }
  EXPECT_EQ(code("SlowDown"), Code::busy);
  EXPECT_EQ(code("NoSuchKey"), Code::not_found);
  EXPECT_EQ(code("PreconditionFailed"), Code::conflict);
  EXPECT_EQ(code("InvalidRequest"), Code::invalid);
  EXPECT_EQ(code("NotImplemented"), Code::invalid);
}

TEST_F(S3Copy, an_error_behind_a_200_is_an_error) {
  constexpr std::string_view kDeclared = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
  std::string blank = " \n\n ";
  auto fault = parse_s3_copied(
      blank.append(kDeclared).append("<Error><Code>SlowDown</Code><Message>m</Message></Error>"));
  ASSERT_TRUE(fault && fault->fault);
  EXPECT_EQ(fault->fault->code, "SlowDown");
  auto good = parse_s3_copied(
      "\n<?xml version=\"1.0\"?><CopyObjectResult "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<ETag>&quot;e&quot;</ETag><LastModified>2015-10-21T07:28:00.000Z</LastModified>"
      "<ChecksumCRC32>AAAAAA==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>"
      "</CopyObjectResult>");
  ASSERT_TRUE(good && !good->fault);
  EXPECT_EQ(good->etag.text(), "\"e\"");
  EXPECT_GT(good->modified.seconds(), 0);
  EXPECT_EQ(good->checksums.size(), 2U);
  for (std::string_view bad : {"", " ", "<CopyObjectResult/>", "<Other/>", "<CopyPartResult>"}) {
    EXPECT_FALSE(parse_s3_copied(bad)) << bad;
  }
}

}  // namespace
}  // namespace forebay::origin
