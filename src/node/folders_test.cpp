#include "node/folders.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace forebay::node {

namespace fs = std::filesystem;

namespace {

class FoldersTest : public testing::Test {
 protected:
  FoldersTest() {
    root_ = testing::TempDir() + "forebay-node-XXXXXX";
    EXPECT_NE(mkdtemp(root_.data()), nullptr);
    data_ = root_ + "/here/data";
  }
  ~FoldersTest() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  bool shown(const std::string& path) { return shows(path, {data_}); }

  std::string root_, data_;
};

TEST_F(FoldersTest, MakesADataFolderForItsUserAlone) {
  ASSERT_TRUE(make_private_folder(data_).has_value());
  EXPECT_EQ(fs::status(data_).permissions(), fs::perms::owner_all);
  EXPECT_FALSE(others_may_read(data_));
  // What somebody else made is his to change.
  fs::permissions(data_, fs::perms(0755));
  ASSERT_TRUE(make_private_folder(data_).has_value());
  EXPECT_EQ(fs::status(data_).permissions(), fs::perms(0755));
  EXPECT_TRUE(others_may_read(data_));
  fs::permissions(data_, fs::perms(0710));
  EXPECT_TRUE(others_may_read(data_));
  ASSERT_TRUE(make_private_folder(root_ + "/other/").has_value());
  EXPECT_FALSE(others_may_read(root_ + "/other"));
}

TEST_F(FoldersTest, AFolderThatCannotBeMadeIsAnErrorWithItsName) {
  ASSERT_TRUE(make_private_folder(root_ + "/here").has_value());
  fs::create_symlink("nowhere", data_);
  Result<> made = make_private_folder(data_ + "/in");
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().text().find(data_), std::string::npos) << made.error().text();
}

TEST_F(FoldersTest, AFolderThatIsMissingIsToldWithTheReason) {
  fs::create_directories(data_);
  EXPECT_EQ(missing(data_), "");
  EXPECT_EQ(missing(root_ + "/none"), "folder " + root_ + "/none: No such file or directory");
  fs::create_symlink(root_ + "/none", root_ + "/link");
  EXPECT_NE(missing(root_ + "/link"), "");
  std::ofstream(root_ + "/file") << "text";
  EXPECT_EQ(missing(root_ + "/file"), "folder " + root_ + "/file: it is none");
}

TEST_F(FoldersTest, ItsOwnFolderIsShownByThoseAboveAndInside) {
  fs::create_directories(data_ + "/meta");
  fs::create_directories(root_ + "/here/database");
  for (std::string path : {data_, data_ + "/", data_ + "/meta", data_ + "/not/yet", root_ + "/here",
                           root_, std::string("/"), data_ + "/../data"}) {
    EXPECT_TRUE(shown(path)) << path;
  }
  for (std::string path :
       {root_ + "/here/database", root_ + "/here/dat", root_ + "/else", data_ + "/../database"}) {
    EXPECT_FALSE(shown(path)) << path;
  }
}

TEST_F(FoldersTest, OwnBucketsAreThoseRightInTheirFolder) {
  std::string buckets = data_ + "/buckets";
  fs::create_directories(buckets + "/mine/sub");
  fs::create_directories(data_ + "/meta");
  fs::create_directory_symlink(data_, root_ + "/to-data");
  fs::create_directory_symlink(data_ + "/meta", buckets + "/led-away");
  for (std::string path : {buckets + "/mine", buckets + "/mine/", buckets + "/not-yet",
                           root_ + "/to-data/buckets/mine"}) {
    EXPECT_TRUE(lies_right_in(path, buckets)) << path;
  }
  for (std::string path : {buckets, buckets + "/", data_, buckets + "/mine/sub",
                           buckets + "/led-away", buckets + "/mine/..", std::string("/")}) {
    EXPECT_FALSE(lies_right_in(path, buckets)) << path;
  }
}

TEST_F(FoldersTest, LinksDoNotHideIt) {
  fs::create_directories(data_ + "/meta");
  fs::create_directories(root_ + "/else");
  fs::create_directory_symlink(data_, root_ + "/to-data");
  fs::create_directory_symlink("../here/data/meta", root_ + "/else/to-meta");
  fs::create_directory_symlink(root_ + "/here", root_ + "/to-parent");
  fs::create_directory_symlink(root_ + "/else", root_ + "/harmless");
  for (std::string path : {"/to-data", "/to-data/new", "/else/to-meta", "/to-parent"}) {
    EXPECT_TRUE(shown(root_ + path)) << path;
  }
  EXPECT_FALSE(shown(root_ + "/harmless"));
  // The data folder may be given by a link as well.
  EXPECT_TRUE(shows(data_, {root_ + "/to-data"}));
}

}  // namespace

}  // namespace forebay::node
