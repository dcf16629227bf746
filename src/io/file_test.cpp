#include "io/file.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "io/world_test.h"

namespace forebay::io {
namespace {

class FileTest : public WorldTest {
 protected:
  FileTest() {
    auto opened = loop().open_directory(folder(), true);
    EXPECT_TRUE(opened);
    directory_ = *opened;
  }
  std::shared_ptr<File> open(const std::string& path, OpenMode mode = OpenMode::create) {
    auto file = directory_->open(path, mode);
    EXPECT_TRUE(file) << file.error().text();
    return *file;
  }
  void write(const std::string& path, const std::string& text) {
    EXPECT_TRUE(open(path)->write_at(0, as_bytes(text)));
  }
  std::string read(const std::string& path) {
    auto file = directory_->open(path, OpenMode::read);
    if (!file) return std::string(name(file.error().code()));
    return read(**file, 0, 1 << 20);
  }
  static std::string read(File& file, uint64_t offset, size_t most) {
    std::string out(most, '\0');
    auto count = file.read_at(offset, std::as_writable_bytes(std::span(out)));
    EXPECT_TRUE(count);
    out.resize(*count);
    return out;
  }
  std::vector<std::string> names(const std::string& path) {
    auto listed = directory_->list(path);
    EXPECT_TRUE(listed);
    std::vector<std::string> out;
    for (auto& entry : *listed) {
      out.push_back(entry.name + (entry.kind == FileStat::Kind::directory ? "/" : ""));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  std::shared_ptr<Directory> directory_;
};
FOREBAY_IN_ALL_WORLDS(FileTest);

TEST_P(FileTest, shows_names_until_told_to_stop) {
  for (char c = 'a'; c <= 'e'; ++c) write(std::string(1, c), "x");
  EXPECT_EQ(names(""), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  std::set<std::string> seen;
  ASSERT_TRUE(directory_->visit("", [&](DirectoryEntry& entry) {
    seen.insert(std::move(entry.name));
    return seen.size() < 3;
  }));
  EXPECT_EQ(seen.size(), 3U);
  auto never = [](DirectoryEntry&) {
    ADD_FAILURE();
    return true;
  };
  EXPECT_EQ(code_of(directory_->visit("no", never)), Code::not_found);
  EXPECT_EQ(code_of(directory_->visit("a", never)), Code::not_found);
}

TEST_P(FileTest, opens_by_mode) {
  EXPECT_EQ(code_of(directory_->open("a", OpenMode::read)), Code::not_found);
  EXPECT_EQ(code_of(directory_->open("a", OpenMode::read_write)), Code::not_found);
  EXPECT_EQ(code_of(directory_->open("no/a", OpenMode::create)), Code::not_found);
  write("a", "one");
  EXPECT_EQ(code_of(directory_->open("a", OpenMode::create_new)), Code::exists);
  EXPECT_EQ(code_of(directory_->open("a/b", OpenMode::create)), Code::not_found);
  EXPECT_TRUE(open("b", OpenMode::create_new)->write_at(0, as_bytes("two")));
  EXPECT_TRUE(open("a", OpenMode::create)->write_at(1, as_bytes("NE")));  // keeps what is there
  EXPECT_EQ(read("a"), "oNE");
  EXPECT_EQ(read("b"), "two");
  EXPECT_FALSE(open("a", OpenMode::read)->write_at(0, as_bytes("x")));
  ASSERT_TRUE(directory_->make_directory("folder"));
  for (auto mode : {OpenMode::read, OpenMode::read_write, OpenMode::create}) {
    EXPECT_EQ(code_of(directory_->open("folder", mode)), Code::conflict);
  }
  EXPECT_EQ(code_of(directory_->open("folder", OpenMode::create_new)), Code::exists);
  EXPECT_EQ(code_of(directory_->open(std::string(300, 'n'), OpenMode::create)), Code::too_large);
}

TEST_P(FileTest, reads_and_writes_anywhere) {
  auto file = open("f");
  std::string text = pattern(300'000, 5);
  ASSERT_TRUE(file->write_at(0, as_bytes(text)));
  EXPECT_EQ(read(*file, 0, 400'000), text);
  EXPECT_EQ(read(*file, 4095, 4098), text.substr(4095, 4098));
  EXPECT_EQ(read(*file, 299'999, 10), text.substr(299'999));
  EXPECT_EQ(read(*file, 300'000, 10), "");
  EXPECT_EQ(read(*file, 1 << 30, 10), "");
  ASSERT_TRUE(file->write_at(4090, as_bytes("over the seam")));
  text.replace(4090, 13, "over the seam");
  ASSERT_TRUE(file->write_at(350'000, as_bytes("end")));  // leaves a hole
  text += std::string(50'000, '\0') + "end";
  EXPECT_EQ(read(*file, 0, 400'000), text);
  EXPECT_EQ(file->stat()->size, 350'003U);
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(file->write_at(0, {}));
}

TEST_P(FileTest, reads_without_waiting_or_says_so) {
  auto file = open("f");
  std::string text = pattern(100'000, 6);
  ASSERT_TRUE(file->write_at(0, as_bytes(text)));
  std::string got;
  for (int tries = 0; got.size() < text.size() && tries < 10'000; ++tries) {
    std::array<std::byte, 30'000> buffer;
    ssize_t count = file->try_read_at(got.size(), buffer);
    if (count == -EAGAIN) {
      file->read_ahead(got.size(), buffer.size());
      continue;
    }
    ASSERT_GT(count, 0);
    got.append(as_text(ByteView(buffer).first(static_cast<size_t>(count))));
  }
  EXPECT_EQ(got, text);
  bool resident = false;
  for (int tries = 0; !resident && tries < 1000; ++tries) {
    file->read_ahead(0, text.size());
    resident = file->resident(0, text.size());
  }
  EXPECT_TRUE(resident);
  EXPECT_EQ(file->descriptor() >= 0, real());
}

TEST_P(FileTest, changes_size) {
  auto file = open("f");
  ASSERT_TRUE(file->write_at(0, as_bytes("0123456789")));
  ASSERT_TRUE(file->truncate(4));
  ASSERT_TRUE(file->truncate(8));  // what was cut off does not come back
  EXPECT_EQ(read(*file, 0, 100), std::string("0123\0\0\0\0", 8));
  ASSERT_TRUE(file->allocate(100'000));
  auto stat = file->stat();
  EXPECT_EQ(stat->size, 100'000U);
  EXPECT_GE(stat->allocated, 100'000U);
  EXPECT_EQ(read(*file, 99'990, 100), std::string(10, '\0'));
  ASSERT_TRUE(file->allocate(10));  // never shrinks
  EXPECT_EQ(file->stat()->size, 100'000U);
  ASSERT_TRUE(file->truncate(0));
  EXPECT_EQ(file->stat()->size, 0U);
}

TEST_P(FileTest, stat_tells_files_apart) {
  write("a", "12345");
  write("b", "12345");
  ASSERT_TRUE(directory_->make_directory("d"));
  auto a = directory_->stat("a");
  auto b = directory_->stat("b");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->kind, FileStat::Kind::file);
  EXPECT_EQ(a->size, 5U);
  EXPECT_NE(a->inode, b->inode);
  EXPECT_EQ(a->device, b->device);
  EXPECT_EQ(open("a")->stat()->inode, a->inode);
  EXPECT_EQ(directory_->stat("d")->kind, FileStat::Kind::directory);
  EXPECT_EQ(directory_->stat("")->kind, FileStat::Kind::directory);
  EXPECT_EQ(code_of(directory_->stat("no")), Code::not_found);
  EXPECT_EQ(code_of(directory_->stat("a/x")), Code::not_found);
  auto wall = loop().wall_now();
  EXPECT_LT(wall.seconds() - a->modified.seconds(), 60);
  EXPECT_LE(a->modified, wall);
}

Task<> pass(Duration time, Context ctx) {
  co_return co_await sleep_until(ctx.loop->now() + time, ctx);
}

TEST_P(FileTest, times_follow_changes) {
  write("a", "1");
  auto before = directory_->stat("a");
  expect_ok(pass(milliseconds(30), context()));
  write("a", "2");
  auto written = directory_->stat("a");
  EXPECT_GT(written->modified, before->modified);
  expect_ok(pass(milliseconds(30), context()));
  ASSERT_TRUE(directory_->rename("a", "b", false));
  auto renamed = directory_->stat("b");
  EXPECT_EQ(renamed->inode, before->inode);
  EXPECT_EQ(renamed->modified, written->modified);
}

TEST_P(FileTest, makes_and_lists_folders) {
  EXPECT_TRUE(names("").empty());
  ASSERT_TRUE(directory_->make_directory("a/b/c"));
  ASSERT_TRUE(directory_->make_directory("a/b"));  // is there
  write("a/file", "");
  write("a/b/x", "");
  EXPECT_EQ(names(""), std::vector<std::string>{"a/"});
  EXPECT_EQ(names("a"), (std::vector<std::string>{"b/", "file"}));
  EXPECT_EQ(names("a/b"), (std::vector<std::string>{"c/", "x"}));
  EXPECT_EQ(names("a/b/../b/."), (std::vector<std::string>{"c/", "x"}));
  EXPECT_EQ(code_of(directory_->list("no")), Code::not_found);
  EXPECT_EQ(code_of(directory_->list("a/file")), Code::not_found);
  EXPECT_EQ(code_of(directory_->make_directory("a/file")), Code::exists);
  EXPECT_EQ(code_of(directory_->make_directory("a/file/x")), Code::not_found);
  EXPECT_TRUE(directory_->sync(""));
  EXPECT_TRUE(directory_->sync("a/b"));
  EXPECT_EQ(code_of(directory_->sync("no")), Code::not_found);
}

TEST_P(FileTest, removes) {
  ASSERT_TRUE(directory_->make_directory("d/e"));
  write("f", "bytes");
  EXPECT_EQ(code_of(directory_->remove("d")), Code::conflict);
  EXPECT_TRUE(directory_->remove("d/e"));
  EXPECT_TRUE(directory_->remove("d"));
  EXPECT_EQ(code_of(directory_->remove("d")), Code::not_found);
  auto held = open("f", OpenMode::read);
  EXPECT_TRUE(directory_->remove("f"));
  EXPECT_EQ(code_of(directory_->remove("f")), Code::not_found);
  EXPECT_EQ(read(*held, 0, 10), "bytes");  // an open file lives on
  EXPECT_TRUE(names("").empty());
}

TEST_P(FileTest, renames) {
  write("a", "A");
  write("b", "B");
  EXPECT_EQ(code_of(directory_->rename("a", "b", true)), Code::exists);
  EXPECT_EQ(read("a"), "A");
  EXPECT_EQ(read("b"), "B");
  auto old = open("b", OpenMode::read);
  EXPECT_TRUE(directory_->rename("a", "b", false));
  EXPECT_EQ(read("a"), "not_found");
  EXPECT_EQ(read("b"), "A");
  EXPECT_EQ(read(*old, 0, 10), "B");
  EXPECT_TRUE(directory_->rename("b", "c", true));
  EXPECT_TRUE(directory_->rename("c", "c", false));
  EXPECT_EQ(read("c"), "A");
  EXPECT_EQ(code_of(directory_->rename("no", "x", false)), Code::not_found);
  EXPECT_EQ(code_of(directory_->rename("c", "no/x", false)), Code::not_found);
  ASSERT_TRUE(directory_->make_directory("d/e"));
  EXPECT_EQ(code_of(directory_->rename("c", "d", false)), Code::conflict);
  EXPECT_EQ(code_of(directory_->rename("d", "d/e/f", false)), Code::invalid);
  ASSERT_TRUE(directory_->make_directory("empty"));
  write("d/e/x", "X");
  EXPECT_EQ(code_of(directory_->rename("empty", "d", false)), Code::conflict);
  EXPECT_TRUE(directory_->rename("d", "empty", false));
  EXPECT_EQ(read("empty/e/x"), "X");
}

TEST_P(FileTest, paths_that_leave_are_denied) {
  ASSERT_TRUE(directory_->make_directory("in/side"));
  write("f", "F");
  for (std::string path : {"..", "../x", "/etc/passwd", "in/../../x", "/"}) {
    EXPECT_EQ(code_of(directory_->open(path, OpenMode::read)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->open(path, OpenMode::create)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->stat(path)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->list(path)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->sync(path)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->remove(path)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->rename("f", path, false)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->rename(path, "x", false)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->make_directory(path)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->attribute(path, "user.x")), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->set_attribute(path, "user.x", "y")), Code::denied) << path;
  }
  EXPECT_EQ(read("in/side/../../f"), "F");  // goes up and stays inside
  EXPECT_EQ(names(""), (std::vector<std::string>{"f", "in/"}));
}

TEST_P(FileTest, attributes_stay_with_the_file) {
  write("f", "F");
  auto set = directory_->set_attribute("f", "user.etag", std::string("a\0b", 3));
  if (!set && set.error().code() == Code::unavailable) GTEST_SKIP() << "no attributes here";
  ASSERT_TRUE(set);
  EXPECT_EQ(*directory_->attribute("f", "user.etag"), std::string("a\0b", 3));
  EXPECT_EQ(code_of(directory_->attribute("f", "user.other")), Code::not_found);
  EXPECT_EQ(code_of(directory_->attribute("no", "user.etag")), Code::not_found);
  ASSERT_TRUE(directory_->rename("f", "g", false));
  ASSERT_TRUE(directory_->set_attribute("g", "user.etag", ""));
  EXPECT_EQ(*directory_->attribute("g", "user.etag"), "");
}

TEST_P(FileTest, an_attribute_is_set_on_the_open_file_not_on_its_name) {
  write("f", "F");
  if (!directory_->set_attribute("f", "user.etag", "old")) GTEST_SKIP() << "no attributes here";
  auto file = directory_->open("f", OpenMode::read);
  ASSERT_TRUE(file);
  write("other", "O");
  ASSERT_TRUE(directory_->rename("other", "f", false));
  ASSERT_TRUE((*file)->set_attribute("user.etag", "new"));
  EXPECT_EQ(*(*file)->attribute("user.etag"), "new");
  EXPECT_EQ(code_of(directory_->attribute("f", "user.etag")), Code::not_found);
}

TEST_P(FileTest, space_is_counted) {
  auto space = directory_->space();
  ASSERT_TRUE(space);
  EXPECT_GT(space->total, 0U);
  EXPECT_LE(space->free, space->total);
}

TEST_P(FileTest, folders_open_by_absolute_path) {
  EXPECT_EQ(code_of(loop().open_directory("relative", false)), Code::invalid);
  EXPECT_EQ(code_of(loop().open_directory("", true)), Code::invalid);
  EXPECT_EQ(code_of(loop().open_directory(folder() + "/no", false)), Code::not_found);
  auto deep = loop().open_directory(folder() + "/x/y/z", true);
  ASSERT_TRUE(deep);
  write("x/y/z/f", "F");
  EXPECT_TRUE((*deep)->stat("f"));
  EXPECT_EQ(code_of((*deep)->stat("../z/f")), Code::denied);  // its own bounds count
  EXPECT_EQ(code_of(loop().open_directory(folder() + "/x/y/z/f", false)), Code::not_found);
}

// What the simulated disk does not have.
class RealFileTest : public FileTest {};
INSTANTIATE_TEST_SUITE_P(World, RealFileTest, testing::Values(all_worlds().front()), world_name);

TEST_P(RealFileTest, symbolic_links_count_by_where_they_lead) {
  namespace fs = std::filesystem;
  ASSERT_TRUE(directory_->make_directory("in/deep"));
  write("in/f", "inside");
  fs::path outside =
      fs::path(folder()).parent_path() / (fs::path(folder()).filename().string() + ".out");
  fs::create_directory(outside);
  std::ofstream(outside / "secret") << "secret";
  fs::path root(folder());
  fs::create_symlink("f", root / "in/near");
  fs::create_symlink("../in/f", root / "in/up");
  fs::create_directory_symlink("in", root / "folder");
  fs::create_symlink(outside / "secret", root / "absolute");
  fs::create_symlink("../" + outside.filename().string() + "/secret", root / "relative");
  fs::create_directory_symlink(outside, root / "away");
  fs::create_symlink(root / "in/f", root / "absolute_inside");
  fs::create_symlink("nowhere", root / "dangling");
  fs::create_symlink("loop", root / "loop");

  for (std::string path : {"in/near", "in/up", "folder/f", "folder/near"}) {
    EXPECT_EQ(read(path), "inside") << path;
  }
  for (std::string path : {"absolute", "relative", "away/secret", "absolute_inside", "loop"}) {
    EXPECT_EQ(read(path), "denied") << path;
    EXPECT_EQ(code_of(directory_->stat(path)), Code::denied) << path;
    EXPECT_EQ(code_of(directory_->open(path, OpenMode::create)), Code::denied) << path;
  }
  EXPECT_EQ(code_of(directory_->open("away/new", OpenMode::create_new)), Code::denied);
  EXPECT_EQ(code_of(directory_->list("away")), Code::denied);
  EXPECT_EQ(code_of(directory_->remove("away/secret")), Code::denied);
  EXPECT_EQ(code_of(directory_->rename("in/f", "away/f", false)), Code::denied);
  EXPECT_EQ(code_of(directory_->make_directory("away/d")), Code::denied);
  EXPECT_EQ(read("dangling"), "not_found");
  // Removing or replacing a link leaves what it leads to alone.
  EXPECT_TRUE(directory_->remove("absolute"));
  EXPECT_TRUE(directory_->rename("in/f", "relative", false));
  EXPECT_TRUE(fs::exists(outside / "secret"));
  EXPECT_EQ(read("relative"), "inside");
  auto listed = directory_->list("in");
  ASSERT_TRUE(listed);
  for (auto& entry : *listed) {
    bool link = entry.name == "near" || entry.name == "up";
    EXPECT_EQ(entry.kind == FileStat::Kind::other, link) << entry.name;
  }
  fs::remove_all(outside);
}

TEST_P(RealFileTest, what_is_no_file_is_not_waited_for) {
  ASSERT_EQ(::mkfifo((folder() + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of(directory_->open("pipe", OpenMode::read)), Code::denied);
  EXPECT_EQ(directory_->stat("pipe")->kind, FileStat::Kind::other);
  EXPECT_EQ(directory_->list("")->front().kind, FileStat::Kind::other);
}

}  // namespace
}  // namespace forebay::io
