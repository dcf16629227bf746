#include "node/settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <regex>
#include <set>

#include "cli/parse.h"
#include "cli/shell.h"

namespace forebay::node {
namespace {

Result<Settings> read(std::vector<std::string> arguments) { return read_settings(arguments, {}); }

/// A folder of the test's own.
struct Place {
  Place() { EXPECT_NE(mkdtemp(path.data()), nullptr); }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path = testing::TempDir() + "forebay-settings-XXXXXX";
};

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

TEST(Settings, ARootKeyHasANameThatFits) {
  auto read = [](const char* id) {
    return read_settings({},
                         {{"FOREBAY_ROOT_ACCESS_KEY", id}, {"FOREBAY_ROOT_SECRET_KEY", "secret"}});
  };
  EXPECT_TRUE(read("ROOT"));
  auto refused = read("no name");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text().starts_with("FOREBAY_ROOT_ACCESS_KEY: "));
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
  for (const std::string& name : named) {
    bool key = name == "FOREBAY_ROOT_ACCESS_KEY";
    environment.emplace_back(name, key ? "ROOT" : "127.0.0.1:1");
  }
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
}

TEST(Settings, NoDiskLiesInAnother) {
  Place place;
  std::string folder = place.path + "/real";
  std::filesystem::create_directory(folder);
  std::filesystem::create_directory_symlink(folder, place.path + "/link");
  for (const auto& [one, other] : std::vector<std::pair<std::string, std::string>>{
           {"/a", "/a/b"},
           {"/a/b", "/a"},
           {"/a/b/c", "/x/../a/"},
           {"d", "./d/e"},
           {folder, place.path + "/link/new"},
           {place.path + "/link", folder + "/new/er"}}) {
    auto settings = read({"--disk", one, "--disk", "/other", "--disk", other});
    ASSERT_FALSE(settings) << one << " " << other;
    EXPECT_NE(settings.error().text().find("setting disk: folders beside each other, and of " +
                                           one + " and " + other),
              std::string::npos)
        << settings.error().text();
  }
  EXPECT_TRUE(read({"--disk", "/a/b", "--disk", "/a/bc", "--disk", "/a/c"}));
}

TEST(Settings, TheLogsFolderIsThere) {
  Place place;
  EXPECT_TRUE(read({"--log-file", place.path + "/log"}));
  EXPECT_TRUE(read({"--log-file", "log"}));
  auto refused = read({"--log-file", place.path + "/no/log"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(),
            "setting log-file: the folder " + place.path + "/no does not exist; make it first");
  EXPECT_FALSE(std::filesystem::exists(place.path + "/no"));
}

TEST(Settings, EveryUnknownVariableIsTold) {
  auto told = unknown_variables(
      {{"FOREBAY_ADMN", "h:1"}, {"FOREBAY_S3", "h:2"}, {"FOREBAY_ENDPIONT", "h:3"}, {"HOME", "/"}});
  ASSERT_EQ(told.size(), 2u);
  EXPECT_TRUE(told[0].contains("FOREBAY_ADMN is no setting; did you mean FOREBAY_ADMIN?"))
      << told[0];
  EXPECT_TRUE(told[1].contains("FOREBAY_ENDPIONT is no setting")) << told[1];
}

TEST(Settings, DisksAddUp) {
  auto settings = read({"--disk", "/a", "--disk", "/b,/c"});
  ASSERT_TRUE(settings) << settings.error().text();
  EXPECT_EQ(settings->disk, (std::vector<std::string>{"/a", "/b", "/c"}));
}

}  // namespace
}  // namespace forebay::node
