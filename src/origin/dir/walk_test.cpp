// Lists of a `dir` origin against a plain reference: every name exactly once, page by page, also
// where a folder holds more names than a walk keeps.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "io/sim.h"
#include "origin/dir/dir.h"
#include "origin/dir/least_names.h"

namespace forebay::origin {
namespace {

using Names = std::vector<std::string>;

class DirWalk : public testing::Test {
 protected:
  Context ctx() { return {.loop = &world_->loop(), .deadline = kNever}; }
  void SetUp() override {
    folder_ = *world_->loop().open_directory("/bucket", true);
    DirOptions options{.path = "/bucket"};
    options.documents = std::make_shared<Allowance>(64 << 20);
    origin_ = make_dir_origin(std::move(options));
  }
  /// A file, or a folder where it ends with '/'.
  void make(const std::string& name) {
    size_t slash = name.rfind('/');
    if (slash != std::string::npos) ASSERT_TRUE(folder_->make_directory(name.substr(0, slash)));
    if (name.ends_with('/')) return;
    ASSERT_TRUE(folder_->open(name, io::OpenMode::create));
    keys_.insert(name);
  }
  /// What lists of these options give in all.
  Names reference(const ListOptions& options) const {
    Names out;
    for (const std::string& key : keys_) {
      if (!key.starts_with(options.prefix)) continue;
      size_t at = options.delimiter.empty() ? std::string::npos
                                            : key.find(options.delimiter, options.prefix.size());
      std::string name =
          at == std::string::npos ? key : key.substr(0, at + options.delimiter.size());
      if (name > options.start_after && (out.empty() || out.back() != name)) out.push_back(name);
    }
    return out;
  }
  Names pages(ListOptions options) {
    Names out;
    for (size_t page = 0; page <= keys_.size(); ++page) {
      auto answer = world_->run(origin_->list(options, ctx()));
      EXPECT_TRUE(answer) << answer.error().text();
      if (!answer) return out;
      Names names;
      for (const auto& object : answer->objects) names.push_back(object.key);
      for (const auto& prefix : answer->prefixes) names.push_back(prefix);
      std::sort(names.begin(), names.end());
      EXPECT_LE(names.size(), options.max_keys);
      out.insert(out.end(), names.begin(), names.end());
      if (!answer->truncated) return out;
      EXPECT_EQ(names.size(), options.max_keys) << "a page that goes on is full";
      options.continuation = answer->next;
    }
    ADD_FAILURE() << "a list does not end";
    return out;
  }
  void expect_same(const ListOptions& options) {
    EXPECT_EQ(pages(options), reference(options))
        << "prefix " << options.prefix << " delimiter " << options.delimiter << " after "
        << options.start_after << " max " << options.max_keys;
  }

  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 11});
  std::shared_ptr<io::Directory> folder_;
  std::unique_ptr<Origin> origin_;
  std::set<std::string> keys_;
};

TEST_F(DirWalk, gives_every_name_once) {
  for (const char* name :
       {"a!",      "a-b",   "a.b",       "a/x",       "a/-",     "a/a/a-b",  "a/a!",
        "a0",      "b/c/d", "b-/empty/", "b-/e/e/e/", "b-c/",    "b-d/file", "c/",
        "c-/x/y/", "d/e/",  "d/e/f/g",   "d-e",       "d-e-/x",  "z",        "ä/ö",
        "e/1/2/3", "e/1!",  "e/1/2-/",   "e/1/2-/x",  "e/1/2/-", "f",        "f./"}) {
    make(name);
  }
  for (uint32_t max : {1U, 2U, 7U, 1000U}) {
    for (const char* delimiter : {"", "/", "-", "e", "a/"}) {
      for (const char* prefix : {"", "a", "a/", "b", "b-", "d/e/", "e/1/2", "no"}) {
        for (const char* after : {"", "a", "a-", "a/", "a/a", "b/c/d", "d-", "e/1/2", "zz"}) {
          expect_same(
              {.prefix = prefix, .delimiter = delimiter, .start_after = after, .max_keys = max});
        }
      }
    }
  }
}

/// A name of which some 1500 have room in one pass.
std::string large(const std::string& begin, int number) {
  std::string out = begin + std::to_string(10'000 + number);
  return out + std::string(252 - out.size(), 'x');
}

TEST_F(DirWalk, goes_through_a_folder_again_where_it_holds_too_much) {
  // Empty folders, which give no name, before and between what does.
  for (int i = 0; i < 4000; ++i) make(large("e", i) + "/");
  make(large("e", 3500) + "/f");
  make("e");
  make("z/f");
  for (uint32_t max : {1U, 2U, 1000U}) {
    for (const char* delimiter : {"", "/", "e", "1"}) {
      expect_same({.delimiter = delimiter, .max_keys = max});
    }
  }
}

TEST_F(DirWalk, goes_through_large_folders_in_large_folders) {
  std::string in;
  for (int level = 0; level < 3; ++level) {
    for (int i = 0; i < 1800; ++i) make(in + large("n", i));
    in += "f/";
  }
  expect_same({.max_keys = 1000});
  expect_same({.prefix = "f/", .delimiter = "/", .max_keys = 700});
  expect_same({.delimiter = "9", .max_keys = 7});
}

TEST_F(DirWalk, knows_a_file_among_many_empty_folders) {
  for (int i = 0; i < 3000; ++i) make(large("a/e", i).substr(0, 250) + "/");
  make(large("a/e", 2999).substr(0, 250) + "/f");
  make("b/e/e/");
  expect_same({.delimiter = "/"});
}

// A file that stands for a common prefix is not lost because an empty folder of the same prefix
// was looked at before it, in an earlier pass.
TEST_F(DirWalk, a_prefix_of_empty_folders_and_one_file_is_given) {
  for (int i = 0; i < 3000; ++i) make(large("a-", i) + "/");
  make("a-9");
  make("b");
  // Each list sees the folder in another order.
  for (uint32_t max : {1U, 2U, 3U, 4U, 5U, 6U}) expect_same({.delimiter = "-", .max_keys = max});
}

}  // namespace
}  // namespace forebay::origin
