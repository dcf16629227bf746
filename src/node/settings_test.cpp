#include "node/settings.h"

#include <gtest/gtest.h>

#include <array>

namespace forebay::node {
namespace {

Result<Settings> read(std::vector<std::string> arguments) { return read_settings(arguments, {}); }

TEST(Settings, WhatCannotBeMeantIsRefused) {
  for (const auto& [name, good, bad] :
       std::vector<std::array<const char*, 3>>{{"memory", "64MiB", "67108863"},
                                               {"threads", "1024", "1025"},
                                               {"no-cache", "rfc9111", "yes"},
                                               {"log-format", "json", "xml"},
                                               {"log-level", "warn", "loud"},
                                               {"freshness", "exact", "fresh"},
                                               {"domain", "s3.example.com", "bad domain"},
                                               {"default-origin", "dir:///data", "foo"},
                                               {"s3", "[::1]:9000", "http://here:9000"},
                                               {"admin", "127.0.0.1:0", "9001"}}) {
    std::string flag = "--" + std::string(name);
    EXPECT_TRUE(read({flag, good})) << name;
    auto refused = read({flag, bad});
    ASSERT_FALSE(refused) << name;
    EXPECT_NE(refused.error().text().find("setting " + std::string(name)), std::string::npos)
        << refused.error().text();
  }
}

TEST(Settings, CertificateAndKeyComeTogether) {
  EXPECT_TRUE(read({"--tls-cert", "a", "--tls-key", "b"}));
  EXPECT_FALSE(read({"--tls-cert", "a"}));
  EXPECT_FALSE(read({"--tls-key", "b"}));
}

TEST(Settings, DisksAddUp) {
  auto settings = read({"--disk", "/a", "--disk", "/b,/c"});
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_EQ(settings->disk, (std::vector<std::string>{"/a", "/b", "/c"}));
}

}  // namespace
}  // namespace forebay::node
