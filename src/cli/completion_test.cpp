#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/parse.h"

namespace forebay::cli {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The line of the script that holds `part`, without what it is indented by.
std::string line_with(const std::string& script, const std::string& part) {
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line);) {
    if (line.contains(part)) return line.substr(line.find_first_not_of(' '));
  }
  return "(none)";
}

TEST(Completion, EveryCommandHasItsWordsAndOptions) {
  std::string script = bash_completion({"--config", "--data"});
  EXPECT_THAT(line_with(script, "'bucket') "),
              AllOf(HasSubstr("commands='create set ls show rm'"), HasSubstr("--s3 --admin"),
                    Not(HasSubstr("--hedge"))));
  EXPECT_THAT(line_with(script, "'bucket create') "),
              AllOf(HasSubstr("commands=''"), HasSubstr("--hedge"), HasSubstr("--native")));
  EXPECT_THAT(line_with(script, "'bucket set') "), Not(HasSubstr("--native")));
  EXPECT_THAT(line_with(script, "'ls') commands='' "), HasSubstr("--recursive"));
  EXPECT_EQ(line_with(script, "'serve') "), "'serve') commands='' options='--config --data' ;;");
  EXPECT_THAT(line_with(script, "' bucket'|"), HasSubstr("|'bucket create'|"));
}

TEST(Completion, WhatTakesAValueIsFollowedByOne) {
  std::string valued = line_with(bash_completion({"--help", "--tls-cert"}), "return ;;");
  EXPECT_THAT(valued, AllOf(StartsWith("--admin|"), HasSubstr("|--origin|"), HasSubstr("|--s3|"),
                            HasSubstr("|--tls-cert|"), EndsWith(") COMPREPLY=(); return ;;")));
  for (const char* flag : {"--wait", "--json", "--help", "--native"}) {
    EXPECT_THAT(valued, Not(HasSubstr(flag)));
  }
}

}  // namespace
}  // namespace forebay::cli
