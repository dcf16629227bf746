// What tests of whole commands share: the program but its main, in a simulated world with a stub
// server. Only tests of this room include it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/run.h"
#include "testkit/stub_world.h"

namespace forebay::cli {

class CliTest : public testing::Test {
 protected:
  CliTest() {
    environment_.variables = {{"FOREBAY_ADMIN", "127.0.0.1:9000"},
                              {"FOREBAY_ROOT_ACCESS_KEY", "KEY"},
                              {"FOREBAY_ROOT_SECRET_KEY", "secret"},
                              {"HOME", "/people/bob"}};
    environment_.directory = "/people/ada";
    environment_.version = "1.2.3";
    home_ = world_.world().loop().open_directory("/people/ada", true).value();
    streams_.out = [this](std::string_view text) -> Result<> {
      out_ += text;
      return ok;
    };
    streams_.err = [this](std::string_view text) { err_ += text; };
    streams_.in = [this](ByteSpan into) -> Result<size_t> {
      size_t count = std::min(into.size(), in_.size());
      std::memcpy(into.data(), in_.data(), count);
      in_.erase(0, count);
      return count;
    };
    objects();
  }

  int run(std::vector<std::string> arguments) {
    out_.clear();
    err_.clear();
    return world_.run(cli::run(std::move(arguments), environment_, streams_, world_.context()))
        .value();
  }
  std::map<std::string, testkit::S3Stub::Object>& objects() {
    return world_.stub().buckets["data"];
  }
  void write(const std::string& path, const std::string& text) {
    auto root = world_.world().loop().open_directory("/", false).value();
    if (size_t slash = path.rfind('/'); slash != std::string::npos) {
      EXPECT_TRUE(root->make_directory(path.substr(1, slash - 1)));
    }
    auto file = root->open(path.substr(1), io::OpenMode::create).value();
    EXPECT_TRUE(file->truncate(0));
    EXPECT_TRUE(file->write_at(0, as_bytes(text)));
  }
  std::string read(const std::string& path) {
    auto file = home_->open(path, io::OpenMode::read);
    if (!file) return "(none)";
    std::string text((*file)->stat()->size, '\0');
    ByteSpan into{reinterpret_cast<std::byte*>(text.data()), text.size()};
    EXPECT_EQ((*file)->try_read_at(0, into), static_cast<ssize_t>(text.size()));
    return text;
  }
  size_t files() { return home_->list("")->size(); }

  testkit::StubWorld world_{{.seed = 21, .short_io = 0}};
  std::shared_ptr<io::Directory> home_;
  Environment environment_;
  Streams streams_;
  std::string in_, out_, err_;
};

}  // namespace forebay::cli
