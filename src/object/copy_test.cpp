// Copies in one store: what is decided on is what is copied, and what fails has written nothing.
#include "object/copy.h"

#include "base/encoding.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

std::string sum(ChecksumKind kind, std::string_view bytes) {
  auto out = Checksum::make(kind);
  out->update(as_bytes(bytes));
  return to_base64(as_bytes(out->digest()));
}

/// Does something at one step of the next requests of one operation.
class At final : public testkit::MemoryHook {
 public:
  At(testkit::MemoryStep step, std::string operation, std::function<void()> act, int times = 1)
      : step_(step), operation_(std::move(operation)), act_(std::move(act)), times_(times) {}
  Task<> at(testkit::MemoryStep step, testkit::MemoryRequest request, Context) override {
    if (step == step_ && request.operation == operation_ && times_-- > 0) act_();
    co_return ok;
  }

 private:
  testkit::MemoryStep step_;
  std::string operation_;
  std::function<void()> act_;
  int times_;
};

class CopyTest : public ObjectTest {
 protected:
  CopyRequest request() {
    return {.source = source_,
            .source_key = key_,
            .limit = uint64_t{5} << 30,
            .bucket = target_,
            .key = to_};
  }
  Result<CopyAnswer> copy(CopyRequest request, CancelToken* cancel = nullptr) {
    return run(objects_.copy(std::move(request), {.loop = &loop_, .cancel = cancel}));
  }
  Result<std::string> get(const BucketRef& bucket, const ObjectKey& key) {
    auto answer = run(objects_.read({.bucket = bucket, .key = key}, ctx()));
    if (!answer) return std::move(answer.error());
    if (answer->body.source == nullptr) return std::string();
    return run(io::read_all(std::move(answer->body), 1 << 30, ctx()));
  }
  void fails(const Result<CopyAnswer>& done, Code code, std::string_view detail) {
    ASSERT_FALSE(done);
    EXPECT_EQ(name(done.error().code()), name(code)) << done.error().text();
    EXPECT_EQ(done.error().detail(), detail) << done.error().text();
  }
  void expect_unwritten() {
    EXPECT_TRUE(other_->keys().empty());
    EXPECT_EQ(origin_->bytes("to"), std::nullopt);
  }
  /// A bucket with its own incarnation.
  BucketRef bucket(std::shared_ptr<origin::Origin> origin, uint64_t incarnation,
                   std::string_view freshness = "exact") {
    auto made = std::make_shared<Bucket>(*make_bucket(std::move(origin), freshness));
    made->incarnation = incarnation;
    return made;
  }

  std::shared_ptr<testkit::MemoryOrigin> other_ = std::make_shared<testkit::MemoryOrigin>(loop_);
  BucketRef source_ = bucket(origin_, 7);
  BucketRef target_ = bucket(other_, 8);
  ObjectKey to_ = *ObjectKey::parse("to");
};

TEST_F(CopyTest, bytes_and_metadata_go_along_but_not_the_class) {
  origin::Fields fields{{"content-type", "text/x"},
                        {"x-amz-meta-a", "b"},
                        {"cache-control", "no-cache"},
                        {"x-amz-storage-class", "GLACIER"},
                        {"x-amz-server-side-encryption", "AES256"}};
  origin_->change("key", pattern(3'000'000), fields);
  auto done = copy(request());
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(other_->bytes("to"), pattern(3'000'000));
  auto version = other_->versions("to").back();
  EXPECT_EQ(done->etag.text(), version.info.etag.text());
  EXPECT_EQ(done->modified.ns, version.info.modified.ns);
  EXPECT_EQ(version.info.fields,
            (origin::Fields{
                {"content-type", "text/x"}, {"x-amz-meta-a", "b"}, {"cache-control", "no-cache"}}));
  EXPECT_EQ(get(target_, to_), pattern(3'000'000));
}

TEST_F(CopyTest, replaced_metadata_is_all_there_is) {
  origin_->change("key", "bytes", {{"content-type", "text/x"}, {"x-amz-meta-a", "b"}});
  CopyRequest replacing = request();
  replacing.replace_fields = true;
  replacing.options.fields = {{"x-amz-meta-c", "d"}};
  ASSERT_TRUE(copy(std::move(replacing)));
  EXPECT_EQ(other_->versions("to").back().info.fields, (origin::Fields{{"x-amz-meta-c", "d"}}));
  // Onto itself.
  CopyRequest itself = request();
  itself.bucket = source_;
  itself.key = key_;
  itself.replace_fields = true;
  itself.options.fields = {{"x-amz-meta-e", "f"}};
  ASSERT_TRUE(copy(std::move(itself)));
  EXPECT_EQ(origin_->bytes("key"), "bytes");
  EXPECT_EQ(origin_->versions("key").back().info.fields, (origin::Fields{{"x-amz-meta-e", "f"}}));
}

TEST_F(CopyTest, a_cached_source_is_not_fetched_and_the_copy_is_cached) {
  origin_->change("key", pattern(500'000));
  EXPECT_EQ(get(source_, key_), pattern(500'000));
  world_->settle();
  origin_->reset_counts();
  ASSERT_TRUE(copy(request()));
  EXPECT_EQ(origin_->counts("get").requests, 0U);
  EXPECT_EQ(get(target_, to_), pattern(500'000));
  EXPECT_EQ(other_->counts("get").requests, 0U);
}

TEST_F(CopyTest, after_it_every_read_sees_the_copy_in_every_mode) {
  for (bool by_origin : {false, true}) {
    origin_->options().copies = other_->options().copies = by_origin;
    for (const char* freshness : {"exact", "ttl:60s", "immutable"}) {
      static uint64_t incarnation = 100;
      target_ = bucket(other_, ++incarnation, freshness);
      other_->change("to", "old");
      EXPECT_EQ(get(target_, to_), "old");
      origin_->change("key", std::string("new of ") + freshness);
      ASSERT_TRUE(copy(request()));
      EXPECT_EQ(get(target_, to_), std::string("new of ") + freshness) << by_origin;
    }
  }
}

TEST_F(CopyTest, it_reads_what_a_get_would_read) {
  source_ = bucket(origin_, 7, "immutable");
  origin_->change("key", pattern(5000));
  EXPECT_EQ(get(source_, key_), pattern(5000));
  origin_->change("key", pattern(6000, 1));
  ASSERT_TRUE(copy(request()));
  EXPECT_EQ(other_->bytes("to"), pattern(5000));
  source_ = bucket(origin_, 7, "exact");
  ASSERT_TRUE(copy(request()));
  EXPECT_EQ(other_->bytes("to"), pattern(6000, 1));
}

TEST_F(CopyTest, conditions_of_the_source) {
  for (bool by_origin : {false, true}) {
    origin_->options().copies = other_->options().copies = by_origin;
    auto info = origin_->change("key", "bytes");
    std::string right = info.etag.text(), wrong = "\"other\"";
    WallTime before{info.modified.ns - seconds(10).ns}, after{info.modified.ns + seconds(10).ns};
    struct Row {
      ReadConditions conditions;
      bool holds;
    };
    for (const Row& row :
         std::vector<Row>{{{.if_match = right}, true},
                          {{.if_match = wrong}, false},
                          {{.if_none_match = wrong}, true},
                          {{.if_none_match = right}, false},
                          {{.if_modified_since = before}, true},
                          {{.if_modified_since = after}, false},
                          {{.if_unmodified_since = after}, true},
                          {{.if_unmodified_since = before}, false},
                          // An ETag that holds wins over the date beside it, in both pairs.
                          {{.if_match = right, .if_unmodified_since = before}, true},
                          {{.if_none_match = right, .if_modified_since = before}, false},
                          {{.if_match = wrong, .if_unmodified_since = after}, false},
                          {{.if_none_match = wrong, .if_modified_since = after}, true}}) {
      other_->drop("to");
      CopyRequest asked = request();
      asked.conditions = row.conditions;
      auto done = copy(std::move(asked));
      EXPECT_EQ(done.has_value(), row.holds);
      if (row.holds) continue;
      fails(done, Code::conflict, "PreconditionFailed");
      expect_unwritten();
    }
  }
}

TEST_F(CopyTest, conditions_of_the_target) {
  auto info = origin_->change("key", "bytes");
  other_->change("to", "old");
  CopyRequest asked = request();
  asked.options.conditions.if_none_match_any = true;
  fails(copy(asked), Code::conflict, "PreconditionFailed");
  asked.options.conditions = {.if_match = info.etag};
  fails(copy(asked), Code::conflict, "PreconditionFailed");
  EXPECT_EQ(other_->bytes("to"), "old");
  asked.options.conditions = {.if_match = other_->versions("to").back().info.etag};
  EXPECT_TRUE(copy(asked));
  EXPECT_EQ(other_->bytes("to"), "bytes");
}

TEST_F(CopyTest, what_is_missing_or_too_large) {
  fails(copy(request()), Code::not_found, "NoSuchKey");
  origin_->change("key", "12345");
  CopyRequest large = request();
  large.limit = 4;
  fails(copy(large), Code::invalid, "InvalidRequest");
  CopyRequest version = request();
  version.version_id = "other";
  fails(copy(version), Code::invalid, "InvalidArgument");
  expect_unwritten();
  version.version_id = "null";
  EXPECT_TRUE(copy(version));
}

TEST_F(CopyTest, versions_of_an_origin_that_has_them) {
  origin_->options().capabilities.versions = true;
  auto old = origin_->change("key", "old");
  auto now = origin_->change("key", "now");
  CopyRequest asked = request();
  asked.version_id = "null";
  fails(copy(asked), Code::not_found, "NoSuchVersion");
  expect_unwritten();
  for (const auto& [id, bytes] : {std::pair(now.version_id, "now"), {old.version_id, "old"}}) {
    asked.version_id = id;
    auto done = copy(asked);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->source_version_id, id);
    EXPECT_EQ(other_->bytes("to"), bytes);
  }
}

TEST_F(CopyTest, tags_go_along_unless_they_are_replaced) {
  origin::PutOptions tagged;
  tagged.tags = {{"a", "b"}, {"c", "d"}};
  ASSERT_TRUE(run(origin_->put(key_, tagged, io::Body::of(Bytes("bytes")), ctx())));
  auto tags = [&] { return *run(other_->tags(*ObjectKey::parse("to"), ctx())); };
  for (bool by_origin : {false, true}) {
    origin_->options().copies = other_->options().copies = by_origin;
    ASSERT_TRUE(copy(request()));
    EXPECT_EQ(tags(), tagged.tags);
    CopyRequest replaced = request();
    replaced.replace_tags = true;
    ASSERT_TRUE(copy(replaced));
    EXPECT_EQ(tags(), origin::TagSet());
    replaced.options.tags = {{"e", "f"}};
    ASSERT_TRUE(copy(replaced));
    EXPECT_EQ(tags(), replaced.options.tags);
  }
}

TEST_F(CopyTest, tags_of_another_version_are_not_taken) {
  origin::PutOptions tagged;
  tagged.tags = {{"version", "one"}};
  ASSERT_TRUE(run(origin_->put(key_, tagged, io::Body::of(Bytes("one")), ctx())));
  // It becomes another one after its bytes were opened, just when the tags are read.
  struct Hook : testkit::MemoryHook {
    Task<> at(testkit::MemoryStep step, testkit::MemoryRequest seen, Context) override {
      bool now = seen.operation == "tags" && step == testkit::MemoryStep::arrive;
      if (!now || std::exchange(done, true)) co_return ok;
      origin->change("key", "two");
      co_return ok;
    }
    testkit::MemoryOrigin* origin = nullptr;
    bool done = false;
  } hook;
  hook.origin = &*origin_;
  origin_->set_hook(&hook);
  EXPECT_TRUE(copy(request()));
  EXPECT_TRUE(hook.done);
  EXPECT_EQ(other_->bytes("to"), "two");
  EXPECT_EQ(*run(other_->tags(*ObjectKey::parse("to"), ctx())), origin::TagSet());
}

TEST_F(CopyTest, the_checksum_of_the_source_goes_along_and_is_verified) {
  std::string bytes = pattern(700'000);
  std::string right = sum(ChecksumKind::crc32c, bytes);
  auto put = [&](std::string value) {
    origin::PutOptions options;
    options.checksums = {{"x-amz-checksum-crc32c", std::move(value)}};
    ASSERT_TRUE(run(origin_->put(key_, options, io::Body::of(Bytes(bytes)), ctx())));
  };
  put(right);
  auto done = copy(request());
  ASSERT_TRUE(done);
  EXPECT_EQ(done->checksums["x-amz-checksum-crc32c"], right);
  EXPECT_EQ(other_->versions("to").back().info.checksums["x-amz-checksum-crc32c"], right);
  other_->drop("to");
  put(sum(ChecksumKind::crc32c, "something else"));
  fails(copy(request()), Code::corrupt, "");
  EXPECT_EQ(other_->bytes("to"), std::nullopt);
}

TEST_F(CopyTest, the_checksum_that_is_asked_for) {
  std::string bytes = pattern(700'000);
  for (bool by_origin : {false, true}) {
    origin_->options().copies = other_->options().copies = by_origin;
    origin_->change("key", bytes);
    CopyRequest asked = request();
    asked.checksum = ChecksumKind::sha256;
    auto done = copy(asked);
    ASSERT_TRUE(done);
    std::string right = sum(ChecksumKind::sha256, bytes);
    EXPECT_EQ(done->checksums["x-amz-checksum-sha256"], right);
    EXPECT_EQ(other_->versions("to").back().info.checksums["x-amz-checksum-sha256"], right);
    origin_->change("key", "");
    done = copy(asked);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->checksums["x-amz-checksum-sha256"], sum(ChecksumKind::sha256, ""));
  }
}

TEST_F(CopyTest, a_source_that_changes_is_never_mixed) {
  std::string one = pattern(3'000'000, 1), two = pattern(3'000'000, 2);
  source_ = bucket(origin_, 7, "ttl:60s");
  for (bool by_origin : {false, true}) {
    origin_->options().copies = other_->options().copies = by_origin;
    origin_->change("key", one);
    std::string operation = by_origin ? "copy" : "get";
    At change(testkit::MemoryStep::arrive, operation, [&] { origin_->change("key", two); });
    origin_->set_hook(by_origin ? nullptr : &change);
    other_->set_hook(by_origin ? &change : nullptr);
    auto done = copy(request());
    origin_->set_hook(nullptr);
    other_->set_hook(nullptr);
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_TRUE(other_->bytes("to") == two) << by_origin;
    world_->settle();
  }
}

TEST_F(CopyTest, a_source_that_changes_in_the_middle_of_its_bytes) {
  source_ = make_bucket(origin_, "ttl:60s", 1 << 20);
  std::string one = pattern(8 << 20, 1), two = pattern(8 << 20, 2);
  origin_->change("key", one);
  int gets = 0;
  At change(
      testkit::MemoryStep::arrive, "get",
      [&] {
        if (++gets == 4) origin_->change("key", two);
      },
      1000);
  origin_->set_hook(&change);
  auto done = copy(request());
  origin_->set_hook(nullptr);
  ASSERT_TRUE(done) << done.error().text();
  auto written = other_->bytes("to");
  EXPECT_TRUE(written == one || written == two);
  EXPECT_EQ(other_->history("to").size(), 1U);
}

TEST_F(CopyTest, a_source_that_never_rests_ends_the_copy) {
  for (bool by_origin : {false, true}) {
    origin_->options().copies = other_->options().copies = by_origin;
    int n = 0;
    origin_->change("key", "0");
    auto act = [&] { origin_->change("key", pattern(100'000, ++n)); };
    At change(testkit::MemoryStep::arrive, by_origin ? "copy" : "get", act, 1000);
    origin_->set_hook(by_origin ? nullptr : &change);
    other_->set_hook(by_origin ? &change : nullptr);
    fails(copy(request()), Code::unavailable, "SlowDown");
    origin_->set_hook(nullptr);
    other_->set_hook(nullptr);
    EXPECT_EQ(other_->bytes("to"), std::nullopt);
  }
}

TEST_F(CopyTest, a_source_without_a_strong_tag_is_decided_on_by_its_one_answer) {
  origin_->options().strong = false;
  auto old = origin_->change("key", "old");
  At change(testkit::MemoryStep::arrive, "get", [&] { origin_->change("key", "new"); });
  origin_->set_hook(&change);
  CopyRequest asked = request();
  asked.conditions.if_none_match = "\"" + std::string("none") + "\"";
  auto done = copy(asked);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(other_->bytes("to"), "new");
  // The condition held on what was looked at first, and not on what came.
  std::string next = origin_->change("key", "one").etag.text();
  auto digest = Checksum::make(ChecksumKind::md5);
  digest->update(as_bytes(std::string_view("two")));
  std::string hit = "W/\"" + to_hex(as_bytes(digest->digest())) + "\"";
  EXPECT_NE(next, hit);
  At again(testkit::MemoryStep::arrive, "get", [&] { origin_->change("key", "two"); });
  origin_->set_hook(&again);
  asked.conditions.if_none_match = hit;
  other_->drop("to");
  fails(copy(asked), Code::conflict, "PreconditionFailed");
  origin_->set_hook(nullptr);
  EXPECT_EQ(other_->bytes("to"), std::nullopt);
}

TEST_F(CopyTest, broken_sources_and_targets_write_nothing) {
  origin_->change("key", pattern(3'000'000));
  origin_->options().broken_body = 1;
  EXPECT_FALSE(copy(request()));
  expect_unwritten();
  origin_->options().broken_body = 0;
  other_->fail_next("put", fail(Code::denied, "no", "AccessDenied"));
  fails(copy(request()), Code::denied, "AccessDenied");
  expect_unwritten();
  EXPECT_TRUE(copy(request()));
}

TEST_F(CopyTest, a_client_that_leaves_leaves_nothing) {
  origin_->options().chunk_delay = milliseconds(50);
  for (int after : {0, 20, 200, 700}) {
    origin_->change("key", pattern(3'000'000, static_cast<uint64_t>(after)));
    CancelToken cancel;
    io::start<void>(loop_, io::sleep_until(loop_.now() + milliseconds(after), ctx()),
                    [&](Result<>) { cancel.cancel(); });
    EXPECT_FALSE(copy(request(), &cancel)) << after;
    expect_unwritten();
    world_->settle();
    sleep(seconds(5));
  }
}

TEST_F(CopyTest, parts) {
  std::string bytes = pattern(3'000'000);
  for (bool by_origin : {false, true}) {
    origin_->options().copies = other_->options().copies = by_origin;
    other_->options().min_part = 1;
    origin_->change("key", bytes);
    auto plan = origin::ChecksumPlan{ChecksumKind::crc32, origin::ChecksumType::composite};
    std::string id = *run(other_->create_upload(to_, {.plan = plan}, ctx()));
    CopyRequest part = request();
    part.upload_id = id;
    part.part_number = 1;
    part.range = ByteRange{1000, 2'000'000};
    auto done = copy(part);
    ASSERT_TRUE(done) << done.error().text();
    std::string wanted = bytes.substr(1000, 2'000'000);
    EXPECT_EQ(done->checksums["x-amz-checksum-crc32"], sum(ChecksumKind::crc32, wanted));
    std::string before = other_->fingerprint();
    // Refused: the upload stays as it was.
    CopyRequest bad = part;
    bad.range = ByteRange{2'999'999, 2};
    fails(copy(bad), Code::invalid, "InvalidRange");
    bad.range = ByteRange{3'000'000, 1};
    fails(copy(bad), Code::invalid, "InvalidRange");
    bad.range = ByteRange{0, 1001};
    bad.limit = 1000;
    fails(copy(bad), Code::invalid, "InvalidRequest");
    bad = part;
    bad.conditions.if_match = "\"other\"";
    fails(copy(bad), Code::conflict, "PreconditionFailed");
    bad = part;
    bad.upload_id = "none";
    fails(copy(bad), Code::not_found, "NoSuchUpload");
    EXPECT_EQ(other_->fingerprint(), before);
    CompleteRequest complete{target_, to_, id, {{1, done->etag, done->checksums}}, {}};
    ASSERT_TRUE(run(objects_.complete(complete, ctx())));
    EXPECT_TRUE(get(target_, to_).value_or("") == wanted);
  }
}

}  // namespace
}  // namespace forebay::object
