// The origin contract against a real S3 server, which tests/origin/test_s3_origin.py starts:
//
//   origin_test --gtest_filter=Live* --s3-kind=KIND --s3-url=s3://… --s3-key=ACCESS:SECRET
//
// Without these arguments there is nothing to run against, and no test.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "io/engine.h"
#include "origin/s3/s3.h"
#include "testkit/origin_contract.h"

namespace forebay::origin {
namespace {

std::string argument(std::string_view name) {
  for (const std::string& one : testing::internal::GetArgvs()) {
    if (one.starts_with(name)) return one.substr(name.size());
  }
  return {};
}

/// What a server we know cannot do, whatever we ask; said beside each.
const std::multimap<std::string, std::string> kDiverges = {
    // Lists folder by folder ("a/1" before "a-b"), and knows no delimiter but '/'.
    {"seaweedfs", "lists_in_key_order"},
    {"seaweedfs", "lists_by_delimiter"},
    {"seaweedfs", "lists_by_any_delimiter"},
    {"seaweedfs", "lists_after_a_key"},
    // And goes on with versions by key: what its order puts before the marker is left out.
    {"seaweedfs", "lists_versions"},
    {"seaweedfs", "lists_versions_by_delimiter"},
    // Version 16 judges sizes before order and wants every part that was sent.
    {"radosgw", "refuses_bad_completions"},
    // "500: already in progress" where an upload was aborted.
    {"radosgw", "forgets_aborted_uploads"},
    // Its answer to GetObjectTagging of such an object is empty.
    {"radosgw", "tags_of_an_upload_are_the_objects"},
};

/// Lists are complete, page by page, also where their order is the server's own.
Task<> lists_all(testkit::OriginUnderTest& under, Context ctx) {
  std::vector<std::string> keys;
  for (std::string name : {"a-b", "a.txt", "a/1", "a/b/c", "a b+c", "b", "c/d/e", "ü/%41"}) {
    keys.push_back("all/" + name);
    co_await co_await under.origin.put(testkit::key_of(keys.back()), {}, testkit::body_of("x"),
                                       ctx);
  }
  std::sort(keys.begin(), keys.end());
  for (uint32_t size : {1u, 3u, 8u, 1000u}) {
    std::vector<std::string> seen;
    ListOptions options{.prefix = "all/", .max_keys = size};
    for (int page = 0; page < 20; ++page) {
      ListAnswer answer = co_await co_await under.origin.list(options, ctx);
      for (const ListedObject& object : answer.objects) seen.push_back(object.key);
      if (!answer.truncated) break;
      options.continuation = answer.next;
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, keys) << size;
  }
  co_return ok;
}

std::vector<testkit::OriginCase> live_cases() {
  std::vector<testkit::OriginCase> out;
  if (argument("--s3-url=").empty()) return out;
  auto [first, last] = kDiverges.equal_range(argument("--s3-kind="));
  for (const testkit::OriginCase& one : testkit::origin_cases()) {
    bool diverges = std::any_of(first, last, [&](auto& row) { return row.second == one.name; });
    if (!diverges) out.push_back(one);
  }
  out.push_back({"lists_all", lists_all});
  return out;
}

testkit::OriginUnderTest expected(Origin& origin) {
  testkit::OriginUnderTest under{.origin = origin,
                                 .capabilities = {.conditional_put = true,
                                                  .conditional_get = true,
                                                  .part_number = true,
                                                  .start_after = true},
                                 .prefix = ""};
  under.copies = true;
  if (argument("--s3-kind=") == "radosgw") {
    under.capabilities.part_number = false;
    under.checksums = false;
    under.upload_checksums = false;
    under.lists_uploads = false;  // common prefixes are left out
    under.removes_matching = false;
    under.copies = false;  // version 16 does not take the ETag that it gave as a pin
  }
  if (argument("--s3-kind=") == "seaweedfs") {
    under.lists_uploads = false;  // no order, no common prefixes
    under.tells_missing = false;
    under.replaces_parts = false;
    under.copy_sums = false;
    under.upload_checksums = false;
  }
  return under;
}

class TotalMeter final : public Meter {
 public:
  void request(std::string_view, bool) override { ++requests; }
  void body_bytes_in(uint64_t bytes) override { in += bytes; }
  void body_bytes_out(uint64_t bytes) override { out += bytes; }
  uint64_t requests = 0, in = 0, out = 0;
};

/// An origin at the place that the arguments name.
class LiveOrigin {
 protected:
  explicit LiveOrigin(std::string_view prefix)
      : engine_(*io::Engine::make({.loops = 1, .pool_threads = 2})), client_(engine_->loop(0)) {
    std::string key = argument("--s3-key=");
    size_t colon = std::min(key.find(':'), key.size());
    Result<S3Url> url = parse_s3_url(argument("--s3-url="));
    EXPECT_TRUE(url) << url.error().text();
    if (!url) return;
    url->prefix += prefix;
    options_ = {.url = *url,
                .access_key = key.substr(0, colon),
                .secret = Secret(key.substr(std::min(colon + 1, key.size()))),
                .meter = meter_,
                .client = [this](io::Loop&) -> http::Client& { return client_; }};
    origin_ = make_s3_origin(options_);
  }
  Context ctx() {
    io::Loop& loop = engine_->loop(0);
    return {.loop = &loop, .deadline = loop.now() + seconds(120)};
  }

  std::unique_ptr<io::Engine> engine_;
  http::Client client_;
  std::shared_ptr<TotalMeter> meter_ = std::make_shared<TotalMeter>();
  S3Options options_;
  std::shared_ptr<Origin> origin_;
};

/// Each case has a prefix of its own. The server is expected to be new.
class Live : public LiveOrigin, public testing::TestWithParam<testkit::OriginCase> {
 protected:
  Live() : LiveOrigin(std::string(GetParam().name) + "/") {}
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Live);

TEST_P(Live, keeps_the_contract) {
  ASSERT_NE(origin_, nullptr);
  auto made = engine_->run_task(create_s3_bucket(options_, ctx()));
  ASSERT_TRUE(made) << made.error().text();
  testkit::OriginUnderTest under = expected(*origin_);
  auto done = engine_->run_task(GetParam().run(under, ctx()));
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_GE(meter_->requests, 1u);
}

/// A plain file server with WebDAV, where "there" is ten digits. One instance, so that it is not
/// there without arguments.
class Plain : public LiveOrigin, public testing::TestWithParam<int> {
 protected:
  Plain() : LiveOrigin("") {}
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Plain);

Task<> reads_a_plain_server(Origin& origin, Context ctx) {
  Capabilities can = co_await co_await origin.probe(ctx);
  EXPECT_FALSE(can.conditional_put);
  EXPECT_TRUE(can.conditional_get);
  EXPECT_FALSE(can.part_number);
  EXPECT_FALSE(can.versions);
  ObjectKey key = testkit::key_of("there");
  ObjectInfo info = co_await co_await origin.head(key, {}, ctx);
  EXPECT_EQ(info.size, 10u);
  EXPECT_TRUE(info.tag.strong());
  GetOptions options{.range = ByteRange{2, 100}, .tag = info.tag, .etag = info.etag};
  GetAnswer answer = co_await co_await origin.get(key, options, ctx);
  std::string text = co_await co_await io::read_all(std::move(answer.body), 100, ctx);
  EXPECT_EQ(text, "23456789");
  auto part = co_await origin.head(key, {.part_number = 1}, ctx);
  EXPECT_TRUE(!part && part.error().detail() == "NotImplemented");
  ObjectKey other = testkit::key_of("new");
  auto put = co_await origin.put(other, {}, testkit::body_of("new"), ctx);
  EXPECT_TRUE(!put && put.error().code() == Code::unavailable) << "201 is not S3's answer";
  co_await co_await origin.remove(other, ctx);
  co_await co_await origin.remove(other, ctx);
  auto gone = co_await origin.head(other, {}, ctx);
  EXPECT_TRUE(!gone && gone.error().detail() == "NoSuchKey");
  co_return ok;
}

TEST_P(Plain, is_read) {
  ASSERT_NE(origin_, nullptr);
  auto done = engine_->run_task(reads_a_plain_server(*origin_, ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

std::vector<int> once() { return std::vector<int>(argument("--s3-kind=") == "nginx" ? 1 : 0); }
INSTANTIATE_TEST_SUITE_P(S3, Plain, testing::ValuesIn(once()));

INSTANTIATE_TEST_SUITE_P(S3, Live, testing::ValuesIn(live_cases()), testkit::origin_case_name);

}  // namespace
}  // namespace forebay::origin
