#include "testkit/origin_contract.h"

#include <algorithm>

#include "base/check.h"
#include "base/encoding.h"
#include "io/sync.h"
#include "testkit/origin_contract_cases.h"

namespace forebay::testkit {

using origin::GetAnswer;
using origin::ObjectInfo;
using origin::PutAnswer;

ObjectKey key_of(std::string_view text) {
  auto key = ObjectKey::parse(text);
  check(key.has_value(), "a test's key is no key");
  return *key;
}

namespace {

class Chunks final : public io::Source {
 public:
  Chunks(std::string text, size_t chunk, bool broken)
      : text_(std::move(text)), chunk_(chunk), broken_(broken) {}
  Task<io::Chunk> next(Context) override {
    size_t length = std::min(chunk_, text_.size() - at_);
    if (length == 0 && broken_) co_return fail(Code::invalid, "cut off", "IncompleteBody");
    Bytes out(std::string(text_.substr(at_, length)));
    at_ += length;
    co_return out;
  }

 private:
  std::string text_;
  size_t chunk_;
  bool broken_;
  size_t at_ = 0;
};

}  // namespace

io::Body body_of(std::string text, size_t chunk, bool broken) {
  uint64_t length = text.size() + (broken ? 1 : 0);
  return {length, std::make_unique<Chunks>(std::move(text), chunk, broken)};
}

Task<PutAnswer> put_text(OriginUnderTest& under, std::string name, std::string text, Context ctx) {
  co_return co_await under.origin.put(key_of(under.prefix + name), {}, body_of(std::move(text)),
                                      ctx);
}

Task<std::string> get_text(OriginUnderTest& under, std::string name, origin::GetOptions options,
                           Context ctx) {
  GetAnswer answer =
      co_await co_await under.origin.get(key_of(under.prefix + name), std::move(options), ctx);
  uint64_t length = answer.body.length;
  EXPECT_EQ(length, answer.range.length);
  std::string out = co_await co_await io::read_all(std::move(answer.body), 64 << 20, ctx);
  EXPECT_EQ(out.size(), length);
  co_return out;
}

namespace {

Task<> gives_back_what_was_put(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "given/back.bin");
  std::string text = pattern(300'000);
  auto sum = Checksum::make(ChecksumKind::sha256);
  sum->update(as_bytes(text));
  std::string sha = to_base64(as_bytes(sum->digest()));
  origin::PutOptions options;
  options.fields = {{"content-type", "text/x-forebay"},
                    {"cache-control", "max-age=7"},
                    {"content-disposition", "attachment; filename=\"a b.txt\""},
                    {"x-amz-meta-color", "blue and green"}};
  options.checksums = {{"x-amz-checksum-sha256", sha}};
  PutAnswer put = co_await co_await under.origin.put(key, options, body_of(text), ctx);
  ObjectInfo head = co_await co_await under.origin.head(key, {}, ctx);
  EXPECT_EQ(head.size, text.size());
  EXPECT_EQ(head.etag.text(), put.etag.text());
  EXPECT_GT(head.modified.seconds(), 1'000'000'000);
  auto md5 = Checksum::make(ChecksumKind::md5);
  md5->update(as_bytes(text));
  if (under.etag_is_md5) {
    EXPECT_EQ(head.etag.text(), "\"" + to_hex(as_bytes(md5->digest())) + "\"");
  }
  for (const auto& [name, value] : options.fields) {
    EXPECT_EQ(head.fields.count(name) ? head.fields.at(name) : "(missing)", value) << name;
  }
  if (under.checksums) EXPECT_EQ(head.checksums["x-amz-checksum-sha256"], sha);
  EXPECT_EQ(head.tag.strong(), under.strong);
  if (under.tag_in_put) EXPECT_EQ(put.tag.text(), head.tag.text());

  GetAnswer get = co_await co_await under.origin.get(key, {}, ctx);
  EXPECT_EQ(get.info.tag.text(), head.tag.text());
  EXPECT_EQ(get.info.etag.text(), head.etag.text());
  EXPECT_EQ(get.info.size, text.size());
  EXPECT_EQ(get.info.fields["content-type"], "text/x-forebay");
  EXPECT_EQ(get.info.fields["x-amz-meta-color"], "blue and green");
  EXPECT_EQ(get.range, (ByteRange{0, text.size()}));
  EXPECT_EQ(get.body.length, text.size());
  std::string back = co_await co_await io::read_all(std::move(get.body), 1 << 20, ctx);
  EXPECT_TRUE(back == text);
  co_return ok;
}

Task<> a_whole_get_tells_what_a_head_tells(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "told/twice");
  std::string text = pattern(3000);
  for (ChecksumKind kind : {ChecksumKind::crc32c, ChecksumKind::sha256}) {
    auto sum = Checksum::make(kind);
    sum->update(as_bytes(text));
    bool crc = kind == ChecksumKind::crc32c;
    origin::PutOptions options;
    options.fields = {{"content-type", "text/x-forebay"},
                      {"content-language", "de"},
                      {"expires", "Wed, 21 Oct 2037 07:28:00 GMT"},
                      {"x-amz-meta-color", "blue and green"}};
    options.checksums[crc ? "x-amz-checksum-crc32c" : "x-amz-checksum-sha256"] =
        to_base64(as_bytes(sum->digest()));
    co_await co_await under.origin.put(key, options, body_of(text), ctx);
    ObjectInfo head = co_await co_await under.origin.head(key, {}, ctx);
    GetAnswer get = co_await co_await under.origin.get(key, {}, ctx);
    EXPECT_EQ(get.info.size, head.size);
    EXPECT_EQ(get.info.etag, head.etag);
    EXPECT_EQ(get.info.tag, head.tag);
    EXPECT_EQ(get.info.modified, head.modified);
    EXPECT_EQ(get.info.version_id, head.version_id);
    EXPECT_EQ(get.info.fields, head.fields);
    EXPECT_EQ(get.info.checksums, head.checksums);
    EXPECT_TRUE(get.info == head);
    if (under.checksums) EXPECT_FALSE(head.checksums.empty());
  }
  co_return ok;
}

Task<> gives_ranges(OriginUnderTest& under, Context ctx) {
  std::string text = pattern(100'000, 2);
  co_await co_await put_text(under, "ranges", text, ctx);
  for (ByteRange range :
       {ByteRange{0, 1}, ByteRange{0, 100'000}, ByteRange{99'999, 1}, ByteRange{12'345, 54'321}}) {
    std::string part = co_await co_await get_text(under, "ranges", {.range = range}, ctx);
    EXPECT_TRUE(part == text.substr(range.offset, range.length)) << range.offset;
  }
  ObjectKey key = key_of(under.prefix + "ranges");
  GetAnswer clamped =
      co_await co_await under.origin.get(key, {.range = ByteRange{99'990, 1000}}, ctx);
  EXPECT_EQ(clamped.range, (ByteRange{99'990, 10}));
  EXPECT_EQ(clamped.info.size, 100'000u);
  EXPECT_TRUE(clamped.info.checksums.empty());
  std::string tail = co_await co_await io::read_all(std::move(clamped.body), 1000, ctx);
  EXPECT_TRUE(tail == text.substr(99'990));
  auto beyond = co_await under.origin.get(key, {.range = ByteRange{100'000, 1}}, ctx);
  EXPECT_FALSE(beyond.has_value());
  if (!beyond) EXPECT_EQ(beyond.error().detail(), "InvalidRange");
  co_return ok;
}

Task<> holds_empty_objects(OriginUnderTest& under, Context ctx) {
  co_await co_await put_text(under, "empty", "", ctx);
  std::string text = co_await co_await get_text(under, "empty", {}, ctx);
  EXPECT_EQ(text, "");
  ObjectInfo head = co_await co_await under.origin.head(key_of(under.prefix + "empty"), {}, ctx);
  EXPECT_EQ(head.size, 0u);
  co_return ok;
}

Task<> says_what_is_missing(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "missing/key");
  auto head = co_await under.origin.head(key, {}, ctx);
  EXPECT_TRUE(!head && head.error().code() == Code::not_found);
  if (!head) EXPECT_EQ(head.error().detail(), "NoSuchKey");
  auto get = co_await under.origin.get(key, {}, ctx);
  EXPECT_TRUE(!get && get.error().code() == Code::not_found);
  if (!get) EXPECT_EQ(get.error().detail(), "NoSuchKey");
  co_await co_await under.origin.remove(key, ctx);
  co_await co_await put_text(under, "missing/key", "now", ctx);
  co_await co_await under.origin.remove(key, ctx);
  auto after = co_await under.origin.head(key, {}, ctx);
  EXPECT_TRUE(!after && after.error().code() == Code::not_found);
  co_return ok;
}

Task<> names_versions(OriginUnderTest& under, Context ctx) {
  if (!under.strong) co_return ok;
  ObjectKey key = key_of(under.prefix + "versions");
  std::string first = pattern(70'000, 3), second = pattern(70'000, 4);
  co_await co_await put_text(under, "versions", first, ctx);
  ObjectInfo before = co_await co_await under.origin.head(key, {}, ctx);
  ObjectInfo again = co_await co_await under.origin.head(key, {}, ctx);
  EXPECT_EQ(before.tag.text(), again.tag.text());
  std::string same = co_await co_await get_text(
      under, "versions", {.range = ByteRange{10, 20}, .tag = before.tag, .etag = before.etag}, ctx);
  EXPECT_TRUE(same == first.substr(10, 20));
  co_await co_await put_text(under, "versions", second, ctx);
  ObjectInfo after = co_await co_await under.origin.head(key, {}, ctx);
  EXPECT_NE(before.tag.text(), after.tag.text());
  auto old = co_await under.origin.get(key, {.tag = before.tag, .etag = before.etag}, ctx);
  EXPECT_TRUE(!old && old.error().code() == Code::conflict);
  if (!old) EXPECT_EQ(old.error().detail(), "PreconditionFailed");
  std::string now =
      co_await co_await get_text(under, "versions", {.tag = after.tag, .etag = after.etag}, ctx);
  EXPECT_TRUE(now == second);
  co_return ok;
}

Task<> never_mixes_versions_in_a_body(OriginUnderTest& under, Context ctx) {
  std::string first = pattern(3 << 20, 5), second = pattern(3 << 20, 6);
  co_await co_await put_text(under, "mixed", first, ctx);
  GetAnswer get = co_await co_await under.origin.get(key_of(under.prefix + "mixed"), {}, ctx);
  co_await co_await put_text(under, "mixed", second, ctx);
  auto read = co_await io::read_all(std::move(get.body), 4 << 20, ctx);
  EXPECT_TRUE(!read || *read == first);
  std::string now = co_await co_await get_text(under, "mixed", {}, ctx);
  EXPECT_TRUE(now == second);
  co_return ok;
}

Task<> writes_nothing_when_the_body_fails(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "failing");
  auto broken = co_await under.origin.put(key, {}, body_of(pattern(200'000), 10'000, true), ctx);
  EXPECT_FALSE(broken.has_value());
  if (!broken) EXPECT_EQ(broken.error().detail(), "IncompleteBody");
  auto head = co_await under.origin.head(key, {}, ctx);
  EXPECT_TRUE(!head && head.error().code() == Code::not_found);
  co_await co_await put_text(under, "failing", "kept", ctx);
  auto again = co_await under.origin.put(key, {}, body_of(pattern(200'000), 10'000, true), ctx);
  EXPECT_FALSE(again.has_value());
  std::string text = co_await co_await get_text(under, "failing", {}, ctx);
  EXPECT_EQ(text, "kept");
  co_return ok;
}

Task<> keeps_write_conditions(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "conditions");
  origin::PutOptions create{.conditions = {.if_none_match_any = true}};
  auto made = co_await under.origin.put(key, create, body_of("one"), ctx);
  if (!under.capabilities.conditional_put) {
    EXPECT_TRUE(!made && made.error().detail() == "NotImplemented");
    co_return ok;
  }
  EXPECT_TRUE(made.has_value());
  if (!made) co_return std::move(made.error());
  auto refused = co_await under.origin.put(key, create, body_of("two"), ctx);
  EXPECT_TRUE(!refused && refused.error().code() == Code::conflict);
  if (!refused) EXPECT_EQ(refused.error().detail(), "PreconditionFailed");
  origin::PutOptions match{.conditions = {.if_match = made->etag}};
  auto replaced = co_await under.origin.put(key, match, body_of("three"), ctx);
  EXPECT_TRUE(replaced.has_value());
  auto stale = co_await under.origin.put(key, match, body_of("four"), ctx);
  EXPECT_TRUE(!stale && stale.error().detail() == "PreconditionFailed");
  std::string text = co_await co_await get_text(under, "conditions", {}, ctx);
  EXPECT_EQ(text, "three");
  co_return ok;
}

Task<> put_if_none(OriginUnderTest& under, int number, int& successes, Context ctx) {
  auto made = co_await under.origin.put(key_of(under.prefix + "race"),
                                        {.conditions = {.if_none_match_any = true}},
                                        body_of("writer " + std::to_string(number)), ctx);
  if (made) ++successes;
  if (!made) EXPECT_EQ(made.error().code(), Code::conflict) << made.error().text();
  co_return ok;
}

Task<> lets_one_creator_win(OriginUnderTest& under, Context ctx) {
  if (!under.capabilities.conditional_put || !under.atomic_conditions) co_return ok;
  int successes = 0;
  io::Group group(ctx);
  for (int i = 0; i < 8; ++i) group.spawn(put_if_none(under, i, successes, ctx));
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined.has_value());
  EXPECT_EQ(successes, 1);
  co_return ok;
}

Task<> keeps_conditions_of_deletes(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "conditional/delete");
  auto refused = [](const Result<origin::Removed>& done, Code code, std::string_view word) {
    EXPECT_FALSE(done.has_value());
    if (!done) EXPECT_EQ(done.error().code(), code) << done.error().text();
    if (!done) EXPECT_EQ(done.error().detail(), word);
  };
  auto put = co_await co_await put_text(under, "conditional/delete", "one", ctx);
  if (!under.removes_matching) {
    for (const ETag& wanted : {put.etag, ETag("\"no\""), ETag("*")}) {
      refused(co_await under.origin.remove_matching(key, wanted, ctx), Code::invalid,
              "NotImplemented");
    }
    std::string text = co_await co_await get_text(under, "conditional/delete", {}, ctx);
    EXPECT_EQ(text, "one");
    co_return ok;
  }
  refused(co_await under.origin.remove_matching(key, ETag("\"no\""), ctx), Code::conflict,
          "PreconditionFailed");
  ETag stale =
      std::exchange(put, co_await co_await put_text(under, "conditional/delete", "two", ctx)).etag;
  refused(co_await under.origin.remove_matching(key, stale, ctx), Code::conflict,
          "PreconditionFailed");
  std::string text = co_await co_await get_text(under, "conditional/delete", {}, ctx);
  EXPECT_EQ(text, "two");
  co_await co_await under.origin.remove_matching(key, put.etag, ctx);
  auto gone = co_await under.origin.head(key, {}, ctx);
  EXPECT_TRUE(!gone && gone.error().code() == Code::not_found);
  for (const ETag& wanted : {put.etag, ETag("*")}) {
    auto none = co_await under.origin.remove_matching(key, wanted, ctx);
    if (under.tells_missing) {
      refused(none, Code::not_found, "NoSuchKey");
    } else {
      refused(none, Code::conflict, "PreconditionFailed");
    }
  }
  co_await co_await put_text(under, "conditional/delete", "three", ctx);
  co_await co_await under.origin.remove_matching(key, ETag("*"), ctx);
  gone = co_await under.origin.head(key, {}, ctx);
  EXPECT_TRUE(!gone && gone.error().code() == Code::not_found);
  co_return ok;
}

Task<> remove_if_there(OriginUnderTest& under, int& successes, Context ctx) {
  ObjectKey key = key_of(under.prefix + "removal/race");
  auto gone = co_await under.origin.remove_matching(std::move(key), ETag("*"), ctx);
  if (gone) ++successes;
  std::string_view none = under.tells_missing ? "NoSuchKey" : "PreconditionFailed";
  if (!gone) EXPECT_EQ(gone.error().detail(), none) << gone.error().text();
  co_return ok;
}

Task<> lets_one_remover_win(OriginUnderTest& under, Context ctx) {
  if (!under.removes_matching) co_return ok;
  co_await co_await put_text(under, "removal/race", "there", ctx);
  int successes = 0;
  io::Group group(ctx);
  for (int i = 0; i < 8; ++i) group.spawn(remove_if_there(under, successes, ctx));
  Result<> joined = co_await group.join();
  EXPECT_TRUE(joined.has_value());
  EXPECT_EQ(successes, 1);
  co_return ok;
}

Task<> holds_odd_keys(OriginUnderTest& under, Context ctx) {
  for (std::string name : {"odd/space here.txt", "odd/plus+and%percent", "odd/amp&eq=?#",
                           "odd/ünïcode/ключ", "odd/quote'\"<>", "odd/tilde~star*(paren)",
                           "odd/%2F", "odd/.hidden", "odd/a:b;c,d@e!$[]"}) {
    co_await co_await put_text(under, name, "bytes of " + name, ctx);
    std::string text = co_await co_await get_text(under, name, {}, ctx);
    EXPECT_EQ(text, "bytes of " + name);
  }
  origin::ListAnswer list =
      co_await co_await under.origin.list({.prefix = under.prefix + "odd/"}, ctx);
  EXPECT_EQ(list.objects.size(), 9u);
  bool found = std::any_of(list.objects.begin(), list.objects.end(), [&](const auto& object) {
    return object.key == under.prefix + "odd/plus+and%percent";
  });
  EXPECT_TRUE(found);
  co_return ok;
}

Task<> probes_and_leaves_nothing(OriginUnderTest& under, Context ctx) {
  auto found = co_await co_await under.origin.probe(ctx);
  EXPECT_EQ(found.conditional_put, under.capabilities.conditional_put);
  EXPECT_EQ(found.conditional_get, under.capabilities.conditional_get);
  EXPECT_EQ(found.part_number, under.capabilities.part_number);
  EXPECT_EQ(found.versions, under.capabilities.versions);
  EXPECT_EQ(found.start_after, under.capabilities.start_after);
  origin::ListAnswer left = co_await co_await under.origin.list({.prefix = ".forebay"}, ctx);
  EXPECT_TRUE(left.objects.empty());
  co_return ok;
}

}  // namespace

const std::vector<OriginCase>& origin_cases() {
  static const std::vector<OriginCase> all = [] {
    std::vector<OriginCase> out = {
        {"gives_back_what_was_put", gives_back_what_was_put},
        {"a_whole_get_tells_what_a_head_tells", a_whole_get_tells_what_a_head_tells},
        {"gives_ranges", gives_ranges},
        {"holds_empty_objects", holds_empty_objects},
        {"says_what_is_missing", says_what_is_missing},
        {"names_versions", names_versions},
        {"never_mixes_versions_in_a_body", never_mixes_versions_in_a_body},
        {"writes_nothing_when_the_body_fails", writes_nothing_when_the_body_fails},
        {"keeps_write_conditions", keeps_write_conditions},
        {"lets_one_creator_win", lets_one_creator_win},
        {"keeps_conditions_of_deletes", keeps_conditions_of_deletes},
        {"lets_one_remover_win", lets_one_remover_win},
        {"holds_odd_keys", holds_odd_keys},
        {"probes_and_leaves_nothing", probes_and_leaves_nothing},
    };
    for (const OriginCase& c : list_cases()) out.push_back(c);
    for (const OriginCase& c : upload_cases()) out.push_back(c);
    for (const OriginCase& c : copy_cases()) out.push_back(c);
    for (const OriginCase& c : tag_cases()) out.push_back(c);
    return out;
  }();
  return all;
}

}  // namespace forebay::testkit
