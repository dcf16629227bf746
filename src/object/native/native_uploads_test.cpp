// Uploads in parts to a native bucket.
#include <gtest/gtest.h>

#include "object/native/native_rows.h"
#include "object/native/native_world_test.h"
#include "origin/tags.h"

namespace forebay::object {
namespace {

using origin::CompletedPart;

class NativeUploads : public NativeTest {
 protected:
  std::string create(std::string_view key, origin::PutOptions options = {}) {
    return run(origin().create_upload(key_of(key), std::move(options), ctx())).value();
  }
  Result<origin::PartInfo> part(std::string_view key, const std::string& id, uint32_t number,
                                std::string text, origin::PutOptions options = {}) {
    return run(origin().put_part(key_of(key), id, number, std::move(options),
                                 testkit::body_of(std::move(text), 20'000), ctx()));
  }
  Result<origin::PutAnswer> complete(std::string_view key, const std::string& id,
                                     std::vector<CompletedPart> parts,
                                     origin::PutOptions options = {}) {
    return run(
        origin().complete_upload(key_of(key), id, std::move(parts), std::move(options), ctx()));
  }
  /// Puts parts 1, 2, … of these texts.
  std::vector<CompletedPart> put_parts(std::string_view key, const std::string& id,
                                       const std::vector<std::string>& texts) {
    std::vector<CompletedPart> out;
    for (uint32_t i = 0; i < texts.size(); ++i) {
      auto told = part(key, id, i + 1, texts[i]);
      EXPECT_TRUE(told) << told.error().text();
      if (told) out.push_back({i + 1, told->etag, {}});
    }
    return out;
  }
  size_t part_rows() {
    return machine_.all(meta::schema::parts(NativeMachine::kIncarnation)).size();
  }
  size_t upload_rows() {
    return machine_.all(meta::schema::uploads(NativeMachine::kIncarnation)).size();
  }
};

TEST_F(NativeUploads, completing_moves_no_byte) {
  std::vector<std::string> texts{bytes_of(kNativeUnit + 1, 1), bytes_of(10, 2), "",
                                 bytes_of(3 * kNativeUnit, 3)};
  std::string id = create("k");
  auto parts = put_parts("k", id, texts);
  std::vector<UnitId> before = machine_.units();
  auto done = complete("k", id, parts);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(machine_.units(), before);
  EXPECT_EQ(machine_.named(), before);
  EXPECT_EQ(part_rows(), 0U);
  EXPECT_EQ(upload_rows(), 0U);
  std::string whole, sums;
  for (const std::string& text : texts) whole += text, sums += testkit::md5(text);
  EXPECT_TRUE(*get("k") == whole);
  EXPECT_EQ(done->etag, origin::multipart_etag(sums));
  EXPECT_EQ(done->tag, head("k")->tag);
  EXPECT_EQ(done->pieces, head("k")->pieces);
  for (ByteRange range : {ByteRange{kNativeUnit, 12}, ByteRange{kNativeUnit + 5, 2 * kNativeUnit},
                          ByteRange{whole.size() - 1, 1}, ByteRange{0, whole.size()}}) {
    EXPECT_TRUE(*get("k", {.range = range}) == whole.substr(range.offset, range.length));
  }
  auto third = run(origin().head(key_of("k"), {.part_number = 3}, ctx()));
  ASSERT_TRUE(third);
  EXPECT_EQ(third->size, 0U);
  EXPECT_EQ(third->parts, 4U);
  EXPECT_EQ(third->part, (ByteRange{kNativeUnit + 11, 0}));
  EXPECT_EQ(third->part_of, whole.size());
}

TEST_F(NativeUploads, a_part_replaces_the_one_before_it) {
  std::string id = create("k");
  part("k", id, 1, bytes_of(2 * kNativeUnit, 1)).value();
  EXPECT_EQ(units(), 2U);
  auto parts = put_parts("k", id, {bytes_of(kNativeUnit, 2)});
  EXPECT_EQ(origin().loose().retired(), 2U);
  ASSERT_TRUE(complete("k", id, parts));
  EXPECT_TRUE(*get("k") == bytes_of(kNativeUnit, 2));
}

TEST_F(NativeUploads, parts_that_are_not_named_go) {
  std::string id = create("k");
  auto parts = put_parts("k", id, {"one", bytes_of(2 * kNativeUnit), "three"});
  parts.erase(parts.begin() + 1);
  ASSERT_TRUE(complete("k", id, parts));
  EXPECT_EQ(*get("k"), "onethree");
  EXPECT_EQ(origin().loose().retired(), 2U);
  EXPECT_EQ(part_rows(), 0U);
}

TEST_F(NativeUploads, what_is_replaced_by_a_completion_has_its_grace) {
  ASSERT_TRUE(put("k", bytes_of(2 * kNativeUnit)));
  std::string id = create("k");
  ASSERT_TRUE(complete("k", id, put_parts("k", id, {"new"})));
  EXPECT_EQ(origin().loose().retired(), 2U);
  expect_swept_but(2);
  EXPECT_EQ(*get("k"), "new");
  ASSERT_TRUE(put("k", "newer"));
  EXPECT_EQ(origin().loose().retired(), 3U);
}

TEST_F(NativeUploads, a_repeated_completion_is_answered_as_the_first) {
  std::string id = create(
      "k", {.tags = {{"a", "b"}},
            .plan = origin::ChecksumPlan{ChecksumKind::crc32c, origin::ChecksumType::full_object}});
  auto parts = put_parts("k", id, {"one", "two"});
  auto first = complete("k", id, parts, {.size = 6});
  ASSERT_TRUE(first);
  ASSERT_FALSE(first->checksums.empty());
  ASSERT_TRUE(run(origin().set_tags(key_of("k"), {}, ctx())));
  auto again = complete("k", id, parts, {.size = 6});
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->etag, first->etag);
  EXPECT_EQ(again->tag, first->tag);
  EXPECT_EQ(again->modified, first->modified);
  EXPECT_EQ(again->checksums, first->checksums);
  auto refused = [&](Result<origin::PutAnswer> answer) {
    return answer ? std::string() : answer.error().detail();
  };
  EXPECT_EQ(refused(complete("k", id, parts)), "NoSuchUpload") << "other words";
  EXPECT_EQ(refused(complete("other", id, parts, {.size = 6})), "NoSuchUpload");
  auto fewer = parts;
  fewer.pop_back();
  EXPECT_EQ(refused(complete("k", id, fewer, {.size = 6})), "NoSuchUpload");
  auto renumbered = parts;
  renumbered[1].number = 3;
  EXPECT_EQ(refused(complete("k", id, renumbered, {.size = 6})), "NoSuchUpload");
  ASSERT_TRUE(put("k", "another"));
  EXPECT_EQ(refused(complete("k", id, parts, {.size = 6})), "NoSuchUpload");
  EXPECT_EQ(*get("k"), "another");
}

TEST_F(NativeUploads, a_completion_whose_answer_is_lost_is_settled) {
  std::string id = create("k");
  auto parts = put_parts("k", id, {"one", "two"});
  rows().answer = fail(Code::unavailable, "lost");
  rows().happens = true;
  EXPECT_TRUE(complete("k", id, parts));
  EXPECT_TRUE(complete("k", id, parts));
  EXPECT_EQ(*get("k"), "onetwo");
}

TEST_F(NativeUploads, a_completion_that_comes_late_is_the_answer_to_its_repetition) {
  std::string id = create("k");
  auto parts = put_parts("k", id, {"one", "two"});
  std::optional<meta::Txn> late;
  rows().before_commit = [&](const meta::Txn& txn) -> std::optional<meta::Txn> {
    return std::exchange(late, late ? std::nullopt : std::optional(txn));
  };
  rows().answer = fail(Code::unavailable, "not answered");
  auto first = complete("k", id, parts);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code(), Code::unavailable);
  rows().answer.reset();
  // The first one's commit happens just before that of the second.
  auto second = complete("k", id, parts);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(*get("k"), "onetwo");
  rows().before_commit = nullptr;
  expect_swept();
  EXPECT_EQ(*get("k"), "onetwo");
}

TEST_F(NativeUploads, an_aborted_upload_leaves_nothing) {
  std::string id = create("k");
  put_parts("k", id, {bytes_of(2 * kNativeUnit), "two"});
  ASSERT_TRUE(run(origin().abort_upload(key_of("k"), id, ctx())));
  EXPECT_EQ(units(), 0U);
  EXPECT_EQ(part_rows(), 0U);
  EXPECT_EQ(upload_rows(), 0U);
  EXPECT_EQ(run(origin().abort_upload(key_of("k"), id, ctx())).error().detail(), "NoSuchUpload");
  EXPECT_EQ(part("k", id, 1, bytes_of(kNativeUnit)).error().detail(), "NoSuchUpload");
  EXPECT_EQ(units(), 0U);
}

TEST_F(NativeUploads, only_names_that_were_given_are_uploads) {
  std::string id = create("k");
  std::string upper = id;
  for (char& c : upper) c = c >= 'a' ? static_cast<char>(c - 32) : c;
  for (std::string bad : {std::string(), std::string("x"), id.substr(1), id + "0", upper + "0",
                          std::string(32, '0'), id.substr(0, 31) + "/"}) {
    EXPECT_EQ(part("k", bad, 1, "x").error().detail(), "NoSuchUpload") << bad;
    EXPECT_EQ(complete("k", bad, {{1, ETag("a"), {}}}).error().detail(), "NoSuchUpload") << bad;
  }
  EXPECT_EQ(part("other", id, 1, "x").error().detail(), "NoSuchUpload");
  EXPECT_EQ(part("k", id, 0, "x").error().detail(), "InvalidArgument");
  EXPECT_EQ(part("k", id, 10'001, "x").error().detail(), "InvalidArgument");
  EXPECT_TRUE(part("k", id, 10'000, "x"));
}

TEST_F(NativeUploads, a_part_that_comes_while_the_upload_ends_is_refused_and_gone) {
  std::string id = create("k");
  // The upload ends between the body and the row, at the hands of another process.
  rows().before_commit = [&](const meta::Txn&) {
    return std::optional(
        meta::Txn().remove(meta::schema::upload(NativeMachine::kIncarnation, key_of("k"), id)));
  };
  auto late = part("k", id, 1, bytes_of(2 * kNativeUnit));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().detail(), "NoSuchUpload");
  EXPECT_EQ(units(), 0U);
}

TEST_F(NativeUploads, metadata_past_its_limit_is_refused) {
  origin::PutOptions options;
  options.fields["x-amz-meta-a"] = std::string(kMaxUploadRow, 'm');
  auto refused = run(origin().create_upload(key_of("k"), options, ctx()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail(), "MetadataTooLarge");
  EXPECT_EQ(upload_rows(), 0U);
}

TEST_F(NativeUploads, ten_thousand_parts_become_one_object_and_the_next) {
  const std::string checksum = "x-amz-checksum-sha256";
  for (int round = 0; round < 2; ++round) {
    std::string id = create(
        "k", {.plan = origin::ChecksumPlan{ChecksumKind::sha256, origin::ChecksumType::composite}});
    std::vector<CompletedPart> parts;
    for (uint32_t number = 1; number <= origin::kMaxPartNumber; ++number) {
      auto told = part("k", id, number, "");
      ASSERT_TRUE(told) << told.error().text();
      parts.push_back({number, told->etag, {{checksum, told->checksums.at(checksum)}}});
    }
    auto last = part("k", id, origin::kMaxPartNumber, "bytes");
    ASSERT_TRUE(last);
    parts.back() = {origin::kMaxPartNumber, last->etag, {{checksum, last->checksums.at(checksum)}}};
    auto done = complete("k", id, parts);
    ASSERT_TRUE(done) << done.error().text();
    EXPECT_EQ(done->etag.part_count(), origin::kMaxPartNumber);
    EXPECT_EQ(part_rows(), 0U);
    EXPECT_EQ(*get("k"), "bytes");
    EXPECT_TRUE(run(origin().set_tags(key_of("k"), {{"a", "b"}}, ctx()))) << "old and new row fit";
  }
  expect_swept_but(1);
}

TEST_F(NativeUploads, dropping_them_ends_all_and_lets_go_of_what_was_retired) {
  for (std::string key : {"a", "b", "b/c"}) put_parts(key, create(key), {bytes_of(kNativeUnit)});
  ASSERT_TRUE(put("k", bytes_of(2 * kNativeUnit)));
  ASSERT_TRUE(remove("k"));
  ASSERT_TRUE(run(origin().drop_uploads(ctx())));
  EXPECT_EQ(units(), 0U);
  EXPECT_EQ(upload_rows() + part_rows(), 0U);
}

// One upload, asked of by several at once.
class NativeTurns : public NativeUploads {
 protected:
  static Task<> finish(NativeOrigin& to, std::string id, std::vector<CompletedPart> parts,
                       std::vector<Result<origin::PutAnswer>>& answers, Context ctx) {
    answers.push_back(
        co_await to.complete_upload(testkit::key_of("k"), id, std::move(parts), {}, ctx));
    co_return ok;
  }
  static Task<> abort(NativeOrigin& to, std::string id, Result<>& aborted, Context ctx) {
    aborted = co_await to.abort_upload(testkit::key_of("k"), id, ctx);
    co_return ok;
  }
  static Task<> replace(NativeOrigin& to, std::string id, Result<origin::PartInfo>& told,
                        Context ctx) {
    told = co_await to.put_part(testkit::key_of("k"), id, 1, {}, testkit::body_of("other"), ctx);
    co_return ok;
  }
  void side_by_side(Task<> first, Task<> second) {
    auto both = [](Task<> one, Task<> other, Context inner) -> Task<> {
      io::Group group(inner);
      group.spawn(std::move(one));
      group.spawn(std::move(other));
      co_return co_await group.join();
    };
    EXPECT_TRUE(run(both(std::move(first), std::move(second), ctx())));
  }
};

TEST_F(NativeTurns, completions_aborts_and_parts_take_turns) {
  machine_.process->faulty.options().delay = milliseconds(2);
  for (int round = 0; round < 60; ++round) {
    std::string id = create("k");
    auto parts = put_parts("k", id, {"part"});
    std::vector<Result<origin::PutAnswer>> answers;
    Result<> aborted = ok;
    Result<origin::PartInfo> told = fail(Code::internal, "not asked");
    auto first = finish(origin(), id, parts, answers, ctx());
    if (round % 3 == 0) {
      side_by_side(std::move(first), finish(origin(), id, parts, answers, ctx()));
      ASSERT_EQ(answers.size(), 2U);
      ASSERT_TRUE(answers[0] && answers[1]) << round;
      EXPECT_EQ(answers[0]->tag, answers[1]->tag) << "written once";
    } else if (round % 3 == 1) {
      side_by_side(std::move(first), abort(origin(), id, aborted, ctx()));
      ASSERT_NE(answers[0].has_value(), aborted.has_value()) << round;
      EXPECT_EQ((aborted ? answers[0].error() : aborted.error()).detail(), "NoSuchUpload");
    } else {
      side_by_side(std::move(first), replace(origin(), id, told, ctx()));
      ASSERT_NE(answers[0].has_value(), told.has_value()) << round;
      EXPECT_EQ((told ? answers[0].error() : told.error()).detail(),
                told ? "InvalidPart" : "NoSuchUpload");
      if (told) ASSERT_TRUE(run(origin().abort_upload(key_of("k"), id, ctx())));
    }
  }
}

}  // namespace
}  // namespace forebay::object
