// What the s3 origin says and believes of versions, against a scripted server.
#include "origin/s3/script_test.h"
#include "origin/tags.h"

namespace forebay::origin {
namespace {

using testkit::key_of;

std::string versions(const std::string& inside, bool more = false) {
  return "<ListVersionsResult>" + inside + "<IsTruncated>" + (more ? "true" : "false") +
         "</IsTruncated></ListVersionsResult>";
}

std::string version(const std::string& key, const std::string& id, bool latest) {
  return "<Version><Key>" + key + "</Key><VersionId>" + id + "</VersionId><IsLatest>" +
         (latest ? "true" : "false") +
         "</IsLatest><LastModified>2015-10-21T07:28:00.000Z</LastModified>"
         "<ETag>&quot;e&quot;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass></Version>";
}

std::string marker(const std::string& key, const std::string& id) {
  return "<DeleteMarker><Key>" + key + "</Key><VersionId>" + id +
         "</VersionId><IsLatest>true</IsLatest>"
         "<LastModified>2015-10-21T07:28:00.000Z</LastModified></DeleteMarker>";
}

TEST_F(S3, lists_versions_in_the_servers_order) {
  at_prefix("p/");
  reply(
      200, {},
      versions("<NextKeyMarker>p/k</NextKeyMarker><NextVersionIdMarker>v1"
               "</NextVersionIdMarker>" +
                   marker("p/k", "m") + version("p/k", "v2", false) + version("p/k", "v1", false) +
                   "<CommonPrefixes><Prefix>p/f/</Prefix></CommonPrefixes>",
               true));
  auto page = run(origin_->list_versions({.prefix = "k",
                                          .delimiter = "/",
                                          .key_marker = "a b",
                                          .version_marker = "null",
                                          .max_keys = 4},
                                         ctx()));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(script_.log.back(),
            "GET /bucket?versions=&encoding-type=url&prefix=p%2Fk&delimiter=%2F"
            "&key-marker=p%2Fa%20b&version-id-marker=null&max-keys=4");
  ASSERT_EQ(page->versions.size(), 3u);
  EXPECT_TRUE(page->versions[0].marker && page->versions[0].latest);
  EXPECT_EQ(page->versions[0].object.key, "k");
  EXPECT_EQ(page->versions[1].version_id, "v2");
  EXPECT_EQ(page->versions[2].object.size, 7u);
  EXPECT_FALSE(page->versions[2].latest || page->versions[2].marker);
  EXPECT_EQ(page->prefixes.at(0), "f/");
  EXPECT_EQ(page->next_key, "k");
  EXPECT_EQ(page->next_version, "v1");
}

TEST_F(S3, a_list_of_versions_goes_past_the_prefix_itself) {
  at_prefix("p/");
  reply(200, {},
        versions("<NextKeyMarker>p/</NextKeyMarker><NextVersionIdMarker>null"
                 "</NextVersionIdMarker>" +
                     version("p/", "null", true),
                 true));
  reply(200, {}, versions(version("p/a", "null", true)));
  auto page = run(origin_->list_versions({.max_keys = 1}, ctx()));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->versions.at(0).object.key, "a");
  EXPECT_TRUE(script_.log.back().contains("&key-marker=p%2F&version-id-marker=null"));
}

TEST_F(S3, a_list_of_versions_that_does_not_get_past_the_prefix_ends) {
  at_prefix("p/");
  for (int i = 0; i < 200; ++i) {
    reply(200, {},
          versions("<NextKeyMarker>p/</NextKeyMarker><NextVersionIdMarker>v" +
                       std::to_string(i % 2) + "</NextVersionIdMarker>" + version("p/", "v", false),
                   true));
  }
  auto page = run(origin_->list_versions({.max_keys = 1}, ctx()));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code(), Code::corrupt);
  EXPECT_LE(script_.log.size(), 102U);
}

TEST_F(S3, a_list_of_versions_that_does_not_say_all_is_none) {
  const std::string good = version("k", "v", true);
  auto without = [&](const std::string& piece) {
    std::string text = good;
    return text.erase(text.find(piece), piece.size());
  };
  for (const std::string& bad :
       {"<ListVersionsResult/>" + good, versions(good, true), versions(without("<Key>k</Key>")),
        versions(without("<VersionId>v</VersionId>")),
        versions(without("<IsLatest>true</IsLatest>")), versions(without("<Size>7</Size>")),
        versions("<NextKeyMarker>k</NextKeyMarker>" + good, true),
        std::string("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")}) {
    reply(200, {}, bad);
    auto page = run(origin_->list_versions({.key_marker = "k"}, ctx()));
    ASSERT_FALSE(page) << bad;
    EXPECT_EQ(page.error().code(), Code::corrupt) << bad;
  }
}

// s3:GetObject without s3:GetObjectVersion.
TEST_F(S3, a_key_that_may_not_read_by_version_reads_what_is_current) {
  const std::string denied = "<Error><Code>AccessDenied</Code></Error>";
  auto bytes_of = [&](const char* version) {
    reply(206,
          {{"ETag", "\"e\""}, {"x-amz-version-id", version}, {"Content-Range", "bytes 2-4/10"}},
          "234");
  };
  GetOptions pinned{.range = ByteRange{2, 3}, .etag = ETag("\"e\""), .version_id = "v1"};
  pinned.tag = version_tag("v1", pinned.etag, 10);
  reply(403, {}, denied);
  bytes_of("v1");
  ASSERT_TRUE(get(pinned));
  EXPECT_EQ(script_.log.front(), "GET /bucket/key?versionId=v1");
  EXPECT_EQ(script_.log.back(), "GET /bucket/key");
  EXPECT_EQ(script_.headers.back()["if-match"], "\"e\"");
  // Not asked again for a while; another version is not taken for this one.
  bytes_of("v2");
  auto other = get(pinned);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().detail(), "PreconditionFailed");
  EXPECT_EQ(script_.log.back(), "GET /bucket/key");
  ASSERT_TRUE(run(io::sleep_until(world_->loop().now() + seconds(61), ctx())));
  bytes_of("v1");
  ASSERT_TRUE(get(pinned));
  EXPECT_EQ(script_.log.back(), "GET /bucket/key?versionId=v1");
  // Who may not read at all is told so, and nothing is learned from it.
  reply(403, {}, denied);
  reply(403, {}, denied);
  auto refused = get(pinned);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::denied);
  bytes_of("v1");
  ASSERT_TRUE(get(pinned));
  EXPECT_EQ(script_.log.back(), "GET /bucket/key?versionId=v1");
}

TEST_F(S3, asks_whether_there_are_versions_until_there_are) {
  auto has = [&] { return run(origin_->has_versions(ctx())); };
  reply(200, {}, "<VersioningConfiguration/>");
  EXPECT_FALSE(*has());
  reply(501, {}, "<Error><Code>NotImplemented</Code></Error>");
  EXPECT_FALSE(*has());
  reply(200, {}, "<ListBucketResult/>");
  EXPECT_FALSE(*has());
  reply(200, {}, "<html><body>try again</body></html>");
  EXPECT_EQ(has().error().code(), Code::corrupt) << "a balancer's page says nothing of versions";
  reply(403);
  EXPECT_TRUE(*has());
  reply(503);
  EXPECT_FALSE(has());
  reply(404, {}, "<Error><Code>NoSuchBucket</Code></Error>");
  EXPECT_EQ(has().error().detail(), "NoSuchBucket");
  EXPECT_EQ(script_.log.size(), 7u);
  reply(200, {}, "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>");
  EXPECT_TRUE(*has());
  EXPECT_TRUE(*has());
  EXPECT_EQ(script_.log.size(), 8u);
}

TEST_F(S3, reads_the_version_that_was_asked_for_and_no_other) {
  auto head = [&](std::string id) {
    return run(origin_->head(key_of("k"), {.version_id = std::move(id)}, ctx()));
  };
  reply(200, {{"ETag", "\"e\""}, {"x-amz-version-id", "v1"}});
  EXPECT_EQ(head("v1")->tag.text(), "v:v1");
  EXPECT_EQ(script_.log.back(), "HEAD /bucket/k?versionId=v1");
  reply(200, {{"ETag", "\"e\""}, {"x-amz-version-id", "v2"}});
  EXPECT_EQ(head("v1").error().code(), Code::corrupt);
  reply(200, {{"ETag", "\"e\""}});
  EXPECT_EQ(head("v1").error().code(), Code::corrupt);
  reply(200, {{"ETag", "\"e\""}});
  EXPECT_TRUE(head("null"));
  reply(200, {{"ETag", "\"e\""}, {"x-amz-version-id", "v2"}});
  EXPECT_FALSE(head("null"));
  reply(404);
  EXPECT_EQ(head("v1").error().detail(), "NoSuchVersion");
  reply(404, {}, "<Error><Code>NoSuchKey</Code></Error>");
  EXPECT_EQ(get({.version_id = "v1"}).error().detail(), "NoSuchVersion");
  reply(400);
  EXPECT_EQ(head("v1").error().detail(), "InvalidArgument");
  reply(405, {{"x-amz-delete-marker", "true"}});
  auto marked = head("v1");
  EXPECT_EQ(marked.error().detail(), kDeleteMarker);
  EXPECT_EQ(marked.error().code(), Code::invalid);
  reply(404, {{"x-amz-delete-marker", "true"}});
  EXPECT_EQ(head("v1").error().code(), Code::invalid);
  reply(404, {{"x-amz-delete-marker", "true"}});
  marked = head("");
  EXPECT_EQ(marked.error().detail(), kDeleteMarker);
  EXPECT_EQ(marked.error().code(), Code::not_found);
  reply(404, {}, "<Error><Code>NoSuchVersion</Code></Error>");
  EXPECT_EQ(get({.version_id = "v1"}).error().detail(), "NoSuchVersion");
  EXPECT_EQ(script_.log.back(), "GET /bucket/key?versionId=v1");
}

TEST_F(S3, removes_versions_and_hears_of_markers) {
  auto remove = [&](std::string id) {
    return run(origin_->remove_version(key_of("k"), std::move(id), ctx()));
  };
  reply(204, {{"x-amz-delete-marker", "true"}, {"x-amz-version-id", "m"}});
  auto done = remove("");
  EXPECT_TRUE(done->marker);
  EXPECT_EQ(done->version_id, "m");
  EXPECT_EQ(script_.log.back(), "DELETE /bucket/k");
  reply(204);
  done = remove("v1");
  EXPECT_FALSE(done->marker);
  EXPECT_EQ(done->version_id, "v1");
  EXPECT_EQ(script_.log.back(), "DELETE /bucket/k?versionId=v1");
  reply(404, {}, "<Error><Code>NoSuchVersion</Code></Error>");
  EXPECT_TRUE(remove("v1"));
  reply(400, {}, "<Error><Code>InvalidArgument</Code></Error>");
  EXPECT_EQ(remove("v1").error().detail(), "InvalidArgument");
  reply(200, {}, "<html>");
  EXPECT_EQ(remove("v1").error().code(), Code::unavailable);
}

TEST_F(S3, deletes_on_a_condition_where_it_is_heeded) {
  auto remove = [&](const char* etag) {
    return run(origin_->remove_matching(key_of("k"), ETag(etag), ctx()));
  };
  const std::vector<std::pair<std::string, std::string>> made{{"ETag", "\"e\""}};
  const std::string failed = "<Error><Code>PreconditionFailed</Code></Error>";
  auto probe = [&] {
    reply(200, made);
    reply(412, {}, failed);  // nobody's ETag
    reply(412, {}, failed);  // its own with quotes
    reply(412, {}, failed);  // nobody's without
    reply(204);              // and without
    reply(404, {}, "<Error><Code>NoSuchKey</Code></Error>");
    reply(412, {}, failed);
    reply(200, made);
    reply(204);  // whatever there is
    reply(204);  // the last look after what is left
  };
  probe();
  reply(204);
  EXPECT_TRUE(remove("\"x\"")) << script_.replies.size();
  EXPECT_EQ(script_.log.size(), 11u);
  EXPECT_EQ(script_.log.back(), "DELETE /bucket/k");
  EXPECT_EQ(script_.headers.back()["if-match"], "x");
  for (size_t i = 1; i < 10; ++i) {
    EXPECT_TRUE(script_.log[i].contains("/bucket/forebay-probe-")) << script_.log[i];
  }
  // Known from now on.
  reply(404, {}, "<Error><Code>NoSuchKey</Code></Error>");
  auto none = remove("*");
  EXPECT_TRUE(!none && none.error().detail() == "NoSuchKey");
  EXPECT_EQ(script_.headers.back()["if-match"], "*");
  reply(412, {}, failed);
  auto other = remove("\"x\"");
  EXPECT_TRUE(!other && other.error().detail() == "PreconditionFailed");
  reply(204, {{"x-amz-delete-marker", "true"}, {"x-amz-version-id", "m"}});
  EXPECT_EQ(remove("\"x\"")->version_id, "m");
  EXPECT_EQ(script_.log.size(), 14u);
  // Without quotes these would be any object, and no condition at all.
  for (const char* odd : {"\"*\"", "\"\""}) {
    auto refused = remove(odd);
    EXPECT_TRUE(!refused && refused.error().detail() == "PreconditionFailed") << odd;
  }
  EXPECT_EQ(script_.log.size(), 14u);
}

TEST_F(S3, deletes_on_no_condition_that_would_be_ignored) {
  const std::vector<std::pair<std::string, std::string>> made{{"ETag", "\"e\""}};
  const std::string failed = "<Error><Code>PreconditionFailed</Code></Error>";
  // What a server does that does not heed it at all; where nothing is; or with "*".
  const std::vector<std::vector<int>> manners = {{200, 204, 204},
                                                 {200, 412, 412, 412, 412, 204},
                                                 {200, 412, 412, 204, 204},
                                                 {200, 412, 204, 204, 204},
                                                 {200, 412, 204, 404, 204, 204},
                                                 {200, 412, 204, 404, 404, 200, 412, 204}};
  for (const std::vector<int>& manner : manners) {
    at_prefix("");
    script_.log.clear();
    for (int status : manner) reply(status, made, status == 412 ? failed : "");
    auto done = run(origin_->remove_matching(key_of("k"), ETag("\"e\""), ctx()));
    EXPECT_TRUE(!done && done.error().detail() == "NotImplemented");
    EXPECT_EQ(script_.log.size(), manner.size());
    for (const std::string& line : script_.log) EXPECT_FALSE(line.ends_with("/k")) << line;
  }
  // A server that cannot be asked is asked again.
  at_prefix("");
  script_.replies.clear();
  auto done = run(origin_->remove_matching(key_of("k"), ETag("\"e\""), ctx()));
  EXPECT_TRUE(!done && done.error().code() == Code::unavailable);
}

TEST_F(S3, a_look_at_conditions_leaves_no_version_behind) {
  std::vector<std::pair<std::string, std::string>> one{{"ETag", "\"e\""},
                                                       {"x-amz-version-id", "v1"}};
  reply(200, one);
  reply(204, {{"x-amz-delete-marker", "true"}, {"x-amz-version-id", "m1"}});
  reply(204);
  reply(204);
  auto done = run(origin_->remove_matching(key_of("k"), ETag("\"e\""), ctx()));
  EXPECT_TRUE(!done && done.error().detail() == "NotImplemented");
  ASSERT_EQ(script_.log.size(), 4u);
  EXPECT_TRUE(script_.log[2].ends_with("?versionId=v1")) << script_.log[2];
  EXPECT_TRUE(script_.log[3].ends_with("?versionId=m1")) << script_.log[3];
}

TEST_F(S3, sets_versioning_and_tags_of_versions) {
  reply(200);
  EXPECT_TRUE(run(origin_->set_versioning(Versioning::suspended, ctx())));
  EXPECT_EQ(script_.log.back(), "PUT /bucket?versioning=");
  EXPECT_TRUE(script_.bodies.back().contains("<Status>Suspended</Status>"));
  EXPECT_FALSE(script_.headers.back()["x-amz-checksum-crc32"].empty());
  reply(200, {}, "<Tagging><TagSet/></Tagging>");
  EXPECT_TRUE(run(origin_->tags_of_version(key_of("k"), "v1", ctx())));
  EXPECT_EQ(script_.log.back(), "GET /bucket/k?tagging=&versionId=v1");
  reply(204);
  EXPECT_TRUE(run(origin_->set_tags_of_version(key_of("k"), "v1", {}, ctx())));
  EXPECT_EQ(script_.log.back(), "DELETE /bucket/k?tagging=&versionId=v1");
}

}  // namespace
}  // namespace forebay::origin
