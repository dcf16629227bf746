// Versions through a whole door: lists, reads and deletes by id.
#include <gtest/gtest.h>

#include "gateway/s3/refused_test.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {
namespace {

const std::string kUnknown(32, 'v');

class S3Versions : public testing::Test {
 protected:
  Reply ask(const std::string& method, const std::string& target, std::string body = {},
            std::vector<std::pair<std::string, std::string>> headers = {}) {
    return world_.ask(method, target, std::move(body), std::move(headers));
  }
  void keep_versions() { origin_.options().capabilities.versions = true; }
  Reply remove(const std::string& objects) {
    std::string body = "<Delete>" + objects + "</Delete>";
    return ask("POST", "/data?delete", body, {{"content-md5", sum(ChecksumKind::md5, body)}});
  }
  static std::string item(const std::string& key, const std::string& version) {
    return "<Object><Key>" + key + "</Key><VersionId>" + version + "</VersionId></Object>";
  }

  DoorWorld world_;
  testkit::MemoryOrigin& origin_ = world_.origin();
};

TEST_F(S3Versions, are_listed_where_none_were_kept) {
  for (std::string key : {"a", "b/1", "b/2", "c d"}) origin_.change(key, key);
  Reply all = ask("GET", "/data?versions");
  EXPECT_EQ(all.status, 200);
  EXPECT_NE(all.body.find("<ListVersionsResult"), std::string::npos);
  EXPECT_NE(all.body.find("<Version><Key>a</Key><VersionId>null</VersionId>"
                          "<IsLatest>true</IsLatest>"),
            std::string::npos)
      << all.body;
  EXPECT_EQ(all.element("IsTruncated"), "false");
  EXPECT_EQ(all.body.find("NextKeyMarker"), std::string::npos);
  Reply first = ask("GET", "/data?versions&max-keys=2&delimiter=%2F&encoding-type=url");
  EXPECT_EQ(first.element("NextKeyMarker"), "b/");
  EXPECT_EQ(first.element("NextVersionIdMarker"), "");
  EXPECT_EQ(first.element("IsTruncated"), "true");
  EXPECT_NE(first.body.find("<CommonPrefixes><Prefix>b/</Prefix>"), std::string::npos);
  Reply rest = ask("GET", "/data?versions&delimiter=%2F&encoding-type=url&key-marker=b%2F");
  EXPECT_EQ(rest.element("Key"), "c%20d") << rest.body;
  EXPECT_EQ(rest.body.find("CommonPrefixes"), std::string::npos);
  rest = ask("GET", "/data?versions&key-marker=b%2F1&version-id-marker=null&prefix=b");
  EXPECT_EQ(rest.element("Key"), "b/2");
  EXPECT_EQ(rest.element("VersionIdMarker"), "null");
  EXPECT_EQ(ask("GET", "/data?versions&max-keys=0").element("IsTruncated"), "false");
  refused(ask("GET", "/data?versions&key-marker=a&version-id-marker="), 400, "InvalidArgument");
  refused(ask("GET", "/data?versions&version-id-marker=null"), 400, "InvalidArgument");
  refused(ask("GET", "/data?versions&encoding-type=no"), 400, "InvalidArgument");
  refused(ask("GET", "/nobody?versions"), 404, "NoSuchBucket");
}

TEST_F(S3Versions, are_listed_as_they_are_kept) {
  keep_versions();
  auto old = origin_.change("k", "old");
  auto now = origin_.change("k", "newer");
  std::string marker = ask("DELETE", "/data/k").header("x-amz-version-id");
  Reply all = ask("GET", "/data?versions");
  size_t at = all.body.find("<DeleteMarker><Key>k</Key><VersionId>" + marker +
                            "</VersionId><IsLatest>true</IsLatest>");
  size_t second = all.body.find("<VersionId>" + now.version_id + "</VersionId><IsLatest>false<");
  size_t third = all.body.find("<VersionId>" + old.version_id + "</VersionId>");
  EXPECT_LT(at, second) << all.body;
  EXPECT_LT(second, third) << all.body;
  EXPECT_LT(third, all.body.size());
  Reply page = ask("GET", "/data?versions&max-keys=2");
  EXPECT_EQ(page.element("NextVersionIdMarker"), now.version_id);
  page = ask("GET", "/data?versions&key-marker=k&version-id-marker=" + now.version_id);
  EXPECT_EQ(page.element("VersionId"), old.version_id);
  EXPECT_EQ(ask("GET", "/data?versions&key-marker=k").body.find("<Version>"), std::string::npos);
}

class S3ConditionalDelete : public S3Versions {
 protected:
  Reply remove_if(const std::string& etag, const std::string& key = "k") {
    return ask("DELETE", "/data/" + key, {}, {{"If-Match", etag}});
  }
  static std::string item_if(const std::string& key, const std::string& etag) {
    return "<Object><Key>" + key + "</Key><ETag>" + etag + "</ETag></Object>";
  }
};

TEST_F(S3ConditionalDelete, holds_to_the_etag_with_quotes_or_without) {
  std::string first = origin_.change("k", "one").etag.text();
  std::string second = origin_.change("k", "two").etag.text();
  refused(remove_if(first), 412, "PreconditionFailed");
  refused(remove_if("W/" + second), 412, "PreconditionFailed");
  refused(remove_if(""), 412, "PreconditionFailed");
  EXPECT_EQ(ask("GET", "/data/k").body, "two");
  EXPECT_EQ(remove_if(second).status, 204);
  EXPECT_EQ(ask("GET", "/data/k").status, 404);
  refused(remove_if(second), 404, "NoSuchKey");
  refused(remove_if("*"), 404, "NoSuchKey");
  second = origin_.change("k", "three").etag.text();
  EXPECT_EQ(remove_if(second.substr(1, second.size() - 2)).status, 204);
  origin_.change("k", "four");
  EXPECT_EQ(remove_if("*").status, 204);
  EXPECT_EQ(ask("GET", "/data/k").status, 404);
}

TEST_F(S3ConditionalDelete, is_for_what_is_current_alone) {
  keep_versions();
  auto first = origin_.change("k", "one");
  auto second = origin_.change("k", "two");
  refused(ask("DELETE", "/data/k?versionId=" + second.version_id, {},
              {{"If-Match", second.etag.text()}}),
          501, "NotImplemented");
  refused(remove_if(first.etag.text()), 412, "PreconditionFailed");
  Reply marked = remove_if(second.etag.text());
  EXPECT_EQ(marked.header("x-amz-delete-marker"), "true");
  EXPECT_FALSE(marked.header("x-amz-version-id").empty());
  refused(remove_if("*"), 404, "NoSuchKey");
  EXPECT_EQ(ask("GET", "/data/k?versionId=" + second.version_id).body, "two");
}

TEST_F(S3ConditionalDelete, of_many_is_told_for_each) {
  std::string etag = origin_.change("a", "one").etag.text();
  origin_.change("b", "one");
  origin_.change("c", "one");
  Reply done = remove(item_if("a", "&quot;no&quot;") + item_if("b", etag) + item_if("c", "*") +
                      item_if("none", "*") + "<Object><Key>gone</Key></Object>" +
                      "<Object><Key>a</Key><ETag>*</ETag><VersionId>null</VersionId></Object>");
  EXPECT_EQ(done.status, 200);
  auto tells = [&](const std::string& text) {
    EXPECT_TRUE(done.body.contains(text)) << text << " in " << done.body;
  };
  tells("<Error><Key>a</Key><Code>PreconditionFailed</Code>");
  tells("<Deleted><Key>b</Key></Deleted>");
  tells("<Deleted><Key>c</Key></Deleted>");
  tells("<Error><Key>none</Key><Code>NoSuchKey</Code>");
  tells("<Deleted><Key>gone</Key></Deleted>");
  tells("<Error><Key>a</Key><VersionId>null</VersionId><Code>NotImplemented</Code>");
  EXPECT_EQ(ask("GET", "/data/a").body, "one");
  EXPECT_EQ(ask("GET", "/data/b").status, 404);
  EXPECT_EQ(ask("GET", "/data/c").status, 404);
}

TEST_F(S3ConditionalDelete, is_refused_where_it_would_not_be_held_to) {
  std::string etag = origin_.change("k", "one").etag.text();
  origin_.options().capabilities.conditional_put = false;
  refused(remove_if(etag), 501, "NotImplemented");
  for (const char* header : {"x-amz-if-match-size", "x-amz-if-match-last-modified-time"}) {
    refused(ask("DELETE", "/data/k", {}, {{header, "3"}}), 501, "NotImplemented");
  }
  refused(remove("<Object><Key>k</Key><Size>3</Size></Object>"), 501, "NotImplemented");
  EXPECT_EQ(ask("GET", "/data/k").body, "one");
}

TEST_F(S3Versions, are_read_by_id) {
  keep_versions();
  auto old = origin_.change("k", "old");
  auto now = origin_.change("k", "newer");
  Reply reply = ask("GET", "/data/k?versionId=" + old.version_id);
  EXPECT_EQ(reply.body, "old");
  EXPECT_EQ(reply.header("x-amz-version-id"), old.version_id);
  EXPECT_EQ(reply.header("x-cache"), "bypass");
  EXPECT_EQ(ask("HEAD", "/data/k?versionId=" + old.version_id).header("content-length"), "3");
  EXPECT_EQ(ask("GET", "/data/k").header("x-amz-version-id"), now.version_id);
  Reply attributes = ask("GET", "/data/k?attributes&versionId=" + old.version_id, "",
                         {{"x-amz-object-attributes", "ObjectSize"}});
  EXPECT_EQ(attributes.element("ObjectSize"), "3") << attributes.body;
  EXPECT_EQ(attributes.header("x-amz-version-id"), old.version_id);
  refused(ask("GET", "/data/k?versionId=" + kUnknown), 404, "NoSuchVersion");
  refused(ask("GET", "/data/k?acl&versionId=" + kUnknown), 404, "NoSuchVersion");
  // Staging fetches what is current; a version by its id is not staged.
  Reply staged = ask("HEAD", "/data/k?versionId=" + old.version_id, "", {{"range", "bytes=0-0"}});
  EXPECT_EQ(staged.header("x-cache"), "");
}

TEST_F(S3Versions, tell_of_delete_markers) {
  keep_versions();
  auto old = origin_.change("k", "old");
  Reply gone = ask("DELETE", "/data/k");
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.header("x-amz-delete-marker"), "true");
  std::string marker = gone.header("x-amz-version-id");
  EXPECT_NE(marker, "");
  Reply current;
  for (int i = 0; i < 2; ++i) {
    current = ask("GET", "/data/k");
    refused(current, 404, "NoSuchKey");
    EXPECT_EQ(current.header("x-amz-delete-marker"), "true");
  }
  EXPECT_EQ(ask("HEAD", "/data/k").header("x-amz-delete-marker"), "true");
  EXPECT_EQ(ask("GET", "/data/never").header("x-amz-delete-marker"), "");
  Reply named = ask("GET", "/data/k?versionId=" + marker);
  refused(named, 405, "MethodNotAllowed");
  EXPECT_EQ(named.header("x-amz-delete-marker"), "true");
  EXPECT_EQ(named.header("x-amz-version-id"), marker);
  EXPECT_EQ(named.header("allow"), "DELETE");
  EXPECT_NE(named.header("last-modified"), "");
  EXPECT_EQ(current.header("last-modified"), "");
  Reply uncovered = ask("DELETE", "/data/k?versionId=" + marker);
  EXPECT_EQ(uncovered.header("x-amz-delete-marker"), "true");
  EXPECT_EQ(uncovered.header("x-amz-version-id"), marker);
  EXPECT_EQ(ask("GET", "/data/k").body, "old");
  uncovered = ask("DELETE", "/data/k?versionId=" + old.version_id);
  EXPECT_EQ(uncovered.header("x-amz-delete-marker"), "");
  EXPECT_EQ(uncovered.header("x-amz-version-id"), old.version_id);
  EXPECT_EQ(ask("GET", "/data?versions").body.find("<Version>"), std::string::npos);
}

TEST_F(S3Versions, are_deleted_by_the_thousand) {
  keep_versions();
  auto old = origin_.change("k", "old");
  auto now = origin_.change("k", "now");
  origin_.change("other", "o");
  Reply reply =
      remove(item("k", now.version_id) + item("k", "") + "<Object><Key>other</Key></Object>");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_NE(reply.body.find("<Deleted><Key>k</Key><VersionId>" + now.version_id +
                            "</VersionId></Deleted>"),
            std::string::npos)
      << reply.body;
  EXPECT_NE(reply.body.find("<Deleted><Key>other</Key><DeleteMarker>true</DeleteMarker>"
                            "<DeleteMarkerVersionId>"),
            std::string::npos)
      << reply.body;
  EXPECT_NE(reply.body.find("<Error><Key>k</Key><VersionId></VersionId>"
                            "<Code>InvalidArgument</Code>"),
            std::string::npos)
      << reply.body;
  EXPECT_EQ(ask("GET", "/data/k").body, "old");
}

TEST_F(S3Versions, left_behind_keep_a_bucket) {
  keep_versions();
  auto old = origin_.change("k", "old");
  std::string marker = ask("DELETE", "/data/k").header("x-amz-version-id");
  refused(ask("DELETE", "/data"), 409, "BucketNotEmpty");
  EXPECT_EQ(remove(item("k", marker) + item("k", old.version_id)).status, 200);
  EXPECT_EQ(ask("DELETE", "/data").status, 204);
}

TEST_F(S3Versions, null_is_the_object_where_none_were_kept) {
  origin_.change("k", "bytes");
  std::string before = origin_.fingerprint();
  EXPECT_EQ(ask("GET", "/data/k?versionId=null").body, "bytes");
  for (std::string target : {"/data/k?versionId=", "/data/k?tagging&versionId=",
                             "/data/k?acl&versionId=", "/data/k?attributes&versionId="}) {
    for (std::string version : {"", "v1", "null%20"}) {
      refused(ask("GET", target + version, "", {{"x-amz-object-attributes", "ETag"}}), 400,
              "InvalidArgument");
    }
    refused(ask("GET", target + kUnknown, "", {{"x-amz-object-attributes", "ETag"}}), 404,
            "NoSuchVersion");
  }
  EXPECT_EQ(ask("GET", "/data/k?versionId=").element("Message"),
            "Version id cannot be the empty string");
  EXPECT_EQ(ask("GET", "/data/k?versionId=1").element("Message"), "Invalid version id specified");
  for (std::string version : {"", "v1"}) {
    refused(ask("DELETE", "/data/k?versionId=" + version), 400, "InvalidArgument");
    refused(ask("DELETE", "/data/k?tagging&versionId=" + version), 400, "InvalidArgument");
    refused(ask("PUT", "/data/to", "", {{"x-amz-copy-source", "data/k?versionId=" + version}}), 400,
            "InvalidArgument");
    EXPECT_EQ(remove(item("k", version)).element("Code"), "InvalidArgument");
  }
  Reply nothing = ask("DELETE", "/data/k?versionId=" + kUnknown);
  EXPECT_EQ(nothing.status, 204);
  EXPECT_EQ(nothing.header("x-amz-version-id"), kUnknown);
  EXPECT_EQ(origin_.fingerprint(), before);
  origin_.change("l", "more");
  origin_.reset_counts();
  Reply reply = remove(item("k", "null") + item("l", "null"));
  EXPECT_EQ(origin_.counts("has_versions").requests, 1u);
  EXPECT_EQ(origin_.bytes("l"), std::nullopt);
  EXPECT_NE(reply.body.find("<Deleted><Key>k</Key><VersionId>null</VersionId></Deleted>"),
            std::string::npos)
      << reply.body;
  EXPECT_EQ(origin_.bytes("k"), std::nullopt);
}

TEST_F(S3Versions, earlier_ones_are_made_current_by_a_copy_onto_themselves) {
  keep_versions();
  auto old = origin_.change("k", "old");
  origin_.change("k", "now");
  Reply copied =
      ask("PUT", "/data/k", "", {{"x-amz-copy-source", "data/k?versionId=" + old.version_id}});
  EXPECT_EQ(copied.status, 200) << copied.body;
  EXPECT_EQ(copied.header("x-amz-copy-source-version-id"), old.version_id);
  EXPECT_NE(copied.header("x-amz-version-id"), "");
  EXPECT_EQ(ask("GET", "/data/k").body, "old");
}

TEST_F(S3Versions, have_tags_of_their_own) {
  keep_versions();
  auto old = origin_.change("k", "old");
  origin_.change("k", "now");
  std::string target = "/data/k?tagging&versionId=" + old.version_id;
  std::string tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
  Reply set = ask("PUT", target, tags, {{"content-md5", sum(ChecksumKind::md5, tags)}});
  EXPECT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.header("x-amz-version-id"), old.version_id);
  EXPECT_EQ(ask("GET", target).element("Value"), "b");
  EXPECT_EQ(ask("GET", "/data/k?tagging").element("Value"), "");
  EXPECT_EQ(ask("DELETE", target).status, 204);
  EXPECT_EQ(ask("GET", target).element("Value"), "");
}

TEST_F(S3Versions, are_kept_when_the_origin_is_told_to) {
  auto set = [&](const std::string& inside) {
    std::string body = "<VersioningConfiguration>" + inside + "</VersioningConfiguration>";
    return ask("PUT", "/data?versioning", body, {{"content-md5", sum(ChecksumKind::md5, body)}});
  };
  EXPECT_EQ(set("<Status>Enabled</Status>").status, 200);
  EXPECT_EQ(ask("GET", "/data?versioning").element("Status"), "Enabled");
  EXPECT_EQ(set("<MfaDelete>Disabled</MfaDelete><Status>Suspended</Status>").status, 200);
  EXPECT_EQ(ask("GET", "/data?versioning").element("Status"), "Suspended");
  refused(set("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>"), 501, "NotImplemented");
  for (std::string bad : {"", "<Status/>", "<Status>enabled</Status>", "<Other/>",
                          "<Status>Enabled</Status><Status>Enabled</Status>"}) {
    refused(set(bad), 400, "MalformedXML");
  }
  EXPECT_EQ(ask("GET", "/data?versioning").element("Status"), "Suspended");
}

}  // namespace
}  // namespace forebay::gateway::s3
