// What the door decides before any operation is asked, and what it counts afterwards.
#include "gateway/s3/door.h"

#include <gtest/gtest.h>

#include "gateway/s3/world_test.h"

namespace forebay::gateway::s3 {
namespace {

class DoorTest : public testing::Test {
 protected:
  void refused(const Ask& ask, const std::string& code, const std::string& what) {
    std::string before = state();
    Reply reply = world_.ask(ask);
    EXPECT_EQ(reply.status, 400) << what << reply.body;
    EXPECT_EQ(reply.element("Code"), code) << what << reply.body;
    EXPECT_EQ(state(), before) << what;
  }
  std::string state() {
    std::string out = world_.origin().fingerprint();
    for (const object::BucketRef& bucket : world_.buckets.list()) out += ' ' + bucket->name.text();
    return out;
  }
  /// The request as it was signed, its body lost on the way.
  Reply stripped(Ask ask) {
    std::string bytes = world_.wire(ask);
    bytes.resize(bytes.size() - ask.body.size());
    std::string length = "content-length: " + std::to_string(ask.body.size());
    bytes.replace(bytes.find(length), length.size(), "content-length: 0");
    return world_.send(bytes, false);
  }
  DoorWorld world_;
};

// Writes whose body is empty, or may be.
std::vector<Ask> bodiless(const std::string& upload) {
  return {{.method = "PUT", .target = "/fresh"},
          {.method = "DELETE", .target = "/data"},
          {.method = "DELETE", .target = "/data/key"},
          {.method = "POST", .target = "/data/up?uploads"},
          {.method = "DELETE", .target = "/data/up?uploadId=" + upload}};
}

TEST_F(DoorTest, what_is_said_of_a_body_that_does_not_come_is_compared) {
  std::string upload =
      *world_.run(world_.origin().create_upload(*ObjectKey::parse("up"), {}, world_.ctx()));
  world_.origin().change("key", "bytes");
  for (const Ask& plain : bodiless(upload)) {
    std::string what = plain.method + " " + plain.target + " ";
    Ask ask = plain;
    ask.headers = {{"content-md5", sum(ChecksumKind::md5, "other")}};
    refused(ask, "BadDigest", what);
    ask.headers = {{"content-md5", "!!"}};
    refused(ask, "InvalidDigest", what);
    ask.headers = {{"x-amz-trailer", "x-amz-checksum-crc32"}};
    refused(ask, "InvalidRequest", what);
    ask = plain;
    ask.headers = {{"x-amz-trailer", "x-amz-checksum-crc32"},
                   {"x-amz-decoded-content-length", "0"}};
    ask.kind = sign::PayloadKind::streaming_unsigned_trailer;
    ask.framed = false;
    std::string before = state();
    EXPECT_EQ(world_.ask(ask).status, 400) << what;
    ask = plain;
    ask.body = "<a/>";
    EXPECT_EQ(stripped(ask).element("Code"), "XAmzContentSHA256Mismatch") << what;
    EXPECT_EQ(state(), before) << what;
  }
  for (auto& [name, value] :
       std::vector<Header>{{"x-amz-checksum-crc32", "AAAAAQ=="}, {"x-amz-checksum-crc32", "!!"}}) {
    Ask ask{.method = "PUT", .target = "/fresh"};
    ask.headers = {{std::string(name), std::string(value)}};
    refused(ask, value == "!!" ? "InvalidRequest" : "BadDigest", "CreateBucket");
  }
  Ask two{.method = "PUT", .target = "/fresh"};
  two.headers = {{"x-amz-checksum-crc32", sum(ChecksumKind::crc32, "")},
                 {"x-amz-checksum-sha1", sum(ChecksumKind::sha1, "")}};
  refused(two, "InvalidRequest", "two checksums");
}

TEST_F(DoorTest, a_body_where_none_belongs_is_refused) {
  std::string upload =
      *world_.run(world_.origin().create_upload(*ObjectKey::parse("up"), {}, world_.ctx()));
  world_.origin().change("key", "bytes");
  for (Ask ask : bodiless(upload)) {
    if (ask.method == "PUT") continue;
    ask.body = "<If><Size>1</Size></If>";
    refused(ask, "UnexpectedContent", ask.method + " " + ask.target);
    ask.kind = sign::PayloadKind::unsigned_body;
    refused(ask, "UnexpectedContent", ask.method + " " + ask.target);
  }
}

TEST_F(DoorTest, what_is_true_of_no_body_passes) {
  for (auto kind : {sign::PayloadKind::hash, sign::PayloadKind::unsigned_body,
                    sign::PayloadKind::streaming_unsigned_trailer}) {
    world_.origin().change("key", "bytes");
    Ask ask{.method = "DELETE", .target = "/data/key", .kind = kind};
    ask.headers = {{"content-md5", sum(ChecksumKind::md5, "")}};
    EXPECT_EQ(world_.ask(ask).status, 204) << sign::word(kind);
    EXPECT_EQ(world_.origin().bytes("key"), std::nullopt);
  }
  Ask begin{.method = "POST", .target = "/data/up?uploads"};
  begin.headers = {{"content-encoding", "aws-chunked"}};
  EXPECT_EQ(world_.ask(begin).status, 200) << "the coming object's";
  // A body in chunks, of which there is none.
  world_.origin().change("key", "bytes");
  std::string bytes = world_.wire({.method = "DELETE", .target = "/data/key"});
  bytes.insert(bytes.size() - 2, "transfer-encoding: chunked\r\n");
  EXPECT_EQ(world_.send(bytes + "1\r\nx\r\n0\r\n\r\n", false).status, 400);
  EXPECT_EQ(world_.origin().bytes("key"), "bytes");
  EXPECT_EQ(world_.send(bytes + "0\r\n\r\n", false).status, 204);
}

TEST_F(DoorTest, an_upload_s_algorithm_may_be_said_in_the_query) {
  Reply begun = world_.ask(
      {.method = "POST",
       .target =
           "/data/up?uploads&x-amz-checksum-algorithm=CRC32&x-amz-checksum-type=FULL_OBJECT"});
  EXPECT_EQ(begun.status, 200) << begun.body;
  EXPECT_EQ(begun.header("x-amz-checksum-algorithm"), "CRC32");
  EXPECT_EQ(begun.header("x-amz-checksum-type"), "FULL_OBJECT");
}

TEST_F(DoorTest, lists_know_one_encoding) {
  for (const char* query : {"", "list-type=2&", "uploads&"}) {
    std::string target = std::string("/data?") + query + "encoding-type=";
    EXPECT_EQ(world_.ask({.target = target + "url"}).status, 200) << query;
    EXPECT_EQ(world_.ask({.target = target}).status, 200) << query;
    refused({.target = target + "base64"}, "InvalidArgument", query);
  }
}

// What became of one answer, told by hand.
class CountedTest : public DoorTest {
 protected:
  /// The line of the metrics that has counted it.
  std::string counted(bool sign, http::Outcome outcome) {
    auto before = lines();
    std::string wire = world_.wire({.target = "/data/key", .sign = sign});
    std::vector<Header> headers;
    std::string_view rest = std::string_view(wire).substr(wire.find("\r\n") + 2);
    while (!rest.starts_with("\r\n")) {
      std::string_view line = rest.substr(0, rest.find("\r\n"));
      headers.push_back({line.substr(0, line.find(':')), line.substr(line.find(':') + 2)});
      rest.remove_prefix(line.size() + 2);
    }
    http::Request request;
    request.method = "GET";
    request.target = request.path = "/data/key";
    request.authority = "localhost";
    request.headers = headers;
    auto response = world_.run(world_.door().handle(request, world_.ctx()));
    check(response.has_value(), "no answer");
    world_.door().finished(request, *response, outcome);
    for (auto& line : lines()) {
      if (std::ranges::find(before, line) == before.end()) return line;
    }
    return {};
  }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    std::string text = world_.metrics().render();
    for (size_t at = 0; at < text.size();) {
      std::string line = text.substr(at, text.find('\n', at) - at);
      at += line.size() + 1;
      if (line.starts_with("forebay_s3_requests_total{")) out.push_back(line);
    }
    return out;
  }
};

TEST_F(CountedTest, who_leaves_has_met_no_error_of_ours) {
  world_.origin().change("key", "bytes");
  auto has = [](const std::string& line, std::string_view operation, std::string_view result) {
    return line.find("\"" + std::string(operation) + "\"") != line.npos &&
           line.find("\"" + std::string(result) + "\"") != line.npos;
  };
  Error gone = fail(Code::unavailable, "reset");
  std::string line = counted(true, {});
  EXPECT_TRUE(has(line, "GetObject", "ok")) << line;
  line = counted(true, {.duration = {}, .error = gone});
  EXPECT_TRUE(has(line, "GetObject", "cut")) << line;
  line = counted(true, {.duration = {}, .error = gone, .source_failed = true});
  EXPECT_TRUE(has(line, "GetObject", "server_error")) << line;
  line = counted(false, {.duration = {}, .error = gone});
  EXPECT_TRUE(has(line, "Unknown", "cut")) << line;
  line = counted(false, {});
  EXPECT_TRUE(has(line, "Unknown", "client_error")) << line;
}

TEST(Reads, AreCountedOnceByHowTheyWereServed) {
  DoorWorld world;
  world.origin().change("k", std::string(100'000, 'x'));
  world.origin().change("empty", "");
  std::string etag = world.ask("HEAD", "/data/k").header("etag");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(world.ask("GET", "/data/k", "", {{"range", "bytes=5-9"}}).status, 206);
    (void)world.run(io::sleep_until(world.loop().now() + seconds(1), world.ctx()));
  }
  EXPECT_EQ(world.ask("GET", "/data/k").header("x-cache"), "hit");
  EXPECT_EQ(world.ask("GET", "/data/empty").status, 200);
  EXPECT_EQ(world.ask("GET", "/data/k", "", {{"if-none-match", etag}}).status, 304);
  EXPECT_EQ(world.ask("GET", "/data/k", "", {{"cache-control", "no-store"}}).status, 200);
  EXPECT_EQ(world.ask("GET", "/data/k", "", {{"range", "bytes=200000-"}}).status, 416);
  EXPECT_EQ(world.ask("GET", "/data/none").status, 404);
  EXPECT_EQ(world.ask({.target = "/data/k", .sign = false}).status, 403) << "nobody's read";
  std::string text = world.metrics().render();
  auto count = [&](const std::string& result, const std::string& range) {
    std::string line = "forebay_s3_reads_total{range=\"" + range + "\",result=\"" + result + "\"} ";
    size_t at = text.find(line);
    return at == text.npos ? -1 : std::atoi(text.c_str() + at + line.size());
  };
  EXPECT_EQ(count("miss", "yes"), 1);
  EXPECT_EQ(count("hit", "yes"), 1);
  EXPECT_EQ(count("hit", "no"), 2) << "and one without bytes";
  EXPECT_EQ(count("none", "no"), 1);
  EXPECT_EQ(count("bypass", "no"), 1);
  EXPECT_EQ(count("error", "yes"), 1);
  EXPECT_EQ(count("error", "no"), 1);
  int all = 0;
  for (const char* range : {"yes", "no"}) {
    for (const char* how : {"hit", "joined", "miss", "bypass", "none", "error"}) {
      all += count(how, range);
    }
  }
  EXPECT_EQ(all, 8);
}

TEST(CacheControl, AllItsLinesAreOneList) {
  DoorWorld world;
  ASSERT_TRUE(world.run(world.buckets.create(*BucketName::parse("believed"), {}, world.ctx())));
  std::string bytes = "0";
  for (std::vector<std::string> lines : {std::vector<std::string>{"no-store"},
                                         {"max-age=0", "no-store"},
                                         {"no-store", "max-age=0"},
                                         {"max-age=0", "private, no-store"}}) {
    world.origin("believed").change("k", bytes);
    Ask ask{.target = "/believed/k"};
    world.ask(ask);  // believed from now on
    world.origin("believed").change("k", bytes += "1");
    for (const std::string& line : lines) ask.headers.emplace_back("cache-control", line);
    Reply reply = world.ask(ask);
    EXPECT_EQ(reply.body, bytes);
    EXPECT_EQ(reply.header("x-cache"), "bypass");
  }
}

TEST(Staging, AnswersAtOnceOrWhenAllIsHere) {
  DoorWorld world;
  object::BucketSpec exact{.freshness = *object::Freshness::parse("exact")};
  ASSERT_TRUE(world.run(world.buckets.create(*BucketName::parse("fresh"), exact, world.ctx())));
  world.origin("fresh").change("k", std::string(100'000, 'x'));
  auto ask = [&](std::vector<std::pair<std::string, std::string>> prefer = {}) {
    prefer.emplace_back("range", "bytes=0-0");
    return world.ask({.method = "HEAD", .target = "/fresh/k", .headers = std::move(prefer)});
  };
  EXPECT_EQ(world.ask("HEAD", "/fresh/k").header("x-cache"), "");
  EXPECT_EQ(world.origin("fresh").counts("get").requests, 0U);
  Reply first = ask();
  EXPECT_EQ(first.status, 206);
  EXPECT_EQ(first.header("content-range"), "bytes 0-0/100000");
  EXPECT_EQ(first.header("x-cache"), "prestage");
  EXPECT_EQ(first.header("preference-applied"), "");
  (void)world.run(io::sleep_until(world.loop().now() + seconds(5), world.ctx()));
  Reply here = ask();
  EXPECT_EQ(here.header("x-cache"), "hit");
  EXPECT_EQ(here.header("preference-applied"), "");
  EXPECT_EQ(ask({{"prefer", "wait"}}).header("preference-applied"), "wait");
  uint64_t version = 0;
  for (const char* prefer : {"wait", "respond-async, Wait=100", "wait = 100 ; foo"}) {
    world.origin("fresh").change("k", std::string(200'000 + ++version, 'x'));
    Reply waited = ask({{"prefer", "handling=lenient"}, {"prefer", prefer}});
    EXPECT_EQ(waited.header("x-cache"), "prestage") << prefer;
    EXPECT_EQ(waited.header("preference-applied"), "wait") << prefer;
    EXPECT_EQ(ask().header("x-cache"), "hit");
  }
  world.origin("fresh").options().body_rate = 1000;
  for (const char* prefer : {"wait=1", "wait=0", "waiting", "wait=x", "wait="}) {
    world.origin("fresh").change("k", std::string(100'000 + ++version, 'x'));
    Reply none = ask({{"prefer", prefer}});
    EXPECT_EQ(none.header("x-cache"), "prestage") << prefer;
    EXPECT_EQ(none.header("preference-applied"), "") << prefer;
  }
  world.origin("fresh").options().strong = false;
  world.origin("fresh").change("k", "weak");
  EXPECT_EQ(ask().header("x-cache"), "bypass");
}

TEST(CacheControl, WhatIsNotToBeStoredIsNotStaged) {
  DoorWorld world;
  world.origin().change("k", std::string(100'000, 'x'));
  for (const char* control : {"no-store", "no-cache"}) {
    Reply staged = world.ask({.method = "HEAD",
                              .target = "/data/k",
                              .headers = {{"range", "bytes=0-0"}, {"cache-control", control}}});
    EXPECT_EQ(staged.header("x-cache"), "") << control;
    EXPECT_EQ(world.origin().counts("get").requests, 0U);
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
