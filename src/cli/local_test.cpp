// Files as a person names them: on the real file system, because links are the point.
#include "cli/local.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/progress.h"
#include "io/engine.h"
#include "io/sim.h"

namespace forebay::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LocalTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_ / "folder");
  }
  void TearDown() override { fs::remove_all(root_); }

  Context ctx() { return {.loop = &engine_->loop(0)}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  std::string path(std::string_view name) { return (root_ / name).string(); }
  void write(std::string_view name, std::string_view text) { std::ofstream(path(name)) << text; }
  std::string read(std::string_view name) {
    std::stringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
  size_t files() {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(root_), fs::directory_iterator()));
  }

  std::unique_ptr<io::Engine> engine_ =
      std::move(io::Engine::make({.loops = 1, .pool_threads = 1}).value());
  fs::path root_ =
      fs::canonical(testing::TempDir()) / ("cli_local_test-" + std::to_string(::getpid()));
};

TEST_F(LocalTest, AFileIsReadThroughRelativeLinks) {
  write("f", "hello");
  fs::create_symlink("../f", root_ / "folder" / "link");
  EXPECT_EQ(run(read_file(path("f"), ctx())).value(), "hello");
  Result<LocalFile> linked = run(open_file(path("folder/link"), ctx()));
  ASSERT_TRUE(linked) << linked.error().text();
  EXPECT_EQ(linked->size, 5u);
}

TEST_F(LocalTest, WhatIsNoPlainFileIsAnError) {
  Result<LocalFile> missing = run(open_file(path("none"), ctx()));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::not_found);
  EXPECT_THAT(missing.error().text(), HasSubstr(path("none")));
  EXPECT_FALSE(run(open_file(path("folder"), ctx())));
}

TEST_F(LocalTest, ASmallFileHasALimit) {
  write("at", std::string(1 << 20, 'x'));
  write("past", std::string((1 << 20) + 1, 'x'));
  EXPECT_TRUE(run(read_file(path("at"), ctx())));
  EXPECT_EQ(run(read_file(path("past"), ctx())).error().code(), Code::too_large);
}

TEST_F(LocalTest, Kinds) {
  write("f", "");
  EXPECT_EQ(run(kind_of(path("f"), ctx())).value(), io::FileStat::Kind::file);
  EXPECT_EQ(run(kind_of(path("folder"), ctx())).value(), io::FileStat::Kind::directory);
  EXPECT_EQ(run(kind_of("/", ctx())).value(), io::FileStat::Kind::directory);
  EXPECT_EQ(run(kind_of(path("none"), ctx())).error().code(), Code::not_found);
}

Task<> fill(NewFile& file, Context ctx) {
  co_await co_await file.write(as_bytes("hello "), ctx);
  co_return co_await file.write(as_bytes("world"), ctx);
}

TEST_F(LocalTest, ANewFileTakesItsNameWhenItIsKept) {
  write("f", "old and longer than the new one");
  auto file = std::move(run(NewFile::create(path("f"), ctx())).value());
  EXPECT_TRUE(run(fill(*file, ctx())));
  EXPECT_EQ(read("f"), "old and longer than the new one");
  EXPECT_TRUE(run(file->keep(ctx())));
  file.reset();
  EXPECT_EQ(read("f"), "hello world");
  EXPECT_EQ(files(), 2u);
}

TEST_F(LocalTest, ANewFileThatIsNotKeptDisappears) {
  auto file = std::move(run(NewFile::create(path("f"), ctx())).value());
  EXPECT_TRUE(run(fill(*file, ctx())));
  EXPECT_EQ(files(), 2u);
  file.reset();
  EXPECT_EQ(files(), 1u);
}

TEST_F(LocalTest, ANewFileNeedsItsFolder) {
  auto file = run(NewFile::create(path("none/f"), ctx()));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), Code::not_found);
}

TEST_F(LocalTest, ALongNameFits) {
  std::string name(255, 'n');
  auto file = std::move(run(NewFile::create(path(name), ctx())).value());
  EXPECT_TRUE(run(file->keep(ctx())));
  EXPECT_TRUE(fs::exists(root_ / name));
}

class ProgressTest : public testing::Test {
 protected:
  Progress make(bool draws, std::optional<uint64_t> total) {
    std::function<void(std::string_view)> write;
    if (draws) write = [this](std::string_view text) { out_ += text; };
    return Progress(world_->loop(), std::move(write), "file", total, 80);
  }
  void pass(Duration length) {
    io::Loop& loop = world_->loop();
    EXPECT_TRUE(world_->run(io::sleep_until(loop.now() + length, {.loop = &loop})));
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 2});
  std::string out_;
};

TEST_F(ProgressTest, AShortCopyShowsNothing) {
  {
    Progress progress = make(true, 100);
    progress.moved(50);
    pass(milliseconds(400));
    progress.moved(50);
  }
  EXPECT_EQ(out_, "");
}

TEST_F(ProgressTest, ALongOneIsDrawnTenTimesASecondAtMost) {
  {
    Progress progress = make(true, 1000);
    for (int i = 0; i < 1000; ++i) {
      progress.moved(1);
      pass(milliseconds(2));
    }
  }
  auto drawn = std::count(out_.begin(), out_.end(), '\r');
  EXPECT_GE(drawn, 10);
  EXPECT_LE(drawn, 17);
  EXPECT_THAT(out_, HasSubstr("100%"));
  EXPECT_THAT(out_, testing::EndsWith("\n"));
}

TEST_F(ProgressTest, BytesSentAgainAreTakenBack) {
  {
    Progress progress = make(true, 1000);
    progress.moved(800);
    pass(seconds(1));
    progress.moved(-600);
    pass(seconds(1));
    progress.moved(100);
  }
  EXPECT_THAT(out_, HasSubstr(" 20%"));
  EXPECT_THAT(out_, HasSubstr(" 30%"));
}

TEST_F(ProgressTest, WhereNobodyLooksOnItIsALineNowAndThen) {
  {
    auto write = [this](std::string_view text) { out_ += text; };
    Progress progress(world_->loop(), write, "all", std::nullopt, 80, Manner::lines);
    for (int i = 0; i < 250; ++i) {
      if (i == 150) progress.set_total(250 << 20);
      progress.moved(1 << 20);
      pass(milliseconds(100));
    }
  }
  EXPECT_EQ(out_,
            "all  101.0 MiB  10.1 MiB/s\n"
            "all   80%  201.0 MiB of 250.0 MiB  10.0 MiB/s  00:05\n");
}

TEST_F(ProgressTest, WithoutATerminalNothingIsDrawn) {
  {
    Progress progress = make(false, std::nullopt);
    pass(seconds(2));
    progress.moved(1000);
  }
  EXPECT_EQ(out_, "");
}

}  // namespace
}  // namespace forebay::cli
