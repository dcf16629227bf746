#include "base/bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "base/check.h"
#include "base/shared.h"

namespace forebay {
namespace {

TEST(Bytes, ShareTheirOwner) {
  Bytes slice;
  {
    Bytes whole(std::string("some bytes that live on the heap"));
    slice = whole.slice(5, 5);
  }
  EXPECT_EQ(slice.text(), "bytes");
  EXPECT_EQ(slice.slice(1, 2).text(), "yt");
  EXPECT_TRUE(slice.slice(5, 0).empty());
}

TEST(Bytes, ForeignOwners) {
  auto owner = std::make_shared<std::string>("abc");
  std::weak_ptr<std::string> watch = owner;
  Bytes bytes(owner, as_bytes(*owner));
  owner.reset();
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(bytes.size(), 3U);
  bytes = Bytes();
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(bytes.empty());
}

TEST(Bytes, TextAndBytesAreTheSame) {
  std::string_view text("a\0\xff", 3);
  EXPECT_EQ(as_text(as_bytes(text)), text);
}

TEST(Shared, ReadersKeepTheirSnapshot) {
  Shared<std::string> value("one");
  auto before = value.get();
  value.set("two");
  EXPECT_EQ(*before, "one");
  EXPECT_EQ(*value.get(), "two");
  EXPECT_EQ(*Shared<int>().get(), 0);
}

TEST(Shared, ReplacedWhileRead) {
  Shared<std::string> value(std::string(100, '0'));
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) value.set(std::string(100, static_cast<char>('0' + i % 10)));
  });
  for (int i = 0; i < 2000; ++i) {
    auto snapshot = value.get();
    EXPECT_EQ(snapshot->find_first_not_of(snapshot->front()), std::string::npos);
  }
  writer.join();
}

TEST(CheckDeath, SaysWhatAndWhere) {
  check(true, "nothing happens");
  EXPECT_DEATH(check(false, "the sky is up"), "broken invariant: the sky is up .*bytes_test.cpp");
}

}  // namespace
}  // namespace forebay
