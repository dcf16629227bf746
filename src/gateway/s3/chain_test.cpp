// One Forebay in front of another: the contract of origins through the `s3` origin, a door, and the
// origin in memory behind it. What the one side says in S3's words the other must understand.
#include <gtest/gtest.h>

#include "gateway/s3/world_test.h"
#include "http/client.h"
#include "origin/s3/s3.h"
#include "testkit/origin_contract.h"

namespace forebay::gateway::s3 {
namespace {

class Chain : public testing::TestWithParam<testkit::OriginCase> {
 protected:
  Chain() : client_(world_.loop()) {
    server_.emplace(std::move(world_.loop().listen({"127.0.0.1", 9000}).value()), world_.door());
    io::start<void>(world_.loop(), server_->run(ctx()), [this](Result<>) { ended_ = true; });
    origin_ = origin::make_s3_origin(
        {.url = *origin::parse_s3_url("s3://data?endpoint=http://127.0.0.1:9000"),
         .access_key = "ROOT",
         .secret = Secret("rootsecret"),
         .client = [this](io::Loop&) -> http::Client& { return client_; }});
  }
  ~Chain() override {
    client_.close_idle();
    (void)world_.run(server_->drain(world_.loop().now(), ctx()));
    EXPECT_TRUE(ended_);
  }
  Context ctx() { return {.loop = &world_.loop()}; }

  DoorWorld world_;
  http::Client client_;
  std::optional<http::Server> server_;
  bool ended_ = false;
  std::shared_ptr<origin::Origin> origin_;
};

TEST_P(Chain, keeps_the_contract) {
  testkit::OriginUnderTest under{.origin = *origin_,
                                 .capabilities = {.conditional_put = true,
                                                  .conditional_get = true,
                                                  .part_number = true,
                                                  .start_after = true},
                                 .prefix = "",
                                 .copies = true};
  auto done = world_.run(GetParam().run(under, ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

INSTANTIATE_TEST_SUITE_P(Origin, Chain, testing::ValuesIn(testkit::origin_cases()),
                         testkit::origin_case_name);

}  // namespace
}  // namespace forebay::gateway::s3
