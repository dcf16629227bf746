#include "origin/dir.h"

#include <gtest/gtest.h>

#include "io/engine.h"
#include "testkit/origin_contract.h"

namespace forebay::origin {
namespace {

class Dir : public testing::Test {
 protected:
  Dir() : engine_(*io::Engine::make({.loops = 1, .pool_threads = 4})) {
    char name[] = "/tmp/forebay-dir-XXXXXX";
    path_ = ::mkdtemp(name);
    origin_ = make_dir_origin({.path = path_ + "/bucket", .create = true});
  }
  ~Dir() override { (void)!::system(("rm -rf " + path_).c_str()); }
  Context ctx() {
    io::Loop& loop = engine_->loop(0);
    return {.loop = &loop, .deadline = loop.now() + seconds(60)};
  }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  std::unique_ptr<io::Engine> engine_;
  std::string path_;
  std::unique_ptr<Origin> origin_;
};

class DirContract : public Dir, public testing::WithParamInterface<testkit::OriginCase> {};

TEST_P(DirContract, holds) {
  testkit::OriginUnderTest under{.origin = *origin_,
                                 .capabilities = {.conditional_put = true,
                                                  .conditional_get = true,
                                                  .part_number = true,
                                                  .start_after = true},
                                 .prefix = ""};
  auto done = run(GetParam().run(under, ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

INSTANTIATE_TEST_SUITE_P(Origin, DirContract, testing::ValuesIn(testkit::origin_cases()),
                         testkit::origin_case_name);

}  // namespace
}  // namespace forebay::origin
