#include "io/stream.h"

#include "io/stream_test.h"

namespace forebay::io {
namespace {

class StreamTest : public WorldTest {};
FOREBAY_IN_ALL_WORLDS(StreamTest);

// Writes and reads at the same time: with small windows it hangs if one direction blocks the other.
Task<> large_echo(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  std::string sent = pattern(5'000'001, 7);
  Group group(ctx);
  group.spawn(echo(*pair.server, ctx));
  group.spawn(write_and_end(*pair.client, sent, ctx));
  Result<std::string> got = co_await read_to_end(*pair.client, ctx);
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  EXPECT_TRUE(got && *got == sent);
  co_return ok;
}
TEST_P(StreamTest, large_transfers_both_ways_at_once) { expect_ok(large_echo(context())); }

Task<> scattered(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  std::string big = pattern(100'000, 1);
  std::vector<ByteView> parts{as_bytes("head"), ByteView(), as_bytes(big), as_bytes("tail"),
                              ByteView()};
  Group group(ctx);
  group.spawn(write_all(*pair.client, std::move(parts), true, ctx));
  std::vector<std::byte> buffer(200'000);
  std::string got;
  while (got.size() < big.size() + 8) {
    Result<size_t> count = co_await Read(*pair.server, buffer, ctx);
    if (!count || *count == 0) break;
    got.append(as_text(ByteView(buffer).first(*count)));
  }
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  EXPECT_EQ(got, "head" + big + "tail");
  co_return ok;
}
TEST_P(StreamTest, parts_arrive_in_order) { expect_ok(scattered(context())); }

Task<> half_close(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  co_await co_await write_and_end(*pair.client, "question", ctx);
  EXPECT_EQ(co_await co_await read_to_end(*pair.server, ctx), "question");
  std::array<std::byte, 4> buffer;
  EXPECT_EQ(co_await co_await Read(*pair.server, buffer, ctx), 0U);  // the end stays
  co_await co_await write_and_end(*pair.server, "answer", ctx);
  EXPECT_EQ(co_await co_await read_to_end(*pair.client, ctx), "answer");
  Result<size_t> after_end = co_await Write(*pair.client, {}, false, ctx);
  (void)after_end;
  std::vector<ByteView> parts{as_bytes("more")};
  Result<> more = co_await write_all(*pair.client, std::move(parts), false, ctx);
  EXPECT_FALSE(more);
  co_return ok;
}
TEST_P(StreamTest, one_side_ends_and_still_hears_the_other) { expect_ok(half_close(context())); }

Task<> closed_peer(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  co_await co_await write_text(*pair.server, "bye", ctx);
  pair.server.reset();
  EXPECT_EQ(co_await co_await read_to_end(*pair.client, ctx), "bye");
  // The first bytes may still be taken; then the peer's reset comes.
  Result<> wrote = ok;
  std::string chunk = pattern(64 << 10, 1);
  for (int i = 0; i < 100 && wrote; ++i) {
    wrote = co_await write_text(*pair.client, chunk, ctx);
    co_await co_await sleep_until(ctx.loop->now() + milliseconds(2), ctx);
  }
  EXPECT_EQ(code_of(wrote), Code::unavailable);
  co_return ok;
}
TEST_P(StreamTest, a_closed_peer_ends_reads_and_breaks_writes) {
  expect_ok(closed_peer(context()));
}

Task<> reset_peer(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  pair.server->reset_on_close();
  pair.server.reset();
  std::array<std::byte, 16> buffer;
  Result<size_t> got = co_await Read(*pair.client, buffer, ctx);
  EXPECT_EQ(code_of(got), Code::unavailable);
  co_return ok;
}
TEST_P(StreamTest, a_reset_is_an_error_not_an_end) { expect_ok(reset_peer(context())); }

Task<> unread_bytes(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  co_await co_await write_text(*pair.client, "long request", ctx);
  std::byte one;
  co_await co_await Read(*pair.server, {&one, 1}, ctx);
  // All bytes must have come, or the close would be an orderly one.
  co_await co_await sleep_until(ctx.loop->now() + milliseconds(50), ctx);
  pair.server.reset();
  std::array<std::byte, 16> buffer;
  Result<size_t> got = co_await Read(*pair.client, buffer, ctx);
  EXPECT_EQ(code_of(got), Code::unavailable);
  co_return ok;
}
TEST_P(StreamTest, closing_with_bytes_unread_resets) { expect_ok(unread_bytes(context())); }

Task<> deadlines(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  std::array<std::byte, 16> buffer;
  Context soon = ctx.until(ctx.loop->now() + milliseconds(15));
  Result<size_t> got = co_await Read(*pair.client, buffer, soon);
  EXPECT_EQ(code_of(got), Code::timeout);
  EXPECT_GE(ctx.loop->now(), soon.deadline);
  // The stream is as good as before.
  co_await co_await write_text(*pair.server, "late", ctx);
  EXPECT_GT(co_await co_await Read(*pair.client, buffer, ctx), 0U);

  // A writer whose peer does not read.
  std::string much = pattern(1 << 20, 3);
  Result<> wrote = ok;
  size_t whole = 0;
  for (; wrote; ++whole) {
    Context later = ctx.until(ctx.loop->now() + milliseconds(50));
    wrote = co_await write_text(*pair.client, much, later);
  }
  EXPECT_EQ(code_of(wrote), Code::timeout);
  pair.client->shutdown_write();
  std::string some = co_await co_await read_to_end(*pair.server, ctx);
  EXPECT_LT(some.size(), whole * much.size());
  EXPECT_GE(some.size(), (whole - 1) * much.size());
  for (size_t at = 0; at < some.size(); at += much.size()) {
    EXPECT_TRUE(much.starts_with(some.substr(at, much.size())));
  }
  co_return ok;
}
TEST_P(StreamTest, deadlines_end_waits_and_break_nothing) { expect_ok(deadlines(context())); }

Task<> cancel_after(Duration delay, CancelToken& token, Context ctx) {
  co_await co_await sleep_until(ctx.loop->now() + delay, ctx);
  token.cancel();
  co_return ok;
}

Task<> cancels(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  CancelToken token;
  Group group(ctx);
  group.spawn(cancel_after(milliseconds(5), token, ctx));
  std::array<std::byte, 16> buffer;
  Result<size_t> got = co_await Read(*pair.client, buffer, ctx.under(token));
  EXPECT_EQ(code_of(got), Code::cancelled);
  got = co_await Read(*pair.client, buffer, ctx.under(token));  // and every later wait at once
  EXPECT_EQ(code_of(got), Code::cancelled);
  co_await co_await write_text(*pair.server, "x", ctx);
  EXPECT_EQ(co_await co_await Read(*pair.client, buffer, ctx), 1U);
  co_return co_await group.join();
}
TEST_P(StreamTest, cancel_ends_a_wait) { expect_ok(cancels(context())); }

Task<> drip(Stream& stream, std::string text, Context ctx) {
  for (char& letter : text) {
    co_await co_await write_text(stream, std::string(1, letter), ctx);
    co_await co_await sleep_until(
        ctx.loop->now() + microseconds(static_cast<int64_t>(ctx.loop->random() % 300)), ctx);
  }
  stream.shutdown_write();
  co_return ok;
}

// Deadlines that pass just when bytes come: a read that failed has taken none.
Task<> racing_deadlines(Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  std::string text = pattern(500, 4);
  Group group(ctx);
  group.spawn(drip(*pair.server, text, ctx));
  std::string got;
  std::array<std::byte, 64> buffer;
  while (true) {
    Duration patience = microseconds(static_cast<int64_t>(ctx.loop->random() % 300));
    Result<size_t> count =
        co_await Read(*pair.client, buffer, ctx.until(ctx.loop->now() + patience));
    if (count && *count == 0) break;
    if (count) {
      got.append(as_text(ByteView(buffer).first(*count)));
    } else if (count.error().code() != Code::timeout) {
      break;
    }
  }
  Result<> joined = co_await group.join();
  EXPECT_EQ(got, text);
  co_return joined;
}
TEST_P(StreamTest, a_read_that_times_out_takes_no_bytes) { expect_ok(racing_deadlines(context())); }

Task<> connecting(Context ctx) {
  Address nobody;
  {
    auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
    nobody = listener->address();
  }
  auto refused = co_await ctx.loop->connect(nobody, ctx);
  EXPECT_EQ(code_of(refused), Code::unavailable);
  EXPECT_EQ(refused.error().text(), "connect to " + nobody.to_string() + ": Connection refused");
  auto named = co_await ctx.loop->connect({"no.number", 80}, ctx);
  EXPECT_EQ(code_of(named), Code::invalid);
  CancelToken token;
  token.cancel();
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  auto cancelled = co_await ctx.loop->connect(listener->address(), ctx.under(token));
  EXPECT_TRUE(cancelled || cancelled.error().code() == Code::cancelled);
  auto stream = co_await co_await ctx.loop->connect(listener->address(), ctx);
  EXPECT_EQ(stream->peer(), listener->address());
  co_return ok;
}
TEST_P(StreamTest, connecting_fails_with_reasons) { expect_ok(connecting(context())); }

Task<> names(Context ctx) {
  auto numeric = co_await co_await ctx.loop->resolve("127.0.0.1", 80, ctx);
  EXPECT_EQ(numeric, (std::vector<Address>{{"127.0.0.1", 80}}));
  auto local = co_await co_await ctx.loop->resolve("localhost", 81, ctx);
  EXPECT_FALSE(local.empty());
  for (auto& address : local) {
    EXPECT_TRUE(address.host == "127.0.0.1" || address.host == "::1") << address.host;
    EXPECT_EQ(address.port, 81);
  }
  auto missing = co_await ctx.loop->resolve("no-such-host.invalid", 80, ctx);
  EXPECT_EQ(code_of(missing), Code::unavailable);
  co_return ok;
}
TEST_P(StreamTest, names_resolve) { expect_ok(names(context())); }

struct Sent {
  Result<> sent = ok;
  std::string got;
};

Task<Sent> send(FileSlice slice, Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  Sent out;
  Group group(ctx);
  group.spawn(send_and_end(*pair.client, std::move(slice), out.sent, ctx));
  Result<std::string> got = co_await read_to_end(*pair.server, ctx);
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  out.got = co_await std::move(got);
  co_return out;
}

Task<> sending_files(std::string folder, Context ctx) {
  std::string text = pattern((17 << 20) + 12345, 11);
  auto file = co_await co_await make_file(folder, text, ctx);
  Sent whole = co_await co_await send({file, 0, text.size()}, ctx);
  EXPECT_TRUE(whole.sent && whole.got == text);
  Sent part = co_await co_await send({file, 4097, 100'000}, ctx);
  EXPECT_TRUE(part.sent && part.got == text.substr(4097, 100'000));
  Sent none = co_await co_await send({file, 5, 0}, ctx);
  EXPECT_TRUE(none.sent && none.got.empty());
  EXPECT_FALSE(file->is_short());
  Sent over = co_await co_await send({file, text.size() - 10, 11}, ctx);
  EXPECT_EQ(code_of(over.sent), Code::corrupt);
  EXPECT_EQ(over.got, text.substr(text.size() - 10));
  EXPECT_TRUE(file->is_short());
  co_return ok;
}
// Another file whose disk does not give what lies behind its first bytes.
class Unreadable final : public File {
 public:
  static constexpr uint64_t kGood = 5000;
  explicit Unreadable(std::shared_ptr<File> good) : good_(std::move(good)) {}
  Result<size_t> read_at(uint64_t offset, ByteSpan into) override {
    if (offset >= kGood) return error_from_errno(EIO, "read a file");
    return good_->read_at(offset, into.first(std::min(into.size(), kGood - offset)));
  }
  ssize_t try_read_at(uint64_t offset, ByteSpan into) override {
    Result<size_t> count = read_at(offset, into);
    return count ? static_cast<ssize_t>(*count) : -EIO;
  }
  Result<> write_at(uint64_t, ByteView) override { return ok; }
  Result<> allocate(uint64_t) override { return ok; }
  Result<> truncate(uint64_t) override { return ok; }
  Result<> sync() override { return ok; }
  Result<FileStat> stat() override { return good_->stat(); }
  bool resident(uint64_t, uint64_t) override { return true; }
  void read_ahead(uint64_t, uint64_t) override {}
  int descriptor() const override { return -1; }
  Result<> make_private() override { return ok; }

 private:
  const std::shared_ptr<File> good_;
};

Task<> sending_unreadable(std::string folder, Context ctx) {
  std::string text = pattern(10'000, 12);
  auto file = std::make_shared<Unreadable>(co_await co_await make_file(folder, text, ctx));
  Sent sent = co_await co_await send({file, 1000, 8000}, ctx);
  EXPECT_EQ(code_of(sent.sent), Code::corrupt);
  EXPECT_EQ(sent.got, text.substr(1000, Unreadable::kGood - 1000));
  EXPECT_TRUE(file->is_unreadable(Unreadable::kGood, 1));
  EXPECT_TRUE(file->is_unreadable(0, Unreadable::kGood + 1));
  EXPECT_FALSE(file->is_unreadable(0, Unreadable::kGood));
  EXPECT_FALSE(file->is_unreadable(Unreadable::kGood + 1, 1000));
  for (size_t i = 1; i < File::kUnreadablePlaces; ++i) file->found_unreadable(20'000 + i);
  EXPECT_FALSE(file->is_unreadable(0, 1));
  file->found_unreadable(20'001);
  EXPECT_FALSE(file->is_unreadable(0, 1)) << "known already";
  file->found_unreadable(20'000);
  EXPECT_TRUE(file->is_unreadable(0, 1)) << "one too many: all of it";
  co_return ok;
}
TEST(SendFiles, what_cannot_be_read_is_remembered) {
  auto world = Simulation::make({.seed = 3});
  Result<> sent = world->run(sending_unreadable("/files", {.loop = &world->loop()}));
  EXPECT_TRUE(sent) << sent.error().text();
}

TEST_P(StreamTest, files_are_sent_whole_or_fail) { expect_ok(sending_files(folder(), context())); }

TEST(Errors, errno_becomes_a_code_that_tells_what_to_do) {
  EXPECT_EQ(error_from_errno(ENOENT, "x").code(), Code::not_found);
  EXPECT_EQ(error_from_errno(ENODATA, "x").code(), Code::not_found);
  EXPECT_EQ(error_from_errno(EXDEV, "x").code(), Code::denied);
  EXPECT_EQ(error_from_errno(ECONNRESET, "x").code(), Code::unavailable);
  EXPECT_EQ(error_from_errno(ENOSPC, "x").code(), Code::busy);
  EXPECT_EQ(error_from_errno(ENOSPC, "x").detail(), "ENOSPC");
  EXPECT_EQ(error_from_errno(EIO, "x").detail(), "EIO");
  EXPECT_EQ(error_from_errno(EBADF, "x").code(), Code::internal);
}

}  // namespace
}  // namespace forebay::io
