#include "io/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace forebay::io {

namespace {

// One send to the socket carries at most this much cipher text; a BIO takes a third more for it.
constexpr size_t kBatch = 256 << 10;
constexpr size_t kBatchMemory = kBatch / 3 * 4;
// What is read at once grows with what is asked for: OpenSSL keeps its room as long as the stream.
constexpr size_t kLeastRead = 4 << 10;
constexpr size_t kMostRead = 64 << 10;
// Messages of the handshake that a peer may send on one connection, key updates above all. Each
// costs us some 60 us and an answer, and none asks for anything. The handshake has under ten, and
// honest keys last for gigabytes (RFC 8446 section 5.5), so more are earned by clear bytes.
constexpr uint64_t kHandshakeMessages = 64;
constexpr uint64_t kBytesEarnOne = 16 << 20;
constexpr size_t kKept = 16 << 10;
constexpr size_t kRecord = 16 << 10;

// RFC 8446, sections 4, 5.1 and 6.
constexpr size_t kRecordHeader = 5;
constexpr size_t kMessageHeader = 4;
constexpr char kHandshakeRecord = 22;
constexpr uint8_t kClientHello = 1;
constexpr uint8_t kUnexpectedMessage = 10;
constexpr uint8_t kHandshakeFailure = 40;

// Tells why the connection ends, where the socket takes that at once.
void alert(Stream& below, uint8_t description) {
  std::array<uint8_t, 7> record{21, 3, 1, 0, 2, 2, description};
  ByteView view = std::as_bytes(std::span(record));
  (void)below.try_write({&view, 1}, false);
}

Error tls_error(std::string_view what) {
  char text[256] = "unknown";
  unsigned long code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return fail(Code::unavailable, std::string(what) + ": " + text);
}

/// Why a PEM file was not taken, for whoever named it: the system's word or OpenSSL's reason.
Error file_error(std::string_view what) {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = nullptr;
  if (ERR_SYSTEM_ERROR(code)) {
    reason = std::strerror(ERR_GET_REASON(code));
  } else if (ERR_GET_LIB(code) == ERR_LIB_PEM) {
    reason = "nothing in PEM form that fits is in it";
  } else if (code != 0) {
    reason = ERR_reason_error_string(code);
  }
  return fail(Code::invalid,
              std::string(what) + ": " + (reason != nullptr ? reason : "it cannot be used"));
}

class SslContext final : public TlsContext {
 public:
  explicit SslContext(SSL_CTX* ctx, std::shared_ptr<Allowance> batches = nullptr)
      : ctx_(ctx), batches_(std::move(batches)) {}
  ~SslContext() override { SSL_CTX_free(ctx_); }
  SSL_CTX* get() const { return ctx_; }
  const std::shared_ptr<Allowance>& batches() const { return batches_; }

 private:
  SSL_CTX* ctx_;
  std::shared_ptr<Allowance> batches_;
};

int choose_http(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                unsigned in_length, void*) {
  static constexpr unsigned char kHttp[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kHttp, sizeof kHttp - 1, in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// The cipher text between OpenSSL and the stream below lives in two memory BIOs.
class TlsStream final : public Stream {
 public:
  TlsStream(std::shared_ptr<TlsContext> context, std::unique_ptr<Stream> below)
      : context_(std::move(context)), below_(std::move(below)) {
    const auto& batches = static_cast<SslContext&>(*context_).batches();
    bounded_ = batches != nullptr;
    if (bounded_) share_ = batches->none();
    ssl_ = SSL_new(static_cast<SslContext&>(*context_).get());
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    check(ssl_ != nullptr && in_ != nullptr && out_ != nullptr, "no memory for TLS");
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                           SSL_MODE_RELEASE_BUFFERS);
    SSL_set_msg_callback(ssl_, &on_message);
    SSL_set_msg_callback_arg(ssl_, this);
  }
  ~TlsStream() override { SSL_free(ssl_); }

  SSL* ssl() { return ssl_; }

  ssize_t try_read(ByteSpan into) override {
    for (size_t most = std::max(into.size(), kLeastRead);; most *= 2) {
      size_t got = 0;
      ERR_clear_error();
      int rc = SSL_read_ex(ssl_, into.data(), into.size(), &got);
      clear_ += got;
      if (talks_too_much()) return -EPROTO;
      if (rc == 1) return static_cast<ssize_t>(got);
      int why = SSL_get_error(ssl_, rc);
      if (why == SSL_ERROR_ZERO_RETURN) return 0;
      if (why != SSL_ERROR_WANT_READ) return -EPROTO;
      ssize_t n = pull(most);
      if (n < 0) return n;
      // An end without close_notify: the HTTP framing above tells a cut from an end.
      if (n == 0) return 0;
    }
  }

  // Bytes count as taken only when their cipher text has left for the socket, or the end of an
  // answer could stay here with nobody to flush it. Until then the call says -EAGAIN and keeps what
  // it owes; the caller comes back with the same bytes.
  ssize_t try_write(std::span<const ByteView> parts, bool more) override {
    if (ended_) return -EPIPE;
    size_t wanted = 0;
    for (ByteView part : parts) wanted += part.size();
    if (owed_ > 0) return settle(more, wanted);
    size_t most = batch(wanted);
    for (ByteView part : parts) {
      while (!part.empty() && pending() < most) {
        size_t put = 0;
        ERR_clear_error();
        if (SSL_write_ex(ssl_, part.data(), std::min(part.size(), most), &put) != 1) {
          return -EPROTO;
        }
        part = part.subspan(put);
        owed_ += put;
      }
    }
    return settle(more, wanted);
  }

  ssize_t try_send_file(File& file, uint64_t offset, size_t length, bool more) override {
    if (ended_) return -EPIPE;
    if (owed_ > 0) return settle(more, length);
    // One for all streams of a thread: it is empty again when this call ends.
    thread_local std::vector<std::byte> clear(kBatch);
    ByteSpan into = ByteSpan(clear).first(std::min(length, batch(length)));
    ssize_t n = file.try_read_at(offset, into);
    if (n == -EAGAIN) {
      // The caller asked for read-ahead first; what slipped out of memory since is read here.
      Result<size_t> read = file.read_at(offset, into);
      if (!read) return -EIO;
      n = static_cast<ssize_t>(*read);
    }
    if (n <= 0) return n;
    ByteView view = into.first(static_cast<size_t>(n));
    return try_write({&view, 1}, more);
  }

  void arm(Direction direction, Waiter& waiter) override { below_->arm(direction, waiter); }
  void disarm(Direction direction) override { below_->disarm(direction); }
  void shutdown_write() override {
    if (std::exchange(ended_, true)) return;
    SSL_shutdown(ssl_);
    (void)flush(false);
    below_->shutdown_write();
  }
  void reset_on_close() override { below_->reset_on_close(); }
  Address peer() const override { return below_->peer(); }

  // Sends cipher text that is waiting: 0 when all is out, -EAGAIN when some is left.
  ssize_t flush(bool more) {
    while (true) {
      char* data = nullptr;
      long length = BIO_get_mem_data(out_, &data);
      if (static_cast<size_t>(length) <= sent_) {
        sent_ = 0;
        (void)BIO_reset(out_);
        return 0;
      }
      ByteView view(reinterpret_cast<std::byte*>(data) + sent_,
                    static_cast<size_t>(length) - sent_);
      ssize_t n = below_->try_write({&view, 1}, more);
      if (n < 0 && ended_) {
        // What finds no place at the end, or comes after it, stays unsaid; reading goes on.
        sent_ += view.size();
        continue;
      }
      if (n < 0) return n;
      sent_ += static_cast<size_t>(n);
    }
  }

  // Takes cipher text from below: bytes, 0 at its end, or an error.
  ssize_t pull(size_t most) {
    // What OpenSSL wants to say (alerts, key updates) must not wait for a reader.
    ssize_t flushed = flush(false);
    if (flushed < 0 && flushed != -EAGAIN) return flushed;
    std::array<std::byte, kMostRead> buffer;
    ssize_t n = below_->try_read(ByteSpan(buffer).first(std::clamp(most, kLeastRead, kMostRead)));
    if (n > 0) feed(ByteView(buffer).first(static_cast<size_t>(n)));
    if (n == -EAGAIN && most <= kLeastRead) trim();
    return n;
  }
  // Cipher text from below.
  void feed(ByteView bytes) {
    int size = static_cast<int>(bytes.size());
    check(BIO_write(in_, bytes.data(), size) == size, "memory BIO");
  }

 private:
  static void on_message(int written, int, int type, const void*, size_t, SSL*, void* stream) {
    bool heard = written == 0 && type == SSL3_RT_HANDSHAKE;
    if (heard) ++static_cast<TlsStream*>(stream)->messages_;
  }
  bool talks_too_much() const { return messages_ > kHandshakeMessages + clear_ / kBytesEarnOne; }
  // How much of `wanted` bytes is encrypted at once. What the BIO grows to it keeps until trim().
  size_t batch(size_t wanted) {
    if (!bounded_ || wanted <= kRecord || share_.bytes() > 0 || share_.grow(kBatchMemory)) {
      return kBatch;
    }
    return kRecord;
  }
  size_t pending() const { return BIO_ctrl_pending(out_) - sent_; }
  static bool wide(BIO* bio) {
    BUF_MEM* memory = nullptr;
    BIO_get_mem_ptr(bio, &memory);
    return memory->max > kKept && memory->length == 0;
  }
  // Who waits for a few bytes, as for the next head, holds no room from large bodies: of their own
  // accord the BIOs never give any back.
  void trim() {
    if (wide(in_)) {
      in_ = BIO_new(BIO_s_mem());
      check(in_ != nullptr, "no memory for TLS");
      BIO_set_mem_eof_return(in_, -1);
      SSL_set0_rbio(ssl_, in_);
    }
    if (wide(out_)) {
      out_ = BIO_new(BIO_s_mem());
      check(out_ != nullptr, "no memory for TLS");
      SSL_set0_wbio(ssl_, out_);
      if (bounded_) share_.resize(0);
    }
  }
  // Never more than was asked for: whoever gave up a write may come with another one.
  ssize_t settle(bool more, size_t wanted) {
    ssize_t flushed = flush(more);
    if (flushed < 0) return flushed;
    return static_cast<ssize_t>(std::min(std::exchange(owed_, 0), wanted));
  }

  std::shared_ptr<TlsContext> context_;
  std::unique_ptr<Stream> below_;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;       // owned by ssl_
  BIO* out_ = nullptr;      // owned by ssl_
  uint64_t messages_ = 0;   // of the handshake, heard
  uint64_t clear_ = 0;      // bytes read
  size_t sent_ = 0;         // of out_'s bytes
  size_t owed_ = 0;         // clear bytes encrypted but not yet reported as taken
  bool ended_ = false;      // our side
  Allowance::Share share_;  // of what batches beyond a record may take
  bool bounded_ = false;    // by it
};

// One step of the handshake in one direction of the stream below.
class HandshakeStep final : public StreamLeaf {
 public:
  HandshakeStep(TlsStream& stream, Direction direction, Context ctx)
      : StreamLeaf(stream, direction, ctx), tls_(stream), direction_(direction) {}

 private:
  ssize_t attempt() override {
    if (direction_ == Direction::read) return tls_.pull(kLeastRead);
    ssize_t flushed = tls_.flush(false);
    return flushed == 0 ? 1 : flushed;
  }
  TlsStream& tls_;
  Direction direction_;
};

// Takes room only when bytes have come.
class HelloRead final : public StreamLeaf {
 public:
  HelloRead(Stream& stream, std::string& into, size_t most, Context ctx)
      : StreamLeaf(stream, Direction::read, ctx), into_(into), most_(most) {}

 private:
  ssize_t attempt() override {
    std::array<std::byte, kLeastRead> buffer;
    size_t room = std::min(buffer.size(), most_ - into_.size());
    ssize_t n = stream_.try_read(ByteSpan(buffer).first(room));
    if (n <= 0) return n;
    into_.reserve(most_);
    into_.append(as_text(ByteView(buffer).first(static_cast<size_t>(n))));
    return n;
  }
  std::string& into_;
  size_t most_;
};

Task<std::unique_ptr<Stream>> handshake(std::unique_ptr<TlsStream> tls, Context ctx) {
  while (true) {
    ERR_clear_error();
    int rc = SSL_do_handshake(tls->ssl());
    int why = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(tls->ssl(), rc);
    std::optional<Error> failed;
    if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ) {
      long verified = SSL_get_verify_result(tls->ssl());
      failed = verified == X509_V_OK
                   ? tls_error("TLS handshake")
                   : fail(Code::denied, std::string("TLS certificate: ") +
                                            X509_verify_cert_error_string(verified));
    }
    co_await co_await HandshakeStep(*tls, Direction::write, ctx);
    if (failed) co_return std::move(*failed);
    if (why == SSL_ERROR_NONE) co_return std::unique_ptr<Stream>(std::move(tls));
    size_t got = co_await co_await HandshakeStep(*tls, Direction::read, ctx);
    if (got == 0) co_return fail(Code::unavailable, "TLS handshake: the peer closed");
  }
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::server(const std::string& certificate_file,
                                                       const std::string& key_file,
                                                       std::shared_ptr<Allowance> batches) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
  if (ctx == nullptr) return tls_error("TLS context");
  auto out = std::make_shared<SslContext>(ctx, std::move(batches));
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_alpn_select_cb(ctx, choose_http, nullptr);
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1) {
    return file_error("read certificate " + certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(ctx, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(ctx) != 1) {
    return file_error("read private key " + key_file);
  }
  return out;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const std::string& authorities_file) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == nullptr) return tls_error("TLS context");
  auto out = std::make_shared<SslContext>(ctx);
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  int trusted = authorities_file.empty() ? SSL_CTX_set_default_verify_paths(ctx)
                                         : SSL_CTX_load_verify_file(ctx, authorities_file.c_str());
  if (trusted != 1) return file_error("read authorities " + authorities_file);
  return out;
}

TlsHello::State TlsHello::look_at(std::string_view bytes) {
  std::array<uint8_t, kMessageHeader> header{};
  size_t seen = 0;  // of the message, without its records' headers
  size_t wanted = kMessageHeader;
  while (seen < wanted) {
    if (!bytes.empty() && bytes[0] != kHandshakeRecord) return State::foreign;
    if (bytes.size() < kRecordHeader) return State::partial;
    size_t length = static_cast<uint8_t>(bytes[3]) << 8 | static_cast<uint8_t>(bytes[4]);
    if (length == 0) return State::foreign;
    std::string_view record = bytes.substr(kRecordHeader, length);
    for (size_t i = 0; i < record.size() && seen + i < kMessageHeader; ++i) {
      header[seen + i] = static_cast<uint8_t>(record[i]);
    }
    seen += record.size();
    if (seen > 0 && header[0] != kClientHello) return State::foreign;
    if (seen >= kMessageHeader) {
      wanted = kMessageHeader + (size_t{header[1]} << 16 | size_t{header[2]} << 8 | header[3]);
    }
    if (wanted + kRecordHeader > kMost) return State::too_large;
    if (record.size() < length) break;
    bytes.remove_prefix(kRecordHeader + length);
  }
  return seen < wanted ? State::partial : State::whole;
}

Task<TlsHello> tls_read_hello(Stream& below, TlsHello hello, size_t most, Context ctx) {
  while (true) {
    TlsHello::State state = TlsHello::look_at(hello.bytes);
    bool full = hello.bytes.size() >= TlsHello::kMost;
    if (full && state == TlsHello::State::partial) state = TlsHello::State::too_large;
    if (state == TlsHello::State::foreign) {
      alert(below, kUnexpectedMessage);
      co_return fail(Code::invalid, "TLS handshake: no ClientHello");
    }
    if (state == TlsHello::State::too_large) {
      alert(below, kHandshakeFailure);
      co_return fail(Code::invalid, "TLS handshake: a ClientHello above 16 KiB");
    }
    hello.whole = state == TlsHello::State::whole;
    if (hello.whole || hello.bytes.size() >= most) co_return hello;
    size_t got = co_await co_await HelloRead(below, hello.bytes, most, ctx);
    if (got == 0) co_return fail(Code::unavailable, "TLS handshake: the peer closed");
  }
}

Task<std::unique_ptr<Stream>> tls_accept(std::shared_ptr<TlsContext> context,
                                         std::unique_ptr<Stream> below, TlsHello hello,
                                         Context ctx) {
  auto tls = std::make_unique<TlsStream>(std::move(context), std::move(below));
  SSL_set_accept_state(tls->ssl());
  tls->feed(as_bytes(hello.bytes));
  hello = {};
  co_return co_await handshake(std::move(tls), ctx);
}

Task<std::unique_ptr<Stream>> tls_connect(std::shared_ptr<TlsContext> context,
                                          std::unique_ptr<Stream> below, std::string host,
                                          Context ctx) {
  auto tls = std::make_unique<TlsStream>(std::move(context), std::move(below));
  SSL* ssl = tls->ssl();
  SSL_set_connect_state(ssl);
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) != 1) {  // no IP address: a name
    ERR_clear_error();
    SSL_set_tlsext_host_name(ssl, host.c_str());
    if (SSL_set1_host(ssl, host.c_str()) != 1) co_return tls_error("TLS host " + host);
  }
  co_return co_await handshake(std::move(tls), ctx);
}

}  // namespace forebay::io
