// A simulated machine for tests of its disk. Only tests of this room include it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "io/sim.h"
#include "io/world_test.h"

namespace forebay::io::sim {

inline constexpr size_t kSector = 512;
inline constexpr int kSeeds = 200;

/// A disk that waits for nobody: file calls are made directly.
struct Machine {
  explicit Machine(SimOptions options) : simulation(Simulation::make(options)) { boot(); }
  explicit Machine(uint64_t seed) : Machine(SimOptions{.seed = seed, .short_io = 0}) {}

  void boot() {
    auto opened = simulation->loop().open_directory("/data", true);
    EXPECT_TRUE(opened);
    data = *opened;
  }
  void lose_power() {
    simulation->power_loss();
    boot();
  }
  std::shared_ptr<File> open(const std::string& path, OpenMode mode = OpenMode::create) {
    auto file = data->open(path, mode);
    EXPECT_TRUE(file) << file.error().text();
    return *file;
  }
  /// `sync`: the data, not the name.
  void write(const std::string& path, const std::string& text, bool sync) {
    auto file = open(path);
    EXPECT_TRUE(file->write_at(0, as_bytes(text)));
    if (sync) {
      EXPECT_TRUE(file->sync());
    }
  }
  /// The text, or the name of the error.
  std::string read(const std::string& path) {
    auto file = data->open(path, OpenMode::read);
    if (!file) return std::string(name(file.error().code()));
    std::string out((*file)->stat()->size, '\0');
    auto count = (*file)->read_at(0, std::as_writable_bytes(std::span(out)));
    EXPECT_EQ(count ? *count : 0, out.size());
    return out;
  }
  void sync(const std::string& path) { EXPECT_TRUE(data->sync(path)); }

  std::unique_ptr<Simulation> simulation;
  std::shared_ptr<Directory> data;
};

/// Runs `scene` on machines of many seeds and counts what it says came of it.
inline std::map<std::string, int> outcomes(const std::function<std::string(Machine&)>& scene) {
  std::map<std::string, int> out;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Machine machine(seed);
    ++out[scene(machine)];
  }
  return out;
}

inline std::set<std::string> keys(const std::map<std::string, int>& counts) {
  std::set<std::string> out;
  for (auto& [key, count] : counts) out.insert(key);
  return out;
}

}  // namespace forebay::io::sim
