// The origin contract: uploads in parts.
#include <algorithm>

#include "base/encoding.h"
#include "origin/tags.h"
#include "testkit/origin_contract_cases.h"

namespace forebay::testkit {

using origin::CompletedPart;
using origin::PartInfo;

namespace {

constexpr size_t kPart = 5 << 20;

std::string md5(const std::string& bytes) {
  auto sum = Checksum::make(ChecksumKind::md5);
  sum->update(as_bytes(bytes));
  return sum->digest();
}

Task<PartInfo> put_part(OriginUnderTest& under, ObjectKey key, std::string id, uint32_t number,
                        std::string text, Context ctx) {
  co_return co_await under.origin.put_part(key, id, number, {}, body_of(std::move(text)), ctx);
}

template <class T>
void expect_error(const Result<T>& result, Code code, const char* detail) {
  EXPECT_FALSE(result.has_value()) << detail;
  if (result) return;
  EXPECT_EQ(name(result.error().code()), name(code)) << result.error().text();
  EXPECT_EQ(result.error().detail(), detail) << result.error().text();
}

Task<> joins_parts(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "up/joined.bin");
  origin::PutOptions options;
  options.fields = {{"content-type", "text/x-joined"}, {"x-amz-meta-made", "in parts"}};
  std::string id = co_await co_await under.origin.create_upload(key, options, ctx);
  EXPECT_FALSE(id.empty());
  std::string one = pattern(kPart, 11), two = pattern(kPart + 1, 12), three = pattern(1234, 13);
  // Out of order, and the second part twice: the last one counts.
  PartInfo c = co_await co_await put_part(under, key, id, 9, three, ctx);
  if (under.replaces_parts) co_await co_await put_part(under, key, id, 2, "replaced", ctx);
  PartInfo b = co_await co_await put_part(under, key, id, 2, two, ctx);
  PartInfo a = co_await co_await put_part(under, key, id, 1, one, ctx);
  EXPECT_EQ(c.number, 9u);
  EXPECT_EQ(c.size, three.size());
  auto unseen = co_await under.origin.head(key, {}, ctx);
  expect_error(unseen, Code::not_found, "NoSuchKey");

  auto list = co_await co_await under.origin.list_parts(key, id, 0, 2, ctx);
  EXPECT_EQ(list.parts.size(), 2u);
  EXPECT_TRUE(list.truncated);
  EXPECT_EQ(list.next_marker, 2u);
  auto rest = co_await co_await under.origin.list_parts(key, id, list.next_marker, 1000, ctx);
  EXPECT_EQ(rest.parts.size(), 1u);
  EXPECT_FALSE(rest.truncated);
  if (list.parts.size() == 2 && rest.parts.size() == 1) {
    EXPECT_EQ(list.parts[1].etag.text(), b.etag.text());
    EXPECT_EQ(list.parts[1].size, two.size());
    EXPECT_EQ(rest.parts[0].number, 9u);
  }

  std::vector<CompletedPart> parts = {{1, a.etag, {}}, {2, b.etag, {}}, {9, c.etag, {}}};
  auto done = co_await co_await under.origin.complete_upload(key, id, parts, {}, ctx);
  auto head = co_await co_await under.origin.head(key, {}, ctx);
  EXPECT_EQ(done.etag.text(), head.etag.text());
  EXPECT_EQ(head.etag.part_count(), 3u);
  if (under.etag_is_md5) {
    EXPECT_EQ(head.etag.text(), origin::multipart_etag(md5(one) + md5(two) + md5(three)).text());
  }
  EXPECT_EQ(head.size, one.size() + two.size() + three.size());
  EXPECT_EQ(head.fields["content-type"], "text/x-joined");
  EXPECT_EQ(head.fields["x-amz-meta-made"], "in parts");
  EXPECT_EQ(head.tag.strong(), under.strong);
  std::string text = co_await co_await get_text(under, "up/joined.bin", {}, ctx);
  EXPECT_TRUE(text == one + two + three);
  auto gone = co_await under.origin.list_parts(key, id, 0, 1000, ctx);
  expect_error(gone, Code::not_found, "NoSuchUpload");
  if (under.capabilities.part_number) {
    auto part = co_await co_await under.origin.head(key, {.part_number = 2}, ctx);
    EXPECT_EQ(part.parts, 3u);
    EXPECT_EQ(part.size, two.size());
    if (part.part) EXPECT_EQ(*part.part, (ByteRange{one.size(), two.size()}));
    auto beyond = co_await under.origin.head(key, {.part_number = 4}, ctx);
    EXPECT_FALSE(beyond.has_value());
  }
  co_return ok;
}

Task<> refuses_bad_completions(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "up/refused.bin");
  std::string id = co_await co_await under.origin.create_upload(key, {}, ctx);
  PartInfo a = co_await co_await put_part(under, key, id, 1, "small", ctx);
  PartInfo b = co_await co_await put_part(under, key, id, 2, "last", ctx);
  std::vector<CompletedPart> both = {{1, a.etag, {}}, {2, b.etag, {}}};
  std::vector<CompletedPart> swapped = {{2, b.etag, {}}, {1, a.etag, {}}};
  std::vector<CompletedPart> wrong = {{1, b.etag, {}}};
  std::vector<CompletedPart> absent = {{7, b.etag, {}}};
  if (under.min_part > 5) {
    expect_error(co_await under.origin.complete_upload(key, id, both, {}, ctx), Code::invalid,
                 "EntityTooSmall");
  }
  expect_error(co_await under.origin.complete_upload(key, id, swapped, {}, ctx), Code::invalid,
               "InvalidPartOrder");
  expect_error(co_await under.origin.complete_upload(key, id, wrong, {}, ctx), Code::invalid,
               "InvalidPart");
  expect_error(co_await under.origin.complete_upload(key, id, absent, {}, ctx), Code::invalid,
               "InvalidPart");
  expect_error(co_await under.origin.head(key, {}, ctx), Code::not_found, "NoSuchKey");
  std::vector<CompletedPart> one = {{2, b.etag, {}}};
  co_await co_await under.origin.complete_upload(key, id, one, {}, ctx);
  std::string text = co_await co_await get_text(under, "up/refused.bin", {}, ctx);
  EXPECT_EQ(text, "last");
  co_return ok;
}

Task<> forgets_aborted_uploads(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "up/aborted.bin");
  std::string id = co_await co_await under.origin.create_upload(key, {}, ctx);
  PartInfo a = co_await co_await put_part(under, key, id, 1, "part", ctx);
  co_await co_await under.origin.abort_upload(key, id, ctx);
  expect_error(co_await put_part(under, key, id, 2, "part", ctx), Code::not_found, "NoSuchUpload");
  std::vector<CompletedPart> parts = {{1, a.etag, {}}};
  expect_error(co_await under.origin.complete_upload(key, id, parts, {}, ctx), Code::not_found,
               "NoSuchUpload");
  expect_error(co_await under.origin.head(key, {}, ctx), Code::not_found, "NoSuchKey");
  co_return ok;
}

Task<> drops_a_part_whose_body_fails(OriginUnderTest& under, Context ctx) {
  ObjectKey key = key_of(under.prefix + "up/failing.bin");
  std::string id = co_await co_await under.origin.create_upload(key, {}, ctx);
  co_await co_await put_part(under, key, id, 1, "good", ctx);
  auto broken =
      co_await under.origin.put_part(key, id, 1, {}, body_of(pattern(200'000), 10'000, true), ctx);
  EXPECT_FALSE(broken.has_value());
  auto list = co_await co_await under.origin.list_parts(key, id, 0, 1000, ctx);
  EXPECT_EQ(list.parts.size(), 1u);
  if (list.parts.size() == 1) EXPECT_EQ(list.parts[0].size, 4u);
  co_await co_await under.origin.abort_upload(key, id, ctx);
  co_return ok;
}

Task<> lists_uploads(OriginUnderTest& under, Context ctx) {
  if (!under.lists_uploads) co_return ok;
  std::vector<std::pair<std::string, std::string>> made;
  for (std::string name : {"ups/a", "ups/b", "ups/b", "ups/c/1", "ups/c/2", "ups/d"}) {
    ObjectKey key = key_of(under.prefix + name);
    std::string id = co_await co_await under.origin.create_upload(key, {}, ctx);
    made.emplace_back(under.prefix + name, id);
  }
  std::vector<std::pair<std::string, std::string>> seen;
  origin::ListUploadsOptions options{.prefix = under.prefix + "ups/", .max_uploads = 2};
  for (int page = 0; page < 10; ++page) {
    auto answer = co_await co_await under.origin.list_uploads(options, ctx);
    for (const auto& upload : answer.uploads) seen.emplace_back(upload.key, upload.upload_id);
    if (!answer.truncated) break;
    options.key_marker = answer.next_key;
    options.upload_id_marker = answer.next_upload;
  }
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end(),
                             [](const auto& a, const auto& b) { return a.first < b.first; }));
  std::sort(seen.begin(), seen.end());
  std::sort(made.begin(), made.end());
  EXPECT_EQ(seen, made);
  auto rolled = co_await co_await under.origin.list_uploads(
      {.prefix = under.prefix + "ups/", .delimiter = "/"}, ctx);
  EXPECT_EQ(rolled.uploads.size(), 4u);
  EXPECT_EQ(rolled.prefixes, std::vector<std::string>{under.prefix + "ups/c/"});
  for (const auto& [name, id] : made) {
    co_await co_await under.origin.abort_upload(key_of(name), id, ctx);
  }
  co_return ok;
}

Task<> completes_under_conditions(OriginUnderTest& under, Context ctx) {
  if (!under.capabilities.conditional_put) co_return ok;
  ObjectKey key = key_of(under.prefix + "up/conditional.bin");
  co_await co_await put_text(under, "up/conditional.bin", "there", ctx);
  std::string id = co_await co_await under.origin.create_upload(key, {}, ctx);
  PartInfo a = co_await co_await put_part(under, key, id, 1, "part", ctx);
  std::vector<CompletedPart> parts = {{1, a.etag, {}}};
  auto refused = co_await under.origin.complete_upload(
      key, id, parts, {.conditions = {.if_none_match_any = true}}, ctx);
  if (!refused && refused.error().detail() == "NotImplemented") co_return ok;
  expect_error(refused, Code::conflict, "PreconditionFailed");
  std::string text = co_await co_await get_text(under, "up/conditional.bin", {}, ctx);
  EXPECT_EQ(text, "there");
  co_await co_await under.origin.abort_upload(key, id, ctx);
  co_return ok;
}

std::string sum(ChecksumKind kind, std::string_view bytes) {
  auto running = Checksum::make(kind);
  running->update(as_bytes(bytes));
  return to_base64(as_bytes(running->digest()));
}

// Parts that say their checksum before, behind, and not at all.
Task<std::vector<PartInfo>> put_three(OriginUnderTest& under [[clang::lifetimebound]],
                                      ObjectKey key, std::string id, ChecksumKind kind,
                                      std::vector<std::string> texts, Context ctx) {
  std::string header(header_name(kind));
  std::vector<PartInfo> out;
  for (uint32_t i = 0; i < texts.size(); ++i) {
    origin::PutOptions options;
    origin::Fields sums{{header, sum(kind, texts[i])}};
    if (i == 0) options.checksums = sums;
    if (i == 1) {
      options.trailing = std::make_shared<origin::Fields>(sums);
      options.trailing_name = header;
    }
    out.push_back(co_await co_await under.origin.put_part(key, id, i + 1, std::move(options),
                                                          body_of(texts[i]), ctx));
  }
  co_return out;
}

// Completions that say something wrong; nothing may come of them.
Task<> refuses_wrong_words(OriginUnderTest& under, ObjectKey key, std::string id,
                           std::vector<CompletedPart> parts, ChecksumKind kind, Context ctx) {
  std::string header(header_name(kind));
  expect_error(co_await under.origin.complete_upload(
                   key, id, parts, {.checksums = {{header, sum(kind, "other")}}}, ctx),
               Code::invalid, "BadDigest");
  expect_error(co_await under.origin.complete_upload(key, id, parts, {.size = 1}, ctx),
               Code::invalid, "InvalidRequest");
  parts[1].checksums[header] = sum(kind, "other");
  expect_error(co_await under.origin.complete_upload(key, id, parts, {}, ctx), Code::invalid,
               "InvalidPart");
  expect_error(co_await under.origin.head(key, {}, ctx), Code::not_found, "NoSuchKey");
  co_return ok;
}

Task<> keeps_checksums_of(OriginUnderTest& under, origin::ChecksumPlan plan, Context ctx) {
  std::string header(header_name(plan.kind));
  ObjectKey key = key_of(under.prefix + "up/sums-" + std::string(name(plan.kind)));
  std::string id = co_await co_await under.origin.create_upload(key, {.plan = plan}, ctx);
  std::vector<std::string> texts{pattern(kPart, 21), pattern(kPart, 22), "the rest"};
  auto put = co_await co_await put_three(under, key, id, plan.kind, texts, ctx);
  auto list = co_await co_await under.origin.list_parts(key, id, 0, 1000, ctx);
  EXPECT_EQ(list.plan, plan);
  std::vector<CompletedPart> parts;
  std::string whole, raws;
  for (size_t i = 0; i < texts.size() && i < list.parts.size(); ++i) {
    EXPECT_EQ(list.parts[i].checksums[header], sum(plan.kind, texts[i])) << i;
    parts.push_back({list.parts[i].number, put[i].etag, {{header, sum(plan.kind, texts[i])}}});
    whole += texts[i];
    raws += *from_base64(sum(plan.kind, texts[i]));
  }
  EXPECT_EQ(parts.size(), texts.size());
  auto uploads = co_await co_await under.origin.list_uploads({.prefix = key.text()}, ctx);
  EXPECT_EQ(uploads.uploads.size(), 1u);
  if (!uploads.uploads.empty()) EXPECT_EQ(uploads.uploads[0].plan, plan);
  auto other = plan.kind == ChecksumKind::sha1 ? ChecksumKind::md5 : ChecksumKind::sha1;
  expect_error(
      co_await under.origin.put_part(
          key, id, 4, {.checksums = {{std::string(header_name(other)), sum(other, "part")}}},
          body_of("part"), ctx),
      Code::invalid, "InvalidRequest");
  co_await co_await refuses_wrong_words(under, key, id, parts, plan.kind, ctx);

  bool full = plan.type == origin::ChecksumType::full_object;
  std::string wanted = full ? sum(plan.kind, whole) : sum(plan.kind, raws) + "-3";
  auto done = co_await co_await under.origin.complete_upload(
      key, id, parts, {.checksums = {{header, wanted}}, .size = whole.size()}, ctx);
  origin::Fields told{{header, wanted},
                      {"x-amz-checksum-type", full ? "FULL_OBJECT" : "COMPOSITE"}};
  EXPECT_EQ(done.checksums, told);
  auto head = co_await co_await under.origin.head(key, {}, ctx);
  EXPECT_EQ(head.checksums, told);
  auto objects = co_await co_await under.origin.list({.prefix = key.text()}, ctx);
  EXPECT_EQ(objects.objects.size(), 1u);
  if (!objects.objects.empty()) EXPECT_EQ(objects.objects[0].checksum, plan);
  co_return ok;
}

Task<> drops_all_uploads(OriginUnderTest& under, Context ctx) {
  if (!under.lists_uploads) co_return ok;  // as it finds them by lists
  std::vector<std::pair<ObjectKey, std::string>> made;
  for (std::string name : {"drop/a", "drop/a", "drop/b/c"}) {
    ObjectKey key = key_of(under.prefix + name);
    std::string id = co_await co_await under.origin.create_upload(key, {}, ctx);
    co_await co_await put_part(under, key, id, 1, "part", ctx);
    made.emplace_back(key, id);
  }
  co_await co_await put_text(under, "drop/object", "stays", ctx);
  co_await co_await under.origin.drop_uploads(ctx);
  co_await co_await under.origin.drop_uploads(ctx);
  for (const auto& [key, id] : made) {
    expect_error(co_await under.origin.list_parts(key, id, 0, 1000, ctx), Code::not_found,
                 "NoSuchUpload");
  }
  auto left = co_await co_await under.origin.list_uploads({.prefix = under.prefix}, ctx);
  EXPECT_TRUE(left.uploads.empty());
  std::string text = co_await co_await get_text(under, "drop/object", {}, ctx);
  EXPECT_EQ(text, "stays");
  std::string id = co_await co_await under.origin.create_upload(made[0].first, {}, ctx);
  co_await co_await under.origin.abort_upload(made[0].first, id, ctx);
  co_return ok;
}

Task<> keeps_checksums_of_uploads(OriginUnderTest& under, Context ctx) {
  if (!under.upload_checksums) co_return ok;
  using Type = origin::ChecksumType;
  for (origin::ChecksumPlan plan : {origin::ChecksumPlan{ChecksumKind::crc32c, Type::full_object},
                                    origin::ChecksumPlan{ChecksumKind::sha256, Type::composite}}) {
    co_await co_await keeps_checksums_of(under, plan, ctx);
  }
  co_return ok;
}

}  // namespace

std::vector<OriginCase> upload_cases() {
  return {{"joins_parts", joins_parts},
          {"refuses_bad_completions", refuses_bad_completions},
          {"forgets_aborted_uploads", forgets_aborted_uploads},
          {"drops_a_part_whose_body_fails", drops_a_part_whose_body_fails},
          {"lists_uploads", lists_uploads},
          {"completes_under_conditions", completes_under_conditions},
          {"drops_all_uploads", drops_all_uploads},
          {"keeps_checksums_of_uploads", keeps_checksums_of_uploads}};
}

}  // namespace forebay::testkit
