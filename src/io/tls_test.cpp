#include "io/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>

#include "io/stream_test.h"

namespace forebay::io {
namespace {

/// A self-signed certificate for localhost and 127.0.0.1, with its key, as files.
struct Certificate {
  explicit Certificate(const std::string& folder)
      : certificate(folder + "/certificate.pem"), key(folder + "/key.pem") {
    // Ed25519: its signatures have one length, so simulated runs move the same bytes.
    EVP_PKEY* pair = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, pair);
    X509_NAME* subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(x509, subject);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    X509_add_ext(x509, names, -1);
    X509_EXTENSION_free(names);
    EXPECT_GT(X509_sign(x509, pair, nullptr), 0);
    std::FILE* out = std::fopen(certificate.c_str(), "w");
    PEM_write_X509(out, x509);
    std::fclose(out);
    out = std::fopen(key.c_str(), "w");
    PEM_write_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    X509_free(x509);
    EVP_PKEY_free(pair);
  }
  std::string certificate;
  std::string key;
};

class TlsTest : public WorldTest {
 protected:
  TlsTest() {
    std::string name = testing::TempDir() + "/forebay-tls-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    keys_ = name;
    Certificate certificate(keys_);
    auto server_side = TlsContext::server(certificate.certificate, certificate.key, batches);
    auto client_side = TlsContext::client(certificate.certificate);
    auto stranger_side = TlsContext::client("");
    EXPECT_TRUE(server_side && client_side && stranger_side);
    server = *server_side;
    client = *client_side;
    stranger = *stranger_side;
  }
  ~TlsTest() override { std::filesystem::remove_all(keys_); }

  using Shared = std::shared_ptr<TlsContext>;
  /// Room for one batch, not for two.
  std::shared_ptr<Allowance> batches = std::make_shared<Allowance>(400 << 10);
  Shared server, client, stranger;

 private:
  std::string keys_;
};
FOREBAY_IN_ALL_WORLDS(TlsTest);

// A hello of any size there may be, then the rest.
Task<std::unique_ptr<Stream>> accept_tls(std::shared_ptr<TlsContext> context,
                                         std::unique_ptr<Stream> below, Context ctx) {
  TlsHello hello = co_await co_await tls_read_hello(*below, {}, TlsHello::kMost, ctx);
  co_return co_await tls_accept(std::move(context), std::move(below), std::move(hello), ctx);
}

Task<> serve_tls(std::shared_ptr<TlsContext> context, std::unique_ptr<Stream> below,
                 Result<std::unique_ptr<Stream>>& out, Context ctx) {
  out = co_await accept_tls(std::move(context), std::move(below), ctx);
  co_return ok;
}

struct Hands {
  Result<std::unique_ptr<Stream>> client = nullptr;
  Result<std::unique_ptr<Stream>> server = nullptr;
};

Task<Hands> shake(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client,
                  std::string host, Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  Hands out;
  Group group(ctx);
  group.spawn(serve_tls(std::move(server), std::move(pair.server), out.server, ctx));
  out.client =
      co_await tls_connect(std::move(client), std::move(pair.client), std::move(host), ctx);
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  co_return out;
}

Task<> large_echo(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client,
                  Context ctx) {
  Hands hands = co_await co_await shake(server, client, "localhost", ctx);
  auto there = co_await std::move(hands.server);
  auto here = co_await std::move(hands.client);
  std::string sent = pattern(3'000'001, 7);
  Group group(ctx);
  group.spawn(echo(*there, ctx));
  group.spawn(write_and_end(*here, sent, ctx));
  Result<std::string> got = co_await read_to_end(*here, ctx);
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  EXPECT_TRUE(got && *got == sent);
  Result<> late = co_await write_text(*here, "after the end", ctx);
  EXPECT_EQ(code_of(late), Code::unavailable);
  co_return ok;
}
TEST_P(TlsTest, carries_bytes_both_ways_and_ends_in_order) {
  expect_ok(large_echo(server, client, context()));
}

/// A client of OpenSSL's own, which says what ours never would.
class RawClient {
 public:
  explicit RawClient(Stream& below) : below_(below) {
    SSL_set_connect_state(ssl_);
    SSL_set_bio(ssl_, in_, out_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  Task<> shake(Context ctx) {
    while (SSL_do_handshake(ssl_) != 1) {
      co_await co_await send(ctx);
      std::array<std::byte, 4096> buffer;
      size_t count = co_await co_await Read(below_, buffer, ctx);
      if (count == 0) co_return fail(Code::unavailable, "the server closed");
      BIO_write(in_, buffer.data(), static_cast<int>(count));
    }
    co_return co_await send(ctx);
  }
  /// Key updates, then one byte, sent together.
  Task<> update_keys(int count, Context ctx) {
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED), 1);
      EXPECT_EQ(SSL_do_handshake(ssl_), 1);
    }
    EXPECT_EQ(SSL_write(ssl_, "x", 1), 1);
    co_return co_await send(ctx);
  }

 private:
  Task<> send(Context ctx) {
    char* data = nullptr;
    long length = BIO_get_mem_data(out_, &data);
    std::string text(data, static_cast<size_t>(length));
    (void)BIO_reset(out_);
    if (text.empty()) co_return ok;
    co_return co_await write_text(below_, text, ctx);
  }
  Stream& below_;
  SSL_CTX* context_ = SSL_CTX_new(TLS_client_method());
  SSL* ssl_ = SSL_new(context_);
  BIO* in_ = BIO_new(BIO_s_mem());   // owned by ssl_
  BIO* out_ = BIO_new(BIO_s_mem());  // owned by ssl_
};

// A stranger's key updates cost him nothing and us much.
Task<> key_updates(std::shared_ptr<TlsContext> server, int each, int times, size_t come,
                   Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  RawClient client(*pair.client);
  Result<std::unique_ptr<Stream>> shaken = nullptr;
  Group group(ctx);
  group.spawn(serve_tls(std::move(server), std::move(pair.server), shaken, ctx));
  co_await co_await client.shake(ctx);
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  auto there = co_await std::move(shaken);
  size_t heard = 0;
  for (int i = 0; i < times; ++i) {
    co_await co_await client.update_keys(each, ctx);
    std::array<std::byte, 16> buffer;
    Result<size_t> count = co_await Read(*there, buffer, ctx);
    if (!count) break;
    heard += *count;
  }
  EXPECT_EQ(heard, come);
  co_return ok;
}
TEST_P(TlsTest, key_updates_have_a_bound) {
  // The client's hello and its Finished count too.
  expect_ok(key_updates(server, 62, 1, 1, context()));
  expect_ok(key_updates(server, 63, 1, 0, context()));
  expect_ok(key_updates(server, 8, 100, 7, context()));
}

Task<> verify(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client,
              std::shared_ptr<TlsContext> stranger, Context ctx) {
  Hands by_name = co_await co_await shake(server, client, "localhost", ctx);
  EXPECT_TRUE(by_name.client && by_name.server);
  Hands by_number = co_await co_await shake(server, client, "127.0.0.1", ctx);
  EXPECT_TRUE(by_number.client && by_number.server);
  Hands other_name = co_await co_await shake(server, client, "elsewhere.example", ctx);
  EXPECT_EQ(code_of(other_name.client), Code::denied);
  Hands other_number = co_await co_await shake(server, client, "127.0.0.2", ctx);
  EXPECT_EQ(code_of(other_number.client), Code::denied);
  Hands untrusted = co_await co_await shake(server, stranger, "localhost", ctx);
  EXPECT_EQ(code_of(untrusted.client), Code::denied);
  co_return ok;
}
TEST_P(TlsTest, a_client_trusts_only_the_right_certificate) {
  expect_ok(verify(server, client, stranger, context()));
}

Task<> no_tls(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client, Context ctx) {
  Pair pair = co_await co_await connect_pair(ctx);
  co_await co_await write_text(*pair.client, "GET / HTTP/1.1\r\n\r\n", ctx);
  auto refused = co_await accept_tls(server, std::move(pair.server), ctx);
  EXPECT_EQ(code_of(refused), Code::invalid);

  Pair silent = co_await co_await connect_pair(ctx);
  Context soon = ctx.until(ctx.loop->now() + milliseconds(20));
  auto late = co_await accept_tls(server, std::move(silent.server), soon);
  EXPECT_EQ(code_of(late), Code::timeout);

  Pair closed = co_await co_await connect_pair(ctx);
  closed.server.reset();
  auto cut = co_await tls_connect(client, std::move(closed.client), "localhost", ctx);
  EXPECT_EQ(code_of(cut), Code::unavailable);
  co_return ok;
}
TEST_P(TlsTest, a_handshake_that_goes_wrong_ends) { expect_ok(no_tls(server, client, context())); }

Task<> files(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client,
             std::string folder, Context ctx) {
  Hands hands = co_await co_await shake(server, client, "localhost", ctx);
  auto there = co_await std::move(hands.server);
  auto here = co_await std::move(hands.client);
  std::string text = pattern(2'000'003, 3);
  auto file = co_await co_await make_file(folder, text, ctx);
  Result<> sent = ok;
  Group group(ctx);
  group.spawn(send_and_end(*there, {file, 1, text.size() - 1}, sent, ctx));
  Result<std::string> got = co_await read_to_end(*here, ctx);
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  EXPECT_TRUE(sent);
  EXPECT_TRUE(got && *got == text.substr(1));
  auto longer = co_await send_file(*here, {file, text.size() - 1, 2}, false, ctx);
  EXPECT_EQ(code_of(longer), Code::corrupt);
  co_return ok;
}
TEST_P(TlsTest, files_are_sent) { expect_ok(files(server, client, folder(), context())); }

// A writer gives up while cipher text waits for room; what it writes next is another matter.
Task<> gives_up(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client,
                Context ctx) {
  Hands hands = co_await co_await shake(server, client, "localhost", ctx);
  auto there = co_await std::move(hands.server);
  auto here = co_await std::move(hands.client);
  std::string much = pattern(1 << 20, 3);
  Result<> wrote = ok;
  while (wrote) {
    Context soon = ctx.until(ctx.loop->now() + milliseconds(30));
    wrote = co_await write_text(*there, much, soon);
  }
  EXPECT_EQ(code_of(wrote), Code::timeout);
  Group group(ctx);
  group.spawn(write_and_end(*there, "bye", ctx));
  std::string got = co_await co_await read_to_end(*here, ctx);
  for (size_t at = 0; at + much.size() <= got.size(); at += much.size()) {
    EXPECT_EQ(got.compare(at, much.size(), much), 0);
  }
  co_return co_await group.join();
}
TEST_P(TlsTest, a_write_that_was_given_up_breaks_no_other) {
  expect_ok(gives_up(server, client, context()));
}

// What a client that does not read leaves with us is bounded over all of them.
Task<> two_that_do_not_read(std::shared_ptr<TlsContext> server, std::shared_ptr<TlsContext> client,
                            std::shared_ptr<Allowance> batches, Context ctx) {
  uint64_t all = batches->left();
  {
    Hands first = co_await co_await shake(server, client, "localhost", ctx);
    Hands second = co_await co_await shake(server, client, "localhost", ctx);
    std::string much = pattern(8 << 20, 3);
    Context soon = ctx.until(ctx.loop->now() + milliseconds(30));
    EXPECT_EQ(code_of(co_await write_text(**first.server, much, soon)), Code::timeout);
    EXPECT_LT(batches->left(), all / 2);
    auto there = co_await std::move(second.server);
    auto here = co_await std::move(second.client);
    Group group(ctx);
    group.spawn(write_and_end(*there, much, ctx));
    Result<std::string> got = co_await read_to_end(*here, ctx);
    Result<> joined = co_await group.join();
    co_await std::move(joined);
    EXPECT_TRUE(got && *got == much) << "who finds no room sends a record at a time";
  }
  EXPECT_EQ(batches->left(), all);
  co_return ok;
}
TEST_P(TlsTest, slow_readers_hold_no_more_than_their_share) {
  expect_ok(two_that_do_not_read(server, client, batches, context()));
}

// The message of `size` bytes, of which the first few say so, in records of `record` bytes.
std::string hello_of(size_t size, size_t record) {
  std::string message("\1\0", 2);
  message += static_cast<char>((size - 4) >> 8);
  message += static_cast<char>((size - 4) & 255);
  message.resize(size, 'h');
  std::string out;
  for (size_t at = 0; at < size; at += record) {
    std::string part = message.substr(at, record);
    out += "\x16\3\1";
    out += static_cast<char>(part.size() >> 8);
    out += static_cast<char>(part.size() & 255);
    out += part;
  }
  return out;
}

TEST(TlsHelloTest, is_whole_with_its_last_byte) {
  using State = TlsHello::State;
  for (size_t record : {1, 3, 200, 1000}) {
    std::string hello = hello_of(600, record);
    for (size_t size = 0; size < hello.size(); ++size) {
      EXPECT_EQ(TlsHello::look_at(hello.substr(0, size)), State::partial) << size;
    }
    EXPECT_EQ(TlsHello::look_at(hello), State::whole);
    EXPECT_EQ(TlsHello::look_at(hello + "more"), State::whole);
  }
  EXPECT_EQ(TlsHello::look_at("GET / HTTP/1.1"), State::foreign);
  EXPECT_EQ(TlsHello::look_at(std::string("\x16\3\1\0\0", 5)), State::foreign);
  EXPECT_EQ(TlsHello::look_at(std::string("\x16\3\1\0\5\2", 6)), State::foreign);
}

TEST(TlsHelloTest, has_a_largest_size) {
  using State = TlsHello::State;
  size_t most = TlsHello::kMost - 5;
  EXPECT_EQ(TlsHello::look_at(hello_of(most, 1 << 15).substr(0, 9)), State::partial);
  EXPECT_EQ(TlsHello::look_at(hello_of(most, 1 << 15)), State::whole);
  EXPECT_EQ(TlsHello::look_at(hello_of(most + 1, 1 << 15).substr(0, 9)), State::too_large);
}

Task<> large_hello(Context ctx) {
  // It is told so at once when it says that it will be too large, or when it is.
  for (std::string sent : {hello_of(TlsHello::kMost, 1 << 15).substr(0, 9),
                           hello_of(6000, 1).substr(0, TlsHello::kMost)}) {
    Pair pair = co_await co_await connect_pair(ctx);
    co_await co_await write_text(*pair.client, sent, ctx);
    auto read = co_await tls_read_hello(*pair.server, {}, TlsHello::kMost, ctx);
    EXPECT_EQ(code_of(read), Code::invalid);
    std::array<std::byte, 7> told;
    co_await co_await Read(*pair.client, told, ctx);
    EXPECT_EQ(static_cast<int>(told[0]), 21);
  }
  // Of the others not more is taken than is allowed for now.
  Pair pair = co_await co_await connect_pair(ctx);
  std::string sent = hello_of(9000, 1 << 15);
  co_await co_await write_text(*pair.client, sent, ctx);
  TlsHello hello = co_await co_await tls_read_hello(*pair.server, {}, 4096, ctx);
  EXPECT_FALSE(hello.whole);
  EXPECT_EQ(hello.bytes.size(), 4096u);
  hello = co_await co_await tls_read_hello(*pair.server, std::move(hello), TlsHello::kMost, ctx);
  EXPECT_TRUE(hello.whole);
  EXPECT_EQ(hello.bytes, sent);
  co_return ok;
}
TEST_P(TlsTest, a_hello_has_a_bound) { expect_ok(large_hello(context())); }

TEST(TlsContextTest, says_what_cannot_be_read) {
  EXPECT_FALSE(TlsContext::server("/no/such/file", "/no/such/file"));
  EXPECT_FALSE(TlsContext::client("/no/such/file"));
  EXPECT_EQ(TlsContext::client("/no/such/file").error().text(),
            "read authorities /no/such/file: No such file or directory");
  EXPECT_EQ(TlsContext::client("/no/such/file").error().code(), Code::invalid);
  Result<std::shared_ptr<TlsContext>> none = TlsContext::client("/proc/version");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Code::invalid);
  EXPECT_FALSE(none.error().text().contains("error:")) << none.error().text();
}

}  // namespace
}  // namespace forebay::io
