#include "http/buffers.h"

#include <gtest/gtest.h>

#include <cstring>

#include "http/input.h"

namespace forebay::http {
namespace {

TEST(BufferPool, bounds_its_large_buffers) {
  BufferPool pool(2);
  Buffer a = pool.large();
  Buffer b = pool.large();
  EXPECT_EQ(a.size(), kLargeBuffer);
  EXPECT_EQ(b.size(), kLargeBuffer);
  EXPECT_EQ(pool.large_left(), 0u);
  Buffer c = pool.large();
  EXPECT_EQ(c.size(), kSmallBuffer) << "the third gets a small one";
  char* was = a.data();
  a.reset();
  EXPECT_FALSE(a);
  EXPECT_EQ(pool.large_left(), 1u);
  Buffer again = pool.large();
  EXPECT_EQ(again.data(), was) << "kept for reuse";
  b = std::move(again);
  EXPECT_EQ(b.data(), was);
}

// Puts `text` into the room as a stream would.
void read_head(Input& input, std::string_view text, size_t limit = 64 << 10) {
  while (!text.empty()) {
    ByteSpan room = input.head_room(limit);
    ASSERT_FALSE(room.empty());
    size_t count = std::min(room.size(), text.size());
    std::memcpy(room.data(), text.data(), count);
    input.filled(count);
    text.remove_prefix(count);
  }
}

TEST(Input, grows_for_large_heads_and_keeps_what_follows) {
  BufferPool pool(2);
  Input input(pool);
  std::string head(40000, 'h');
  input.begin();
  read_head(input, head + "rest");
  EXPECT_EQ(input.unread(), head + "rest");
  std::string_view shown = input.unread().substr(0, head.size());
  input.consume(head.size());
  EXPECT_EQ(input.unread(), "rest");
  EXPECT_EQ(shown, head) << "the head stays where it is";
  input.begin();
  EXPECT_EQ(input.unread(), "rest") << "it is the start of the next head";
  input.consume(4);
  input.begin();
  EXPECT_EQ(input.unread(), "");
}

TEST(Input, never_reads_bodies_over_the_head) {
  BufferPool pool(2);
  Input input(pool);
  read_head(input, "head");
  std::string_view head = input.unread();
  input.consume(4);
  // A small body goes behind the head, one too large for that into a buffer of its own.
  ByteSpan small = input.body_room(100);
  EXPECT_EQ(static_cast<void*>(small.data()), head.data() + 4);
  EXPECT_EQ(pool.large_left(), 2u);
  ByteSpan large = input.body_room(1 << 20);
  EXPECT_EQ(large.size(), kLargeBuffer);
  EXPECT_EQ(pool.large_left(), 1u);
  std::memset(large.data(), 'b', large.size());
  EXPECT_EQ(head, "head");
  // What is left of it becomes the next head, though it is more than a small buffer holds.
  input.filled(large.size());
  input.consume(1000);
  input.begin();
  EXPECT_EQ(input.unread(), std::string(kLargeBuffer - 1000, 'b'));
  input.consume(input.unread().size() - 10);
  input.begin();
  EXPECT_EQ(input.unread(), std::string(10, 'b'));
  input.consume(10);
  input.begin();
  EXPECT_EQ(pool.large_left(), 2u) << "nothing is held between messages";
}

}  // namespace
}  // namespace forebay::http
