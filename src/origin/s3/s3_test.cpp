// The s3 origin against a server whose every answer the test writes: what is sent, and what is
// believed. Real servers: s3_live_test.cpp.
#include "origin/s3/s3.h"

#include <gtest/gtest.h>

#include "origin/s3/script_test.h"
#include "origin/tags.h"
#include "testkit/stub_world.h"

namespace forebay::origin {
namespace {

const Tag kTag = version_tag("", ETag("\"e\""), 10);
const GetOptions kRanged{.range = ByteRange{2, 3}, .tag = kTag, .etag = ETag("\"e\"")};

TEST_F(S3, signs_and_encodes_what_it_sends) {
  at_prefix("p q/");
  reply(200, {{"ETag", "\"e\""}});
  auto head = run(origin_->head(testkit::key_of("a b+ü/c"), {}, ctx()));
  ASSERT_TRUE(head) << head.error().text();
  EXPECT_EQ(script_.log.at(0), "HEAD /bucket/p%20q/a%20b%2B%C3%BC/c");
  auto& sent = script_.headers.at(0);
  EXPECT_TRUE(sent["authorization"].starts_with("AWS4-HMAC-SHA256 Credential=KEY/"));
  EXPECT_TRUE(sent["authorization"].contains("x-amz-checksum-mode"));
  EXPECT_EQ(sent["x-amz-checksum-mode"], "ENABLED");

  options_.access_key.clear();
  at_prefix("");
  reply(404);
  auto gone = run(origin_->head(testkit::key_of("x"), {.checksums = false}, ctx()));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().detail(), "NoSuchKey");
  EXPECT_EQ(script_.headers.at(1).count("authorization"), 0u);
}

TEST(S3AtTheStub, a_whole_get_tells_what_a_head_tells) {
  testkit::StubWorld stub;
  stub.stub().buckets["bucket"];
  http::Client client(stub.world().loop());
  S3Options options{.url = *parse_s3_url("s3://bucket?endpoint=http://127.0.0.1:9000"),
                    .access_key = "KEY",
                    .secret = Secret("secret"),
                    .client = [&](io::Loop&) -> http::Client& { return client; }};
  auto origin = make_s3_origin(options);
  ObjectKey key = testkit::key_of("key");
  PutOptions put{.fields = {{"content-type", "text/x"}, {"x-amz-meta-a", "b"}},
                 .checksums = {{"x-amz-checksum-crc32c", "yZRlqg=="}}};
  ASSERT_TRUE(stub.run(origin->put(key, put, testkit::body_of("hello world"), stub.context())));
  auto head = stub.run(origin->head(key, {}, stub.context()));
  ASSERT_TRUE(head) << head.error().text();
  EXPECT_EQ(head->checksums, put.checksums);
  auto get = stub.run(origin->get(key, {}, stub.context()));
  ASSERT_TRUE(get) << get.error().text();
  EXPECT_TRUE(get->info == *head);
  EXPECT_EQ(get->info.checksums, put.checksums);
  get->body = {};
  client.close_idle();
}

TEST_F(S3, names_the_bucket_in_the_host) {
  options_.url = *parse_s3_url("s3://bucket?endpoint=http://localhost:9000&style=virtual");
  at_prefix("");
  reply(200, {{"ETag", "\"e\""}});
  EXPECT_TRUE(run(origin_->head(testkit::key_of("k"), {}, ctx())));
  EXPECT_EQ(script_.log.at(0), "HEAD /k");
  EXPECT_EQ(script_.headers.at(0)["host"], "bucket.localhost:9000");
}

TEST_F(S3, gives_a_range_of_the_version_asked_for) {
  reply_range("bytes 2-4/10", "234");
  auto answer = get(kRanged);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(script_.headers.at(0)["range"], "bytes=2-4");
  EXPECT_EQ(script_.headers.at(0)["if-match"], "\"e\"");
  EXPECT_EQ(answer->info.size, 10u);
  EXPECT_EQ(answer->range, (ByteRange{2, 3}));
  EXPECT_EQ(*run(io::read_all(std::move(answer->body), 10, ctx())), "234");
}

TEST_F(S3, believes_no_other_version) {
  struct Case {
    const char *range, *body, *etag;
  };
  for (Case c : {Case{"bytes 2-4/10", "234", "\"f\""}, Case{"bytes 2-4/11", "234", "\"e\""},
                 Case{"bytes 2-4/10", "234", "W/\"e\""}, Case{"bytes 2-4/10", "234", ""}}) {
    reply_range(c.range, c.body, c.etag);
    auto answer = get(kRanged);
    ASSERT_FALSE(answer) << c.etag;
    EXPECT_EQ(answer.error().code(), Code::conflict);
    EXPECT_EQ(answer.error().detail(), "PreconditionFailed");
  }
  reply(412);
  EXPECT_EQ(get(kRanged).error().code(), Code::conflict);
}

TEST_F(S3, believes_no_other_range) {
  for (auto [range, body] :
       std::vector<std::pair<std::string, std::string>>{{"bytes 1-3/10", "123"},
                                                        {"bytes 2-3/10", "23"},
                                                        {"bytes 2-5/10", "2345"},
                                                        {"bytes 2-4/10", "23"},
                                                        {"bytes 2-4/*", "234"},
                                                        {"items 2-4/10", "234"}}) {
    reply_range(range, body);
    auto answer = get(kRanged);
    ASSERT_FALSE(answer) << range;
    EXPECT_EQ(answer.error().code(), Code::corrupt) << range;
    EXPECT_EQ(answer.error().detail(), "BadGateway") << range;
  }
  reply_range("bytes 0-9/10", "0123456789");
  EXPECT_EQ(get({}).error().code(), Code::corrupt);
}

TEST_F(S3, takes_all_where_all_was_asked) {
  for (uint64_t length : {10u, 1000u}) {
    reply(200, {{"ETag", "\"e\""}}, "0123456789");
    auto answer = get({.range = ByteRange{0, length}, .tag = kTag});
    ASSERT_TRUE(answer) << length;
    EXPECT_EQ(answer->range, (ByteRange{0, 10}));
  }
  reply_range("bytes 8-9/10", "89");
  EXPECT_EQ(get({.range = ByteRange{8, 3}})->range, (ByteRange{8, 2}));
  reply(200, {{"ETag", "\"e\""}});
  EXPECT_EQ(get({.range = ByteRange{0, 0}})->range, (ByteRange{0, 0}));
}

TEST_F(S3, takes_all_from_a_server_that_knows_no_ranges) {
  reply(200, {{"ETag", "\"e\""}}, "0123456789");
  auto answer = get(kRanged);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->range, (ByteRange{0, 10}));
  EXPECT_TRUE(answer->whole);
  EXPECT_EQ(answer->body.length, 10u);
  EXPECT_EQ(*run(io::read_all(std::move(answer->body), 10, ctx())), "0123456789");
  reply(200, {{"ETag", "\"e\""}}, "0123456789");
  EXPECT_FALSE(get({})->whole) << "that was asked for";
  reply(200, {{"ETag", "\"f\""}}, "0123456789");
  EXPECT_EQ(get(kRanged).error().code(), Code::conflict) << "of this version only";
  reply(200, {{"ETag", "\"e\""}}, "01");
  EXPECT_EQ(get({.range = ByteRange{2, 3}}).error().detail(), "InvalidRange");
}

TEST_F(S3, sees_when_part_numbers_are_ignored) {
  reply(200, {{"ETag", "\"e-2\""}}, "whole");
  auto whole = run(origin_->head(testkit::key_of("k"), {.part_number = 1}, ctx()));
  EXPECT_EQ(whole.error().detail(), "NotImplemented");
  reply(206, {{"ETag", "\"e-2\""}, {"Content-Range", "bytes 0-3/9"}, {"x-amz-mp-parts-count", "2"}},
        "part");
  auto part = run(origin_->head(testkit::key_of("k"), {.part_number = 1}, ctx()));
  ASSERT_TRUE(part) << part.error().text();
  EXPECT_EQ(part->size, 4u);
  EXPECT_EQ(part->parts, 2u);
  EXPECT_EQ(part->tag.text(), "e:\"e-2\":9");
  reply(416);
  auto beyond = run(origin_->head(testkit::key_of("k"), {.part_number = 3}, ctx()));
  EXPECT_EQ(beyond.error().detail(), "InvalidPartNumber");
  EXPECT_EQ(script_.log.back(), "HEAD /bucket/k?partNumber=3");
}

TEST_F(S3, puts_and_learns_the_tag) {
  reply(200, {{"ETag", "\"e\""}});
  PutOptions options{.fields = {{"content-type", "t"}, {"x-amz-meta-a", "b"}},
                     .conditions = {.if_none_match_any = true}};
  auto put =
      run(origin_->put(testkit::key_of("k"), options, testkit::body_of("0123456789"), ctx()));
  ASSERT_TRUE(put) << put.error().text();
  EXPECT_EQ(put->tag, kTag);
  EXPECT_EQ(script_.bodies.at(0), "0123456789");
  EXPECT_EQ(script_.headers.at(0)["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
  EXPECT_EQ(script_.headers.at(0)["if-none-match"], "*");
  EXPECT_EQ(script_.headers.at(0)["Content-Length"], "10");
  reply(200, {{"ETag", "W/\"e\""}});
  put = run(origin_->put(testkit::key_of("k"), {}, testkit::body_of("x"), ctx()));
  EXPECT_TRUE(put && !put->tag.strong());
  reply(200, {{"ETag", "\"e\""}, {"x-amz-version-id", "7"}});
  put = run(origin_->put(testkit::key_of("k"), {}, testkit::body_of("x"), ctx()));
  EXPECT_EQ(put->tag.text(), "v:7");
}

TEST_F(S3, hears_the_error_of_a_body_without_bytes) {
  io::Body body = testkit::body_of("", 1, true);
  body.length = 0;
  auto put = run(origin_->put(testkit::key_of("k"), {}, std::move(body), ctx()));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().detail(), "IncompleteBody");
  body = testkit::body_of("x");
  body.length = http::kUnknownLength;
  put = run(origin_->put(testkit::key_of("k"), {}, std::move(body), ctx()));
  EXPECT_EQ(put.error().detail(), "MissingContentLength");
  EXPECT_TRUE(script_.log.empty());
}

// What comes behind a body is asked about once: by an object of our own that is put so, and looked
// at.
TEST_F(S3, sends_a_checksum_behind_the_body_where_it_is_kept) {
  auto sum = [](std::string_view text) {
    auto reckoned = Checksum::make(ChecksumKind::crc32);
    reckoned->update(as_bytes(text));
    return to_base64(as_bytes(reckoned->digest()));
  };
  auto put = [&](std::string text) {
    PutOptions options{.trailing_name = "x-amz-checksum-crc32"};
    options.trailing = std::make_shared<const Fields>(Fields{{options.trailing_name, sum(text)}});
    return run(
        origin_->put(testkit::key_of("k"), std::move(options), testkit::body_of(text, 3), ctx()));
  };
  auto probed = [&](std::vector<std::pair<std::string, std::string>> head) {
    reply(200, {{"ETag", "\"p\""}});
    head.emplace_back("ETag", "\"p\"");
    reply(200, std::move(head), "forebay");
    reply(204);
    reply(200, {{"ETag", "\"e\""}});
  };
  probed({{"x-amz-checksum-crc32", sum("forebay")}});
  ASSERT_TRUE(put("bytes"));
  EXPECT_EQ(script_.log.size(), 4U);
  EXPECT_TRUE(script_.log[0].starts_with("PUT /bucket/forebay-probe-")) << script_.log[0];
  EXPECT_TRUE(script_.log[2].starts_with("DELETE /bucket/forebay-probe-")) << script_.log[2];
  EXPECT_EQ(script_.log[3], "PUT /bucket/k");
  EXPECT_EQ(script_.headers[3]["x-amz-trailer"], "x-amz-checksum-crc32");
  EXPECT_EQ(script_.bodies[3],
            "5\r\nbytes\r\n0\r\nx-amz-checksum-crc32:" + sum("bytes") + "\r\n\r\n");
  reply(200, {{"ETag", "\"e\""}});
  ASSERT_TRUE(put("more"));
  EXPECT_EQ(script_.log.size(), 5U) << "not asked again";
  reply(200, {{"ETag", "\"e\""}});
  ASSERT_TRUE(put(""));
  EXPECT_EQ(script_.headers.back()["x-amz-checksum-crc32"], sum("")) << "known by now";

  // Elsewhere the bytes go bare: nothing of the framing must become part of them.
  for (std::vector<std::pair<std::string, std::string>> head :
       {std::vector<std::pair<std::string, std::string>>{},
        {std::pair<std::string, std::string>("x-amz-checksum-crc32", "AAAAAA==")}}) {
    at_prefix("");
    script_.log.clear(), script_.bodies.clear(), script_.headers.clear();
    probed(std::move(head));
    ASSERT_TRUE(put("bytes"));
    EXPECT_EQ(script_.bodies.at(3), "bytes");
    EXPECT_FALSE(script_.headers.at(3).contains("x-amz-trailer"));
  }
  // Who may write k and no other key.
  at_prefix("");
  script_.log.clear(), script_.bodies.clear();
  for (int i = 0; i < 2; ++i) reply(403, {}, "<Error><Code>AccessDenied</Code></Error>");
  reply(200, {{"ETag", "\"e\""}});
  ASSERT_TRUE(put("bytes"));
  EXPECT_EQ(script_.bodies.back(), "bytes");
}

TEST_F(S3, sends_no_more_fields_than_can_be_signed) {
  auto put = [&](int fields) {
    PutOptions options;
    for (int i = 0; i < fields; ++i) options.fields["x-amz-meta-" + std::to_string(i)] = "";
    reply(200, {{"ETag", "\"e\""}});
    auto done = run(
        origin_->put(testkit::key_of("k"), std::move(options), testkit::body_of("x", 1), ctx()));
    script_.replies.clear();
    return done ? std::string() : done.error().detail();
  };
  EXPECT_NE(put(200), "MetadataTooLarge");
  EXPECT_EQ(put(201), "MetadataTooLarge");
  EXPECT_EQ(put(300), "MetadataTooLarge");
  // As many come back.
  std::vector<std::pair<std::string, std::string>> told{{"ETag", "\"e\""}};
  for (int i = 0; i < 600; ++i) told.emplace_back("x-amz-meta-" + std::to_string(i), "v");
  reply(200, told, "x");
  auto info = run(origin_->head(testkit::key_of("k"), {}, ctx()));
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(info->fields.size(), 600U);
}

TEST_F(S3, removes_what_is_not_there) {
  reply(404, {}, "<Error><Code>NoSuchKey</Code></Error>");
  EXPECT_TRUE(run(origin_->remove(testkit::key_of("k"), ctx())));
  reply(404, {}, "<Error><Code>NoSuchBucket</Code></Error>");
  EXPECT_EQ(run(origin_->remove(testkit::key_of("k"), ctx())).error().detail(), "NoSuchBucket");
}

TEST_F(S3, falls_back_to_lists_of_the_first_version) {
  at_prefix("p/");
  const std::string first =
      "<ListBucketResult><Marker/><IsTruncated>true</IsTruncated>"
      "<Contents><Key>p/a</Key><Size>1</Size></Contents>"
      "<Contents><Key>p/b</Key><Size>1</Size></Contents></ListBucketResult>";
  reply(200, {}, first);
  auto page = run(origin_->list({.max_keys = 2}, ctx()));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->objects.at(1).key, "b");
  EXPECT_EQ(page->last_name, "b");
  reply(200, {},
        "<ListBucketResult><Marker/><IsTruncated>false</IsTruncated>"
        "<Contents><Key>p/c</Key><Size>1</Size></Contents></ListBucketResult>");
  page = run(origin_->list({.continuation = page->next, .max_keys = 2}, ctx()));
  EXPECT_EQ(page->objects.at(0).key, "c");
  EXPECT_EQ(script_.log.back(),
            "GET /bucket?encoding-type=url&prefix=p%2F&marker=p%2Fb&max-keys=2");
  // start-after was ignored by a server that does not know it.
  reply(200, {}, first);
  reply(200, {}, "<ListBucketResult><Marker/><IsTruncated>false</IsTruncated></ListBucketResult>");
  page = run(origin_->list({.start_after = "b"}, ctx()));
  EXPECT_TRUE(page && page->objects.empty());
  EXPECT_TRUE(script_.log.back().ends_with("&marker=p%2Fb&max-keys=1000"));
  reply(200, {},
        "<ListBucketResult><IsTruncated>false</IsTruncated>"
        "<Contents><Key>q/a</Key><Size>1</Size></Contents></ListBucketResult>");
  EXPECT_EQ(run(origin_->list({}, ctx())).error().code(), Code::corrupt);
}

TEST_F(S3, a_list_goes_on_or_fails) {
  const std::string stuck =
      "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>x</NextContinuationToken></ListBucketResult>";
  reply(200, {}, stuck);
  auto page = run(origin_->list({}, ctx()));
  ASSERT_TRUE(page);
  reply(200, {}, stuck);
  EXPECT_EQ(run(origin_->list({.continuation = page->next}, ctx())).error().code(), Code::corrupt);
  EXPECT_EQ(run(origin_->list({.continuation = "junk"}, ctx())).error().code(), Code::invalid);
}

TEST_F(S3, learns_what_a_completion_made) {
  // radosgw gives no ETag; the parts' own say what it must be.
  const std::vector<CompletedPart> parts{{1, ETag("\"d41d8cd98f00b204e9800998ecf8427e\""), {}}};
  const std::string etag =
      multipart_etag(
          std::string("\xd4\x1d\x8c\xd9\x8f\x00\xb2\x04\xe9\x80\x09\x98\xec\xf8\x42\x7e", 16))
          .text();
  auto complete = [&] {
    return run(origin_->complete_upload(testkit::key_of("k"), "id", parts, {}, ctx()));
  };
  const std::string empty =
      "<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>";
  reply(200, {}, empty);
  reply(200, {{"ETag", etag}});
  auto done = complete();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->etag.text(), etag);
  EXPECT_TRUE(done->tag.strong());
  // Another's, none, or nobody to ask: it may have completed or not.
  reply(200, {}, empty);
  reply(200, {{"ETag", "\"somebody-1\""}});
  EXPECT_EQ(complete().error().code(), Code::unavailable);
  reply(200, {},
        "<CompleteMultipartUploadResult><ETag>\"\"</ETag></CompleteMultipartUploadResult>");
  reply(404);
  EXPECT_EQ(complete().error().code(), Code::unavailable);
  reply(200, {}, "<CompleteMultipartUploadResult/>");
  reply(403);
  EXPECT_EQ(complete().error().code(), Code::unavailable);
  // The version that it names is asked for, whatever ETag it has.
  reply(200, {{"x-amz-version-id", "v7"}}, empty);
  reply(200, {{"ETag", "\"opaque-1\""}, {"x-amz-version-id", "v7"}});
  done = complete();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->etag.text(), "\"opaque-1\"");
  EXPECT_TRUE(done->tag.strong());
  EXPECT_EQ(script_.log.back(), "HEAD /bucket/k?versionId=v7");
  reply(200, {}, "<Error><Code>InternalError</Code></Error>");
  EXPECT_EQ(complete().error().code(), Code::unavailable);
  reply(200, {}, "<html>");
  EXPECT_EQ(complete().error().code(), Code::unavailable);
  reply(400, {}, "<Error><Code>InvalidPart</Code></Error>");
  EXPECT_EQ(complete().error().detail(), "InvalidPart");
}

// Such a server would pass over them, and the object would be there.
TEST_F(S3, asks_before_a_completion_whether_what_the_client_says_is_so) {
  const std::vector<CompletedPart> parts{{1, ETag("\"e\""), {}}};
  const std::string list =
      "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</"
      "PartNumber><ETag>&quot;e&quot;</ETag><Size>9</Size>"
      "</Part></ListPartsResult>";
  auto complete = [&](PutOptions options) {
    reply(200, {}, list);
    return run(
        origin_->complete_upload(testkit::key_of("k"), "id", parts, std::move(options), ctx()));
  };
  EXPECT_EQ(complete({.size = 8}).error().detail(), "InvalidRequest");
  auto summed = complete({.checksums = {{"x-amz-checksum-crc32", "AAAAAA=="}}});
  EXPECT_EQ(summed.error().detail(), "NotImplemented");
  ASSERT_EQ(script_.log.size(), 2u);
  for (const std::string& line : script_.log) EXPECT_TRUE(line.starts_with("GET ")) << line;
}

TEST_F(S3, an_error_behind_a_200_is_sure_only_in_words_of_s3) {
  auto complete = [&](const std::string& code) {
    reply(200, {}, "<Error><Code>" + code + "</Code><Message>m</Message></Error>");
    const std::vector<CompletedPart> parts{{1, ETag("\"e\""), {}}};
    return run(origin_->complete_upload(testkit::key_of("k"), "id", parts, {}, ctx())).error();
  };
  for (const char* code :
       {"InternalError", "ServiceUnavailable", "RequestTimeout", "Weird", "OperationAborted", ""}) {
    EXPECT_EQ(complete(code).code(), Code::unavailable) << code;
  }
  EXPECT_EQ(complete("EntityTooSmall").detail(), "EntityTooSmall");
  EXPECT_EQ(complete("InvalidPart").code(), Code::invalid);
  EXPECT_EQ(complete("NoSuchUpload").code(), Code::not_found);
  EXPECT_EQ(complete("PreconditionFailed").code(), Code::conflict);
}

TEST_F(S3, lets_the_origin_answer_a_completion_asked_again) {
  const std::vector<CompletedPart> parts{{1, ETag("\"e\""), {}}};
  const std::string gone = "<Error><Code>NoSuchUpload</Code><Message>m</Message></Error>";
  auto complete = [&] {
    return run(origin_->complete_upload(
        testkit::key_of("k"), "id", parts,
        {.checksums = {{"x-amz-checksum-crc32", "AAAAAA=="}}, .size = 9}, ctx()));
  };
  reply(404, {}, gone);
  reply(200, {},
        "<CompleteMultipartUploadResult><ETag>&quot;e-1&quot;</ETag>"
        "</CompleteMultipartUploadResult>");
  reply(404);  // what it made has been removed since then
  auto again = complete();
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->etag.text(), "\"e-1\"");
  ASSERT_EQ(script_.log.size(), 3u);
  EXPECT_TRUE(script_.log[1].starts_with("POST ")) << script_.log[1];
  EXPECT_EQ(script_.headers[1]["x-amz-mp-object-size"], "9");
  EXPECT_EQ(script_.headers[1]["x-amz-checksum-crc32"], "AAAAAA==");
  reply(404, {}, gone);
  reply(404, {}, gone);
  EXPECT_EQ(complete().error().detail(), "NoSuchUpload");
  reply(403, {}, "<Error><Code>AccessDenied</Code></Error>");
  EXPECT_EQ(complete().error().code(), Code::denied);
  EXPECT_EQ(script_.log.size(), 6u) << "nothing is completed that could not be checked";
}

TEST_F(S3, gives_checksums_of_parts_only_where_they_are_kept) {
  auto put = [&](PutOptions options) {
    reply(200, {{"ETag", "\"e\""}});
    auto part = run(origin_->put_part(testkit::key_of("k"), "id", 1, std::move(options),
                                      testkit::body_of("body"), ctx()));
    EXPECT_TRUE(part) << part.error().text();
  };
  const Fields crc{{"x-amz-checksum-crc32", "AAAAAA=="}};
  const PutOptions before{.checksums = crc};
  const PutOptions behind{.trailing = std::make_shared<Fields>(crc),
                          .trailing_name = "x-amz-checksum-crc32"};
  reply(200, {}, "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>");
  put(before);
  put(behind);  // not asked again
  ASSERT_EQ(script_.log.size(), 3u);
  EXPECT_FALSE(script_.headers[1].contains("x-amz-checksum-crc32"));
  EXPECT_FALSE(script_.headers[2].contains("x-amz-trailer"));
  EXPECT_EQ(script_.bodies[2], "body");

  origin_ = make_s3_origin(options_);
  reply(200, {},
        "<ListPartsResult><IsTruncated>false</IsTruncated><ChecksumAlgorithm>CRC32</"
        "ChecksumAlgorithm>"
        "<ChecksumType>COMPOSITE</ChecksumType></ListPartsResult>");
  put(before);
  put(behind);
  ASSERT_EQ(script_.log.size(), 6u);
  EXPECT_EQ(script_.headers[4]["x-amz-checksum-crc32"], "AAAAAA==");
  EXPECT_EQ(script_.headers[5]["x-amz-trailer"], "x-amz-checksum-crc32");
  EXPECT_EQ(script_.headers[5]["x-amz-decoded-content-length"], "4");
  EXPECT_EQ(script_.bodies[5], "4\r\nbody\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
}

TEST_F(S3, makes_a_bucket_once) {
  reply(200);
  EXPECT_TRUE(run(create_s3_bucket(options_, ctx())));
  EXPECT_EQ(script_.log.at(0), "PUT /bucket");
  reply(409, {}, "<Error><Code>BucketAlreadyOwnedByYou</Code></Error>");
  EXPECT_TRUE(run(create_s3_bucket(options_, ctx())));
  reply(409, {}, "<Error><Code>BucketAlreadyExists</Code></Error>");
  EXPECT_EQ(run(create_s3_bucket(options_, ctx())).error().code(), Code::exists);
}

TEST_F(S3, a_probe_of_what_may_only_be_read) {
  reply(200, {},
        "<ListBucketResult><IsTruncated>false</IsTruncated>"
        "<Contents><Key>there</Key><Size>1</Size></Contents></ListBucketResult>");
  reply(403);  // put under a condition
  reply(403);  // put
  reply(412);  // get
  reply(416);  // head of a part
  reply(200, {}, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
  auto can = run(origin_->probe(ctx()));
  ASSERT_TRUE(can) << can.error().text();
  EXPECT_FALSE(can->conditional_put);
  EXPECT_TRUE(can->conditional_get && can->part_number && can->versions && can->start_after);
  EXPECT_EQ(script_.log.at(3), "GET /bucket/there");
}

TEST_F(S3, a_probe_fails_where_nothing_can_be_learned) {
  reply(404, {}, "<Error><Code>NoSuchBucket</Code></Error>");
  EXPECT_EQ(run(origin_->probe(ctx())).error().detail(), "NoSuchBucket");
  reply(403);
  EXPECT_EQ(run(origin_->probe(ctx())).error().code(), Code::denied);
  reply(200, {}, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
  reply(500);
  reply(204);  // cleaning up
  EXPECT_EQ(run(origin_->probe(ctx())).error().code(), Code::unavailable);
  EXPECT_TRUE(script_.log.back().starts_with("DELETE /bucket/forebay-probe-"));
}

}  // namespace
}  // namespace forebay::origin
