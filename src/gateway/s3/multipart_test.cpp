// Uploads in parts through a whole door: what is said of checksums and sizes is kept and told, or
// refused, and nothing is made of an upload whose completion was refused.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "gateway/s3/world_test.h"

namespace forebay::gateway::s3 {
namespace {

std::string composite(ChecksumKind kind, const std::vector<std::string>& parts) {
  std::string raws;
  for (const std::string& part : parts) raws += raw_sum(kind, part);
  return sum(kind, raws) + "-" + std::to_string(parts.size());
}
std::string header(ChecksumKind kind) { return std::string(header_name(kind)); }
std::string element(ChecksumKind kind) { return "Checksum" + std::string(name(kind)); }

constexpr std::array kCrcs = {ChecksumKind::crc32, ChecksumKind::crc32c, ChecksumKind::crc64nvme};

class MultipartTest : public testing::Test {
 protected:
  MultipartTest() { world_.origin().options().min_part = 1; }

  using Headers = std::vector<std::pair<std::string, std::string>>;

  Reply create(Headers headers = {}) {
    return world_.ask({.method = "POST", .target = "/data/up?uploads", .headers = headers});
  }
  /// An upload with these words; empty when it was refused.
  std::string begin(const std::string& algorithm = "", const std::string& type = "") {
    Headers headers;
    if (!algorithm.empty()) headers.emplace_back("x-amz-checksum-algorithm", algorithm);
    if (!type.empty()) headers.emplace_back("x-amz-checksum-type", type);
    return create(std::move(headers)).element("UploadId");
  }
  Reply part(const std::string& id, int number, const std::string& body, Headers headers = {}) {
    return world_.ask(
        {.method = "PUT",
         .target = "/data/up?partNumber=" + std::to_string(number) + "&uploadId=" + id,
         .headers = std::move(headers),
         .body = body});
  }
  /// All parts, without any checksum of the client's.
  void put_parts(const std::string& id) {
    for (size_t i = 0; i < parts_.size(); ++i) {
      ASSERT_EQ(part(id, static_cast<int>(i) + 1, parts_[i]).status, 200);
    }
  }
  /// The document that names parts_; `kind`: with their checksums of that kind.
  std::string document(std::optional<ChecksumKind> kind = {}) {
    std::string out = "<CompleteMultipartUpload>";
    for (size_t i = 0; i < parts_.size(); ++i) {
      out += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>&quot;" +
             to_hex(as_bytes(raw_sum(ChecksumKind::md5, parts_[i]))) + "&quot;</ETag>";
      if (kind) {
        out += "<" + element(*kind) + ">" + sum(*kind, parts_[i]) + "</" + element(*kind) + ">";
      }
      out += "</Part>";
    }
    return out + "</CompleteMultipartUpload>";
  }
  Reply complete(const std::string& id, const std::string& xml, Headers headers = {}) {
    return world_.ask({.method = "POST",
                       .target = "/data/up?uploadId=" + id,
                       .headers = std::move(headers),
                       .body = xml});
  }
  void refused(const Reply& reply, const std::string& code, const std::string& what) {
    EXPECT_EQ(reply.status, 400) << what << reply.body;
    EXPECT_EQ(reply.element("Code"), code) << what << reply.body;
    EXPECT_EQ(world_.origin().bytes("up"), std::nullopt) << what;
  }
  std::string whole() const { return parts_[0] + parts_[1] + parts_[2]; }
  Reply head() {
    return world_.ask(
        {.method = "HEAD", .target = "/data/up", .headers = {{"x-amz-checksum-mode", "ENABLED"}}});
  }

  DoorWorld world_;
  std::vector<std::string> parts_{std::string(1000, 'a'), std::string(70'000, 'b'), "c"};
};

TEST_F(MultipartTest, OnlyWhatS3CanDoIsBegun) {
  for (ChecksumKind kind : kAllChecksumKinds) {
    bool crc = std::ranges::find(kCrcs, kind) != kCrcs.end();
    bool nvme = kind == ChecksumKind::crc64nvme;
    std::string algorithm(name(kind));
    Reply plain = create({{"x-amz-checksum-algorithm", algorithm}});
    EXPECT_EQ(plain.status, 200) << algorithm;
    EXPECT_EQ(plain.header("x-amz-checksum-algorithm"), algorithm);
    EXPECT_EQ(plain.header("x-amz-checksum-type"), nvme ? "FULL_OBJECT" : "COMPOSITE");
    EXPECT_EQ(begin(algorithm, "FULL_OBJECT").empty(), !crc) << algorithm;
    EXPECT_EQ(begin(algorithm, "COMPOSITE").empty(), nvme) << algorithm;
    std::string lower = algorithm;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(begin(lower, nvme ? "full_object" : "composite").empty(), false) << lower;
  }
  size_t uploads = world_.origin().uploads();
  refused(create({{"x-amz-checksum-algorithm", "NOPE"}}), "InvalidRequest", "algorithm");
  refused(create({{"x-amz-checksum-algorithm", "CRC32"}, {"x-amz-checksum-type", "HALF"}}),
          "InvalidRequest", "type");
  refused(create({{"x-amz-checksum-type", "COMPOSITE"}}), "InvalidRequest", "only a type");
  EXPECT_EQ(world_.origin().uploads(), uploads);
}

TEST_F(MultipartTest, AWholeHasTheChecksumThatWasAskedFor) {
  for (ChecksumKind kind : kAllChecksumKinds) {
    for (bool full : {true, false}) {
      std::string type = full ? "FULL_OBJECT" : "COMPOSITE";
      std::string id = begin(std::string(name(kind)), type);
      if (id.empty()) continue;
      for (size_t i = 0; i < parts_.size(); ++i) {
        Reply put =
            part(id, static_cast<int>(i) + 1, parts_[i], {{header(kind), sum(kind, parts_[i])}});
        EXPECT_EQ(put.header(header(kind)), sum(kind, parts_[i]));
      }
      std::string wanted = full ? sum(kind, whole()) : composite(kind, parts_);
      Reply done = complete(id, document(kind),
                            {{header(kind), wanted},
                             {"x-amz-checksum-type", type},
                             {"x-amz-mp-object-size", std::to_string(whole().size())}});
      EXPECT_EQ(done.status, 200) << done.body;
      EXPECT_EQ(done.element(element(kind)), wanted) << name(kind);
      EXPECT_EQ(done.element("ChecksumType"), type);
      Reply seen = head();
      EXPECT_EQ(seen.header(header(kind)), wanted);
      EXPECT_EQ(seen.header("x-amz-checksum-type"), type);
      Reply list = world_.ask({.target = "/data?list-type=2"});
      EXPECT_EQ(list.element("ChecksumAlgorithm"), name(kind));
      EXPECT_EQ(list.element("ChecksumType"), type);
      EXPECT_EQ(world_.origin().bytes("up"), whole());
      world_.origin().drop("up");
    }
  }
}

TEST_F(MultipartTest, PartsWithoutAChecksumGetTheUploads) {
  std::string id = begin("SHA256");
  put_parts(id);
  Reply list = world_.ask({.target = "/data/up?uploadId=" + id});
  EXPECT_EQ(list.element("ChecksumAlgorithm"), "SHA256");
  EXPECT_EQ(list.element("ChecksumType"), "COMPOSITE");
  EXPECT_EQ(list.element("ChecksumSHA256"), sum(ChecksumKind::sha256, parts_[0]));
  Reply uploads = world_.ask({.target = "/data?uploads"});
  EXPECT_EQ(uploads.element("ChecksumAlgorithm"), "SHA256");
  EXPECT_EQ(uploads.element("ChecksumType"), "COMPOSITE");
  Reply done = complete(id, document(ChecksumKind::sha256));
  EXPECT_EQ(done.element("ChecksumSHA256"), composite(ChecksumKind::sha256, parts_));
}

TEST_F(MultipartTest, APartOfAnotherAlgorithmIsRefused) {
  std::string id = begin("CRC32");
  std::string before = world_.origin().fingerprint();
  refused(part(id, 1, "part", {{"x-amz-checksum-sha1", sum(ChecksumKind::sha1, "part")}}),
          "InvalidRequest", "header");
  Ask trailed{.method = "PUT",
              .target = "/data/up?partNumber=1&uploadId=" + id,
              .headers = {{"x-amz-trailer", "x-amz-checksum-sha1"}},
              .body = "part",
              .kind = sign::PayloadKind::streaming_unsigned_trailer,
              .trailers = {{"x-amz-checksum-sha1", sum(ChecksumKind::sha1, "part")}}};
  refused(world_.ask(trailed), "InvalidRequest", "trailer");
  EXPECT_EQ(world_.origin().fingerprint(), before);
  trailed.headers = {{"x-amz-trailer", "x-amz-checksum-crc32"}};
  trailed.trailers = {{"x-amz-checksum-crc32", sum(ChecksumKind::crc32, "part")}};
  EXPECT_EQ(world_.ask(trailed).status, 200);
}

TEST_F(MultipartTest, WrongWordsOfTheWholeMakeNothing) {
  std::string id = begin("CRC32", "FULL_OBJECT");
  put_parts(id);
  std::string before = world_.origin().fingerprint();
  std::string crc = sum(ChecksumKind::crc32, whole());
  std::string xml = document();
  refused(complete(id, xml, {{"x-amz-checksum-crc32", sum(ChecksumKind::crc32, xml)}}), "BadDigest",
          "the document's own");
  refused(complete(id, xml, {{"x-amz-checksum-crc32", composite(ChecksumKind::crc32, parts_)}}),
          "BadDigest", "composite");
  refused(complete(id, xml, {{"x-amz-checksum-sha256", sum(ChecksumKind::sha256, whole())}}),
          "BadDigest", "another algorithm");
  refused(complete(id, xml, {{"x-amz-checksum-crc32", crc}, {"x-amz-checksum-type", "COMPOSITE"}}),
          "BadDigest", "another type");
  refused(complete(id, xml, {{"x-amz-checksum-crc32", "short"}}), "InvalidRequest", "no checksum");
  refused(complete(id, xml, {{"x-amz-checksum-type", "HALF"}}), "InvalidRequest", "no type");
  refused(complete(id, xml,
                   {{"x-amz-checksum-crc32", crc},
                    {"x-amz-checksum-sha1", sum(ChecksumKind::sha1, whole())}}),
          "InvalidRequest", "two");
  for (std::string size : {"71000", "71002", "0", "-1", "", "x", "18446744073709551617"}) {
    refused(complete(id, xml, {{"x-amz-mp-object-size", size}}), "InvalidRequest", "size " + size);
  }
  EXPECT_EQ(world_.origin().fingerprint(), before);
  Reply done =
      complete(id, xml, {{"x-amz-checksum-crc32", crc}, {"x-amz-mp-object-size", "71001"}});
  EXPECT_EQ(done.status, 200) << done.body;
}

TEST_F(MultipartTest, WrongWordsOfAPartMakeNothing) {
  for (std::string algorithm : {"", "CRC32"}) {
    std::string id = begin(algorithm);
    ASSERT_EQ(
        part(id, 1, parts_[0], {{"x-amz-checksum-crc32", sum(ChecksumKind::crc32, parts_[0])}})
            .status,
        200);
    auto with = [&](const std::string& more) {
      return "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" +
             to_hex(as_bytes(raw_sum(ChecksumKind::md5, parts_[0]))) + "</ETag>" + more +
             "</Part></CompleteMultipartUpload>";
    };
    refused(complete(id, with("<ChecksumCRC32>AAAAAA==</ChecksumCRC32>")), "InvalidPart", "wrong");
    refused(complete(id, with("<ChecksumSHA1>" + sum(ChecksumKind::sha1, parts_[0]) +
                              "</ChecksumSHA1>")),
            "InvalidPart", "of a kind that nobody gave");
    if (!algorithm.empty()) refused(complete(id, with("")), "InvalidRequest", "missing");
    Reply done = complete(
        id, with("<ChecksumCRC32>" + sum(ChecksumKind::crc32, parts_[0]) + "</ChecksumCRC32>"));
    EXPECT_EQ(done.status, 200) << done.body;
    world_.origin().drop("up");
  }
}

TEST_F(MultipartTest, NothingIsSaidOfAWholeWithoutAnAlgorithm) {
  std::string id = begin();
  put_parts(id);
  refused(complete(id, document(), {{"x-amz-checksum-crc32", sum(ChecksumKind::crc32, whole())}}),
          "InvalidRequest", "nothing to compare with");
  EXPECT_EQ(complete(id, document(), {{"x-amz-checksum-type", "FULL_OBJECT"}}).status, 200);
  EXPECT_EQ(head().header("x-amz-checksum-type"), "");
}

TEST_F(MultipartTest, AnObjectOfOnePutHasAFullChecksum) {
  Reply put = world_.ask({.method = "PUT",
                          .target = "/data/up",
                          .headers = {{"x-amz-checksum-sha256", sum(ChecksumKind::sha256, "x")}},
                          .body = "x"});
  EXPECT_EQ(put.header("x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_EQ(head().header("x-amz-checksum-type"), "FULL_OBJECT");
  Reply list = world_.ask({.target = "/data"});
  EXPECT_EQ(list.element("ChecksumAlgorithm"), "SHA256");
  EXPECT_EQ(list.element("ChecksumType"), "FULL_OBJECT");
  Reply part =
      world_.ask({.target = "/data/up",
                  .headers = {{"range", "bytes=0-0"}, {"x-amz-checksum-mode", "ENABLED"}}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.header("x-amz-checksum-type"), "");
}

TEST_F(MultipartTest, NoUploadOutlivesItsBucket) {
  std::string id = begin();
  put_parts(id);
  EXPECT_EQ(world_.ask({.method = "DELETE", .target = "/data"}).status, 204);
  EXPECT_EQ(world_.ask({.method = "PUT", .target = "/data"}).status, 200);
  Reply late = complete(id, document());
  EXPECT_EQ(late.status, 404);
  EXPECT_EQ(late.element("Code"), "NoSuchUpload");
  EXPECT_EQ(part(id, 1, "x").status, 404);
  EXPECT_EQ(world_.origin().bytes("up"), std::nullopt);
}

}  // namespace
}  // namespace forebay::gateway::s3
