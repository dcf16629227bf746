#include "meta/etcd/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forebay::meta {
namespace {

TEST(EtcdUrl, NamesMembersAndACluster) {
  EtcdUrl one = EtcdUrl::parse("etcd://10.0.0.1:2379").value();
  EXPECT_EQ(one.shown(), "http://10.0.0.1:2379");
  EXPECT_EQ(one.prefix, "forebay/");
  EtcdUrl three = EtcdUrl::parse("etcd://a:2379,b.example:80,[::1]:2380/East_1.x-").value();
  EXPECT_EQ(three.shown(), "http://a:2379, http://b.example, http://[::1]:2380");
  EXPECT_EQ(three.endpoints[2].host, "::1");
  EXPECT_EQ(three.prefix, "East_1.x-/");
}

TEST(EtcdUrl, RefusesWhatItDoesNotUnderstand) {
  for (std::string_view bad : {"",
                               "etcd:",
                               "etcd://",
                               "etcd:///x",
                               "http://a:1",
                               "ETCD://a:1",
                               "etcd://a",
                               "etcd://a:",
                               "etcd://a:0",
                               "etcd://a:65536",
                               "etcd://a:02379",
                               "etcd://a:1,",
                               "etcd://,a:1",
                               "etcd://a:1,,b:1",
                               "etcd://a:1,a:1",
                               "etcd://u:p@a:1",
                               "etcd://a:1 ",
                               "etcd://a b:1",
                               "etcd://a:1/",
                               "etcd://a:1/x/",
                               "etcd://a:1/x/y",
                               "etcd://a:1/x?y",
                               "etcd://a:1?x",
                               "etcd://a:1/ä",
                               "etcd://[::1:1",
                               "etcd://http://a:1",
                               "etcd://a:1/x "}) {
    auto refused = EtcdUrl::parse(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code(), Code::invalid);
    EXPECT_THAT(refused.error().text(), testing::HasSubstr(std::string(bad)));
  }
}

TEST(EtcdUrl, HasLimits) {
  std::string members = "etcd://m:1";
  for (size_t i = 2; i <= EtcdUrl::kMaxEndpoints; ++i) members += ",m:" + std::to_string(i);
  EXPECT_EQ(EtcdUrl::parse(members)->endpoints.size(), EtcdUrl::kMaxEndpoints);
  EXPECT_FALSE(EtcdUrl::parse(members + ",m:99"));
  std::string name(EtcdUrl::kMaxName, 'n');
  EXPECT_EQ(EtcdUrl::parse("etcd://m:1/" + name)->prefix, name + "/");
  EXPECT_FALSE(EtcdUrl::parse("etcd://m:1/" + name + "n"));
}

}  // namespace
}  // namespace forebay::meta
