// Answers of servers that are broken, or are no S3 at all: none of them is believed.
#include "origin/s3/script_test.h"
#include "origin/tags.h"

namespace forebay::origin {
namespace {

class S3Hostile : public S3 {
 protected:
  Result<ObjectInfo> head(uint32_t part_number = 0) {
    HeadOptions options{.part_number = part_number};
    return run(origin_->head(testkit::key_of("key"), options, ctx()));
  }
  template <class T>
  void expect_bad(const Result<T>& result, std::string_view why = {}) {
    ASSERT_FALSE(result) << why;
    EXPECT_EQ(result.error().code(), Code::corrupt) << why << ": " << result.error().text();
    EXPECT_EQ(result.error().detail(), "BadGateway") << why;
  }
};

TEST_F(S3Hostile, an_object_larger_than_any_is_not_believed) {
  for (uint64_t bytes : {kMaxObjectBytes + 1, UINT64_MAX - 1}) {
    std::string size = std::to_string(bytes);
    script_.replies.push_back({.fields = {{"ETag", "\"e-3\""}}, .length = bytes});
    expect_bad(head(), size);
    reply_range("bytes 2-4/" + size, "234");
    expect_bad(get({.range = ByteRange{2, 3}}), size);
    reply(206, {{"ETag", "\"e-3\""}, {"Content-Range", "bytes 0-4/" + size}}, "01234");
    expect_bad(head(1), size);
  }
  script_.replies.push_back({.fields = {{"ETag", "\"e-3\""}}, .length = kMaxObjectBytes});
  auto largest = head();
  ASSERT_TRUE(largest) << largest.error().text();
  EXPECT_EQ(largest->size, kMaxObjectBytes);
  script_.replies.push_back({.fields = {{"ETag", "\"e-3\""}}, .length = kMaxObjectBytes + 1});
  expect_bad(get({}), "all of it");
}

TEST_F(S3Hostile, a_part_whose_place_cannot_be_is_no_place) {
  for (const char* range : {"bytes 500000-599999/300000", "bytes 5-4/10", "bytes 0-4/*", "x"}) {
    reply(206, {{"ETag", "\"e-3\""}, {"Content-Range", range}, {"x-amz-mp-parts-count", "3"}},
          "01234");
    expect_bad(head(2), range);
  }
  reply(206, {{"ETag", "\"e-3\""}, {"Content-Range", "bytes 5-9/30"}}, "56789");
  auto part = head(2);
  ASSERT_TRUE(part) << part.error().text();
  EXPECT_EQ(part->part, (ByteRange{5, 5}));
  EXPECT_EQ(part->part_of, 30u);
}

TEST_F(S3Hostile, only_what_s3_answers_to_a_write_is_a_yes) {
  const std::string page = "<html>please log in</html>";
  auto put = [&] {
    return run(origin_->put(testkit::key_of("k"), {}, testkit::body_of("x"), ctx()));
  };
  auto put_part = [&] {
    return run(origin_->put_part(testkit::key_of("k"), "id", 1, {}, testkit::body_of("x"), ctx()));
  };
  for (const Reply& bad :
       {Reply{}, Reply{.fields = {{"Content-Type", "text/html"}}, .body = page},
        Reply{.status = 204}, Reply{.status = 201, .fields = {{"ETag", "\"e\""}}},
        Reply{.status = 202, .fields = {{"ETag", "\"e\""}}},
        Reply{.status = 206, .fields = {{"ETag", "\"e\""}}}}) {
    script_.replies.push_back(bad);
    EXPECT_EQ(put().error().code(), Code::unavailable) << bad.status;
    script_.replies.push_back(bad);
    EXPECT_EQ(put_part().error().code(), Code::unavailable) << bad.status;
  }
  reply(200, {{"ETag", "\"e\""}}, page);
  EXPECT_TRUE(put()) << "with an ETag";

  auto remove = [&] { return run(origin_->remove(testkit::key_of("k"), ctx())); };
  auto abort = [&] { return run(origin_->abort_upload(testkit::key_of("k"), "id", ctx())); };
  for (const Reply& bad : {Reply{.body = page}, Reply{.status = 202}, Reply{.status = 206}}) {
    script_.replies.push_back(bad);
    EXPECT_EQ(remove().error().code(), Code::unavailable) << bad.status;
    script_.replies.push_back(bad);
    EXPECT_EQ(abort().error().code(), Code::unavailable) << bad.status;
  }
  for (int status : {200, 204}) {
    reply(status);
    EXPECT_TRUE(remove()) << status;
    reply(status);
    EXPECT_TRUE(abort()) << status;
  }

  reply(202, {},
        "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
        "</InitiateMultipartUploadResult>");
  EXPECT_EQ(run(origin_->create_upload(testkit::key_of("k"), {}, ctx())).error().code(),
            Code::unavailable);
  reply(202, {},
        "<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag>"
        "</CompleteMultipartUploadResult>");
  auto done = run(
      origin_->complete_upload(testkit::key_of("k"), "id", {{1, ETag("\"e\""), {}}}, {}, ctx()));
  EXPECT_EQ(done.error().code(), Code::unavailable);
}

TEST_F(S3Hostile, no_other_yes_is_an_answer_to_a_read) {
  for (int status : {201, 202, 203, 204, 206}) {
    reply(status, {{"ETag", "\"e\""}});
    expect_bad(head(), std::to_string(status));
    reply(status, {{"ETag", "\"e\""}});
    expect_bad(get({}), std::to_string(status));
    reply(status, {}, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
    expect_bad(run(origin_->list({}, ctx())), std::to_string(status));
  }
  reply(204, {{"ETag", "\"e-2\""}, {"x-amz-mp-parts-count", "2"}});
  expect_bad(head(1), "of a part");
}

TEST_F(S3Hostile, a_list_that_cannot_go_on_or_never_ends_is_a_bad_answer) {
  reply(200, {},
        "<ListBucketResult><KeyCount>1</KeyCount><IsTruncated>true</IsTruncated>"
        "<Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>");
  expect_bad(run(origin_->list({}, ctx())), "no token");
  reply(200, {}, "<ListBucketResult>" + std::string((8 << 20) + 1, ' ') + "</ListBucketResult>");
  expect_bad(run(origin_->list({}, ctx())), "too large");
}

// 2048 parts of 2^53 bytes are 2^64, which is 0 to who adds them up without a look.
TEST_F(S3Hostile, parts_beyond_all_numbers_are_of_no_size) {
  std::string list = "<ListPartsResult><IsTruncated>false</IsTruncated>";
  std::vector<CompletedPart> parts;
  for (uint32_t number = 1; number <= 2048; ++number) {
    parts.push_back({number, ETag("\"e\""), {}});
    list += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>e</ETag><Size>" +
            std::to_string(kMaxObjectBytes) + "</Size></Part>";
  }
  reply(200, {}, list + "</ListPartsResult>");
  auto done = run(origin_->complete_upload(testkit::key_of("k"), "id", parts, {.size = 0}, ctx()));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::too_large);
  EXPECT_EQ(script_.log.size(), 1u) << "nothing is completed";
}

TEST_F(S3Hostile, a_server_of_files_can_be_read_though_not_written) {
  reply(200, {}, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
  reply(201);                       // put under a condition, as WebDAV answers it
  reply(204);                       // put
  reply(412);                       // get
  reply(200, {{"ETag", "\"e\""}});  // head of a part
  reply(204);                       // cleaning up
  reply(200, {}, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
  auto can = run(origin_->probe(ctx()));
  ASSERT_TRUE(can) << can.error().text();
  EXPECT_FALSE(can->conditional_put);
  EXPECT_TRUE(can->conditional_get);
  EXPECT_TRUE(script_.log.at(5).starts_with("DELETE /bucket/forebay-probe-")) << script_.log.at(5);
}

}  // namespace
}  // namespace forebay::origin
