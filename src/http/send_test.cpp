#include "http/send.h"

#include <gtest/gtest.h>

#include <vector>

#include "http/message.h"
#include "io/sim.h"

namespace forebay::http {
namespace {

// Takes at most `most` bytes a call and remembers how it was called.
class Recorder final : public io::Stream {
 public:
  explicit Recorder(size_t most = SIZE_MAX) : most_(most) {}
  ssize_t try_read(ByteSpan) override { return -EAGAIN; }
  ssize_t try_write(std::span<const ByteView> parts, bool more) override {
    size_t left = most_;
    for (ByteView part : parts) {
      part = part.first(std::min(part.size(), left));
      left -= part.size();
      text.append(as_text(part));
    }
    calls.push_back(more ? "write more" : "write");
    return static_cast<ssize_t>(most_ - left);
  }
  ssize_t try_send_file(io::File& file, uint64_t offset, size_t length, bool) override {
    std::vector<std::byte> bytes(std::min(length, most_));
    Result<size_t> count = file.read_at(offset, bytes);
    if (!count) return -EIO;
    text.append(as_text(ByteView(bytes).first(*count)));
    calls.push_back("sendfile");
    return static_cast<ssize_t>(*count);
  }
  void arm(io::Direction, io::Waiter&) override {}
  void disarm(io::Direction) override {}
  void shutdown_write() override {}
  io::Address peer() const override { return {}; }

  std::string text;
  std::vector<std::string> calls;

 private:
  size_t most_;
};

// Gives what it was told, then an error if there is one, else the end.
class Script final : public io::Source {
 public:
  Script(std::vector<io::Chunk> chunks, std::optional<Error> error, bool* ended)
      : chunks_(std::move(chunks)), error_(std::move(error)), ended_(ended) {}
  Task<io::Chunk> next(Context) override {
    if (at_ < chunks_.size()) co_return chunks_[at_++];
    if (error_) co_return *error_;
    *ended_ = true;
    co_return Bytes();
  }

 private:
  std::vector<io::Chunk> chunks_;
  size_t at_ = 0;
  std::optional<Error> error_;
  bool* ended_;
};

class Send : public testing::Test {
 protected:
  Send() : simulation_(io::Simulation::make({.seed = 7, .short_io = 0})) {}

  std::shared_ptr<io::File> file(std::string text) {
    auto folder = simulation_->loop().open_directory("/d", true);
    EXPECT_TRUE(folder);
    auto opened = (*folder)->open("f", io::OpenMode::create);
    EXPECT_TRUE(opened);
    EXPECT_TRUE((*opened)->write_at(0, as_bytes(text)));
    return *opened;
  }
  io::Body body(uint64_t length, std::vector<io::Chunk> chunks,
                std::optional<Error> error = std::nullopt) {
    return {length, std::make_unique<Script>(std::move(chunks), std::move(error), &ended)};
  }
  Result<> send(Recorder& stream, io::Body message_body, bool chunked = false) {
    Context ctx{.loop = &simulation_->loop(), .deadline = simulation_->loop().now() + seconds(60)};
    io::Body kept = std::move(message_body);
    std::string out = "H\r\n\r\n";
    return simulation_->run(send_message(stream, out, &kept, chunked, seconds(5), sending, ctx));
  }

  std::unique_ptr<io::Simulation> simulation_;
  Sending sending;
  bool ended = false;
};

Bytes bytes(std::string text) { return Bytes(std::move(text)); }

TEST_F(Send, small_bodies_leave_with_their_head) {
  Recorder stream;
  ASSERT_TRUE(send(stream, body(5, {bytes("hello")})));
  EXPECT_EQ(stream.text, "H\r\n\r\nhello");
  EXPECT_EQ(stream.calls, (std::vector<std::string>{"write"}));
  EXPECT_EQ(sending.moved, stream.text.size());
  EXPECT_TRUE(ended) << "sources are read to their end";
}

TEST_F(Send, slices_are_copied_up_to_the_crossover_and_sent_by_file_beyond) {
  std::string text(kCopyBelow + 1, 'x');
  auto opened = file(text);
  Recorder small;
  ASSERT_TRUE(send(small, io::Body::of(io::FileSlice{opened, 1, kCopyBelow})));
  EXPECT_EQ(small.text, "H\r\n\r\n" + text.substr(1));
  EXPECT_EQ(small.calls, (std::vector<std::string>{"write"}));
  Recorder large;
  ASSERT_TRUE(send(large, io::Body::of(io::FileSlice{opened, 0, kCopyBelow + 1})));
  EXPECT_EQ(large.text, "H\r\n\r\n" + text);
  EXPECT_EQ(large.calls, (std::vector<std::string>{"write more", "sendfile"}));
}

TEST_F(Send, survives_short_calls) {
  auto opened = file("0123456789");
  Recorder stream(3);
  ASSERT_TRUE(send(stream, body(25, {bytes("abcde"), io::FileSlice{opened, 0, 10}, bytes("fghij"),
                                     io::FileSlice{opened, 5, 5}})));
  EXPECT_EQ(stream.text, "H\r\n\r\nabcde0123456789fghij56789");
}

TEST_F(Send, chunks_what_has_no_length) {
  std::string text(20000, 'y');
  auto opened = file(text);
  Recorder stream;
  ASSERT_TRUE(send(stream,
                   body(kUnknownLength, {bytes("hello"), io::FileSlice{opened, 0, 3},
                                         io::FileSlice{opened, 0, 20000}}),
                   true));
  EXPECT_EQ(stream.text, "H\r\n\r\n5\r\nhello\r\n3\r\nyyy\r\n4e20\r\n" + text + "\r\n0\r\n\r\n");
  Recorder empty;
  ASSERT_TRUE(send(empty, body(kUnknownLength, {}), true));
  EXPECT_EQ(empty.text, "H\r\n\r\n0\r\n\r\n");
  Recorder bare;
  ASSERT_TRUE(send(bare, body(kUnknownLength, {bytes("hello")}), false));
  EXPECT_EQ(bare.text, "H\r\n\r\nhello") << "until the connection ends";
}

TEST_F(Send, never_sends_more_or_less_without_saying_so) {
  Recorder shorter;
  Result<> result = send(shorter, body(10, {bytes("hello")}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::internal);
  EXPECT_TRUE(sending.source_failed);

  Recorder longer;
  result = send(longer, body(4, {bytes("hello")}));
  ASSERT_FALSE(result);
  EXPECT_TRUE(sending.source_failed);
  EXPECT_EQ(longer.text, "") << "the chunk that is too long is not sent";

  Recorder second;
  EXPECT_FALSE(send(second, body(5, {bytes("hello"), bytes("!")})));
  EXPECT_EQ(second.text, "H\r\n\r\nhello");

  Recorder none;
  EXPECT_FALSE(send(none, io::Body{3, nullptr}));

  auto opened = file("abc");
  Recorder cut;
  EXPECT_FALSE(send(cut, io::Body::of(io::FileSlice{opened, 0, 4})));
  EXPECT_TRUE(opened->is_short());
  EXPECT_EQ(cut.text, "") << "a short file is seen before the head is sent";
}

TEST_F(Send, passes_on_the_error_of_a_source) {
  Recorder stream;
  Result<> result = send(stream, body(10, {bytes("hello")}, fail(Code::corrupt, "bad block")));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text(), "bad block");
  EXPECT_TRUE(sending.source_failed);
  EXPECT_EQ(stream.text, "H\r\n\r\nhello");
  EXPECT_EQ(sending.moved, stream.text.size());
}

}  // namespace
}  // namespace forebay::http
