#include "origin/dir/dir.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "io/engine.h"
#include "io/sync.h"
#include "origin/dir/record.h"
#include "testkit/origin_contract.h"

namespace forebay::origin {
namespace {

namespace fs = std::filesystem;
using testkit::body_of;
using testkit::key_of;
using testkit::pattern;

class CountingMeter final : public Meter {
 public:
  void request(std::string_view, bool good) override { ++(good ? answered : failed); }
  void body_bytes_in(uint64_t bytes) override { in += bytes; }
  void body_bytes_out(uint64_t bytes) override { out += bytes; }
  std::atomic<uint64_t> answered = 0, failed = 0, in = 0, out = 0;
};

class Dir : public testing::Test {
 protected:
  Dir() : engine_(*io::Engine::make({.loops = 1, .pool_threads = 4})) {
    path_ = fs::temp_directory_path() / "forebay-dir-XXXXXX";
    path_ = ::mkdtemp(path_.data());
    bucket_ = path_ + "/bucket";
    open();
  }
  ~Dir() override { fs::remove_all(path_); }
  /// As a new process would: nothing is remembered.
  void open() {
    DirOptions options{.path = bucket_, .create = true, .meter = meter_};
    options.blocks = blocks_;
    origin_ = make_dir_origin(std::move(options));
  }
  Context ctx() {
    io::Loop& loop = engine_->loop(0);
    return {.loop = &loop, .deadline = loop.now() + seconds(60)};
  }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  Result<PutAnswer> put(const std::string& key, std::string text, PutOptions options = {}) {
    return run(origin_->put(key_of(key), std::move(options), body_of(std::move(text)), ctx()));
  }
  Result<ObjectInfo> head(const std::string& key) {
    return run(origin_->head(key_of(key), {}, ctx()));
  }
  static Task<std::string> read(Origin& origin, std::string key, GetOptions options, Context ctx) {
    auto answer = co_await co_await origin.get(key_of(key), std::move(options), ctx);
    co_return co_await io::read_all(std::move(answer.body), 1 << 30, ctx);
  }
  Result<std::string> get(const std::string& key, GetOptions options = {}) {
    return run(read(*origin_, key, std::move(options), ctx()));
  }
  std::vector<std::string> list(ListOptions options = {}) {
    auto answer = run(origin_->list(std::move(options), ctx()));
    EXPECT_TRUE(answer);
    std::vector<std::string> out;
    for (const auto& object : answer->objects) out.push_back(object.key);
    for (const auto& prefix : answer->prefixes) out.push_back(prefix);
    return out;
  }
  /// A file put there by somebody else, last changed `age` seconds ago.
  void foreign(const std::string& name, const std::string& text, int age) {
    fs::path path = fs::path(bucket_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::seconds(age));
  }

  std::unique_ptr<io::Engine> engine_;
  std::shared_ptr<CountingMeter> meter_ = std::make_shared<CountingMeter>();
  std::shared_ptr<Allowance> blocks_ = std::make_shared<Allowance>(64 << 20);
  std::string path_, bucket_;
  std::unique_ptr<Origin> origin_;
};

TEST_F(Dir, what_is_read_for_slow_readers_comes_off_a_share_and_goes_back) {
  blocks_ = std::make_shared<Allowance>(100'000);
  open();
  std::string small = pattern(60'000), large = pattern(200'000);
  foreign("small", small, 10);
  foreign("large", large, 10);
  foreign("young", large, 0);  // weak: all of it goes through memory
  {
    auto held = run(origin_->get(key_of("small"), {}, ctx()));
    ASSERT_TRUE(held);
    EXPECT_EQ(blocks_->left(), 40'000U);
    for (const auto& [key, text] :
         {std::pair("small", small), std::pair("large", large), std::pair("young", large)}) {
      auto got = get(key);
      ASSERT_TRUE(got) << key;
      EXPECT_TRUE(*got == text) << key << ", in small pieces";
    }
    EXPECT_EQ(blocks_->left(), 40'000U);
  }
  EXPECT_EQ(blocks_->left(), 100'000U);
  EXPECT_TRUE(*get("young") == large);
}

class DirContract : public Dir, public testing::WithParamInterface<testkit::OriginCase> {};

TEST_P(DirContract, holds) {
  testkit::OriginUnderTest under{.origin = *origin_,
                                 .capabilities = {.conditional_put = true,
                                                  .conditional_get = true,
                                                  .part_number = true,
                                                  .start_after = true},
                                 .prefix = ""};
  auto done = run(GetParam().run(under, ctx()));
  EXPECT_TRUE(done) << done.error().text();
}

INSTANTIATE_TEST_SUITE_P(Origin, DirContract, testing::ValuesIn(testkit::origin_cases()),
                         testkit::origin_case_name);

// It has one, S3's default, which S3 does not tell either.
TEST_F(Dir, has_no_storage_classes) {
  for (const char* other : {"GLACIER", "STANDARD_IA", "standard"}) {
    Fields fields{{"x-amz-storage-class", other}};
    auto made = put("k", "x", {.fields = fields});
    ASSERT_FALSE(made) << other;
    EXPECT_EQ(made.error().code(), Code::invalid);
    EXPECT_EQ(made.error().detail(), "InvalidStorageClass");
    auto begun = run(origin_->create_upload(key_of("k"), {.fields = fields}, ctx()));
    ASSERT_FALSE(begun) << other;
    EXPECT_EQ(begun.error().detail(), "InvalidStorageClass");
  }
  EXPECT_TRUE(list().empty());
  ASSERT_TRUE(put("k", "x", {.fields = {{"x-amz-storage-class", "STANDARD"}}}));
  EXPECT_FALSE(head("k")->fields.contains("x-amz-storage-class"));
}

TEST_F(Dir, is_opened_only_when_it_may_be) {
  ASSERT_TRUE(put("k", "x"));
  int asked = 0;
  bool may = false;
  origin_ = make_dir_origin({.path = bucket_, .allowed = [&]() -> Result<> {
                               ++asked;
                               if (may) return ok;
                               return fail(Code::unavailable, "not this one");
                             }});
  for (int i = 1; i <= 2; ++i) {
    auto info = head("k");
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().code(), Code::unavailable);
    EXPECT_EQ(asked, i) << "each call asks again";
  }
  may = true;
  EXPECT_TRUE(head("k"));
  EXPECT_TRUE(head("k"));
  EXPECT_EQ(asked, 3) << "what is open stays open";
}

TEST_F(Dir, keeps_what_s3_knows_across_processes) {
  auto made = put("a/b", "hello", {.fields = {{"content-type", "text/x"}}});
  ASSERT_TRUE(made);
  open();
  auto info = head("a/b");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->etag.text(), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(info->fields["content-type"], "text/x");
  EXPECT_FALSE(info->tag.strong()) << "written by some process a moment ago";
}

TEST_F(Dir, trusts_its_own_writes_at_once) {
  auto made = put("k", "one");
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->tag.strong());
  EXPECT_EQ(head("k")->tag, made->tag);
}

TEST_F(Dir, trusts_foreign_files_once_they_have_settled) {
  ASSERT_TRUE(put("other", "x"));
  foreign("old", "text", 10);
  foreign("new", "text", 0);
  EXPECT_TRUE(head("old")->tag.strong());
  EXPECT_FALSE(head("new")->tag.strong());
  EXPECT_EQ(*get("new"), "text");
  EXPECT_EQ(head("old")->fields["content-type"], "binary/octet-stream");
}

TEST_F(Dir, sees_a_foreign_rewrite) {
  ASSERT_TRUE(put("k", "one"));
  auto before = head("k");
  foreign("k", "two", 10);
  auto after = head("k");
  EXPECT_NE(before->tag, after->tag);
  EXPECT_NE(before->etag, after->etag) << "the record describes other bytes";
  EXPECT_TRUE(after->etag.text().starts_with("\"file"));
  auto old = get("k", {.tag = before->tag, .etag = before->etag});
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().detail(), "PreconditionFailed");
  EXPECT_EQ(*get("k", {.tag = after->tag, .etag = after->etag}), "two");
}

Task<GetAnswer> open_body(Origin& origin, std::string key, Context ctx) {
  co_return co_await origin.get(key_of(key), {}, ctx);
}

TEST_F(Dir, ends_a_body_whose_file_is_rewritten_in_place) {
  for (int age : {0, 10}) {  // copied to memory, and by slices
    ASSERT_TRUE(put("other", "x"));
    foreign("k", pattern(3 << 20), age);
    auto answer = run(open_body(*origin_, "k", ctx()));
    ASSERT_TRUE(answer);
    foreign("k", pattern(3 << 20, 2), 5);
    auto text = run(io::read_all(std::move(answer->body), 4 << 20, ctx()));
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code(), Code::conflict);
  }
}

TEST_F(Dir, reads_on_from_a_replaced_file) {
  std::string one = pattern(3 << 20);
  ASSERT_TRUE(put("k", one));
  auto answer = run(open_body(*origin_, "k", ctx()));
  ASSERT_TRUE(put("k", "two"));
  ASSERT_TRUE(run(origin_->remove(key_of("k"), ctx())));
  auto text = run(io::read_all(std::move(answer->body), 4 << 20, ctx()));
  ASSERT_TRUE(text);
  EXPECT_TRUE(*text == one);
}

TEST_F(Dir, holds_folder_keys) {
  ASSERT_TRUE(put("f/", ""));
  ASSERT_TRUE(put("f/a", "x"));
  EXPECT_EQ(head("f/")->size, 0u);
  EXPECT_FALSE(head("f"));
  EXPECT_EQ(list(), (std::vector<std::string>{"f/", "f/a"}));
  EXPECT_EQ(list({.prefix = "f/", .delimiter = "/"}), (std::vector<std::string>{"f/", "f/a"}));
  EXPECT_EQ(list({.delimiter = "/"}), (std::vector<std::string>{"f/"}));
  ASSERT_TRUE(run(origin_->remove(key_of("f/a"), ctx())));
  EXPECT_TRUE(head("f/"));
  ASSERT_TRUE(run(origin_->remove(key_of("f/"), ctx())));
  EXPECT_FALSE(fs::exists(bucket_ + "/f"));
}

TEST_F(Dir, refuses_keys_that_are_file_and_folder) {
  ASSERT_TRUE(put("a", "file"));
  ASSERT_TRUE(put("b/c", "file"));
  for (PutOptions options : {PutOptions{}, PutOptions{.conditions = {.if_none_match_any = true}}}) {
    for (const char* key : {"a/x", "a/x/y", "b"}) {
      auto made = put(key, "no", options);
      ASSERT_FALSE(made) << key;
      EXPECT_EQ(made.error().code(), Code::invalid) << key;
      EXPECT_EQ(made.error().detail(), "InvalidArgument") << key;
    }
  }
  EXPECT_EQ(list(), (std::vector<std::string>{"a", "b/c"}));
  EXPECT_FALSE(head("b"));
  EXPECT_FALSE(head("a/x"));
  EXPECT_EQ(head("a/x").error().detail(), "NoSuchKey");
  // Nothing of the refused bodies stays behind.
  EXPECT_TRUE(fs::is_empty(bucket_ + "/.forebay-tmp"));
}

TEST_F(Dir, takes_the_place_of_an_empty_folder) {
  ASSERT_TRUE(put("x", "x"));
  fs::create_directories(bucket_ + "/d");
  fs::create_directories(bucket_ + "/e");
  EXPECT_TRUE(put("d", "now a file"));
  EXPECT_TRUE(put("e", "now a file", {.conditions = {.if_none_match_any = true}}));
  EXPECT_EQ(*get("d"), "now a file");
}

TEST_F(Dir, prunes_folders_and_only_folders) {
  ASSERT_TRUE(put("a/b/c/d", "x"));
  ASSERT_TRUE(put("a/e", "x"));
  ASSERT_TRUE(run(origin_->remove(key_of("a/b/c/d"), ctx())));
  EXPECT_FALSE(fs::exists(bucket_ + "/a/b"));
  EXPECT_TRUE(fs::exists(bucket_ + "/a/e"));
  ASSERT_TRUE(run(origin_->remove(key_of("a"), ctx())));
  ASSERT_TRUE(run(origin_->remove(key_of("a/"), ctx())));
  EXPECT_TRUE(head("a/e"));
  ASSERT_TRUE(run(origin_->remove(key_of("a/../x"), ctx())));
}

Task<> churn(Origin& origin, int writer, Context ctx) {
  for (int round = 0; round < 60; ++round) {
    ObjectKey key = key_of("deep/er/" + std::to_string(writer));
    co_await co_await origin.put(key, {}, body_of("x"), ctx);
    co_await co_await origin.head(key, {}, ctx);
    co_await co_await origin.remove(key, ctx);
  }
  co_return ok;
}

Task<> churn_together(Origin& origin, Context ctx) {
  io::Group group(ctx);
  for (int writer = 0; writer < 4; ++writer) group.spawn(churn(origin, writer, ctx));
  co_return co_await group.join();
}

TEST_F(Dir, survives_folders_that_come_and_go) {
  auto done = run(churn_together(*origin_, ctx()));
  EXPECT_TRUE(done) << done.error().text();
  EXPECT_FALSE(fs::exists(bucket_ + "/deep"));
}

TEST_F(Dir, follows_links_inside_and_refuses_those_outside) {
  ASSERT_TRUE(put("real/file", "text"));
  std::ofstream(path_ + "/secret") << "secret";
  fs::create_symlink("real/file", bucket_ + "/link");
  fs::create_directory_symlink("real", bucket_ + "/folder");
  fs::create_directory_symlink("..", bucket_ + "/real/loop");
  fs::create_symlink("../secret", bucket_ + "/outside");
  fs::create_symlink(path_ + "/secret", bucket_ + "/absolute");
  fs::create_symlink("nowhere", bucket_ + "/dangling");
  EXPECT_EQ(*get("link"), "text");
  EXPECT_EQ(*get("folder/file"), "text");
  EXPECT_EQ(get("outside").error().code(), Code::denied);
  EXPECT_EQ(get("absolute").error().detail(), "AccessDenied");
  EXPECT_EQ(get("dangling").error().detail(), "NoSuchKey");
  // "folder/loop" leads up to the bucket, in which "folder" lies.
  EXPECT_EQ(list(), (std::vector<std::string>{"folder/file", "link", "real/file"}));
}

TEST_F(Dir, passes_over_what_is_no_object) {
  ASSERT_TRUE(put("k", "x"));
  // A pipe without a writer, a socket, a device (which only root can make), and links to them.
  std::vector<std::string> special = {"fifo", "socket", "link"};
  ASSERT_EQ(::mkfifo((bucket_ + "/fifo").c_str(), 0600), 0);
  fs::create_symlink("fifo", bucket_ + "/link");
  int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  ASSERT_LT(bucket_.size() + 10, sizeof address.sun_path);
  std::ranges::copy(bucket_ + "/socket", address.sun_path);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
  bool device = ::mknod((bucket_ + "/device").c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
  if (device) special.push_back("device");
  fs::create_directories(bucket_ + "/empty/er");
  std::ofstream(bucket_ + "/not-utf8-\xff") << "x";
  EXPECT_EQ(list(), (std::vector<std::string>{"k"}));
  EXPECT_EQ(list({.delimiter = "/"}), (std::vector<std::string>{"k"}));
  for (const std::string& name : special) {
    EXPECT_EQ(get(name).error().detail(), "NoSuchKey") << name;
    EXPECT_EQ(head(name).error().detail(), "NoSuchKey") << name;
    EXPECT_TRUE(run(origin_->remove(*ObjectKey::parse(name), ctx()))) << name;
    EXPECT_TRUE(fs::exists(fs::symlink_status(bucket_ + "/" + name))) << "no key, nothing removed";
  }
  EXPECT_EQ(get("empty").error().detail(), "NoSuchKey");
}

TEST_F(Dir, pages_through_a_large_folder) {
  for (int i = 0; i < 2500; ++i) foreign("many/" + std::to_string(10'000 + i), "x", 5);
  ListOptions options{.prefix = "many/"};
  size_t seen = 0;
  int pages = 0;
  while (true) {
    auto answer = run(origin_->list(options, ctx()));
    ASSERT_TRUE(answer);
    seen += answer->objects.size();
    ++pages;
    if (!answer->truncated) break;
    options.continuation = answer->next;
  }
  EXPECT_EQ(seen, 2500u);
  EXPECT_EQ(pages, 3);
}

TEST_F(Dir, keeps_large_records_beside_small_attributes) {
  // More than one filesystem block of fields does not fit into ext4's attributes.
  Fields fields;
  for (int i = 0; i < 100; ++i) {
    fields["x-amz-meta-" + std::to_string(i)] = std::string(600, 'a' + static_cast<char>(i % 26));
  }
  ASSERT_TRUE(put("k", "one", {.fields = fields}));
  EXPECT_EQ(head("k")->fields, fields);
  open();
  EXPECT_EQ(head("k")->fields, fields);
  ASSERT_TRUE(put("k", "two"));
  EXPECT_EQ(head("k")->fields, Fields());
  fs::path records = bucket_ + "/.forebay-meta";
  if (fs::exists(records)) EXPECT_TRUE(fs::is_empty(records)) << "the old record is garbage";
}

TEST_F(Dir, takes_no_fields_that_its_records_cannot_hold) {
  for (const char* name : {"x-amz-meta-a", "content-disposition"}) {
    Fields fields{{"content-type", "text/x"}, {name, "caf\xe9"}};
    EXPECT_EQ(put("k", "x", {.fields = fields}).error().detail(), "InvalidArgument");
    EXPECT_EQ(head("k").error().detail(), "NoSuchKey");
    auto upload = run(origin_->create_upload(*ObjectKey::parse("k"), {.fields = fields}, ctx()));
    EXPECT_EQ(upload.error().detail(), "InvalidArgument");
    fields[name] = "caf\xc3\xa9";
    ASSERT_TRUE(put("k", "x", {.fields = fields}));
    EXPECT_EQ(head("k")->fields, fields);
    ASSERT_TRUE(run(origin_->remove(*ObjectKey::parse("k"), ctx())));
  }
}

TEST_F(Dir, does_not_say_that_it_encrypts) {
  Fields fields{{std::string(kEncryptionField), "AES256"}};
  EXPECT_EQ(put("k", "x", {.fields = fields}).error().detail(), "NotImplemented");
  EXPECT_EQ(head("k").error().detail(), "NoSuchKey");
  auto upload = run(origin_->create_upload(*ObjectKey::parse("k"), {.fields = fields}, ctx()));
  EXPECT_EQ(upload.error().detail(), "NotImplemented");
}

TEST_F(Dir, tags_do_not_fit_and_fit_again) {
  Fields fields;
  for (int i = 0; i < 30; ++i) {
    fields["x-amz-meta-" + std::to_string(i)] = std::string(100, 'a' + static_cast<char>(i % 26));
  }
  ASSERT_TRUE(put("k", "one", {.fields = fields}));
  ETag etag = head("k")->etag;
  TagSet large;
  for (int i = 0; i < 10; ++i) large.emplace_back("t" + std::to_string(i), std::string(6000, 'x'));
  // Beside the attribute, which an older record may not answer for: again in it: beside it again.
  for (const TagSet& tags : {large, TagSet{{"a", "b"}}, large, TagSet()}) {
    ASSERT_TRUE(run(origin_->set_tags(*ObjectKey::parse("k"), tags, ctx())));
    for (bool again : {false, true}) {
      if (again) open();
      EXPECT_EQ(*run(origin_->tags(*ObjectKey::parse("k"), ctx())), tags);
      Fields told = head("k")->fields;
      EXPECT_EQ(told[std::string(kTaggingCount)], tags.empty() ? "" : std::to_string(tags.size()));
      told.erase(std::string(kTaggingCount));
      EXPECT_EQ(told, fields);
      EXPECT_EQ(head("k")->etag, etag);
    }
  }
  ASSERT_TRUE(put("k", "two"));
  EXPECT_EQ(*run(origin_->tags(*ObjectKey::parse("k"), ctx())), TagSet());
}

TEST_F(Dir, tags_of_a_file_that_others_made) {
  foreign("k", "bytes", 5);
  auto before = head("k");
  ASSERT_TRUE(run(origin_->set_tags(*ObjectKey::parse("k"), {{"a", "b"}}, ctx())));
  auto after = head("k");
  EXPECT_EQ(after->etag, before->etag);
  EXPECT_EQ(after->modified, before->modified);
  EXPECT_EQ(after->fields["content-type"], "binary/octet-stream");
  EXPECT_EQ(*run(origin_->tags(*ObjectKey::parse("k"), ctx())), (TagSet{{"a", "b"}}));
  foreign("k", "other bytes", 5);
  EXPECT_EQ(*run(origin_->tags(*ObjectKey::parse("k"), ctx())), TagSet());
}

TEST_F(Dir, sweeps_old_temporary_files) {
  ASSERT_TRUE(put("k", "x"));
  std::ofstream(bucket_ + "/.forebay-tmp/fresh") << "x";
  EXPECT_EQ(list(), (std::vector<std::string>{"k"}));
  open();
  ASSERT_TRUE(put("k", "x"));
  EXPECT_TRUE(fs::exists(bucket_ + "/.forebay-tmp/fresh"));
}

// A client that lost the answer asks again, and gets it: for an hour, without anything being
// written.
class DirCompletion : public Dir {
 protected:
  void begin() {
    id_ = *run(origin_->create_upload(key_of("up"), {.plan = plan_}, ctx()));
    PartInfo part = *run(origin_->put_part(key_of("up"), id_, 1, {}, body_of("part"), ctx()));
    parts_ = {{1, part.etag, part.checksums}};
  }
  Result<PutAnswer> complete(const std::string& key = "up", PutOptions options = {}) {
    return run(origin_->complete_upload(key_of(key), id_, parts_, std::move(options), ctx()));
  }
  void refused(const Result<PutAnswer>& answer, const std::string& what) {
    ASSERT_FALSE(answer) << what;
    EXPECT_EQ(answer.error().detail(), "NoSuchUpload") << what;
  }
  fs::path record() { return fs::path(bucket_) / ".forebay-completed" / id_; }

  ChecksumPlan plan_{ChecksumKind::crc32, ChecksumType::composite};
  std::string id_;
  std::vector<CompletedPart> parts_;
};

TEST_F(DirCompletion, is_answered_again) {
  begin();
  const PutOptions stated{.conditions = {.if_none_match_any = true}};
  auto first = complete("up", stated);
  ASSERT_TRUE(first) << first.error().text();
  open();
  auto again = complete("up", stated);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->etag, first->etag);
  EXPECT_EQ(again->checksums, first->checksums);
  EXPECT_FALSE(again->checksums.empty());
  EXPECT_FALSE(again->tag.strong()) << "it may name bytes that are gone";
  EXPECT_EQ(get("up").value(), "part");

  ASSERT_TRUE(put("up", "newer"));
  EXPECT_TRUE(complete("up", stated));
  EXPECT_EQ(get("up").value(), "newer") << "nothing rises from the dead";
  ASSERT_TRUE(run(origin_->remove(key_of("up"), ctx())));
  EXPECT_TRUE(complete("up", stated));
  EXPECT_FALSE(head("up"));

  refused(complete("other", stated), "another key");
  parts_[0].number = 2;
  refused(complete("up", stated), "other parts");
  parts_[0].number = 1;
  EXPECT_TRUE(complete("up", stated));
  ASSERT_TRUE(run(origin_->drop_uploads(ctx())));
  refused(complete("up", stated), "its bucket is gone");
}

TEST_F(DirCompletion, that_states_anything_else_is_no_repetition) {
  begin();
  const PutOptions stated{.size = 4};
  auto first = complete("up", stated);
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_TRUE(complete("up", stated));
  refused(complete(), "no size");
  refused(complete("up", {.size = 5}), "another size");
  refused(complete("up", {.checksums = first->checksums, .size = 4}), "a checksum");
  refused(complete("up", {.conditions = {.if_none_match_any = true}, .size = 4}), "a condition");
  refused(complete("up", {.conditions = {.if_match = first->etag}, .size = 4}),
          "another condition");
  parts_[0].checksums["x-amz-checksum-crc32"] = "AAAAAA==";
  refused(complete("up", stated), "another checksum of a part");
}

TEST_F(DirCompletion, is_forgotten) {
  begin();
  ASSERT_TRUE(complete());
  std::string text;
  std::getline(std::ifstream(record()) >> std::ws, text);
  auto completed = parse_dir_completed(text);
  ASSERT_TRUE(completed) << text;
  completed->at.ns -= seconds(3601).ns;
  std::ofstream(record()) << encode(*completed);
  refused(complete(), "an hour later");
  std::ofstream(record()) << "torn";
  refused(complete(), "torn");
}

// Power fails between the steps of a completion: only what became the object is told.
TEST_F(DirCompletion, survives_a_crash_at_each_step) {
  begin();
  fs::copy(fs::path(bucket_) / ".forebay-uploads", path_ + "/uploads", fs::copy_options::recursive);
  auto first = complete();
  ASSERT_TRUE(first);
  std::string text;
  std::getline(std::ifstream(record()) >> std::ws, text);
  auto completed = parse_dir_completed(text);
  ASSERT_TRUE(completed);
  // After the object was placed, before the parts were dropped.
  fs::copy(path_ + "/uploads", fs::path(bucket_) / ".forebay-uploads", fs::copy_options::recursive);
  ASSERT_TRUE(put("up", "newer"));
  EXPECT_EQ(complete()->etag, first->etag);
  EXPECT_EQ(get("up").value(), "newer");
  EXPECT_EQ(run(origin_->list_uploads({}, ctx()))->uploads.size(), 0u);
  // After the record, before the object was placed: the temporary file is still there.
  begin();
  completed->asked = "other parts";
  std::ofstream(fs::path(bucket_) / completed->temp) << "part";
  std::ofstream(record()) << encode(*completed);
  EXPECT_TRUE(complete());
  EXPECT_EQ(get("up").value(), "part");
}

TEST_F(Dir, a_folder_without_keys_goes_with_its_bucket) {
  ASSERT_TRUE(put("k", "v"));
  ASSERT_TRUE(run(origin_->create_upload(key_of("up"), {}, ctx())));
  auto discard = [&] { return run(discard_dir({.path = bucket_}, ctx())); };
  EXPECT_TRUE(discard());
  EXPECT_EQ(get("k").value(), "v");
  EXPECT_EQ(run(origin_->list_uploads({}, ctx()))->uploads.size(), 1u);
  ASSERT_TRUE(run(origin_->remove(key_of("k"), ctx())));
  foreign("not-ours", "x", 0);
  EXPECT_TRUE(discard());
  EXPECT_TRUE(fs::exists(bucket_));
  fs::remove(fs::path(bucket_) / "not-ours");
  EXPECT_TRUE(discard());
  EXPECT_FALSE(fs::exists(bucket_));
  EXPECT_TRUE(discard());
}

TEST_F(Dir, takes_only_its_own_upload_ids) {
  auto id = run(origin_->create_upload(key_of("k"), {}, ctx()));
  ASSERT_TRUE(id);
  for (std::string bad : {std::string("../.forebay-tmp"), std::string(), std::string(32, '.'),
                          std::string(31, 'a'), std::string(32, 'a')}) {
    auto parts = run(origin_->list_parts(key_of("k"), bad, 0, 10, ctx()));
    ASSERT_FALSE(parts);
    EXPECT_EQ(parts.error().detail(), "NoSuchUpload");
  }
  EXPECT_FALSE(run(origin_->list_parts(key_of("other"), *id, 0, 10, ctx())));
  EXPECT_EQ(list(), std::vector<std::string>());
  for (uint32_t number : {0u, 10'001u}) {
    EXPECT_EQ(
        run(origin_->put_part(key_of("k"), *id, number, {}, body_of("x"), ctx())).error().detail(),
        "InvalidArgument");
  }
  EXPECT_TRUE(run(origin_->put_part(key_of("k"), *id, 10'000, {}, body_of("x"), ctx())));
}

TEST_F(Dir, counts_body_bytes) {
  ASSERT_TRUE(put("k", pattern(200'000)));
  EXPECT_EQ(meter_->out, 200'000u);
  ASSERT_TRUE(get("k"));
  EXPECT_EQ(meter_->in, 200'000u);
  ASSERT_TRUE(get("k", {.range = ByteRange{5, 10}}));
  EXPECT_EQ(meter_->in, 200'010u);
  EXPECT_FALSE(head("nothing"));
  EXPECT_EQ(meter_->answered, 4u);
  EXPECT_EQ(meter_->failed, 0u);
}

TEST_F(Dir, says_when_the_folder_is_missing) {
  auto missing = make_dir_origin({.path = path_ + "/nowhere"});
  auto probed = run(missing->probe(ctx()));
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().detail(), "NoSuchBucket");
  EXPECT_FALSE(fs::exists(path_ + "/nowhere"));
}

// A bounded wait: how long it takes to be noticed is not what is tested.
TEST_F(Dir, notices_that_its_folder_was_removed_and_made_again) {
  auto until = [&](auto&& holds) {
    for (int tries = 0; tries < 200 && !holds(); ++tries) {
      io::Loop& loop = engine_->loop(0);
      (void)run(io::sleep_until(loop.now() + milliseconds(50), ctx()));
    }
    return holds();
  };
  foreign("old", "text", 60);
  ASSERT_TRUE(head("old"));
  fs::remove_all(bucket_);
  EXPECT_TRUE(until([&] {
    auto gone = head("old");
    return !gone && gone.error().detail() == "NoSuchBucket";
  }));
  EXPECT_FALSE(put("new", "text"));
  EXPECT_FALSE(fs::exists(bucket_)) << "made once, not whenever it is missing";
  foreign("new", "text", 60);
  EXPECT_TRUE(head("new")) << "and what is there now is what it holds";
  EXPECT_EQ(list(), std::vector<std::string>{"new"});
  fs::remove_all(bucket_);
  foreign("newer", "text", 60);
  EXPECT_TRUE(until([&] { return bool(head("newer")); }));
}

TEST_F(Dir, finds_nothing_in_a_folder_that_is_gone_for_another_reason) {
  foreign("old", "text", 60);
  ASSERT_TRUE(head("old"));
  fs::remove_all(bucket_);
  EXPECT_EQ(head("old").error().detail(), "NoSuchBucket");
  foreign("old", "text", 60);
  ASSERT_TRUE(head("old"));
  fs::remove_all(bucket_);
  EXPECT_EQ(run(origin_->list({}, ctx())).error().detail(), "NoSuchBucket");
  foreign("old", "text", 60);
  ASSERT_TRUE(head("old"));
  fs::remove_all(bucket_);
  EXPECT_EQ(put("new", "text").error().detail(), "NoSuchBucket");
  foreign("old", "text", 60);
  ASSERT_TRUE(head("old"));
  fs::remove_all(bucket_);
  foreign("new", "text", 60);
  EXPECT_EQ(head("old").error().code(), Code::unavailable) << "made again meanwhile";
  EXPECT_EQ(head("old").error().detail(), "NoSuchKey");
}

TEST_F(Dir, probes_without_a_trace) {
  ASSERT_TRUE(run(origin_->probe(ctx())));
  EXPECT_TRUE(fs::is_empty(bucket_));
}

}  // namespace
}  // namespace forebay::origin
