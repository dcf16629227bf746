#include "sign/profile.h"

#include <gtest/gtest.h>

namespace forebay::sign {
namespace {

constexpr std::string_view kFile = R"(# a comment
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key=se/cret=1
[ other ]
aws_access_key_id	=	AKIAOTHER
aws_secret_access_key =  two
aws_session_token = token
region = eu-west-1
s3 =
  region = nested
; more
[profile third]
aws_access_key_id = AKIATHIRD
)";

TEST(Profile, IsReadByName) {
  Profile profile = parse_profile(kFile).value();
  EXPECT_EQ(profile.credentials.access_key, "AKIADEFAULT");
  EXPECT_EQ(profile.credentials.secret.reveal(), "se/cret=1");
  EXPECT_EQ(profile.credentials.session_token, "");
  EXPECT_EQ(profile.region, "");
  profile = parse_profile(kFile, "other").value();
  EXPECT_EQ(profile.credentials.access_key, "AKIAOTHER");
  EXPECT_EQ(profile.credentials.secret.reveal(), "two");
  EXPECT_EQ(profile.credentials.session_token, "token");
  EXPECT_EQ(profile.region, "eu-west-1");
}

TEST(Profile, WhatLacksIsSaid) {
  EXPECT_EQ(parse_profile(kFile, "none").error().code(), Code::not_found);
  EXPECT_EQ(parse_profile(kFile, "third").error().code(), Code::invalid);
  EXPECT_EQ(parse_profile("").error().code(), Code::not_found);
  EXPECT_EQ(parse_profile("aws_access_key_id = before any section").error().code(),
            Code::not_found);
}

TEST(Profile, ARegionNeedsNoKeys) {
  EXPECT_EQ(parse_region(kFile, "other"), "eu-west-1");
  EXPECT_EQ(parse_region("[profile p]\nregion=r\n", "p"), "r");
  EXPECT_EQ(parse_region(kFile), "");
  EXPECT_EQ(parse_region(kFile, "none"), "");
}

TEST(Profile, IsWrittenAsItIsRead) {
  Profile profile{{"AKIA", Secret("s"), "t"}, "r"};
  Profile again = parse_profile(format_profile(profile, "x"), "x").value();
  EXPECT_EQ(again.credentials.access_key, "AKIA");
  EXPECT_EQ(again.credentials.secret.reveal(), "s");
  EXPECT_EQ(again.credentials.session_token, "t");
  EXPECT_EQ(again.region, "r");
  EXPECT_EQ(parse_profile("[default]\r\naws_access_key_id=A\r\naws_secret_access_key=B\r\n")
                .value()
                .credentials.secret.reveal(),
            "B");
}

}  // namespace
}  // namespace forebay::sign
