#include <charconv>
#include <cstdio>

#include "seeds.h"

namespace forebay::simtest {

std::optional<uint64_t> only_seed;
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
uint64_t seed_count = 100;
#else
uint64_t seed_count = kAllSeeds;
#endif

namespace {

std::string program;

}  // namespace

std::string replay(uint64_t seed) {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  return program + " --gtest_filter=" + test->test_suite_name() + "." + test->name() +
         " --seed=" + std::to_string(seed);
}

}  // namespace forebay::simtest

int main(int argc, char** argv) {
  using namespace forebay::simtest;
  testing::InitGoogleTest(&argc, argv);
  program = argv[0];
  for (int i = 1; i < argc; ++i) {
    std::string_view text = argv[i];
    uint64_t number = 0;
    std::from_chars(text.data() + text.find('=') + 1, text.data() + text.size(), number);
    if (text.starts_with("--seed=")) {
      only_seed = number;
    } else if (text.starts_with("--seeds=")) {
      seed_count = number;
    } else {
      std::fprintf(stderr, "usage: %s [--seed=N] [--seeds=N]\n", argv[0]);
      return 2;
    }
  }
  return RUN_ALL_TESTS();
}
