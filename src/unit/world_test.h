// A Cache over a MemoryOrigin in simulated time. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "base/bytes.h"
#include "disk/index/index.h"
#include "io/sim.h"
#include "testkit/memory_origin.h"
#include "testkit/pattern.h"
#include "unit/cache.h"

namespace forebay::unit {
using testkit::pattern;

// Reads a source to its end, or `limit` bytes of it.
inline Task<std::string> drain(std::unique_ptr<io::Source> source, uint64_t limit, Context ctx) {
  std::string out;
  while (out.size() < limit) {
    io::Chunk chunk = co_await co_await source->next(ctx);
    if (io::size(chunk) == 0) break;
    std::vector<std::byte> buffer(64 * kKiB);
    for (uint64_t done = 0; done < io::size(chunk);) {
      ByteView part = co_await co_await io::load(chunk, done, buffer, ctx);
      out += as_text(part);
      done += part.size();
    }
  }
  co_return out;
}

class CacheTest : public testing::Test {
 protected:
  CacheTest() { crews_.add(loop_); }
  ~CacheTest() override {
    EXPECT_TRUE(world_->run(crews_.of(loop_).stop()));
    EXPECT_EQ(gauge("forebay_fills_inflight"), "0");
  }
  Context ctx() { return {.loop = &loop_}; }

  void open(Options options = {}, uint64_t capacity = 256 * kMiB) {
    disk::Options disks;
    disks.disks.push_back({.path = "/disk", .capacity = capacity, .open_index = [this] {
                             return Result<std::shared_ptr<disk::Index>>(index_);
                           }});
    disks.boot_id = "boot";
    auto store = world_->run(disk::Store::open(std::move(disks), ctx()));
    ASSERT_TRUE(store);
    store_ = *store;
    cache_ =
        std::make_unique<Cache>(store_, crews_, std::vector<io::Loop*>{&loop_}, options, metrics_);
  }

  VersionRef object(const std::string& key, std::string bytes) {
    auto info = origin_->change(key, std::move(bytes));
    return std::make_shared<const Version>(
        Version{origin_, *ObjectKey::parse(key), info.tag, info.etag, info.version_id, info.size});
  }
  static Unit unit_of(const VersionRef& version, ByteRange range) {
    return {UnitName{.incarnation = 1,
                     .key = version->key.text(),
                     .tag = version->tag.text(),
                     .offset = range.offset,
                     .length = range.length}
                .id(),
            range};
  }
  static Unit whole(const VersionRef& version) { return unit_of(version, {0, version->size}); }

  Task<std::string> read(VersionRef version, Unit unit, ByteRange range, Mode mode, Context ctx) {
    auto opened = co_await co_await cache_->open(version, unit, range, mode, ctx);
    served_.push_back(opened.served);
    co_return co_await drain(std::move(opened.source), ~uint64_t{0}, ctx);
  }
  Task<> read_in_vain(VersionRef version, Unit unit, Context ctx) {
    auto text = co_await read(version, unit, unit.range, Mode::normal, ctx);
    EXPECT_FALSE(text);
    co_return ok;
  }
  Result<std::string> get(VersionRef version, ByteRange range, Mode mode = Mode::normal) {
    served_.clear();
    Unit unit = whole(version);
    return world_->run(read(std::move(version), unit, range, mode, ctx()));
  }
  Served served() const { return served_.back(); }
  uint64_t origin_bytes() const { return origin_->counts("get").bytes; }
  std::string gauge(const std::string& name) {
    std::string text = "\n" + metrics_.render();
    size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "none";
    at += name.size() + 2;
    return text.substr(at, text.find('\n', at) - at);
  }
  Task<> read_many(VersionRef version, int readers, std::string expected) {
    io::Group group(ctx());
    for (int i = 0; i < readers; ++i) group.spawn(read_one(version, expected, ctx()));
    co_return co_await group.join();
  }
  Task<> read_one(VersionRef version, std::string expected, Context ctx) {
    auto text =
        co_await co_await read(version, whole(version), {0, version->size}, Mode::normal, ctx);
    EXPECT_TRUE(text == expected);
    co_return ok;
  }
  // A reader that takes the first chunk and leaves.
  Task<> peek(VersionRef version, Context ctx) {
    auto opened = co_await co_await cache_->open(version, whole(version), {0, version->size},
                                                 Mode::normal, ctx);
    auto chunk = co_await co_await opened.source->next(ctx);
    EXPECT_GT(io::size(chunk), 0U);
    co_return ok;
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 11});
  io::Loop& loop_ = world_->loop();
  std::shared_ptr<testkit::MemoryOrigin> origin_ =
      std::make_shared<testkit::MemoryOrigin>(loop_, testkit::MemoryOriginOptions{});
  std::shared_ptr<disk::MemoryIndex> index_ = std::make_shared<disk::MemoryIndex>();
  obs::Registry metrics_;
  job::Crews crews_;
  std::shared_ptr<disk::Store> store_;
  std::unique_ptr<Cache> cache_;
  std::vector<Served> served_;
};

}  // namespace forebay::unit
