#include "origin/dir/key.h"

#include <gtest/gtest.h>

#include "testkit/origin_contract.h"

namespace forebay::origin {
namespace {

using testkit::key_of;

std::string detail_of(const std::string& key) {
  auto path = dir_path(key_of(key));
  if (path) return "ok";
  EXPECT_EQ(path.error().code(), Code::invalid);
  return path.error().detail();
}

TEST(DirKey, is_the_path) {
  EXPECT_EQ(*dir_path(key_of("a")), "a");
  EXPECT_EQ(*dir_path(key_of("a/b c/d.txt")), "a/b c/d.txt");
  EXPECT_EQ(*dir_path(key_of("a/...")), "a/...");
  EXPECT_EQ(*dir_path(key_of(".hidden/.x")), ".hidden/.x");
}

TEST(DirKey, of_a_folder_is_a_file_in_it) {
  EXPECT_EQ(*dir_path(key_of("a/")), "a/.forebay-folder");
  EXPECT_EQ(*dir_path(key_of("a/b/")), "a/b/.forebay-folder");
}

TEST(DirKey, refuses_what_a_directory_cannot_hold) {
  for (const char* key :
       {"/", "//", "/a", "a//b", "a//", ".", "..", "./a", "a/.", "a/..", "a/../b", "a/./b", "../a",
        "a/../", ".forebay", ".forebay-tmp/x", "a/.forebay-x/b", "a/.forebay-folder"}) {
    EXPECT_EQ(detail_of(key), "InvalidArgument") << key;
  }
}

TEST(DirKey, bounds_a_segment) {
  std::string most(255, 'x'), more(256, 'x');
  EXPECT_EQ(detail_of(most), "ok");
  EXPECT_EQ(detail_of(most + "/" + most + "/" + most), "ok");
  EXPECT_EQ(detail_of(more), "KeyTooLongError");
  EXPECT_EQ(detail_of("a/" + more), "KeyTooLongError");
}

TEST(DirKey, knows_parents) {
  EXPECT_EQ(dir_parent("a/b/c"), "a/b");
  EXPECT_EQ(dir_parent("a"), "");
}

}  // namespace
}  // namespace forebay::origin
