#include "meta/postgres/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "meta/postgres/sql.h"

namespace forebay::meta {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PostgresUrl, NamesServersAndACluster) {
  PostgresUrl one = PostgresUrl::parse("postgres://me@10.0.0.1:5432/db?sslmode=disable").value();
  EXPECT_EQ(one.shown(), "10.0.0.1:5432");
  EXPECT_EQ(one.user, "me");
  EXPECT_TRUE(one.password.empty());
  EXPECT_EQ(one.database, "db");
  EXPECT_EQ(one.ssl_mode, "disable");
  EXPECT_EQ(one.schema(), "\"forebay_forebay\"");
  PostgresUrl two = PostgresUrl::parse(
                        "postgres://a%40b:p%3A%2f+%25@a:5432,b.example:80,[::1]:1/d%20b"
                        "?sslrootcert=/etc/x%20y/ca.pem&sslmode=verify-full#East_1.x-")
                        .value();
  EXPECT_EQ(two.shown(), "a:5432, b.example:80, [::1]:1");
  EXPECT_EQ(two.endpoints[2], (io::Address{"::1", 1}));
  EXPECT_EQ(two.user, "a@b");
  EXPECT_EQ(two.password.reveal(), "p:/+%");
  EXPECT_EQ(two.database, "d b");
  EXPECT_EQ(two.root_cert, "/etc/x y/ca.pem");
  EXPECT_EQ(two.schema(), "\"forebay_East_1.x-\"");
  for (std::string mode : {"disable", "require"}) {
    EXPECT_EQ(PostgresUrl::parse("postgres://u@a:1/d?sslmode=" + mode)->ssl_mode, mode);
  }
}

TEST(PostgresUrl, RefusesWhatItDoesNotUnderstandAndKeepsTheSecret) {
  for (std::string_view bad : {"",
                               "postgres:",
                               "postgres://",
                               "postgresql://u:hush@a:1/d?sslmode=require",
                               "POSTGRES://u:hush@a:1/d?sslmode=require",
                               "postgres://a:1/d?sslmode=require",
                               "postgres://@a:1/d?sslmode=require",
                               "postgres://:hush@a:1/d?sslmode=require",
                               "postgres://u:@a:1/d?sslmode=require",
                               "postgres://u:hush:hush@a:1/d?sslmode=require",
                               "postgres://u:hush@hush@a:1/d?sslmode=require",
                               "postgres://u:hush#hush@a:1/d?sslmode=require",
                               "postgres://u:hush/hush@a:1/d?sslmode=require",
                               "postgres://u:hush?hush@a:1/d?sslmode=require",
                               "postgres://u:hush%@a:1/d?sslmode=require",
                               "postgres://u:hush%00@a:1/d?sslmode=require",
                               "postgres://u:hush hush@a:1/d?sslmode=require",
                               "postgres://u:hush@a/d?sslmode=require",
                               "postgres://u:hush@a:/d?sslmode=require",
                               "postgres://u:hush@a:0/d?sslmode=require",
                               "postgres://u:hush@a:65536/d?sslmode=require",
                               "postgres://u:hush@a:01/d?sslmode=require",
                               "postgres://u:hush@/d?sslmode=require",
                               "postgres://u:hush@a:1,/d?sslmode=require",
                               "postgres://u:hush@,a:1/d?sslmode=require",
                               "postgres://u:hush@a:1,a:1/d?sslmode=require",
                               "postgres://u:hush@a b:1/d?sslmode=require",
                               "postgres://u:hush@a:1?sslmode=require",
                               "postgres://u:hush@a:1/?sslmode=require",
                               "postgres://u:hush@a:1/d/e?sslmode=require",
                               "postgres://u:hush@a:1/d",
                               "postgres://u:hush@a:1/d?",
                               "postgres://u:hush@a:1/d?sslmode=",
                               "postgres://u:hush@a:1/d?sslmode=prefer",
                               "postgres://u:hush@a:1/d?sslmode=allow",
                               "postgres://u:hush@a:1/d?sslmode=Require",
                               "postgres://u:hush@a:1/d?sslmode=require&",
                               "postgres://u:hush@a:1/d?sslmode=require&sslmode=require",
                               "postgres://u:hush@a:1/d?sslmode=require&x=y",
                               "postgres://u:hush@a:1/d?sslmode=require&sslrootcert=/ca",
                               "postgres://u:hush@a:1/d?sslmode=verify-full",
                               "postgres://u:hush@a:1/d?sslmode=verify-ca",
                               "postgres://u:hush@a:1/d?sslmode=verify-full&sslrootcert=",
                               "postgres://u:hush@a:1/d?sslmode=verify-full&sslrootcert=ca",
                               "postgres://u:hush@a:1/d?sslmode=verify-full&sslrootcert=/c%00",
                               "postgres://u:hush@a:1/d?sslmode=require#",
                               "postgres://u:hush@a:1/d?sslmode=require#a b",
                               "postgres://u:hush@a:1/d?sslmode=require#a\"b",
                               "postgres://u:hush@a:1/d?sslmode=require#ä"}) {
    auto refused = PostgresUrl::parse(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code(), Code::invalid) << bad;
    EXPECT_THAT(refused.error().text(), Not(HasSubstr("hush"))) << bad;
  }
  EXPECT_THAT(PostgresUrl::parse("postgres://u@a:1/d?sslmode=require&x=y").error().text(),
              HasSubstr("nothing else"));
  EXPECT_THAT(PostgresUrl::parse("postgres://u@a/d?sslmode=require").error().text(),
              HasSubstr("a server is not HOST:PORT"));
  std::ostringstream shown;
  shown << PostgresUrl::parse("postgres://u:hush@a:1/d?sslmode=require")->password;
  EXPECT_EQ(shown.str(), "****");
}

TEST(PostgresUrl, HasLimits) {
  const std::string end = "/d?sslmode=require";
  std::string servers = "postgres://u@m:1";
  for (size_t i = 2; i <= PostgresUrl::kMaxEndpoints; ++i) servers += ",m:" + std::to_string(i);
  EXPECT_EQ(PostgresUrl::parse(servers + end)->endpoints.size(), PostgresUrl::kMaxEndpoints);
  EXPECT_FALSE(PostgresUrl::parse(servers + ",m:99" + end));
  std::string name(PostgresUrl::kMaxName, 'n');
  EXPECT_EQ(PostgresUrl::parse("postgres://u@m:1" + end + "#" + name)->name, name);
  EXPECT_LE(PostgresUrl::parse("postgres://u@m:1" + end + "#" + name)->schema().size(), 63U + 2U);
  EXPECT_FALSE(PostgresUrl::parse("postgres://u@m:1" + end + "#" + name + "n"));
}

TEST(PostgresUrl, NoErrorTellsAPassword) {
  for (std::string_view url :
       {"postgres://u:p@S3cret/x@h:5432/db?sslmode=require",
        "postgres://u:p@h:1/d?S3cret@h:2/db?sslmode=require",
        "postgres://u:S3cret:x@h:1/d?sslmode=require", "postgres://u:p@h:1,S3cret/d?sslmode=x",
        "postgres://u:p@h:1/d#S3cret@h:2/db?sslmode=require"}) {
    Result<PostgresUrl> parsed = PostgresUrl::parse(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().text().find("S3cret"), std::string::npos) << parsed.error().text();
  }
}

TEST(PostgresVersion, OneThatIsTooOldIsRefused) {
  EXPECT_TRUE(pg::check_version(120000));
  for (int old : {119999, 110022, 0}) {
    Result<> known = pg::check_version(old);
    ASSERT_FALSE(known);
    EXPECT_EQ(known.error().code(), Code::invalid);
    EXPECT_THAT(known.error().text(), HasSubstr("PostgreSQL 12 or newer"));
  }
}

}  // namespace
}  // namespace forebay::meta
