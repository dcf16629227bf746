#include "client/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "client/session.h"
#include "testkit/stub_world.h"

namespace forebay::client {
namespace {

using testing::HasSubstr;

constexpr uint64_t kPart = 256 << 10;

std::string text_of(size_t size) {
  std::string out(size, '\0');
  uint32_t state = 1;
  for (char& c : out) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

// A body whose source fails after some bytes.
class Failing final : public io::Source {
 public:
  explicit Failing(size_t good) : good_(good) {}
  Task<io::Chunk> next(Context) override {
    if (good_ == 0) co_return fail(Code::corrupt, "no more");
    size_t step = std::min<size_t>(good_, 100'000);
    good_ -= step;
    co_return Bytes(std::string(step, 'x'));
  }

 private:
  size_t good_;
};

class Collect final : public Sink {
 public:
  Task<> write(ByteView bytes, Context) override {
    out.append(as_text(bytes));
    co_return ok;
  }
  std::string out;
};

class TransferTest : public testing::Test {
 protected:
  TransferTest() {
    SessionOptions options;
    options.credentials = Credentials{"KEY", Secret("secret")};
    session_ = std::move(world_.run(Session::open(options, ctx())).value());
    objects();
    transfer_.part_size = kPart;
    transfer_.moved = [this](int64_t n) { moved_ += n; };
  }
  Context ctx() { return world_.context(); }
  std::map<std::string, testkit::S3Stub::Object>& objects() {
    return world_.stub().buckets["data"];
  }
  Result<ETag> put(io::Body body) {
    return world_.run(upload(session_->s3(), "data", "k", std::move(body),
                             {.headers = {{"content-type", "x/y"}}}, transfer_, ctx()));
  }
  Result<ETag> put(std::string text) { return put(io::Body::of(Bytes(std::move(text)))); }
  Result<ObjectInfo> get(Collect& sink) {
    return world_.run(download(session_->s3(), "data", "k", sink, transfer_, ctx()));
  }
  size_t count(std::string_view begins) {
    size_t n = 0;
    for (const std::string& line : world_.stub().log) n += line.starts_with(begins);
    return n;
  }

  testkit::StubWorld world_{{.seed = 11}};
  std::unique_ptr<Session> session_;
  TransferOptions transfer_;
  int64_t moved_ = 0;
};

TEST_F(TransferTest, APartOrLessGoesWhole) {
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, kPart}) {
    std::string text = text_of(size);
    moved_ = 0;
    ASSERT_TRUE(put(text)) << size;
    EXPECT_EQ(objects()["k"].bytes, text);
    EXPECT_EQ(objects()["k"].headers["content-type"], "x/y");
    EXPECT_EQ(moved_, static_cast<int64_t>(size));
  }
  EXPECT_EQ(count("POST"), 0u);
}

TEST_F(TransferTest, MoreThanAPartGoesInParts) {
  for (uint64_t size : {kPart + 1, 4 * kPart, 9 * kPart + 77}) {
    std::string text = text_of(size);
    moved_ = 0;
    Result<ETag> etag = put(text);
    ASSERT_TRUE(etag) << etag.error().text();
    EXPECT_EQ(etag->part_count(), (size + kPart - 1) / kPart);
    EXPECT_EQ(objects()["k"].bytes, text);
    EXPECT_EQ(objects()["k"].headers["content-type"], "x/y");
    EXPECT_EQ(moved_, static_cast<int64_t>(size));
  }
  EXPECT_GT(world_.stub().most_at_once, 1u);
  EXPECT_LE(world_.stub().most_at_once, 4u);
  EXPECT_THAT(world_.stub().payloads, testing::Not(testing::Contains("UNSIGNED-PAYLOAD")));
}

TEST_F(TransferTest, ABodyOfUnknownLength) {
  for (uint64_t size : {uint64_t{0}, kPart - 1, kPart, 3 * kPart + 5}) {
    std::string text = text_of(size);
    io::Body body = io::Body::of(Bytes(text));
    body.length = http::kUnknownLength;
    ASSERT_TRUE(put(std::move(body))) << size;
    EXPECT_EQ(objects()["k"].bytes, text);
  }
}

TEST_F(TransferTest, AFileGoesUpFromItsFolder) {
  auto folder = world_.world().loop().open_directory("/home", true).value();
  auto file = folder->open("f", io::OpenMode::create).value();
  std::string text = text_of(2 * kPart + 9);
  ASSERT_TRUE(file->write_at(0, as_bytes(text)));
  ASSERT_TRUE(put(io::Body::of(io::FileSlice{file, 0, text.size()})));
  EXPECT_EQ(objects()["k"].bytes, text);
}

TEST_F(TransferTest, PartsAreSentAgain) {
  world_.stub().faults = {{"PUT /data/k?partNumber=2", 503, 2},
                          {"PUT /data/k?partNumber=3", 500, 1}};
  std::string text = text_of(4 * kPart);
  ASSERT_TRUE(put(text));
  EXPECT_EQ(objects()["k"].bytes, text);
  EXPECT_EQ(count("PUT /data/k?partNumber=2"), 3u);
  EXPECT_EQ(count("PUT /data/k?partNumber=3"), 2u);
  EXPECT_EQ(moved_, static_cast<int64_t>(text.size()));
}

TEST_F(TransferTest, AFailedUploadLeavesNothing) {
  world_.stub().faults = {{"PUT /data/k?partNumber=2", 403, 1}};
  Result<ETag> refused = put(text_of(6 * kPart));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::denied);
  EXPECT_THAT(refused.error().text(), HasSubstr("part 2"));
  EXPECT_TRUE(world_.stub().uploads.empty());
  world_.stub().faults = {{"PUT /data/k?partNumber=1", 503, 4}};
  EXPECT_EQ(put(text_of(6 * kPart)).error().code(), Code::busy);
  EXPECT_TRUE(world_.stub().uploads.empty());
  world_.stub().faults = {{"POST /data/k?uploadId", 500, 1}};
  EXPECT_EQ(put(text_of(6 * kPart)).error().code(), Code::unavailable);
  EXPECT_TRUE(world_.stub().uploads.empty());
  EXPECT_TRUE(objects().empty());
}

TEST_F(TransferTest, ASourceThatFailsEndsTheUpload) {
  io::Body body{5 * kPart, std::make_unique<Failing>(3 * kPart)};
  Result<ETag> failed = put(std::move(body));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::corrupt);
  EXPECT_TRUE(world_.stub().uploads.empty());
  EXPECT_TRUE(objects().empty());
}

TEST_F(TransferTest, ACancelEndsTheUpload) {
  CancelToken token;
  transfer_.moved = [&](int64_t) { token.cancel(); };
  Result<ETag> cancelled =
      world_.run(upload(session_->s3(), "data", "k", io::Body::of(Bytes(text_of(6 * kPart))), {},
                        transfer_, ctx().under(token)));
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code(), Code::cancelled);
  EXPECT_TRUE(world_.stub().uploads.empty());
  EXPECT_TRUE(objects().empty());
}

TEST_F(TransferTest, WhatIsThereComesDown) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{1'000'000}}) {
    std::string text = text_of(size);
    ASSERT_TRUE(put(text));
    Collect sink;
    moved_ = 0;
    Result<ObjectInfo> info = get(sink);
    ASSERT_TRUE(info) << info.error().text();
    EXPECT_EQ(info->size, size);
    EXPECT_EQ(sink.out, text);
    EXPECT_EQ(moved_, static_cast<int64_t>(size));
  }
}

TEST_F(TransferTest, ADownloadGoesOnWhereItBroke) {
  std::string text = text_of(1'000'000);
  ASSERT_TRUE(put(text));
  world_.stub().cuts = {200'000, 0, 300'000, 0, 0};
  Collect sink;
  Result<ObjectInfo> info = get(sink);
  ASSERT_TRUE(info) << info.error().text();
  EXPECT_EQ(sink.out, text);
}

TEST_F(TransferTest, ADownloadGivesUpWithoutProgress) {
  ASSERT_TRUE(put(text_of(1'000'000)));
  world_.stub().cuts = std::deque<uint64_t>(50, 0);
  world_.stub().cuts.front() = 200'000;
  Collect sink;
  EXPECT_EQ(get(sink).error().code(), Code::unavailable);
  // The connection pool may send one more each time.
  EXPECT_GE(count("GET /data/k"), 4u);
  EXPECT_LE(count("GET /data/k"), 8u);
}

TEST_F(TransferTest, ADownloadIsOneVersion) {
  ASSERT_TRUE(put(text_of(1'000'000)));
  world_.stub().cuts = {200'000};
  world_.stub().after_get = [&] { objects()["k"].etag = "\"other\""; };
  Collect sink;
  EXPECT_EQ(get(sink).error().code(), Code::conflict);
}

TEST_F(TransferTest, AMissingObjectIsSaidAtOnce) {
  Collect sink;
  EXPECT_EQ(get(sink).error().code(), Code::not_found);
  EXPECT_EQ(count("GET /data/k"), 1u);
}

TEST(PartSize, GrowsWithTheObject) {
  EXPECT_EQ(part_size_for(0, 16 * kMiB), 16 * kMiB);
  EXPECT_EQ(part_size_for(kMaxParts * 16 * kMiB, 16 * kMiB), 16 * kMiB);
  EXPECT_EQ(part_size_for(kMaxParts * 16 * kMiB + 1, 16 * kMiB), 17 * kMiB);
  EXPECT_LE(part_size_for(uint64_t{5} << 40, 16 * kMiB) * kMaxParts,
            (uint64_t{5} << 40) + (uint64_t{20} << 30));
}

}  // namespace
}  // namespace forebay::client
