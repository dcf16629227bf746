// Floods of what is begun and never ended, and honest clients among them.

#include "http/floods_test.h"

namespace forebay::http {
namespace {

// In simulated worlds only: a flood takes seconds.
class Floods : public HttpTest {};
INSTANTIATE_TEST_SUITE_P(World, Floods,
                         testing::Values(WorldKind{"sim1", false, 1, 0},
                                         WorldKind{"sim2", false, 2, 0},
                                         WorldKind{"sim3", false, 3, 0}),
                         world_name);

// A head of 9 KB in three pieces.
Task<> three_pieces(Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  std::string head = get("/nothing", "X: " + std::string(9000, 'a') + "\r\n");
  size_t piece = head.size() / 2 + 200;
  for (; !head.empty(); head.erase(0, std::min(piece, head.size())), piece = 2300) {
    co_await co_await wire.send(head.substr(0, piece), ctx);
    co_await co_await pause_for(milliseconds(300), ctx);
  }
  co_return co_await wire.expect("nothing here", ctx);
}

Task<> half_heads(Setup s, Context ctx) {
  Flood flood{.begin = "GET /nothing HTTP/1.1\r\nHost: x\r\nX: " + std::string(5000, 'a'),
              .rest = std::string(500, 'a')};
  co_return co_await under_flood(s, std::move(flood), 60, three_pieces, ctx);
}
TEST_P(Floods, of_half_heads_let_others_head_come_whole) {
  with_server(half_heads, {.large_heads = 6});
}

// A body that is known at its end, of any size.
Task<> known_at_its_end(Setup s, Context ctx) {
  for (size_t size : {size_t{100}, kUsualHead, kUsualHead + 1, size_t{20'000}}) {
    Wire wire = co_await co_await s.dial(ctx);
    std::string body = pattern(size);
    std::string length = std::to_string(size);
    co_await co_await wire.send("POST /unproven?" + length +
                                    " HTTP/1.1\r\nHost: x\r\nContent-Length: " + length +
                                    "\r\n\r\n" + body,
                                ctx);
    co_await co_await wire.expect(body.substr(size - 50), ctx);
    EXPECT_TRUE(wire.read.ends_with(body));
  }
  co_return ok;
}

Task<> half_unproven(Setup s, Context ctx) {
  Flood flood{.begin = "POST /unproven?9999 HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n" +
                       std::string(6000, 'a'),
              .rest = std::string(20, 'a')};
  co_await co_await under_flood(s, std::move(flood), 60, known_at_its_end, ctx);
  EXPECT_EQ(s.handler.most_holding, 6u);
  co_return ok;
}
TEST_P(Floods, of_half_bodies_that_show_nothing_let_others_come) {
  with_server(half_unproven, {.unproven = 6});
}

}  // namespace
}  // namespace forebay::http
