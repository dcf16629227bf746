#include "cli/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace forebay::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

CommandLine good(std::vector<std::string> arguments) {
  auto parsed = parse(arguments, "1");
  if (auto* say = std::get_if<Say>(&parsed)) {
    ADD_FAILURE() << say->text;
    return {};
  }
  return std::get<CommandLine>(parsed);
}

template <class C>
C command(std::vector<std::string> arguments) {
  CommandLine line = good(std::move(arguments));
  if (auto* one = std::get_if<C>(&line.command)) return *one;
  ADD_FAILURE() << "another command";
  return {};
}

Say said(std::vector<std::string> arguments) {
  auto parsed = parse(arguments, "1");
  if (auto* say = std::get_if<Say>(&parsed)) return *say;
  ADD_FAILURE() << "a command";
  return {-1, ""};
}

TEST(Parse, BucketCreateTakesAllItsOptions) {
  auto create = command<BucketCreate>(
      {"bucket", "create", "images", "--origin", "s3://b/p?region=r", "--freshness", "ttl:5s",
       "--fill", "adaptive", "--verify", "always", "--hedge", "p95", "--origin-access-key", "A",
       "--origin-secret-key", "S", "--origin-region", "R"});
  EXPECT_EQ(create.name, "images");
  EXPECT_EQ(create.origin, "s3://b/p?region=r");
  EXPECT_EQ(create.freshness, "ttl:5s");
  EXPECT_EQ(create.fill, "adaptive");
  EXPECT_EQ(create.verify, "always");
  EXPECT_EQ(create.hedge, "p95");
  EXPECT_EQ(create.origin_access_key, "A");
  EXPECT_EQ(create.origin_secret_key.reveal(), "S");
  EXPECT_EQ(create.origin_region, "R");
  EXPECT_EQ(create.origin_profile, "");
}

TEST(Parse, BucketCreateNeedsOnlyAName) {
  auto create = command<BucketCreate>({"bucket", "create", "images"});
  EXPECT_EQ(create.origin, "");
  EXPECT_TRUE(create.origin_secret_key.empty());
  create = command<BucketCreate>({"bucket", "create", "--origin-profile", "lab", "images"});
  EXPECT_EQ(create.name, "images");
  EXPECT_EQ(create.origin_profile, "lab");
}

TEST(Parse, BucketNouns) {
  EXPECT_FALSE(command<BucketList>({"bucket", "ls"}).json);
  EXPECT_TRUE(command<BucketList>({"bucket", "ls", "--json"}).json);
  EXPECT_EQ(command<BucketShow>({"bucket", "show", "b"}).name, "b");
  EXPECT_TRUE(command<BucketShow>({"bucket", "show", "--json", "b"}).json);
  EXPECT_EQ(command<BucketRemove>({"bucket", "rm", "b"}).name, "b");
}

TEST(Parse, Objects) {
  EXPECT_EQ(command<List>({"ls"}).path, "");
  EXPECT_EQ(command<List>({"ls", "b/p"}).path, "b/p");
  EXPECT_TRUE(command<List>({"ls", "-r", "b"}).recursive);
  EXPECT_TRUE(command<List>({"ls", "b", "--recursive"}).recursive);
  EXPECT_EQ(command<Cat>({"cat", "b/k"}).path, "b/k");
  EXPECT_EQ(command<Stat>({"stat", "b/k"}).path, "b/k");
  EXPECT_FALSE(command<Remove>({"rm", "b/k"}).recursive);
  EXPECT_TRUE(command<Remove>({"rm", "b/k", "-r"}).recursive);
  EXPECT_FALSE(command<ShowStatus>({"status"}).json);
}

TEST(Parse, CpHasDefaultsAndLimits) {
  auto copy = command<Copy>({"cp", "a", "s3://b/k"});
  EXPECT_EQ(copy.source, "a");
  EXPECT_EQ(copy.target, "s3://b/k");
  EXPECT_EQ(copy.part_mib, 16u);
  EXPECT_EQ(copy.parallel, 4u);
  EXPECT_FALSE(copy.quiet);
  copy = command<Copy>(
      {"cp", "-q", "-", "b/k", "--part-size", "5", "--parallel", "64", "--content-type", "x/y"});
  EXPECT_EQ(copy.source, "-");
  EXPECT_EQ(copy.part_mib, 5u);
  EXPECT_EQ(copy.parallel, 64u);
  EXPECT_EQ(copy.content_type, "x/y");
  EXPECT_TRUE(copy.quiet);
  EXPECT_EQ(said({"cp", "a", "b", "--part-size", "4"}).exit_code, 2);
  EXPECT_EQ(command<Copy>({"cp", "a", "b", "--part-size", "5120"}).part_mib, 5120u);
  EXPECT_EQ(said({"cp", "a", "b", "--part-size", "5121"}).exit_code, 2);
  EXPECT_EQ(said({"cp", "a", "b", "--parallel", "0"}).exit_code, 2);
  EXPECT_EQ(said({"cp", "a", "b", "--parallel", "65"}).exit_code, 2);
  EXPECT_EQ(said({"cp", "a", "b", "--parallel", "many"}).exit_code, 2);
}

TEST(Parse, TheConnectionStandsBeforeOrAfterTheCommand) {
  for (std::vector<std::string> arguments :
       {std::vector<std::string>{"--s3", "h:1", "--admin", "h:2", "--data", "/d", "--ca-bundle",
                                 "/c", "ls", "b"},
        {"ls", "b", "--s3", "h:1", "--admin", "h:2", "--data", "/d", "--ca-bundle", "/c"},
        {"--s3=h:1", "ls", "--admin=h:2", "b", "--data=/d", "--ca-bundle=/c"}}) {
    CommandLine line = good(arguments);
    EXPECT_EQ(line.connection.s3, "h:1");
    EXPECT_EQ(line.connection.admin, "h:2");
    EXPECT_EQ(line.connection.data, "/d");
    EXPECT_EQ(line.connection.authorities_file, "/c");
    EXPECT_EQ(std::get<List>(line.command).path, "b");
  }
  EXPECT_EQ(good({"bucket", "ls", "--admin", "h:2"}).connection.admin, "h:2");
}

TEST(Parse, WhatIsTooMuchOrTooLittleIsSaid) {
  const std::map<std::string, std::vector<std::string>> wrong = {
      {"a command is missing: serve help bucket ls", {}},
      {"a command is missing: create set ls show rm\n", {"bucket"}},
      {"name", {"bucket", "create"}},
      {"target", {"cp", "a"}},
      {"path", {"cat"}},
      {"--nonsense", {"ls", "--nonsense"}},
      {"extra", {"status", "extra"}},
      {"--s3", {"ls", "--s3"}},
  };
  for (const auto& [word, arguments] : wrong) {
    Say say = said(arguments);
    EXPECT_EQ(say.exit_code, 2);
    EXPECT_THAT(say.text, HasSubstr(word));
    EXPECT_THAT(say.text, HasSubstr("--help"));
  }
}

TEST(Parse, TheWordThatIsWrongIsNamed) {
  struct Case {
    std::vector<std::string> arguments;
    std::string text;
  };
  for (const Case& c : {
           Case{{"serv"}, "unknown command 'serv'; did you mean serve?"},
           Case{{"--data", "D", "serv", "--x"}, "unknown command 'serv'; did you mean serve?"},
           Case{{"nonsense"}, "unknown command 'nonsense'"},
           Case{{"bucket", "crate", "b"}, "unknown command 'crate'; did you mean create?"},
           Case{{"bucket", "list"}, "unknown command 'list'; did you mean ls?"},
           Case{{"bucket", "create", "b", "--freshnes", "exact"},
                "unknown option '--freshnes'; did you mean --freshness?"},
           Case{{"ls", "--dat", "D"}, "unknown option '--dat'; did you mean --data?"},
           Case{{"status", "--jsn"}, "unknown option '--jsn'; did you mean --json?"},
           Case{{"bucket", "set", "b", "--freshness", "exact"},
                "unknown option '--freshness' here; it is one of 'bucket create'"},
           Case{{"cp", "a", "b", "--recursive"},
                "unknown option '--recursive' here; it is one of 'ls', 'rm'"},
           Case{{"ls", "--json"}, "unknown option '--json'"},
           Case{{"rm", "b/k", "--wiat"}, "unknown option '--wiat'; did you mean --wait?"},
           Case{{"ls", "b", "--wait"},
                "unknown option '--wait' here; it is one of 'rm', 'prefetch'"},
           Case{{"ls", "--max-bytes=1"},
                "unknown option '--max-bytes' here; it is one of 'bucket create', 'bucket set'"},
           Case{{"status", "extra", "more"}, "unexpected argument 'extra'"},
           Case{{"ls", "b", "--sise", "1GiB"}, "unknown option '--sise'"},
           Case{{"ls", "--sise=1GiB"}, "unknown option '--sise'"},
           Case{{"--nonsense", "ls"}, "unknown option '--nonsense'"},
           Case{{"-="}, "unknown option '-'"},
           Case{{"ls", "-="}, "unknown option '-'"},
           Case{{"bukcet", "ls"}, "unexpected argument 'bukcet'; did you mean bucket?"},
           Case{{"sttaus"}, "unknown command 'sttaus'; did you mean status?"},
       }) {
    EXPECT_THAT(said(c.arguments).text, testing::StartsWith(c.text + "\n"));
  }
  EXPECT_EQ(said({"--data", "D", "serve"}).text, "serve comes first: forebay serve --data DIR\n");
  EXPECT_EQ(said({"--data", "D", "serve", "--disk", "/d"}).exit_code, 2);
  EXPECT_EQ(said({"s3-compatibility", "--json"}).exit_code, 2);
  EXPECT_EQ(said({"--s3", "h:1", "s3-compatibility"}).text, "s3-compatibility takes no options\n");
  EXPECT_THAT(said({"--help"}).text, HasSubstr("s3-compatibility"));
  EXPECT_THAT(said({"bucket", "create", "--help"}).text, Not(HasSubstr("Excludes")));
  EXPECT_THAT(said({"--help"}).text, HasSubstr("Run the daemon"));
}

TEST(Parse, HelpIsNoMistake) {
  for (std::vector<std::string> arguments :
       {std::vector<std::string>{"--help"}, {"-h"}, {"bucket", "--help"}, {"cp", "--help"}}) {
    Say say = said(arguments);
    EXPECT_EQ(say.exit_code, 0);
    EXPECT_THAT(say.text, HasSubstr("Usage"));
  }
  EXPECT_THAT(said({"cp", "--help"}).text, HasSubstr("standard input"));
  EXPECT_EQ(said({"--version"}).text, "forebay 1\n");
}

TEST(Parse, HelpIsAWordToo) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(spell_out_help({"help"}), Words{"--help"});
  EXPECT_EQ(spell_out_help({"help", "serve"}), (Words{"serve", "--help"}));
  EXPECT_EQ(spell_out_help({"help", "bucket", "create"}), (Words{"bucket", "create", "--help"}));
  EXPECT_EQ(spell_out_help({"ls", "help"}), (Words{"ls", "help"}));
  EXPECT_EQ(spell_out_help({}), Words{});
  EXPECT_EQ(said({"serv", "--help"}).exit_code, 2);
  EXPECT_THAT(said({"serv", "--help"}).text,
              testing::StartsWith("unknown command 'serv'; did you mean serve?\n"));
  EXPECT_EQ(said({"ls", "--nonsense", "--help"}).exit_code, 0);
  EXPECT_EQ(said({"--data", "D", "help"}).exit_code, 0);
  EXPECT_EQ(said({"--data", "D", "help"}).text, said({"--help"}).text);
}

}  // namespace
}  // namespace forebay::cli
