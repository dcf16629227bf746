// PostObject through a whole door.
#include <gtest/gtest.h>

#include "base/json.h"
#include "gateway/s3/form.h"
#include "gateway/s3/refused_test.h"
#include "testkit/pattern.h"

namespace forebay::gateway::s3 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

class S3Post : public testing::Test {
 protected:
  /// Fields of a form and its policy: each has a condition, and those of `conditions` come too.
  Fields sign_form(Fields fields, const std::string& conditions = {}, std::string expires = {}) {
    WallTime now = world_.loop().wall_now();
    std::string date(amz_date(now));
    fields.emplace_back("x-amz-algorithm", "AWS4-HMAC-SHA256");
    fields.emplace_back("x-amz-credential", "ROOT/" + std::string(world_.signer.scope_text(now)));
    fields.emplace_back("x-amz-date", date);
    if (expires.empty()) expires = iso8601({now.ns + 60'000'000'000});
    std::string policy = R"({"expiration":")" + expires + R"(","conditions":[{"bucket":"data"})";
    if (!conditions.empty()) policy += "," + conditions;
    for (const auto& [name, value] : fields) {
      if (value.contains("${filename}") || conditions.contains("$" + name)) continue;
      policy += "," + Json(Json::Object{{name, Json(value)}}).dump();
    }
    std::string text = to_base64(as_bytes(policy + "]}"));
    HmacKey key = world_.signer.key(now);
    fields.emplace_back("policy", text);
    fields.emplace_back("x-amz-signature", to_hex(key.sign(as_bytes(text))));
    return fields;
  }
  static std::string part(const std::string& name, const std::string& value,
                          const std::string& more = {}) {
    return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" +
           value + "\r\n";
  }
  static std::string body_of(const Fields& fields, const std::string& file,
                             const std::string& behind = {}) {
    std::string out;
    for (const auto& [name, value] : fields) out += part(name, value);
    out += part("file", file, "; filename=\"the file.txt\"\r\nContent-Type: text/plain");
    return out + behind + "--B--\r\n";
  }
  Reply post(std::string body, Fields headers = {}, const std::string& target = "/data") {
    headers.emplace_back("content-type", "multipart/form-data; boundary=B");
    return world_.ask({.method = "POST",
                       .target = target,
                       .headers = std::move(headers),
                       .body = std::move(body),
                       .sign = false});
  }
  std::string get(const std::string& key) {
    Reply reply = world_.ask("GET", "/data/" + key);
    return reply.status == 200 ? reply.body : reply.element("Code");
  }
  DoorWorld world_;
  testkit::MemoryOrigin& origin_ = world_.origin();
};

TEST_F(S3Post, writes_what_the_form_says) {
  for (size_t size : {size_t{0}, size_t{1000}, size_t{64 << 10}, size_t{300'000}}) {
    std::string file = testkit::pattern(size, size);
    Fields fields = sign_form({{"key", "in/a b"},
                               {"Content-Type", "text/x"},
                               {"Cache-Control", "max-age=3"},
                               {"acl", "private"},
                               {"x-amz-meta-color", "blue"},
                               {"tagging",
                                "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>"
                                "</Tagging>"},
                               {"submit", "Send"}});
    Reply done = post(body_of(fields, file));
    EXPECT_EQ(done.status, 204) << done.body;
    EXPECT_EQ(done.header("location"), "http://localhost/data/in/a%20b");
    Reply read = world_.ask("GET", "/data/in/a%20b");
    EXPECT_TRUE(read.body == file) << size;
    EXPECT_EQ(read.header("etag"), done.header("etag"));
    EXPECT_EQ(read.header("content-type"), "text/x");
    EXPECT_EQ(read.header("cache-control"), "max-age=3");
    EXPECT_EQ(read.header("x-amz-meta-color"), "blue");
    EXPECT_EQ(read.header("x-amz-tagging-count"), "1");
  }
}

TEST_F(S3Post, answers_as_it_is_asked_to) {
  Reply made = post(body_of(sign_form({{"key", "k"}, {"success_action_status", "201"}}), "x"));
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.element("Bucket"), "data");
  EXPECT_EQ(made.element("Key"), "k");
  EXPECT_EQ(made.element("Location"), "http://localhost/data/k");
  EXPECT_TRUE(made.element("ETag").contains(to_hex(as_bytes(raw_sum(ChecksumKind::md5, "x")))));
  for (auto [said, status] : {std::pair("200", 200), {"204", 204}, {"202", 204}, {"", 204}}) {
    EXPECT_EQ(post(body_of(sign_form({{"key", "k"}, {"success_action_status", said}}), "x")).status,
              status);
  }
  Reply sent = post(body_of(sign_form({{"key", "a&b"},
                                       {"success_action_status", "201"},
                                       {"success_action_redirect", "https://page/?x=1"}}),
                            "x"));
  EXPECT_EQ(sent.status, 303);
  EXPECT_TRUE(
      sent.header("location").starts_with("https://page/?x=1&bucket=data&key=a%26b&etag=%22"));
  Reply not_sent =
      post(body_of(sign_form({{"key", "k"}, {"success_action_redirect", "javascript:x"}}), "x"));
  EXPECT_EQ(not_sent.status, 204);
}

TEST_F(S3Post, puts_the_files_name_where_it_belongs) {
  Fields fields =
      sign_form({{"key", "in/${filename}"}, {"x-amz-meta-name", "${filename}"}},
                R"(["starts-with","$key","in/"],["starts-with","$x-amz-meta-name",""])");
  EXPECT_EQ(post(body_of(fields, "x")).status, 204);
  EXPECT_EQ(world_.ask("HEAD", "/data/in/the%20file.txt").header("x-amz-meta-name"),
            "the file.txt");
  fields = sign_form({{"key", "${filename}"}}, R"(["eq","$key","another"])");
  refused(post(body_of(fields, "x")), 403, "AccessDenied");
}

TEST_F(S3Post, what_follows_the_file_is_ignored_where_the_form_is_small) {
  Fields fields = sign_form({{"key", "k"}});
  std::string behind = part("submit", "Send") + part("file", "another");
  EXPECT_EQ(post(body_of(fields, "bytes", behind)).status, 204);
  EXPECT_EQ(get("k"), "bytes");
  // Of a large one its length must be known before its end.
  refused(post(body_of(fields, std::string(100'000, 'x'), behind)), 400, "MalformedPOSTRequest");
  EXPECT_EQ(get("k"), "bytes");
}

TEST_F(S3Post, is_refused_without_a_policy_or_past_it) {
  refused(post(body_of({{"key", "k"}}, "x")), 403, "AccessDenied");
  Fields fields = sign_form({{"key", "k"}});
  fields.emplace_back("x-amz-meta-more", "1");
  refused(post(body_of(fields, "x")), 403, "AccessDenied");
  fields.back().first = "x-ignore-me";
  EXPECT_EQ(post(body_of(fields, "x")).status, 204);
  refused(post(body_of(sign_form({{"key", "k"}}, "", "2001-01-01T00:00:00Z"), "x")), 403,
          "AccessDenied");
  fields = sign_form({{"key", "k"}});
  fields[0].second = "l";
  refused(post(body_of(fields, "x")), 403, "AccessDenied");
  fields = sign_form({{"key", "k"}});
  fields.back().second[0] = fields.back().second[0] == 'a' ? 'b' : 'a';
  refused(post(body_of(fields, "x")), 403, "SignatureDoesNotMatch");
  refused(post(body_of(sign_form({{"key", "k"}, {"x-amz-security-token", "t"}}), "x")), 400,
          "InvalidToken");
  refused(post(body_of({{"key", "k"}, {"policy", "e30="}}, "x")), 400, "InvalidArgument");
  refused(post(body_of({{"key", "k"}, {"AWSAccessKeyId", "ROOT"}, {"policy", "e30="}}, "x")), 400,
          "InvalidRequest");
  refused(post(body_of(sign_form({{"key", "k"}}), "x"), {}, "/other"), 403, "AccessDenied");
  EXPECT_EQ(get("l"), "NoSuchKey");
}

TEST_F(S3Post, holds_to_the_length_that_is_allowed) {
  for (size_t size : {size_t{10}, size_t{100'000}}) {
    std::string range =
        R"(["content-length-range",)" + std::to_string(size - 1) + "," + std::to_string(size) + "]";
    auto with = [&](size_t bytes) {
      return post(body_of(sign_form({{"key", "k"}}, range), std::string(bytes, 'x')));
    };
    refused(with(size - 2), 400, "EntityTooSmall");
    refused(with(size + 1), 400, "EntityTooLarge");
    EXPECT_EQ(get("k"), "NoSuchKey");
    EXPECT_EQ(with(size).status, 204);
    EXPECT_EQ(get("k").size(), size);
    EXPECT_EQ(world_.ask("DELETE", "/data/k").status, 204);
  }
}

TEST_F(S3Post, checks_what_is_said_of_the_file) {
  for (size_t size : {size_t{10}, size_t{100'000}}) {
    std::string file(size, 'x');
    Fields good{{"key", "k"}, {"x-amz-checksum-crc32", sum(ChecksumKind::crc32, file)}};
    Reply done = post(body_of(sign_form(good), file));
    EXPECT_EQ(done.status, 204);
    EXPECT_EQ(done.header("x-amz-checksum-crc32"), good[1].second);
    refused(post(body_of(sign_form(good), std::string(size, 'y'))), 400, "BadDigest");
    refused(post(body_of(sign_form({{"key", "k"}, {"content-md5", sum(ChecksumKind::md5, "y")}}),
                         file)),
            400, "BadDigest");
    EXPECT_EQ(get("k"), file);
  }
}

TEST_F(S3Post, carries_out_each_field_or_refuses_it) {
  refused(post(body_of(sign_form({{"key", "k"}, {"acl", "public-read"}}), "x")), 400,
          "AccessControlListNotSupported");
  refused(post(body_of(sign_form({{"key", "k"}, {"x-amz-website-redirect-location", "/x"}}), "x")),
          501, "NotImplemented");
  refused(
      post(body_of(sign_form({{"key", "k"}, {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}}), "x")),
      501, "NotImplemented");
  refused(post(body_of(sign_form({{"key", "k"}, {"content-range", "bytes 0-0/2"}}), "x")), 501,
          "NotImplemented");
  for (const char* announced : {"CRC32", "NOPE"}) {
    refused(
        post(body_of(sign_form({{"key", "k"}, {"x-amz-sdk-checksum-algorithm", announced}}), "x")),
        400, "InvalidRequest");
  }
  const std::string tags =
      "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
  refused(
      post(body_of(sign_form({{"key", "k"}, {"tagging", tags}, {"x-amz-tagging", "a=c"}}), "x")),
      400, "InvalidArgument");
  refused(post(body_of(sign_form({{"key", "k"}, {"x-amz-storage-class", "NONE"}}), "x")), 400,
          "InvalidStorageClass");
  refused(post(body_of(sign_form({{"key", "k"}, {"tagging", "<Tagging>"}}), "x")), 400,
          "MalformedXML");
  refused(post(body_of(sign_form({{"key", "k"}, {"Content-Type", "a\r\nb"}}), "x")), 400,
          "InvalidArgument");
  refused(post(body_of(sign_form({{"key", ""}}), "x")), 400, "UserKeyMustBeSpecified");
  refused(post(body_of(sign_form({{"submit", "x"}}), "x")), 400, "UserKeyMustBeSpecified");
  refused(post(body_of(sign_form({{"key", std::string(1025, 'k')}}), "x")), 400, "KeyTooLongError");
  EXPECT_EQ(post(body_of(sign_form({{"key", "k"}, {"If-None-Match", "*"}}), "x")).status, 204);
  refused(post(body_of(sign_form({{"key", "k"}, {"If-None-Match", "*"}}), "y")), 412,
          "PreconditionFailed");
  EXPECT_EQ(get("k"), "x");
}

// The request's own headers, and its query, are not the form's: none is dropped.
TEST_F(S3Post, what_is_said_beside_the_form_is_refused) {
  std::string good = body_of(sign_form({{"key", "k"}}), "x");
  for (auto [name, value] : {std::pair("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
                             {"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
                             {"x-amz-trailer", "x-amz-checksum-crc32"},
                             {"x-amz-decoded-content-length", "1"},
                             {"x-amz-sdk-checksum-algorithm", "CRC32"},
                             {"content-encoding", "aws-chunked"}}) {
    refused(post(good, {{name, value}}), 501, "NotImplemented");
  }
  for (const char* query : {"X-Amz-Acl=public-read", "x-amz-if-match-size=1",
                            "x-amz-server-side-encryption-customer-algorithm=AES256"}) {
    refused(post(good, {}, std::string("/data?") + query), 501, "NotImplemented");
  }
  refused(post(good, {}, "/data?x-amz-expected-bucket-owner=nobody"), 403, "AccessDenied");
  EXPECT_EQ(get("k"), "NoSuchKey");
  EXPECT_EQ(post(good, {}, "/data?x-amz-expected-bucket-owner=forebay").status, 204);
}

TEST_F(S3Post, that_is_no_form_is_refused) {
  std::string good = body_of(sign_form({{"key", "k"}}), "x");
  refused(world_.ask({.method = "POST", .target = "/data", .body = good, .sign = false}), 412,
          "PreconditionFailed");
  refused(post(good.substr(0, good.size() / 2)), 400, "MalformedPOSTRequest");
  refused(post(good.substr(0, good.size() - 8)), 400, "MalformedPOSTRequest");
  refused(post("junk"), 400, "MalformedPOSTRequest");
  refused(post(part("key", std::string(kMaxFormFront, 'x')) + good), 400,
          "MaxPostPreDataLengthExceededError");
  refused(post(part("key", "k") + "--B--\r\n"), 400, "IncorrectNumberOfFilesInPostRequest");
  refused(post(good, {{"x-amz-acl", "private"}}), 501, "NotImplemented");
  refused(post(good, {{"content-md5", sum(ChecksumKind::md5, good)}}), 501, "NotImplemented");
  Reply both = world_.ask({.method = "POST",
                           .target = "/data",
                           .headers = {{"content-type", "multipart/form-data; boundary=B"}},
                           .body = good});
  refused(both, 400, "InvalidArgument");
  EXPECT_EQ(get("k"), "NoSuchKey");
}

TEST_F(S3Post, holds_a_share_of_its_fields_and_gives_it_back) {
  auto answer = [&](const std::string& name, size_t size, uint64_t room) {
    auto forms = std::make_shared<Allowance>(room);
    world_.services().forms = forms;
    Fields fields = sign_form({{"key", "k"}, {name, std::string(size, 'x')}},
                              R"(["starts-with","$)" + name + R"(",""])");
    Reply reply = post(body_of(fields, "x"));
    EXPECT_EQ(forms->left(), room);
    return reply.status == 204 ? "" : reply.element("Code");
  };
  EXPECT_EQ(answer("junk", 7000, 0), "") << "the first 8 KiB need none";
  EXPECT_EQ(answer("junk", 12'000, 0), "SlowDown");
  EXPECT_EQ(answer("junk", 12'000, 5000), "");
  EXPECT_EQ(answer("x-ignore-junk", 12'000, 0), "") << "nobody asks for it again";
}

TEST_F(S3Post, holds_small_files_apart_from_xml) {
  world_.services().bodies = std::make_shared<Allowance>(0);
  auto files = std::make_shared<Allowance>(64 << 10);
  world_.services().form_files = files;
  Fields fields = sign_form({{"key", "k"}});
  std::string file = testkit::pattern(60'000), more = part("submit", "Send");
  EXPECT_EQ(post(body_of(fields, file, more)).status, 204);
  EXPECT_TRUE(get("k") == file);
  EXPECT_EQ(files->left(), 64u << 10);
  // Where others hold all of it, a file streams as larger ones do; behind it nothing may come then.
  files = world_.services().form_files = std::make_shared<Allowance>(1000);
  file[0] ^= 1;
  EXPECT_EQ(post(body_of(fields, file)).status, 204);
  EXPECT_TRUE(get("k") == file);
  refused(post(body_of(fields, "no" + file, more)), 503, "SlowDown");
  EXPECT_TRUE(get("k") == file);
  EXPECT_EQ(post(body_of(fields, file.substr(0, 15'000), more)).status, 204);
  EXPECT_EQ(get("k"), file.substr(0, 15'000));
  EXPECT_EQ(files->left(), 1000u);
}

TEST_F(S3Post, is_not_read_on_when_its_file_is_too_long) {
  auto files = std::make_shared<Allowance>(0);
  world_.services().form_files = files;
  Fields fields = sign_form({{"key", "k"}}, R"(["content-length-range",2,10])");
  std::string behind = part("submit", std::string(60'000, 'x'));
  // What follows the file is awaited, and not held.
  EXPECT_EQ(post(body_of(fields, std::string(10, 'x'), behind)).status, 204);
  EXPECT_EQ(get("k"), std::string(10, 'x'));
  refused(post(body_of(fields, std::string(11, 'y'), behind)), 400, "EntityTooLarge");
  refused(post(body_of(fields, "y", behind)), 400, "EntityTooSmall");
  auto cut = [&](size_t size, size_t announced) {
    std::string body = body_of(fields, std::string(size, 'y'));
    return world_.send(
        "POST /data HTTP/1.1\r\nhost: localhost\r\ncontent-type: "
        "multipart/form-data; boundary=B\r\ncontent-length: " +
            std::to_string(body.size() - size + announced) + "\r\n\r\n" +
            body.substr(0, body.size() - 9),
        false);
  };
  // A file of so many bytes that goes on for ever, and one that may yet end.
  refused(cut(19, 60'000), 400, "EntityTooLarge");
  refused(cut(18, 60'000), 400, "IncompleteBody");
  EXPECT_EQ(get("k"), std::string(10, 'x'));
}

}  // namespace
}  // namespace forebay::gateway::s3
