// A Store on the real engine, in a folder of its own. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "disk/store_test.h"
#include "disk/temp_folder_test.h"
#include "io/engine.h"

namespace forebay::disk {

class RealStore : public testing::Test {
 protected:
  RealStore() {
    auto engine = io::Engine::make({.loops = 2, .pool_threads = 4});
    EXPECT_TRUE(engine);
    engine_ = std::move(*engine);
    options_.boot_id = "boot one";
    options_.disks.push_back({.path = folder_.path() + "/a", .capacity = 64 << 20});
  }
  ~RealStore() override { store_.reset(); }

  template <class T>
  Result<T> run(Task<T> task) {
    return engine_->run_task(std::move(task));
  }
  Context ctx() { return {.loop = &engine_->loop(0)}; }

  void open() {
    auto store = run(Store::open(options_, ctx()));
    ASSERT_TRUE(store) << store.error().text();
    store_ = std::move(*store);
  }
  /// Nothing more is written: as kill -9 would end it.
  void kill() { store_.reset(); }
  void restart() {
    if (store_ != nullptr) {
      Result<> closed = run(store_->close(ctx()));
      EXPECT_TRUE(closed) << closed.error().text();
    }
    kill();
    open();
  }
  void commit_rows() { EXPECT_TRUE(run(store_->commit_rows(ctx()))); }

  Result<> fill(uint64_t n, uint64_t length, uint64_t piece = 256 << 10) {
    return run(fill_unit(store_, unit_id(n), length, piece, ctx()));
  }
  Result<> put(uint64_t n, uint64_t length) {
    return run(put_unit(store_, unit_id(n), length, ctx()));
  }
  Result<std::string> read(uint64_t n, ByteRange range, Verify verify = Verify::start) {
    return run(read_unit(store_, unit_id(n), range, ctx(), verify));
  }
  /// The unit is here and its bytes are right.
  testing::AssertionResult good(uint64_t n, ByteRange range, Verify verify = Verify::start) {
    auto bytes = read(n, range, verify);
    if (!bytes) return testing::AssertionFailure() << bytes.error().text();
    if (*bytes != content_of(unit_id(n), range))
      return testing::AssertionFailure() << "wrong bytes";
    return testing::AssertionSuccess();
  }
  Code code_of_reading(uint64_t n, ByteRange range, Verify verify = Verify::start) {
    auto bytes = read(n, range, verify);
    return bytes ? Code::internal : bytes.error().code();
  }
  DiskStats stats(size_t disk = 0) { return store_->stats().disks[disk]; }

  /// Files under a part of the disk's folder.
  std::vector<std::filesystem::path> files(const std::string& part, const std::string& disk = "a") {
    std::vector<std::filesystem::path> out;
    for (auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path() + "/" + disk + "/" + part)) {
      if (entry.is_regular_file()) out.push_back(entry.path());
    }
    return out;
  }
  static void flip_byte(const std::filesystem::path& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 1));
    EXPECT_TRUE(file.good());
  }

  TempFolder folder_;
  Options options_;
  std::unique_ptr<io::Engine> engine_;
  std::shared_ptr<Store> store_;
};

}  // namespace forebay::disk
