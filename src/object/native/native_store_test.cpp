// A native bucket behind object::Store: what was put is a hit, whatever way it came, and heads,
// reads and writes need not know of what it is.
#include <gtest/gtest.h>

#include "object/native/native_world_test.h"
#include "object/world_test.h"

namespace forebay::object {
namespace {

class NativeStore : public NativeTest {
 protected:
  NativeStore() { open(); }
  ~NativeStore() override { close(); }

  void open() {
    metrics_ = std::make_unique<obs::Registry>();
    crews_ = std::make_unique<job::Crews>();
    crews_->add(loop());
    cache_ = std::make_unique<unit::Cache>(
        machine_.process->disks, *crews_, std::vector<io::Loop*>{&loop()},
        unit::Options{.small_max = NativeMachine::kSmallMax}, *metrics_);
    heads_ = std::make_unique<Heads>(machine_.process->meta, *crews_,
                                     HeadOptions{.small_max = NativeMachine::kSmallMax}, *metrics_);
    objects_ = std::make_unique<Store>(*heads_, *cache_, *crews_, *metrics_);
    Bucket bucket = *make_bucket(machine_.process->origin, "immutable", NativeMachine::kUnitMax);
    bucket.cache_writes = false;
    bucket.capabilities = run(origin().probe(ctx())).value();
    bucket_ = std::make_shared<const Bucket>(std::move(bucket));
  }
  void close() {
    EXPECT_TRUE(run(crews_->of(loop()).stop()));
    objects_.reset();
    heads_.reset();
    cache_.reset();
    bucket_.reset();
    crews_.reset();
  }
  void restart() {
    close();
    machine_.stop();
    machine_.start();
    open();
  }

  Result<origin::PutAnswer> put(std::string_view key, std::string text,
                                origin::PutOptions options = {}) {
    return run(objects_->put(bucket_, key_of(key), std::move(options),
                             testkit::body_of(std::move(text), 20'000), ctx()));
  }
  ReadRequest request(std::string_view key) { return {.bucket = bucket_, .key = key_of(key)}; }
  static Task<std::string> take(Store& from, ReadRequest request, unit::Served* served,
                                Context ctx) {
    ReadAnswer answer = co_await co_await from.read(std::move(request), ctx);
    if (served != nullptr) *served = answer.served;
    co_return co_await io::read_all(std::move(answer.body), 8 << 20, ctx);
  }
  Result<std::string> get(ReadRequest request, unit::Served* served = nullptr) {
    return run(take(*objects_, std::move(request), served, ctx()));
  }
  /// Reads by the road that does not wait; nothing where it cannot.
  std::optional<std::string> get_now(std::string_view key) {
    auto answer = objects_->read_now(request(key), loop());
    if (!answer) return std::nullopt;
    return run(io::read_all(std::move(answer->body), 8 << 20, ctx())).value();
  }
  uint64_t fills() {
    return static_cast<uint64_t>(machine_.process->disks->stats().disks[0].units) - units();
  }
  std::vector<origin::CompletedPart> upload(std::string_view key, std::string& id,
                                            const std::vector<std::string>& texts) {
    id = run(origin().create_upload(key_of(key), {}, ctx())).value();
    std::vector<origin::CompletedPart> parts;
    for (const std::string& text : texts) {
      auto number = static_cast<uint32_t>(parts.size() + 1);
      auto part =
          run(origin().put_part(key_of(key), id, number, {}, testkit::body_of(text), ctx()));
      parts.push_back({number, part->etag, {}});
    }
    return parts;
  }

  std::unique_ptr<obs::Registry> metrics_;
  std::unique_ptr<job::Crews> crews_;
  std::unique_ptr<unit::Cache> cache_;
  std::unique_ptr<Heads> heads_;
  std::unique_ptr<Store> objects_;
  BucketRef bucket_;
};

TEST_F(NativeStore, what_was_put_is_a_hit_at_once) {
  for (uint64_t size : {uint64_t{10}, NativeMachine::kSmallMax, kNativeUnit}) {
    ASSERT_TRUE(put("k", bytes_of(size, size)));
    auto now = get_now("k");
    ASSERT_TRUE(now) << size;
    EXPECT_TRUE(*now == bytes_of(size, size));
  }
  ASSERT_TRUE(put("empty", ""));
  EXPECT_EQ(get_now("empty"), "");
}

TEST_F(NativeStore, what_is_believed_after_a_put_is_what_a_check_tells) {
  origin::PutOptions options;
  options.fields = {
      {"content-type", "text/x-a"}, {"x-amz-meta-a", "b"}, {"x-amz-storage-class", "STANDARD"}};
  options.checksums = {{"x-amz-checksum-crc32c", "AAAAAA=="}};
  options.tags = {{"a", "b"}};
  ASSERT_TRUE(put("k", bytes_of(2 * kNativeUnit), options));
  HeadRef believed = heads_->believed(*bucket_, "k", loop().now());
  ASSERT_NE(believed, nullptr);
  auto told = head("k");
  ASSERT_TRUE(told);
  EXPECT_EQ(believed->info.fields, told->fields);
  EXPECT_EQ(believed->info.checksums, told->checksums);
  EXPECT_TRUE(believed->info == *told);
}

TEST_F(NativeStore, an_object_of_many_units_is_read_from_them) {
  std::string text = bytes_of(5 * kNativeUnit + 7);
  ASSERT_TRUE(put("k", text));
  unit::Served served{};
  EXPECT_TRUE(*get(request("k"), &served) == text);
  EXPECT_EQ(served, unit::Served::hit);
  ReadRequest part = request("k");
  part.range = RangeRequest::parse("bytes=99990-100010").value();
  EXPECT_TRUE(*get(part, &served) == text.substr(99'990, 21));
  EXPECT_EQ(served, unit::Served::hit);
  EXPECT_EQ(fills(), 0U) << "nothing is stored twice";
}

TEST_F(NativeStore, after_a_restart_it_is_a_hit_once_its_head_is_known) {
  ASSERT_TRUE(put("k", bytes_of(1000)));
  ASSERT_TRUE(put("long", bytes_of(3 * kNativeUnit)));
  restart();
  EXPECT_EQ(get_now("k"), std::nullopt) << "no head means: must check";
  unit::Served served{};
  EXPECT_TRUE(*get(request("k"), &served) == bytes_of(1000));
  EXPECT_EQ(served, unit::Served::hit);
  EXPECT_TRUE(*get_now("k") == bytes_of(1000));
  EXPECT_TRUE(*get(request("long"), &served) == bytes_of(3 * kNativeUnit));
  EXPECT_EQ(served, unit::Served::hit);
  EXPECT_EQ(fills(), 0U);
}

TEST_F(NativeStore, an_overwrite_and_a_removal_are_seen_at_once) {
  ASSERT_TRUE(put("k", "one"));
  EXPECT_EQ(get_now("k"), "one");
  ASSERT_TRUE(put("k", "two"));
  EXPECT_EQ(get_now("k"), "two");
  ASSERT_TRUE(run(objects_->remove(bucket_, key_of("k"), ctx())));
  EXPECT_EQ(get(request("k")).error().detail(), "NoSuchKey");
  EXPECT_EQ(units(), 2U) << "both have their grace";
  ASSERT_TRUE(put("k", "three"));
  EXPECT_EQ(*get(request("k")), "three");
  auto refused = put("k", "four", {.conditions = {.if_none_match_any = true}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail(), "PreconditionFailed");
  EXPECT_EQ(*get(request("k")), "three");
}

TEST_F(NativeStore, a_reader_of_what_is_replaced_comes_to_its_end) {
  std::string text = bytes_of(4 * kNativeUnit);
  ASSERT_TRUE(put("k", text));
  auto open = run(objects_->read(request("k"), ctx()));
  ASSERT_TRUE(open);
  ASSERT_TRUE(put("k", "two"));
  EXPECT_TRUE(*run(io::read_all(std::move(open->body), 8 << 20, ctx())) == text);
  open = run(objects_->read(request("k"), ctx()));
  EXPECT_EQ(*run(io::read_all(std::move(open->body), 8 << 20, ctx())), "two");
}

TEST_F(NativeStore, parts_are_units_of_their_own) {
  std::vector<std::string> texts{bytes_of(kNativeUnit + 1, 1), bytes_of(20, 2), "",
                                 bytes_of(2 * kNativeUnit, 3)};
  std::string id, whole;
  auto parts = upload("k", id, texts);
  for (const std::string& text : texts) whole += text;
  auto done = run(objects_->complete({bucket_, key_of("k"), id, parts, {}}, ctx()));
  ASSERT_TRUE(done) << done.error().text();
  for (int round = 0; round < 2; ++round) {
    unit::Served served{};
    EXPECT_TRUE(*get(request("k"), &served) == whole);
    EXPECT_EQ(served, unit::Served::hit);
    for (uint32_t number = 1; number <= 4; ++number) {
      ReadRequest part = request("k");
      part.part_number = number;
      EXPECT_TRUE(*get(part, &served) == texts[number - 1]) << number;
    }
    ReadRequest beyond = request("k");
    beyond.part_number = 5;
    EXPECT_EQ(run(objects_->read(beyond, ctx()))->decision, Decision::unsatisfiable);
    ReadRequest past = request("k");
    past.mode = unit::Mode::past;
    EXPECT_TRUE(*get(past, &served) == whole);
    EXPECT_EQ(served, unit::Served::bypass);
    past.part_number = 2;
    EXPECT_TRUE(*get(past) == texts[1]);
    restart();
  }
  EXPECT_EQ(fills(), 0U);
  EXPECT_TRUE(machine_.all(meta::schema::heads(NativeMachine::kIncarnation)).empty())
      << "the row is no hint";
  ASSERT_TRUE(run(objects_->remove(bucket_, key_of("k"), ctx())));
  EXPECT_EQ(get(request("k")).error().detail(), "NoSuchKey");
}

// Small objects are asked for with a GET after some; its bytes are one unit's, or not taken.
TEST_F(NativeStore, eager_questions_name_units_as_others_do) {
  for (const std::vector<std::string>& texts :
       {std::vector<std::string>{"whole"}, {"one", "two"}, {"", "last"}}) {
    std::string id;
    auto parts = upload("k", id, texts);
    ASSERT_TRUE(run(objects_->complete({bucket_, key_of("k"), id, parts, {}}, ctx())));
    std::string whole;
    for (const std::string& text : texts) whole += text;
    bucket_->cold_small->store(1000);
    close();
    open();
    bucket_->cold_small->store(1000);
    EXPECT_EQ(*get(request("k")), whole);
    EXPECT_EQ(*get(request("k")), whole);
    EXPECT_EQ(fills(), 0U);
  }
}

TEST_F(NativeStore, tags_are_a_write_and_leave_the_bytes) {
  ASSERT_TRUE(put("k", "text", {.tags = {{"a", "b"}}}));
  ASSERT_TRUE(run(objects_->set_tags(bucket_, key_of("k"), "", {{"a", "1"}, {"b", "2"}}, ctx())));
  auto answer = run(objects_->read(request("k"), ctx()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->head->info.fields.at(std::string(origin::kTaggingCount)), "2");
  EXPECT_EQ(answer->served, unit::Served::hit);
  EXPECT_EQ(units(), 1U);
}

TEST_F(NativeStore, copies_pass_through) {
  std::string text = bytes_of(2 * kNativeUnit + 5);
  ASSERT_TRUE(put("from", text, {.fields = {{"content-type", "text/x-a"}}}));
  CopyRequest copy{.source = bucket_,
                   .source_key = key_of("from"),
                   .limit = 1 << 30,
                   .bucket = bucket_,
                   .key = key_of("to")};
  auto done = run(objects_->copy(std::move(copy), ctx()));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_TRUE(*get(request("to")) == text);
  ASSERT_TRUE(run(objects_->remove(bucket_, key_of("from"), ctx())));
  EXPECT_TRUE(*get(request("to")) == text) << "bytes of its own";
}

TEST_F(NativeStore, bytes_that_are_lost_are_an_error_and_no_other_bytes) {
  ASSERT_TRUE(put("k", bytes_of(2 * kNativeUnit)));
  for (const UnitId& id : machine_.units()) machine_.process->units->remove(id);
  auto read = get(request("k"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Code::corrupt) << read.error().text();
}

}  // namespace
}  // namespace forebay::object
