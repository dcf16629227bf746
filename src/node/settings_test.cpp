#include "node/settings.h"

#include <gtest/gtest.h>

#include <array>
#include <regex>
#include <set>

#include "cli/parse.h"
#include "cli/shell.h"

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

TEST(Settings, ASlipInANameGetsTheNameThatWasMeant) {
  Settings settings;
  EXPECT_EQ(set(settings, "cach_size", "1").error().text(),
            "there is no setting 'cach_size'; did you mean cache-size?");
  EXPECT_EQ(set(settings, "quantum", "1").error().text(), "there is no setting 'quantum'");
  EXPECT_TRUE(read({"--cach-size", "1GiB"})
                  .error()
                  .text()
                  .starts_with("unknown option '--cach-size'; did you mean --cache-size?\n"));
  EXPECT_TRUE(read({"--cach-size=1GiB"}).error().text().contains("did you mean --cache-size?"));
}

TEST(Settings, TheDefaultFolderIsTheOneThatCommandsLookInto) {
  EXPECT_EQ(Settings().data, cli::kDefaultData);
}

TEST(Settings, CertificateAndKeyComeTogether) {
  EXPECT_TRUE(read({"--tls-cert", "a", "--tls-key", "b"}));
  EXPECT_FALSE(read({"--tls-cert", "a"}));
  EXPECT_FALSE(read({"--tls-key", "b"}));
}

TEST(Settings, AVariableThatIsNoneIsRefusedByName) {
  auto refused = read_settings({}, {{"FOREBAY_CACHE_SIZ", "1GiB"}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("FOREBAY_CACHE_SIZ is no setting; did you mean "
                                        "FOREBAY_CACHE_SIZE?"),
            std::string::npos)
      << refused.error().text();
  EXPECT_FALSE(read_settings({}, {{"FOREBAY_XYZ", "1"}}).error().text().contains("did you mean"));
  for (const char* name : {"FOREBAY_", "FOREBAY_S3_PORT", "FOREBAY_PORT_S3_TCP", "FOREBAY_s3"}) {
    EXPECT_FALSE(read_settings({}, {{name, "9000"}})) << name;
  }
  EXPECT_TRUE(read_settings({}, {{"FOREBAY_CACHE_SIZ", ""}, {"FOREBAYS", "1"}}));
  auto read = read_settings({}, {{"FOREBAY_CACHE_SIZE", "1GiB"}});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->cache_size.bytes, 1ULL << 30);
}

// What the client's commands read stands in the same environment, and what Kubernetes puts there.
TEST(Settings, VariablesOfOthersPass) {
  std::set<std::string> named;
  for (std::vector<std::string> help :
       {std::vector<std::string>{"--help"}, {"bucket", "create", "--help"}}) {
    help.push_back("--help");
    std::string text = std::get<cli::Say>(cli::parse(help, "1")).text;
    std::regex word("FOREBAY_[A-Z0-9_]+");
    for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) {
      named.insert(it->str());
    }
  }
  EXPECT_TRUE(named.contains("FOREBAY_ORIGIN_SECRET_KEY") && named.contains("FOREBAY_CA_BUNDLE"));
  Environment environment{{"FOREBAY_SERVICE_HOST", "10.0.0.7"},
                          {"FOREBAY_SERVICE_PORT", "9000"},
                          {"FOREBAY_ADMIN_SERVICE_PORT_HTTP", "9001"},
                          {"FOREBAY_PORT", "tcp://10.0.0.7:9000"},
                          {"FOREBAY_PORT_9000_TCP", "tcp://10.0.0.7:9000"},
                          {"FOREBAY_PORT_9000_TCP_ADDR", "10.0.0.7"}};
  for (const std::string& name : named) environment.emplace_back(name, "127.0.0.1:1");
  auto read = read_settings({}, environment);
  EXPECT_TRUE(read) << read.error().text();
}

TEST(Settings, ADiskIsNamedOnce) {
  for (const char* again : {"/a", "/a/", "/b/../a", "//a", "/a/."}) {
    auto settings = read({"--disk", "/a", "--disk", again});
    ASSERT_FALSE(settings) << again;
    EXPECT_NE(settings.error().text().find("named twice"), std::string::npos)
        << settings.error().text();
  }
  EXPECT_TRUE(read({"--disk", "/a", "--disk", "/a/b"}));
}

TEST(Settings, DisksAddUp) {
  auto settings = read({"--disk", "/a", "--disk", "/b,/c"});
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_EQ(settings->disk, (std::vector<std::string>{"/a", "/b", "/c"}));
}

}  // namespace
}  // namespace forebay::node
