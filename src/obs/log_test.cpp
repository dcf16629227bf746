#include "obs/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/json.h"
#include "io/engine.h"
#include "obs/access.h"

namespace forebay::obs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const WallTime kWhen{1445412480123000000};

class LogTest : public testing::Test {
 protected:
  std::unique_ptr<Log> make(LogOptions options) {
    options.asynchronous = asynchronous_;
    options.sink = [this](std::string_view line) { lines_.emplace_back(line); };
    Result<std::unique_ptr<Log>> log = Log::make(std::move(options), engine_->loop(0));
    EXPECT_TRUE(log);
    return std::move(*log);
  }

  bool asynchronous_ = false;
  std::vector<std::string> lines_;
  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 1, .pool_threads = 1}).value());
};

TEST(FormatLine, TextHasTimeLevelMessageAndFields) {
  EXPECT_EQ(format_line(LogFormat::text, kWhen, Level::info, "a fill began",
                        {{"unit", "7f"}, {"bytes", uint64_t{12}}, {"left", -3}, {"warm", true}}),
            "2015-10-21T07:28:00.123Z info  a fill began unit=7f bytes=12 left=-3 warm=true");
}

TEST(FormatLine, TextQuotesWhatIsNotOneWord) {
  EXPECT_EQ(format_line(LogFormat::text, kWhen, Level::warn, "m",
                        {{"a", ""}, {"b", "x y"}, {"c", "q\"\\"}, {"d", "k=v"}, {"e", "é"}}),
            "2015-10-21T07:28:00.123Z warn  m a=\"\" b=\"x y\" c=\"q\\\"\\\\\" d=\"k=v\" e=é");
}

TEST(FormatLine, NoValueBeginsALine) {
  for (LogFormat format : {LogFormat::text, LogFormat::json}) {
    std::string line = format_line(format, kWhen, Level::error, "one\ntwo",
                                   {{"key", std::string("a\r\nb\x7f\0c", 7)}});
    EXPECT_EQ(line.find_first_of(std::string_view("\r\n\0", 3)), std::string::npos) << line;
    EXPECT_THAT(line, HasSubstr("\\u000d\\u000ab\\u007f\\u0000c"));
  }
}

TEST(FormatLine, JsonIsJson) {
  std::string line = format_line(LogFormat::json, kWhen, Level::error, "it \"failed\"\t",
                                 {{"error", Error(Code::busy, "full\n")},
                                  {"seconds", milliseconds(1500)},
                                  {"count", 7},
                                  {"good", false}});
  Result<Json> json = Json::parse(line);
  ASSERT_TRUE(json) << line;
  EXPECT_EQ(json->string("time").value(), "2015-10-21T07:28:00.123Z");
  EXPECT_EQ(json->string("level").value(), "error");
  EXPECT_EQ(json->string("message").value(), "it \"failed\"\t");
  EXPECT_EQ(json->string("error").value(), "busy: full\n");
  EXPECT_EQ(json->find("seconds")->as_double(), 1.5);
  EXPECT_EQ(json->integer("count").value(), 7);
  EXPECT_FALSE(json->boolean("good").value());
}

TEST(FormatLine, ASecretIsStars) {
  std::string line =
      format_line(LogFormat::text, kWhen, Level::info, "m", {{"secret", Secret("hunter2")}});
  EXPECT_THAT(line, HasSubstr("secret=****"));
  EXPECT_THAT(line, Not(HasSubstr("hunter2")));
}

TEST(FormatLine, NumbersOfEveryKind) {
  std::string line = format_line(LogFormat::text, kWhen, Level::info, "m",
                                 {{"u8", uint8_t{255}},
                                  {"i64", std::numeric_limits<int64_t>::min()},
                                  {"u64", std::numeric_limits<uint64_t>::max()},
                                  {"size", sizeof(int)},
                                  {"half", 0.5},
                                  {"small", nanoseconds(1)},
                                  {"day", seconds(86400)}});
  EXPECT_THAT(line, testing::EndsWith("u8=255 i64=-9223372036854775808 u64=18446744073709551615 "
                                      "size=4 half=0.5 small=1e-09 day=86400"));
}

TEST(FormatLine, AnErrorIsItsCodeAndChain) {
  Error error = Error(Code::timeout, "read", "x").in("fill");
  EXPECT_THAT(format_line(LogFormat::text, kWhen, Level::warn, "m", {{"error", error}}),
              testing::EndsWith("m error=\"timeout: fill: read\""));
}

TEST(FormatLine, WithoutFieldsThereIsOnlyTheMessage) {
  EXPECT_EQ(format_line(LogFormat::text, kWhen, Level::debug, "m", {}),
            "2015-10-21T07:28:00.123Z debug m");
  EXPECT_EQ(format_line(LogFormat::json, kWhen, Level::debug, "m", {}),
            R"({"time":"2015-10-21T07:28:00.123Z","level":"debug","message":"m"})");
}

TEST(FormatLine, EveryByteMakesJson) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string text = "a" + std::string(1, static_cast<char>(byte)) + "b";
    std::string line = format_line(LogFormat::json, kWhen, Level::info, text, {{"v", text}});
    Result<Json> json = Json::parse(line);
    ASSERT_TRUE(json) << line;
    if (byte >= 128)
      text =
          "a\xef\xbf\xbd"
          "b";
    EXPECT_EQ(json->string("v").value(), text);
    EXPECT_EQ(json->string("message").value(), text);
  }
}

TEST(Level, NamesAreReadBack) {
  for (Level level : {Level::debug, Level::info, Level::warn, Level::error, Level::off}) {
    EXPECT_EQ(parse_level(name(level)).value(), level);
  }
  EXPECT_EQ(parse_level("verbose").error().code(), Code::invalid);
}

TEST_F(LogTest, WritesWhatReachesItsLevel) {
  auto log = make({.level = Level::warn});
  log->info("no");
  log->warn("yes");
  log->set_level(Level::debug);
  log->debug("too");
  log->set_level(Level::off);
  log->error("no");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("warn  yes"), HasSubstr("debug too")));
}

TEST_F(LogTest, AsynchronousLinesAreOutAfterFlush) {
  asynchronous_ = true;
  auto log = make({});
  for (int i = 0; i < 1000; ++i) log->info("line", {{"i", i}});
  log->flush();
  ASSERT_EQ(lines_.size(), 1000u);
  EXPECT_THAT(lines_.back(), HasSubstr("i=999"));
  EXPECT_EQ(log->dropped(), 0u);
}

TEST_F(LogTest, DestroyingItWritesWhatWaits) {
  asynchronous_ = true;
  auto log = make({});
  for (int i = 0; i < 100; ++i) log->info("line");
  log.reset();
  EXPECT_EQ(lines_.size(), 100u);
}

// The last line may still be queued when the log ends. What destroys the logger must be this
// thread, after the writing one: ThreadSanitizer sees the other order in a few of these rounds.
TEST_F(LogTest, TheLoggerEndsAfterItsThread) {
  asynchronous_ = true;
  for (int round = 0; round < 200; ++round) {
    auto log = make({});
    log->info("line", {{"round", round}});
    log.reset();
    ASSERT_EQ(lines_.size(), static_cast<size_t>(round) + 1);
    EXPECT_THAT(lines_.back(), HasSubstr("round=" + std::to_string(round)));
  }
}

TEST_F(LogTest, AFullQueueDropsAndCounts) {
  std::mutex gate;
  std::atomic<int> written = 0;
  LogOptions options{.queue = 4};
  options.sink = [&](std::string_view) {
    std::lock_guard lock(gate);
    ++written;
  };
  auto log = std::move(Log::make(options, engine_->loop(0)).value());
  {
    std::lock_guard lock(gate);
    for (int i = 0; i < 100; ++i) log->info("line");
    EXPECT_GE(log->dropped(), 94u);
  }
  log->flush();
  EXPECT_EQ(static_cast<uint64_t>(written) + log->dropped(), 100u);
}

TEST_F(LogTest, ManyThreadsWriteWholeLines) {
  asynchronous_ = true;
  auto log = make({});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) log->info("line", {{"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  log->flush();
  EXPECT_EQ(lines_.size(), 800u);
}

TEST_F(LogTest, TheClockIsTheLoops) {
  auto log = make({});
  std::string before =
      format_line(LogFormat::text, engine_->loop(0).wall_now(), Level::info, "", {});
  log->info("line");
  std::string after =
      format_line(LogFormat::text, engine_->loop(0).wall_now(), Level::info, "", {});
  ASSERT_EQ(lines_.size(), 1u);
  std::string shown = lines_[0].substr(0, 24);
  EXPECT_LE(before.substr(0, 24), shown);
  EXPECT_LE(shown, after.substr(0, 24));
}

TEST_F(LogTest, AppendsToAFile) {
  std::filesystem::path path = testing::TempDir() + "/obs_log_test-" + std::to_string(::getpid());
  std::filesystem::remove(path);
  for (int i = 0; i < 2; ++i) {
    auto log = std::move(Log::make({.file = path}, engine_->loop(0)).value());
    log->info("hello", {{"i", i}});
  }
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("hello i=0\n"));
  EXPECT_THAT(text.str(), HasSubstr("hello i=1\n"));
  std::filesystem::remove(path);
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsAnError) {
  Result<std::unique_ptr<Log>> log = Log::make({.file = "/dev/null/x"}, engine_->loop(0));
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code(), Code::invalid);
}

TEST(NoLog, TakesEverything) {
  Log::none().error("nobody reads this");
  EXPECT_FALSE(Log::none().enabled(Level::error));
}

TEST(RequestId, IsSixteenHexDigits) {
  EXPECT_EQ(RequestId::of(0).text(), "0000000000000000");
  EXPECT_EQ(RequestId::of(0x0123456789abcdef).text(), "0123456789ABCDEF");
  EXPECT_EQ(RequestId().text(), "0000000000000000");
}

TEST_F(LogTest, RequestIdsDiffer) {
  EXPECT_FALSE(RequestId::make(engine_->loop(0)) == RequestId::make(engine_->loop(0)));
}

TEST_F(LogTest, AccessLinesSayWhoAskedWhatAndWhatCame) {
  auto log = make({.format = LogFormat::json});
  AccessLine line;
  line.id = RequestId::of(255);
  line.operation = "GetObject";
  line.bucket = "data";
  line.key = "a b";
  line.status = 206;
  line.bytes_out = 4096;
  line.duration = microseconds(250);
  line.cache = "hit";
  write_access(*log, line);
  ASSERT_EQ(lines_.size(), 1u);
  Json json = Json::parse(lines_[0]).value();
  EXPECT_EQ(json.string("message").value(), "request");
  EXPECT_EQ(json.string("id").value(), "00000000000000FF");
  EXPECT_EQ(json.string("operation").value(), "GetObject");
  EXPECT_EQ(json.string("key").value(), "a b");
  EXPECT_EQ(json.integer("status").value(), 206);
  EXPECT_EQ(json.unsigned_integer("bytes_out").value(), 4096u);
  EXPECT_EQ(json.find("duration_seconds")->as_double(), 0.00025);
  EXPECT_EQ(json.string("cache").value(), "hit");
}

}  // namespace
}  // namespace forebay::obs
