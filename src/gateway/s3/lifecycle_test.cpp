#include "gateway/s3/lifecycle.h"

#include <gtest/gtest.h>

#include "gateway/s3/refused_test.h"

namespace forebay::gateway::s3 {
namespace {

std::string document_of(const std::string& rules) {
  return "<LifecycleConfiguration>" + rules + "</LifecycleConfiguration>";
}
std::string a_rule(const std::string& inside) { return "<Rule>" + inside + "</Rule>"; }
constexpr const char* kOn = "<Status>Enabled</Status>";
constexpr const char* kAll = "<Filter/><Status>Enabled</Status>";
constexpr const char* kDay = "<Expiration><Days>1</Days></Expiration>";

/// S3's code of the refusal; empty: it is taken.
std::string code_of(const std::string& rules) {
  auto parsed = parse_lifecycle(document_of(rules));
  return parsed ? "" : parsed.error().detail();
}
std::string code_of_one(const std::string& inside) { return code_of(a_rule(inside)); }

TEST(LifecycleDocument, limits_and_one_past_them) {
  auto days = [](const std::string& number) {
    return code_of_one(std::string(kAll) + "<Expiration><Days>" + number + "</Days></Expiration>");
  };
  EXPECT_EQ(days("1"), "");
  EXPECT_EQ(days("2147483647"), "");
  EXPECT_EQ(days("2147483648"), "MalformedXML");
  EXPECT_EQ(days("0"), "InvalidArgument");
  EXPECT_EQ(days("-1"), "InvalidArgument");
  for (const char* bad : {"", "x", "1x", "1.5", " 1"}) EXPECT_EQ(days(bad), "MalformedXML") << bad;
  auto newer = [](const std::string& number) {
    return code_of_one(std::string(kAll) +
                       "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
                       "<NewerNoncurrentVersions>" +
                       number + "</NewerNoncurrentVersions></NoncurrentVersionExpiration>");
  };
  EXPECT_EQ(newer("0"), "InvalidArgument");
  EXPECT_EQ(newer("1"), "");
  EXPECT_EQ(newer("100"), "");
  EXPECT_EQ(newer("101"), "InvalidArgument");
  auto id = [](size_t length) {
    return code_of_one("<ID>" + std::string(length, 'i') + "</ID>" + kAll + kDay);
  };
  EXPECT_EQ(id(255), "");
  EXPECT_EQ(id(256), "InvalidArgument");
  auto prefix = [](size_t length) {
    return code_of_one("<Filter><Prefix>" + std::string(length, 'p') + "</Prefix></Filter>" + kOn +
                       kDay);
  };
  EXPECT_EQ(prefix(1024), "");
  EXPECT_EQ(prefix(1025), "InvalidRequest");
  auto tags = [](int count, size_t name = 1, size_t value = 1) {
    std::string all;
    for (int i = 0; i < count; ++i) {
      all += "<Tag><Key>" + std::string(name - 1, 'k') +
             std::string(1, static_cast<char>('a' + i)) + "</Key><Value>" +
             std::string(value, 'v') + "</Value></Tag>";
    }
    return code_of_one("<Filter><And>" + all + "</And></Filter>" + kOn + kDay);
  };
  EXPECT_EQ(tags(10), "");
  EXPECT_EQ(tags(11), "BadRequest");
  EXPECT_EQ(tags(1, 128, 256), "");
  EXPECT_EQ(tags(1, 129), "InvalidTag");
  EXPECT_EQ(tags(1, 1, 257), "InvalidTag");
  auto rules = [](int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += a_rule(std::string(kAll) + kDay);
    return code_of(all);
  };
  EXPECT_EQ(rules(0), "MalformedXML");
  EXPECT_EQ(rules(1000), "");
  EXPECT_EQ(rules(1001), "InvalidArgument");
}

TEST(LifecycleDocument, filters) {
  auto filter = [](const std::string& inside, const std::string& action = kDay) {
    return code_of_one("<Filter>" + inside + "</Filter>" + kOn + action);
  };
  const std::string tag = "<Tag><Key>a</Key><Value>b</Value></Tag>";
  const std::string larger = "<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>";
  EXPECT_EQ(filter(""), "");
  EXPECT_EQ(filter(" <!-- all of it --> "), "");
  // What restricts in another way than S3's would restrict nothing.
  for (const char* odd : {"logs/", "<![CDATA[logs/]]>", "<And>logs/</And>"}) {
    EXPECT_EQ(filter(odd), "MalformedXML") << odd;
  }
  EXPECT_EQ(code_of_one(std::string("<Filter Prefix='logs/'/>") + kOn + kDay), "MalformedXML");
  EXPECT_EQ(filter("<Prefix/>"), "");
  EXPECT_EQ(filter(tag), "");
  EXPECT_EQ(filter(larger), "");
  EXPECT_EQ(filter("<And><Prefix>a</Prefix>" + tag + larger +
                   "<ObjectSizeLessThan>6</ObjectSizeLessThan></And>"),
            "");
  EXPECT_EQ(filter("<And>" + larger + "<ObjectSizeLessThan>5</ObjectSizeLessThan></And>"),
            "InvalidRequest");
  EXPECT_EQ(filter("<ObjectSizeLessThan>0</ObjectSizeLessThan>"), "InvalidRequest");
  EXPECT_EQ(filter("<ObjectSizeLessThan>-1</ObjectSizeLessThan>"), "MalformedXML");
  EXPECT_EQ(filter("<And>" + tag + tag + "</And>"), "InvalidTag");
  for (const std::string& bad :
       {std::string("<And/>"), "<And>" + larger + larger + "</And>", tag + "<Prefix>a</Prefix>",
        std::string("<And><And><Prefix>a</Prefix></And></And>"), std::string("<Suffix>a</Suffix>"),
        std::string("<Tag><Key>a</Key></Tag>"),
        std::string("<And><Prefix>a</Prefix><Prefix>b</Prefix></And>")}) {
    EXPECT_EQ(filter(bad), "MalformedXML") << bad;
  }
  const std::string abort =
      "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
      "</AbortIncompleteMultipartUpload>";
  const std::string marker =
      "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
  for (const std::string& action : {abort, marker}) {
    EXPECT_EQ(filter("<Prefix>a</Prefix>", action), "");
    EXPECT_EQ(filter(tag, action), "InvalidRequest");
    EXPECT_EQ(filter(larger, action), "InvalidRequest");
    EXPECT_EQ(filter(tag, action + kDay), action == abort ? "InvalidRequest" : "MalformedXML");
  }
}

TEST(LifecycleDocument, what_a_rule_must_and_must_not_have) {
  EXPECT_EQ(code_of_one(std::string("<Prefix>a</Prefix>") + kOn + kDay), "");
  EXPECT_EQ(code_of_one(std::string(kOn) + kDay), "MalformedXML");
  EXPECT_EQ(code_of_one(std::string("<Prefix/><Filter/>") + kOn + kDay), "MalformedXML");
  EXPECT_EQ(code_of_one(std::string("<Filter/>") + kDay), "MalformedXML");
  EXPECT_EQ(code_of_one(std::string(kAll) + kOn + kDay), "MalformedXML");
  EXPECT_EQ(code_of_one(std::string("<Filter/><Status>on</Status>") + kDay), "MalformedXML");
  EXPECT_EQ(code_of_one(kAll), "InvalidRequest");
  EXPECT_EQ(code_of_one(std::string(kAll) + kDay + kDay), "MalformedXML");
  EXPECT_EQ(code_of_one(std::string(kAll) + kDay + "<Later/>"), "MalformedXML");
  EXPECT_EQ(code_of_one("<ID>a</ID><ID>b</ID>" + std::string(kAll) + kDay), "MalformedXML");
  std::string named = a_rule("<ID>a</ID>" + std::string(kAll) + kDay);
  EXPECT_EQ(code_of(named + named), "InvalidArgument");
  EXPECT_EQ(code_of(named + "<Other/>"), "MalformedXML");
  for (const char* move : {"<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass>"
                           "</Transition>",
                           "<NoncurrentVersionTransition/>"}) {
    EXPECT_EQ(code_of_one(std::string(kAll) + kDay + move), "NotImplemented");
  }
  auto expiration = [](const std::string& inside) {
    return code_of_one(std::string(kAll) + "<Expiration>" + inside + "</Expiration>");
  };
  EXPECT_EQ(expiration(""), "MalformedXML");
  EXPECT_EQ(expiration("<Days>1</Days><Date>2026-01-01T00:00:00Z</Date>"), "MalformedXML");
  EXPECT_EQ(expiration("<Date>2026-01-01T00:00:00Z</Date>"), "");
  EXPECT_EQ(expiration("<Date>2026-01-01T00:00:00.000Z</Date>"), "");
  EXPECT_EQ(expiration("<Date>1970-01-01T00:00:00Z</Date>"), "");
  EXPECT_EQ(expiration("<Date>1969-12-31T00:00:00Z</Date>"), "MalformedXML");
  EXPECT_EQ(expiration("<Date>2026-01-01T00:00:01Z</Date>"), "InvalidArgument");
  EXPECT_EQ(expiration("<Date>2026-01-01T00:00:00.001Z</Date>"), "InvalidArgument");
  EXPECT_EQ(expiration("<Date>2026-02-30T00:00:00Z</Date>"), "MalformedXML");
  EXPECT_EQ(expiration("<Date>20260101</Date>"), "MalformedXML");
  EXPECT_EQ(expiration("<ExpiredObjectDeleteMarker>false</ExpiredObjectDeleteMarker>"), "");
  EXPECT_EQ(expiration("<ExpiredObjectDeleteMarker>yes</ExpiredObjectDeleteMarker>"),
            "MalformedXML");
  auto noncurrent = [](const std::string& inside, const std::string& where = kAll) {
    return code_of_one(where + "<NoncurrentVersionExpiration>" + inside +
                       "</NoncurrentVersionExpiration>");
  };
  const std::string one = "<NoncurrentDays>1</NoncurrentDays>";
  const std::string two = "<NewerNoncurrentVersions>2</NewerNoncurrentVersions>";
  EXPECT_EQ(noncurrent(one), "");
  EXPECT_EQ(noncurrent(one + two), "");
  EXPECT_EQ(noncurrent(two), "MalformedXML");
  EXPECT_EQ(noncurrent(""), "MalformedXML");
  EXPECT_EQ(noncurrent(one + one), "MalformedXML");
  EXPECT_EQ(noncurrent("<NoncurrentDays>0</NoncurrentDays>"), "InvalidArgument");
  EXPECT_EQ(noncurrent(one + two, std::string("<Prefix/>") + kOn), "InvalidRequest");
  auto abort = [](const std::string& inside) {
    return code_of_one(std::string(kAll) + "<AbortIncompleteMultipartUpload>" + inside +
                       "</AbortIncompleteMultipartUpload>");
  };
  EXPECT_EQ(abort("<DaysAfterInitiation>1</DaysAfterInitiation>"), "");
  EXPECT_EQ(abort("<DaysAfterInitiation>0</DaysAfterInitiation>"), "InvalidArgument");
  EXPECT_EQ(abort("<Days>1</Days>"), "MalformedXML");
  EXPECT_EQ(abort(""), "MalformedXML");
}

class LifecycleTest : public testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  LifecycleTest() {
    object::BucketSpec spec;
    spec.config.url = object::kNative;
    auto made = world_.run(world_.buckets.create(*BucketName::parse("native"), spec, world_.ctx()));
    EXPECT_TRUE(made) << made.error().text();
  }
  Reply put(const std::string& rules, Headers headers = {}) {
    return world_.ask("PUT", "/native?lifecycle", document_of(rules), std::move(headers));
  }
  DoorWorld world_;
};

TEST_F(LifecycleTest, rules_are_kept_told_and_removed) {
  refused(world_.ask("GET", "/native?lifecycle"), 404, "NoSuchLifecycleConfiguration");
  const std::string first =
      "<Rule><ID>one</ID><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
      "<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan><ObjectSizeLessThan>3</ObjectSizeLessThan>"
      "</And></Filter><Status>Disabled</Status><Expiration><Date>2030-01-01T00:00:00.000Z</Date>"
      "</Expiration><NoncurrentVersionExpiration><NoncurrentDays>4</NoncurrentDays>"
      "<NewerNoncurrentVersions>5</NewerNoncurrentVersions></NoncurrentVersionExpiration></Rule>";
  const std::string second =
      "<Rule><ID>two</ID><Prefix>b/</Prefix><Status>Enabled</Status><Expiration><Days>6</Days>"
      "</Expiration><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>"
      "</AbortIncompleteMultipartUpload></Rule>";
  Reply taken = put(first + second);
  EXPECT_EQ(taken.status, 200) << taken.body;
  Reply told = world_.ask("GET", "/native?lifecycle");
  EXPECT_EQ(told.status, 200);
  EXPECT_NE(told.body.find(first + second), std::string::npos) << told.body;
  for (const Reply* one : {&taken, &told}) {
    EXPECT_EQ(one->header(std::string(kTransitionSize)), kTransitionUsual);
  }
  refused(put(a_rule(kAll)), 400, "InvalidRequest");
  refused(put(a_rule(std::string(kAll) + kDay), {{std::string(kTransitionSize), "1"}}), 400,
          "InvalidArgument");
  EXPECT_EQ(world_.ask("GET", "/native?lifecycle").body, told.body);
  EXPECT_EQ(world_.ask("DELETE", "/native?lifecycle").status, 204);
  EXPECT_EQ(world_.ask("DELETE", "/native?lifecycle").status, 204);
  refused(world_.ask("GET", "/native?lifecycle"), 404, "NoSuchLifecycleConfiguration");
  refused(world_.ask("GET", "/none?lifecycle"), 404, "NoSuchBucket");
}

TEST_F(LifecycleTest, rules_without_a_name_get_one_and_the_size_of_transitions_is_told_again) {
  std::string bare = a_rule(std::string(kAll) + kDay);
  ASSERT_EQ(
      put(bare + bare, {{std::string(kTransitionSize), std::string(kTransitionVaries)}}).status,
      200);
  Reply told = world_.ask("GET", "/native?lifecycle");
  EXPECT_EQ(told.header(std::string(kTransitionSize)), kTransitionVaries);
  const auto& rules = (*world_.buckets.get("native"))->settings.lifecycle->rules;
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_EQ(rules[0].id.size(), 32U);
  EXPECT_NE(rules[0].id, rules[1].id);
}

TEST_F(LifecycleTest, the_document_has_a_limit) {
  // Blanks count in the document only.
  auto of_size = [&](size_t size) {
    std::string text = document_of(a_rule(std::string(kAll) + kDay));
    return text.insert(text.size() - 25, std::string(size - text.size(), ' '));
  };
  EXPECT_EQ(world_.ask("PUT", "/native?lifecycle", of_size(kMaxLifecycleBody)).status, 200);
  refused(world_.ask("PUT", "/native?lifecycle", of_size(kMaxLifecycleBody + 1)), 400,
          "MalformedXML");
}

TEST_F(LifecycleTest, buckets_with_an_origin_have_none) {
  refused(world_.ask("PUT", "/data?lifecycle", document_of(a_rule(std::string(kAll) + kDay))), 501,
          "NotImplemented");
  refused(world_.ask("GET", "/data?lifecycle"), 501, "NotImplemented");
  refused(world_.ask("DELETE", "/data?lifecycle"), 501, "NotImplemented");
  object::Bucket folder(*BucketName::parse("folder"));
  folder.config.url = "dir:///x";
  EXPECT_TRUE(has_lifecycle(folder, false));
  EXPECT_FALSE(has_lifecycle(folder, true));
}

TEST_F(LifecycleTest, answers_tell_when_an_object_will_end) {
  ASSERT_EQ(
      put(a_rule("<ID>a \"b\"</ID><Filter><Prefix>k</Prefix></Filter>" + std::string(kOn) +
                 "<Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>") +
          a_rule("<ID>t</ID><Filter><Tag><Key>t</Key><Value>1</Value></Tag></Filter>" +
                 std::string(kOn) + "<Expiration><Date>2029-01-01T00:00:00Z</Date></Expiration>"))
          .status,
      200);
  const std::string name(kExpiration);
  const std::string first =
      "expiry-date=\"Tue, 01 Jan 2030 00:00:00 GMT\", rule-id=\"a%20%22b%22\"";
  const std::string second = "expiry-date=\"Mon, 01 Jan 2029 00:00:00 GMT\", rule-id=\"t\"";
  EXPECT_EQ(world_.ask("PUT", "/native/k1", "x").header(name), first);
  EXPECT_EQ(world_.ask("GET", "/native/k1").header(name), first);
  EXPECT_EQ(world_.ask("GET", "/native/k1").header(name), first) << "also when it is warm";
  EXPECT_EQ(world_.ask("HEAD", "/native/k1").header(name), first);
  EXPECT_EQ(world_.ask("GET", "/native/k1", "", {{"range", "bytes=0-0"}}).header(name), first);
  EXPECT_EQ(world_.ask("GET", "/native/k1", "", {{"if-none-match", "*"}}).header(name), "");
  EXPECT_EQ(world_.ask("GET", "/native/k1?versionId=null").header(name), "");
  EXPECT_EQ(world_.ask("PUT", "/native/k2", "x", {{"x-amz-tagging", "t=1"}}).header(name), second);
  EXPECT_EQ(world_.ask("HEAD", "/native/k2").header(name), second);
  EXPECT_EQ(world_.ask("PUT", "/native/other", "x").header(name), "");
  EXPECT_EQ(world_.ask("GET", "/native/other").header(name), "");
}

TEST_F(LifecycleTest, answers_tell_when_an_upload_will_end) {
  ASSERT_EQ(
      put(a_rule("<ID>up</ID><Filter><Prefix>k</Prefix></Filter>" + std::string(kOn) +
                 "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
                 "</AbortIncompleteMultipartUpload>"))
          .status,
      200);
  Reply made = world_.ask("POST", "/native/k?uploads");
  EXPECT_EQ(made.header("x-amz-abort-rule-id"), "up");
  EXPECT_EQ(made.header("x-amz-abort-date"), "Sat, 03 Jan 2026 00:00:00 GMT");
  EXPECT_EQ(world_.ask("POST", "/native/other?uploads").header("x-amz-abort-date"), "");
}

}  // namespace
}  // namespace forebay::gateway::s3
