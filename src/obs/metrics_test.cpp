#include "obs/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>
#include <thread>

namespace forebay::obs {
namespace {

using testing::HasSubstr;

TEST(Counter, AddsFromManyThreads) {
  for (uint32_t shards : {1u, 3u, 8u}) {
    Counter counter(shards);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10000; ++i) counter.add();
        counter.add(5);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(counter.value(), 40020u);
  }
}

TEST(Gauge, GoesUpAndDown) {
  Gauge gauge;
  gauge.set(5);
  gauge.add(3);
  gauge.sub(10);
  EXPECT_EQ(gauge.value(), -2);
}

TEST(GaugeHold, CountsWhileItLives) {
  Gauge gauge;
  {
    GaugeHold one(gauge);
    GaugeHold moved = std::move(one);
    GaugeHold two(gauge, 4);
    EXPECT_EQ(gauge.value(), 5);
  }
  EXPECT_EQ(gauge.value(), 0);
}

TEST(Histogram, BoundsAreOneTwoFive) {
  EXPECT_EQ(Histogram::bound(0), microseconds(10));
  EXPECT_EQ(Histogram::bound(1), microseconds(20));
  EXPECT_EQ(Histogram::bound(2), microseconds(50));
  EXPECT_EQ(Histogram::bound(3), microseconds(100));
  EXPECT_EQ(Histogram::bound(Histogram::kBuckets - 1), seconds(100));
}

TEST(Histogram, ABoundBelongsToItsBucket) {
  for (size_t b = 0; b < Histogram::kBuckets; ++b) {
    EXPECT_EQ(Histogram::bucket_of(Histogram::bound(b)), b);
    EXPECT_EQ(Histogram::bucket_of(Histogram::bound(b) + nanoseconds(1)), b + 1);
  }
  EXPECT_EQ(Histogram::bucket_of({}), 0u);
  EXPECT_EQ(Histogram::bucket_of(nanoseconds(-1)), 0u);
}

TEST(Histogram, BucketsAgreeWithASearchFromTheStart) {
  uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    // All magnitudes alike: so many bits, then so few.
    Duration length{static_cast<int64_t>((state >> 16) >> (state % 48))};
    size_t expected = 0;
    while (expected < Histogram::kBuckets && Histogram::bound(expected) < length) ++expected;
    ASSERT_EQ(Histogram::bucket_of(length), expected) << length.ns;
  }
}

TEST(Histogram, AddsFromManyThreads) {
  Histogram histogram(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) histogram.observe(milliseconds(1));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.snapshot().count, 20'000u);
  EXPECT_NEAR(histogram.snapshot().sum_seconds, 20.0, 1e-9);
}

TEST(Histogram, CountsAndSums) {
  Histogram histogram(4);
  histogram.observe(microseconds(5));
  histogram.observe(milliseconds(1));
  histogram.observe(seconds(1000));
  histogram.observe(nanoseconds(-5));
  Histogram::Snapshot now = histogram.snapshot();
  EXPECT_EQ(now.count, 4u);
  EXPECT_EQ(now.counts[0], 2u);
  EXPECT_EQ(now.counts[6], 1u);
  EXPECT_EQ(now.counts[Histogram::kBuckets], 1u);
  EXPECT_NEAR(now.sum_seconds, 1000.001005, 1e-9);
}

// What promtool's linter and Prometheus' parser ask of a text.
void expect_well_formed(const std::string& text) {
  static const std::regex kHelp(R"(# HELP ([a-z][a-z0-9_]*) \S.*)");
  static const std::regex kType(R"(# TYPE ([a-z][a-z0-9_]*) (counter|gauge|histogram))");
  static const std::regex kSample(R"re(([a-z][a-z0-9_]*)(\{[a-z_]+="([^"\\\n]|\\["\\n])*")re"
                                  R"re((,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? )re"
                                  R"re(([0-9.e+-]+|\+Inf|-Inf|NaN|nan|inf))re");
  ASSERT_TRUE(text.ends_with('\n'));
  std::set<std::string> seen, samples;
  std::string family, kind, line;
  for (std::istringstream in(text); std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kHelp)) {
      family = match[1];
      kind.clear();
      EXPECT_TRUE(seen.insert(family).second) << "family twice: " << family;
    } else if (std::regex_match(line, match, kType)) {
      EXPECT_EQ(match[1], family);
      kind = match[2];
      EXPECT_EQ(kind == "counter", family.ends_with("_total")) << family;
    } else {
      ASSERT_TRUE(std::regex_match(line, match, kSample)) << line;
      EXPECT_FALSE(kind.empty()) << line;
      EXPECT_TRUE(match[1].str().starts_with(family)) << line;
      EXPECT_TRUE(samples.insert(match[1].str() + match[2].str()).second) << line;
    }
  }
}

TEST(Registry, RendersWellFormedText) {
  Registry registry;
  registry.counter("forebay_requests_total", "Requests.", {{"operation", "GetObject"}}).add(7);
  registry.counter("forebay_requests_total", "Requests.", {{"operation", "q\"\\\n"}}).add(1);
  registry.gauge("forebay_fills_inflight", "Fills that run now.").set(-3);
  registry.histogram("forebay_request_seconds", "Time.", {{"operation", "GetObject"}})
      .observe(milliseconds(30));
  registry.gauge_from("forebay_cache_bytes", "Bytes\nkept \\ here.", {}, [] { return 1.5; });
  registry.counter_from("forebay_polls_total", "Polls.", {{"loop", "0"}},
                        [] { return uint64_t{1} << 60; });
  std::string text = registry.render();
  expect_well_formed(text);
  EXPECT_THAT(text, HasSubstr("# HELP forebay_cache_bytes Bytes\\nkept \\\\ here.\n"
                              "# TYPE forebay_cache_bytes gauge\nforebay_cache_bytes 1.5\n"));
  EXPECT_THAT(text, HasSubstr("forebay_fills_inflight -3\n"));
  EXPECT_THAT(text, HasSubstr("forebay_polls_total{loop=\"0\"} 1152921504606846976\n"));
  EXPECT_THAT(text, HasSubstr("forebay_requests_total{operation=\"GetObject\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("forebay_requests_total{operation=\"q\\\"\\\\\\n\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("forebay_request_seconds_bucket{operation=\"GetObject\",le=\"0.02\"} "
                              "0\n"));
  EXPECT_THAT(text, HasSubstr("forebay_request_seconds_bucket{operation=\"GetObject\",le=\"0.05\"} "
                              "1\n"));
  EXPECT_THAT(text, HasSubstr("forebay_request_seconds_bucket{operation=\"GetObject\",le=\"+Inf\"} "
                              "1\n"));
  EXPECT_THAT(text, HasSubstr("forebay_request_seconds_sum{operation=\"GetObject\"} 0.03\n"));
  EXPECT_THAT(text, HasSubstr("forebay_request_seconds_count{operation=\"GetObject\"} 1\n"));
}

TEST(Registry, AnEmptyOneRendersNothing) { EXPECT_EQ(Registry().render(), ""); }

TEST(Registry, TheSameNameAndLabelsAreTheSameInstrument) {
  Registry registry;
  Counter& one = registry.counter("a_total", "A.", {{"x", "1"}});
  EXPECT_EQ(&one, &registry.counter("a_total", "A.", {{"x", "1"}}));
  EXPECT_NE(&one, &registry.counter("a_total", "A.", {{"x", "2"}}));
  EXPECT_EQ(&registry.gauge("b", "B."), &registry.gauge("b", "B."));
  EXPECT_EQ(&registry.histogram("c_seconds", "C."), &registry.histogram("c_seconds", "C."));
}

TEST(Registry, FamiliesComeByNameAndOnce) {
  Registry registry;
  registry.gauge("z", "Z.");
  registry.gauge("b", "B.", {{"x", "2"}});
  registry.counter("a_total", "A.");
  registry.gauge("b", "B.", {{"x", "1"}});
  EXPECT_EQ(registry.render(),
            "# HELP a_total A.\n# TYPE a_total counter\na_total 0\n"
            "# HELP b B.\n# TYPE b gauge\nb{x=\"2\"} 0\nb{x=\"1\"} 0\n"
            "# HELP z Z.\n# TYPE z gauge\nz 0\n");
}

TEST(Registry, AnEmptyHistogramHasAllItsBuckets) {
  Registry registry;
  registry.histogram("a_seconds", "A.");
  std::string text = registry.render();
  expect_well_formed(text);
  for (const char* bound :
       {"1e-05", "2e-05", "5e-05", "1e-04", "0.001", "1", "10", "100", "+Inf"}) {
    EXPECT_THAT(text, HasSubstr("a_seconds_bucket{le=\"" + std::string(bound) + "\"} 0\n"));
  }
  EXPECT_THAT(text, HasSubstr("a_seconds_sum 0\na_seconds_count 0\n"));
}

TEST(Registry, BucketsAreCumulative) {
  Registry registry;
  Histogram& histogram = registry.histogram("a_seconds", "A.");
  histogram.observe(microseconds(15));
  histogram.observe(milliseconds(15));
  histogram.observe(seconds(15));
  histogram.observe(seconds(150));
  std::string text = registry.render();
  EXPECT_THAT(text, HasSubstr("le=\"1e-05\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("le=\"2e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("le=\"0.01\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("le=\"0.02\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("le=\"20\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("le=\"100\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("a_seconds_count 4\n"));
}

TEST(Registry, RendersWhileOthersCount) {
  Registry registry(2);
  Counter& counter = registry.counter("a_total", "A.");
  Histogram& histogram = registry.histogram("b_seconds", "B.");
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        counter.add();
        histogram.observe(microseconds(i % 1000));
        registry.gauge("c", "C.", {{"thread", std::to_string(t)}, {"i", std::to_string(i % 5)}})
            .set(i);
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    std::string text = registry.render();
    if (i % 10 == 0) expect_well_formed(text);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.snapshot().count, counter.value());
}

TEST(Registry, ValuesOfOthersAreReadAtEachScrape) {
  Registry registry;
  uint64_t count = 1;
  double level = 0.25;
  registry.counter_from("a_total", "A.", {}, [&] { return count; });
  registry.gauge_from("b", "B.", {{"x", "1"}}, [&] { return level; });
  EXPECT_THAT(registry.render(), HasSubstr("a_total 1\n"));
  count = 2;
  level = 1e12;
  EXPECT_THAT(registry.render(), HasSubstr("a_total 2\n"));
  EXPECT_THAT(registry.render(), HasSubstr("b{x=\"1\"} 1e+12\n"));
}

using RegistryDeathTest = testing::Test;

TEST(RegistryDeathTest, RefusesWhatPrometheusWould) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  Registry registry;
  registry.gauge("a", "A.");
  EXPECT_DEATH(registry.counter("a", "A."), "_total");
  EXPECT_DEATH(registry.gauge("a_total", "A."), "_total");
  EXPECT_DEATH(registry.gauge("0a", "A."), "name");
  EXPECT_DEATH(registry.gauge("b", ""), "help");
  EXPECT_DEATH(registry.gauge("a", "A.", {{"x", "1"}}), "labels");
  EXPECT_DEATH(registry.histogram("a_bytes", "A."), "seconds");
  EXPECT_DEATH(registry.gauge("b", "B.", {{"le", "1"}}), "label");
  EXPECT_DEATH(registry.gauge("b", "B.", {{"a-b", "1"}}), "label");
  EXPECT_DEATH(registry.gauge("b", "B.", {{"__x", "1"}}), "label");
  EXPECT_DEATH(registry.histogram("a", "A."), "kinds|seconds");
  registry.gauge_from("c", "C.", {}, [] { return 0.0; });
  EXPECT_DEATH(registry.gauge_from("c", "C.", {}, [] { return 0.0; }), "two places");
  EXPECT_DEATH(registry.gauge("c", "C."), "somebody else");
}

}  // namespace
}  // namespace forebay::obs
