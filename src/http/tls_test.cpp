// Server and client with TLS between them. The certificate is the tests' own: for 127.0.0.1 and
// localhost, until 2120, trusted by nobody.
#include <fstream>

#include "http/floods_test.h"

namespace forebay::http {
namespace {

constexpr const char* kCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBbjCCAROgAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxmb3JlYmF5\n"
    "IHRlc3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBcxFTATBgNV\n"
    "BAMMDGZvcmViYXkgdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJzn4vA5\n"
    "qgQH9WnLFjTmgjlGkaqcRVdtADCmMiiGzDeB/8jit0l/zXvWSpb9EMrOCF/eoIGu\n"
    "VK/uK6k9j4IjZSSjTjBMMBoGA1UdEQQTMBGHBH8AAAGCCWxvY2FsaG9zdDAPBgNV\n"
    "HRMBAf8EBTADAQH/MB0GA1UdDgQWBBSMPbuueHVodh7OKcpJYjAyspZdTTAKBggq\n"
    "hkjOPQQDAgNJADBGAiEAlgqYO5jXWcsW8ptw0Tw5a1W7mNoghyOKAmS7686uMdMC\n"
    "IQCVagUOt5xgS3sqeuiooJxTk2WPeeKL/udp9qd6lj27ug==\n"
    "-----END CERTIFICATE-----\n";
constexpr const char* kKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4U8IInTyq97801v9\n"
    "h4aXT9wWMtk+7JSQVEinFjiwCbmhRANCAASc5+LwOaoEB/VpyxY05oI5RpGqnEVX\n"
    "bQAwpjIohsw3gf/I4rdJf8171kqW/RDKzghf3qCBrlSv7iupPY+CI2Uk\n"
    "-----END PRIVATE KEY-----\n";

class TlsTest : public HttpTest {
 protected:
  TlsTest() {
    folder_ = testing::TempDir() + "/forebay-tls-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    std::ofstream(folder_ + "/cert.pem") << kCertificate;
    std::ofstream(folder_ + "/key.pem") << kKey;
    auto server = io::TlsContext::server(folder_ + "/cert.pem", folder_ + "/key.pem");
    auto client = io::TlsContext::client(folder_ + "/cert.pem");
    EXPECT_TRUE(server && client);
    server_tls = *server;
    client_tls = *client;
  }
  ~TlsTest() override { std::filesystem::remove_all(folder_); }

  static inline std::shared_ptr<io::TlsContext> server_tls, client_tls;

  static ClientRequest get(const http::Setup& s, std::string host, std::string target) {
    ClientRequest out;
    out.endpoint = {true, std::move(host), s.server.address().port};
    out.target = std::move(target);
    return out;
  }
  static Task<> exchanges(http::Setup s, Context ctx);
  static Task<> stopped_handshakes(http::Setup s, Context ctx);
  static Task<> strangers(http::Setup s, Context ctx);
  static Task<Wire> dial_known(http::Setup s, Context ctx);
  static Task<> known_heads(http::Setup s, Context ctx);
  static Task<> one_answer(http::Setup s, Context ctx);
  static Task<> hello_flood(http::Setup s, Context ctx);

 private:
  std::string folder_;
};
FOREBAY_IN_ALL_WORLDS(TlsTest);

Task<> TlsTest::exchanges(http::Setup s, Context ctx) {
  Client client(*ctx.loop, {.tls = client_tls});
  std::string text = pattern(700000);
  s.handler.file = s.world.file("secret", text);
  for (std::string host : {"127.0.0.1", "localhost"}) {
    ClientResponse file = co_await co_await client.send(get(s, host, "/file"), ctx);
    EXPECT_EQ(file.status, 200);
    std::string body = co_await co_await io::read_all(std::move(file.body), 1 << 20, ctx);
    EXPECT_EQ(body, text);
    ClientRequest put = get(s, host, "/echo");
    put.method = "PUT";
    put.body = {text.size(), std::make_unique<Pieces>(text, 50000)};
    put.expect_continue = true;
    ClientResponse echo = co_await co_await client.send(std::move(put), ctx);
    EXPECT_TRUE(echo.reused);
    body = co_await co_await io::read_all(std::move(echo.body), 1 << 20, ctx);
    EXPECT_EQ(body, text);
  }
  EXPECT_EQ(client.counters().connects.get(), 2u);
  co_return ok;
}
TEST_P(TlsTest, carries_requests_and_bodies) { with_server(exchanges, {.tls = server_tls}); }

Task<> TlsTest::strangers(http::Setup s, Context ctx) {
  // Plain text to a TLS port, and a client that trusts somebody else.
  Wire plain = co_await co_await s.dial(ctx);
  co_await co_await plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n", ctx);
  Result<std::string> answer = co_await plain.drain(ctx);
  EXPECT_TRUE(!answer || answer->find("HTTP") == std::string::npos);
  Client client(*ctx.loop, {.tls = *io::TlsContext::client("")});
  Result<ClientResponse> response = co_await client.send(get(s, "127.0.0.1", "/nothing"), ctx);
  EXPECT_FALSE(response);
  if (!response) EXPECT_EQ(response.error().code(), Code::denied) << response.error().text();
  EXPECT_EQ(s.server.counters().requests.get(), 0u);
  // Who never shakes hands is not waited for.
  Wire silent = co_await co_await s.dial(ctx);
  answer = co_await silent.drain(ctx);
  EXPECT_TRUE(!answer || answer->empty());
  co_return ok;
}
TEST_P(TlsTest, turns_strangers_away) {
  with_server(strangers, {.head_timeout = milliseconds(200), .tls = server_tls});
}

Task<> shake(std::shared_ptr<io::TlsContext> tls, std::unique_ptr<io::Stream> below,
             CancelToken& heard, Context ctx) {
  auto ended =
      co_await io::tls_connect(std::move(tls), std::move(below), "localhost", ctx.under(heard));
  EXPECT_FALSE(ended) << "nobody has answered";
  co_return ok;
}

// What a client says first, as a listener of our own hears it.
Task<std::string> a_hello(std::shared_ptr<io::TlsContext> tls, Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  auto client = co_await co_await ctx.loop->connect(listener->address(), ctx);
  CancelToken heard;
  io::Group group(ctx);
  group.spawn(shake(std::move(tls), std::move(client), heard, ctx));
  auto server = co_await co_await io::accept(*listener, ctx);
  auto hello = co_await co_await io::tls_read_hello(*server, {}, io::TlsHello::kMost, ctx);
  EXPECT_TRUE(hello.whole);
  heard.cancel();
  co_await co_await group.join();
  co_return std::move(hello.bytes);
}

Task<> TlsTest::stopped_handshakes(http::Setup s, Context ctx) {
  // Strangers that say hello and listen to no answer, or stop in hellos of 9 KB; two may be under
  // way at a time. Who comes after them has his turn.
  std::string whole = co_await co_await a_hello(client_tls, ctx);
  std::string half = std::string("\x16\3\1\x23\x28\1\0\x23\x24", 9) + std::string(5000, 'h');
  std::vector<Wire> strangers;
  for (int i = 0; i < 6; ++i) {
    strangers.push_back(co_await co_await s.dial(ctx));
    co_await co_await strangers.back().send(i % 2 == 0 ? whole : half, ctx);
  }
  co_await co_await io::sleep_until(ctx.loop->now() + milliseconds(100), ctx);
  EXPECT_EQ(s.server.counters().evicted.get(), 0u) << "each has a second";
  Client client(*ctx.loop, {.connect_timeout = seconds(15), .tls = client_tls});
  auto answer = co_await co_await client.send(get(s, "localhost", "/nothing"), ctx);
  EXPECT_EQ(answer.status, 404);
  EXPECT_GE(s.server.counters().evicted.get(), 2u);
  EXPECT_EQ(s.server.counters().timeouts.get(), 0u);
  co_return ok;
}

// A client that has shown itself, and whose bytes are the test's.
Task<Wire> TlsTest::dial_known(http::Setup s, Context ctx) {
  Wire wire = co_await co_await s.dial(ctx);
  wire.stream =
      co_await co_await io::tls_connect(client_tls, std::move(wire.stream), "localhost", ctx);
  co_await co_await wire.send(http::get("/nothing"), ctx);
  co_await co_await wire.expect("nothing here", ctx);
  wire.read.clear();
  co_return wire;
}

Task<> TlsTest::known_heads(http::Setup s, Context ctx) {
  // Known ones stop in large heads, or do not read the answers to theirs: more than there may be.
  std::vector<Wire> known;
  for (int i = 0; i < 6; ++i) known.push_back(co_await co_await dial_known(s, ctx));
  std::string field = "X: " + std::string(20'000, 'a') + "\r\n";
  for (int i = 0; i < 6; ++i) {
    std::string head = http::get(i < 3 ? "/pattern?8000000" : "/nothing", field);
    co_await co_await known[i].send(i < 3 ? head : head.substr(0, 6000), ctx);
  }
  co_await co_await pause_for(milliseconds(50), ctx);
  Client client(*ctx.loop, {.tls = client_tls});
  auto answer = co_await co_await client.send(get(s, "localhost", "/nothing"), ctx);
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(s.server.counters().evicted.get(), 0u);
  known.clear();
  co_return ok;
}
TEST_P(TlsTest, large_heads_leave_room_for_handshakes) {
  with_server(known_heads,
              {.large_heads = 2, .handshakes = 2, .linger = milliseconds(10), .tls = server_tls});
}

Task<> TlsTest::one_answer(http::Setup s, Context ctx) {
  Client client(*ctx.loop, {.connect_timeout = seconds(5), .tls = client_tls});
  auto answer = co_await co_await client.send(get(s, "localhost", "/nothing"), ctx);
  EXPECT_EQ(answer.status, 404);
  co_return ok;
}

Task<> TlsTest::hello_flood(http::Setup s, Context ctx) {
  Flood flood{.begin = co_await co_await a_hello(client_tls, ctx), .rest = ""};
  co_return co_await under_flood(s, std::move(flood), 80, one_answer, ctx);
}
// In simulated worlds only: they take seconds.
class SlowTlsTest : public TlsTest {};
INSTANTIATE_TEST_SUITE_P(World, SlowTlsTest,
                         testing::Values(WorldKind{"sim1", false, 1, 0},
                                         WorldKind{"sim2", false, 2, 0}),
                         world_name);
TEST_P(SlowTlsTest, a_client_gets_through_a_flood_of_hellos) {
  with_server(hello_flood, {.handshakes = 6, .tls = server_tls});
}
TEST_P(SlowTlsTest, stopped_handshakes_make_room) {
  with_server(stopped_handshakes, {.handshakes = 2, .tls = server_tls});
}

}  // namespace
}  // namespace forebay::http
