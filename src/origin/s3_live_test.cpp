// The origin contract against a real S3 server, which tests/origin/test_s3_origin.py starts:
//
//   origin_test --gtest_filter=Live* --s3-kind=KIND --s3-url=s3://… --s3-key=ACCESS:SECRET
//
// Without these arguments there is nothing to run against, and no test.
#include <gtest/gtest.h>

#include "io/engine.h"
#include "origin/s3.h"
#include "testkit/origin_contract.h"

namespace forebay::origin {
namespace {

std::string argument(std::string_view name) {
  for (const std::string& one : testing::internal::GetArgvs()) {
    if (one.starts_with(name)) return one.substr(name.size());
  }
  return {};
}

std::vector<testkit::OriginCase> live_cases() {
  return argument("--s3-url=").empty() ? std::vector<testkit::OriginCase>()
                                       : testkit::origin_cases();
}

/// What the servers we know do in their own way.
testkit::OriginUnderTest expected(Origin& origin) {
  testkit::OriginUnderTest under{.origin = origin,
                                 .capabilities = {.conditional_put = true,
                                                  .conditional_get = true,
                                                  .part_number = true,
                                                  .start_after = true},
                                 .prefix = ""};
  if (argument("--s3-kind=") == "radosgw") {
    under.capabilities.part_number = false;
    under.checksums = false;
  }
  return under;
}

class CountingMeter final : public Meter {
 public:
  void request(std::string_view, bool) override { ++requests; }
  void body_bytes_in(uint64_t bytes) override { in += bytes; }
  void body_bytes_out(uint64_t bytes) override { out += bytes; }
  uint64_t requests = 0, in = 0, out = 0;
};

class Live : public testing::TestWithParam<testkit::OriginCase> {
 protected:
  Live() : engine_(*io::Engine::make({.loops = 1, .pool_threads = 2})), client_(engine_->loop(0)) {
    std::string key = argument("--s3-key=");
    size_t colon = std::min(key.find(':'), key.size());
    Result<S3Url> url = parse_s3_url(argument("--s3-url="));
    EXPECT_TRUE(url) << url.error().text();
    if (!url) return;
    // A prefix of its own for each case; with one run twice the server is expected to be new.
    url->prefix += std::string(GetParam().name) + "/";
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
  std::shared_ptr<CountingMeter> meter_ = std::make_shared<CountingMeter>();
  S3Options options_;
  std::shared_ptr<Origin> origin_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Live);

TEST_P(Live, keeps_the_contract) {
  ASSERT_NE(origin_, nullptr);
  auto made = engine_->run_task(create_s3_bucket(options_, ctx()));
  ASSERT_TRUE(made) << made.error().text();
  testkit::OriginUnderTest under = expected(*origin_);
  auto done = engine_->run_task(GetParam().run(under, ctx()));
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_GT(meter_->requests, 1u);
}

INSTANTIATE_TEST_SUITE_P(S3, Live, testing::ValuesIn(live_cases()), testkit::origin_case_name);

}  // namespace
}  // namespace forebay::origin
