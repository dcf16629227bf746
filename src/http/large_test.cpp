// Big bodies and many connections on the real engine: memory stays where the options put it.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "http/world_test.h"

namespace forebay::http {
namespace {

const WorldKind kReal{"real", true, 0, 0};

// RssAnon of this process, bytes; 0 where a sanitizer keeps freed memory.
size_t anonymous_memory() {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return 0;
#endif
  size_t kib = 0;
  std::FILE* file = std::fopen("/proc/self/status", "r");
  char line[256];
  while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "RssAnon: %zu kB", &kib) == 1) break;
  }
  if (file != nullptr) std::fclose(file);
  return kib << 10;
}

// Reads a body to its end without keeping it.
Task<uint64_t> count_body(io::Body body, Context ctx) {
  uint64_t total = 0;
  while (true) {
    io::Chunk chunk = co_await co_await body.source->next(ctx);
    if (io::size(chunk) == 0) co_return total;
    total += io::size(chunk);
  }
}

// A gigabyte of a sparse file: nothing on disk, everything on the wire.
constexpr uint64_t kGiB = 1 << 30;

Task<> gigabyte(Setup s, Context ctx) {
  s.handler.file = s.world.file("gigabyte", "");
  co_await s.handler.file->truncate(kGiB);
  Client client(*ctx.loop);
  size_t before = anonymous_memory();
  ClientRequest asked;
  asked.endpoint = s.endpoint();
  asked.target = "/file";
  ClientResponse response = co_await co_await client.send(std::move(asked), ctx);
  EXPECT_EQ(response.body.length, kGiB);
  uint64_t total = co_await co_await count_body(std::move(response.body), ctx);
  EXPECT_EQ(total, kGiB);
  EXPECT_EQ(s.handler.last_sent, kGiB);
  size_t after = anonymous_memory();
  EXPECT_LT(after, before + (8 << 20)) << "more than a few buffers";
  co_return ok;
}

TEST(Large, a_gigabyte_passes_in_bounded_memory) {
  World world(kReal);
  Result<> result = world.run(with_server(world, {}, gigabyte, world.context()));
  EXPECT_TRUE(result) << result.error().text();
}

// Counts what it is given and forgets it.
class Sink final : public Handler {
 public:
  Task<Response> handle(Request& request, Context ctx) override {
    uint64_t total = co_await co_await count_body(request.take_body(), ctx);
    co_return Response::text(200, "text/plain", std::to_string(total));
  }
};

Task<> send_zeros(Client& client, Endpoint endpoint, std::shared_ptr<io::File> file, bool chunked,
                  Context ctx) {
  ClientRequest put;
  put.method = "PUT";
  put.endpoint = std::move(endpoint);
  put.target = "/";
  put.body = io::Body::of(io::FileSlice{file, 0, kGiB / 4});
  if (chunked) put.body.length = kUnknownLength;
  ClientResponse response = co_await co_await client.send(std::move(put), ctx);
  std::string answer = co_await co_await io::read_all(std::move(response.body), 100, ctx);
  EXPECT_EQ(answer, std::to_string(kGiB / 4));
  co_return ok;
}

Task<> uploads(World& world, Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  Sink sink;
  Server server(std::move(listener), sink);
  Client client(*ctx.loop);
  std::shared_ptr<io::File> file = world.file("upload", "");
  co_await file->truncate(kGiB / 4);
  io::Group group(ctx);
  group.spawn(server.run(ctx));
  size_t before = anonymous_memory();
  Endpoint endpoint{false, server.address().host, server.address().port};
  io::Group senders(ctx);
  for (bool chunked : {false, true}) {
    senders.spawn(send_zeros(client, endpoint, file, chunked, ctx));
  }
  co_await co_await senders.join();
  EXPECT_LT(anonymous_memory(), before + (8 << 20));
  co_await co_await server.drain(ctx.loop->now() + seconds(5), ctx);
  co_return co_await group.join();
}

TEST(Large, uploads_pass_in_bounded_memory) {
  World world(kReal);
  Result<> result = world.run(uploads(world, world.context()));
  EXPECT_TRUE(result) << result.error().text();
}

Task<> one_of_many(Setup s, std::vector<Wire>& wires, size_t index, Context ctx) {
  wires[index] = co_await co_await s.dial(ctx);
  co_await co_await wires[index].send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", ctx);
  co_return co_await wires[index].expect("nothing here", ctx);
}

constexpr size_t kMany = 400;  // twice as many descriptors, within the usual limit of 1024

Task<> many(Setup s, Context ctx) {
  std::vector<Wire> wires(kMany);
  io::Group group(ctx);
  for (size_t i = 0; i < kMany; ++i) group.spawn(one_of_many(s, wires, i, ctx));
  co_await co_await group.join();
  EXPECT_EQ(s.server.counters().open.get(), kMany);
  size_t before = anonymous_memory();
  // All of them again, over connections that held no memory in between.
  for (Wire& wire : wires) {
    wire.read.clear();
    co_await co_await wire.send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", ctx);
    co_await co_await wire.expect("nothing here", ctx);
  }
  EXPECT_EQ(s.server.counters().requests.get(), 2 * kMany);
  EXPECT_LT(anonymous_memory(), before + (2 << 20));
  co_return ok;
}

Task<> many_refused(Setup s, Context ctx) {
  // Heads of 31 KB, or small ones with bytes behind them, and a body that never comes whole.
  size_t before = anonymous_memory();
  std::vector<Wire> wires;
  for (size_t i = 0; i < kMany; ++i) {
    wires.push_back(co_await co_await s.dial(ctx));
    std::string head = "PUT /stranger HTTP/1.1\r\nHost: x\r\n";
    if (i % 2 == 0) head += "X: " + std::string(31'000, 'a') + "\r\n";
    head +=
        i % 4 == 1 ? "Transfer-Encoding: chunked\r\n\r\n3a99\r\n" : "Content-Length: 20000\r\n\r\n";
    if (i % 2 == 1) head += std::string(15'000, 'b');
    co_await co_await wires.back().send(std::move(head), ctx);
    co_await co_await wires.back().expect("403", ctx);
  }
  EXPECT_EQ(s.server.counters().strangers.get(), kMany);
  EXPECT_LT(anonymous_memory(), before + (3 << 20)) << "held while a refused body is awaited";
  co_return ok;
}

TEST(Large, refused_bodies_are_awaited_without_memory) {
  World world(kReal);
  Result<> result =
      world.run(with_server(world, {.linger = milliseconds(10)}, many_refused, world.context()));
  EXPECT_TRUE(result) << result.error().text();
}

TEST(Large, many_connections) {
  World world(kReal);
  Result<> result = world.run(with_server(world, {}, many, world.context()));
  EXPECT_TRUE(result) << result.error().text();
}

}  // namespace
}  // namespace forebay::http
