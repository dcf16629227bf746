#include "batch/record.h"

#include <gtest/gtest.h>

namespace forebay::batch {
namespace {

constexpr std::string_view kId = "00112233aabbccdd";

Record full() {
  Record record;
  record.id = kId;
  record.bucket = "data";
  record.incarnation = ~uint64_t{0};
  record.prefix = "images/";
  record.state = State::failed;
  record.error = "no more";
  record.after = "images/ä\"\n.png";
  record.counts = {.objects = 1, .bytes = 1ULL << 62, .found = 3, .failed = 4};
  record.taken = {.bytes = 1ULL << 63, .units = 7, .spread = 9};
  record.failures = {{"images/b", "it is gone"}};
  record.created = {5};
  record.started = WallTime{6};
  record.ended = WallTime{7};
  return record;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

TEST(Record, comes_back_as_it_was) {
  for (State state :
       {State::waiting, State::running, State::done, State::failed, State::cancelled}) {
    Record record = full();
    record.state = state;
    auto read = parse_record(kId, encode(record));
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(*read, record);
  }
  Record fresh;
  fresh.id = kId;
  fresh.bucket = "data";
  EXPECT_EQ(parse_record(kId, encode(fresh)).value(), fresh);
}

TEST(Record, one_from_before_what_it_takes_was_written_is_read) {
  Record record = full();
  std::string old =
      replaced(encode(record), R"("taken":9223372036854775808,"units":7,"spread":9,)", "");
  record.taken = {};
  EXPECT_EQ(parse_record(kId, old).value(), record);
}

TEST(Record, what_is_no_row_of_ours_is_refused) {
  std::string good = encode(full());
  ASSERT_TRUE(parse_record(kId, good));
  EXPECT_EQ(parse_record("short", good).error().code(), Code::corrupt);
  EXPECT_EQ(parse_record("00112233AABBCCDD", good).error().code(), Code::corrupt);
  EXPECT_EQ(parse_record(kId, replaced(good, R"("version":1)", R"("version":2)")).error().code(),
            Code::invalid);
  EXPECT_EQ(parse_record(kId, replaced(good, R"("prefetch")", R"("copy")")).error().code(),
            Code::invalid);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"{", ""},
           {R"("bucket":"data")", R"("bucket":"D")"},
           {R"("state":"failed")", R"("state":"asleep")"},
           {R"("objects":1)", R"("objects":-1)"},
           {R"("failed":4)", R"("failed":"4")"},
           {R"("spread":9)", R"("spread":-9)"},
           {R"("created_ns":5)", R"("created":5)"},
           {R"("ended_ns":7)", R"("ended_ns":"7")"},
           {R"("key":"images/b")", R"("name":"images/b")"},
           {"it is gone", std::string(Record::kMostReason + 1, 'x')},
           {"no more", std::string(Record::kMostReason + 1, 'x')},
           {"images/b", std::string(ObjectKey::kMaxBytes + 1, 'x')},
           {R"("prefix":"images/")",
            R"("prefix":")" + std::string(ObjectKey::kMaxBytes + 1, 'x') + '"'}}) {
    auto read = parse_record(kId, replaced(good, from, to));
    ASSERT_FALSE(read) << to.substr(0, 40);
    EXPECT_EQ(read.error().code(), Code::corrupt) << to.substr(0, 40);
  }
}

TEST(Record, failures_are_all_counted_and_the_first_are_kept) {
  Record record = full();
  record.failures.clear();
  record.counts.failed = 0;
  for (size_t i = 0; i < Record::kMostFailures + 5; ++i) {
    record.add_failure("k" + std::to_string(i), "no");
  }
  EXPECT_EQ(record.counts.failed, Record::kMostFailures + 5);
  ASSERT_EQ(record.failures.size(), Record::kMostFailures);
  EXPECT_EQ(record.failures.back().key, "k7");
  EXPECT_EQ(parse_record(kId, encode(record)).value(), record);
}

TEST(Record, reasons_have_a_length) {
  EXPECT_EQ(reason_of("short"), "short");
  EXPECT_EQ(reason_of(std::string(Record::kMostReason, 'x')).size(), Record::kMostReason);
  EXPECT_EQ(reason_of(std::string(Record::kMostReason + 1, 'x')).size(), Record::kMostReason);
  std::string two = std::string(Record::kMostReason - 1, 'x') + "ää";
  EXPECT_EQ(reason_of(two), std::string(Record::kMostReason - 1, 'x')) << "no half character";
  EXPECT_EQ(reason_of("\xff"), "an error whose text is not UTF-8");
}

}  // namespace
}  // namespace forebay::batch
