// TLS as a filter: a Stream over a Stream, by OpenSSL with memory BIOs. Outgoing bytes are
// encrypted 256 KiB at a time, where there is memory for that, and sent in one call, because a call
// per 16 KiB record costs more than the cipher.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/allowance.h"
#include "io/stream.h"

namespace forebay::io {

/// Keys and trust; shared by all connections, any thread. Immutable once made.
class TlsContext {
 public:
  virtual ~TlsContext() = default;

  /// A server's: PEM files with the certificate chain and the private key. `batches`: what all its
  /// streams together may hold of cipher text that clients have not taken, beyond a record each;
  /// null: no bound. Blocking.
  static Result<std::shared_ptr<TlsContext>> server(const std::string& certificate_file,
                                                    const std::string& key_file,
                                                    std::shared_ptr<Allowance> batches = nullptr);
  /// A client's: trusts the PEM bundle, or the system's authorities when empty. Blocking.
  static Result<std::shared_ptr<TlsContext>> client(const std::string& authorities_file);
};

/// What a client begins a handshake with, as it stands on the wire. OpenSSL takes 77 KiB for a
/// client that stops within it, and this what has come: so no OpenSSL before it is whole.
struct TlsHello {
  static constexpr size_t kMost = 16 << 10;  ///< it and the records around it; usual are 2 KiB
  enum class State { partial, whole, foreign, too_large };

  /// What `bytes` are the beginning of. `whole`: more may follow.
  static State look_at(std::string_view bytes);

  std::string bytes;
  bool whole = false;
};
/// Reads on until the hello is whole or has come to `most` bytes. What is none, or says that it is
/// larger than TlsHello::kMost, is told so → Code::invalid.
Task<TlsHello> tls_read_hello(Stream& below [[clang::lifetimebound]], TlsHello begun, size_t most,
                              Context ctx);
/// Shakes hands as the server with a client that began with `hello`, which is whole; the stream is
/// plain to its user. TLS 1.2 and newer, ALPN http/1.1.
Task<std::unique_ptr<Stream>> tls_accept(std::shared_ptr<TlsContext> context,
                                         std::unique_ptr<Stream> below, TlsHello hello,
                                         Context ctx);
/// Shakes hands as a client and checks that the certificate is for `host` (name or IP address).
Task<std::unique_ptr<Stream>> tls_connect(std::shared_ptr<TlsContext> context,
                                          std::unique_ptr<Stream> below, std::string host,
                                          Context ctx);

}  // namespace forebay::io
