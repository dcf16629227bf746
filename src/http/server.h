// An HTTP/1.1 server on one loop: accepts, reads heads within limits, hands requests to a Handler,
// sends what comes back (sendfile for file slices), and winds down on request. Requests of one
// connection are answered in order, one at a time.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/task.h"
#include "http/counters.h"
#include "http/message.h"
#include "io/stream.h"
#include "io/tls.h"

namespace forebay::http {

/// How a request ended.
struct Outcome {
  uint64_t bytes_sent = 0;      ///< of the response's body
  uint64_t bytes_received = 0;  ///< of the request's body, as the handler took them
  Duration duration;            ///< from the complete head to the last byte taken by the kernel
  std::optional<Error> error = std::nullopt;  ///< why the response did not go out whole
  bool source_failed = false;  ///< then: its body is to blame, not who should take it
};

/// What a server serves. Used by the server's loop only; give each loop its own or make it safe.
class Handler {
 public:
  virtual ~Handler() = default;

  /// Answers `request`, which lives until finished() returns; so does what response.body refers to
  /// in it. ctx: the server's loop, cancelled when a drain runs out of time, and a fresh trace id;
  /// its deadline is the handler's to set. An error becomes reject(500, …).
  virtual Task<Response> handle(Request& request, Context ctx) = 0;

  /// The answer to what is not a request (400, 408, 414, 431, 501, 503, 505) or failed without a
  /// response (500). The connection closes after it, but for 500. `reason` is a short English
  /// phrase.
  virtual Response reject(int status, std::string_view reason);

  /// After the last byte was sent, or the attempt failed. Must not block.
  virtual void finished(const Request& request, const Response& response, const Outcome& outcome) {
    (void)request, (void)response, (void)outcome;
  }
};

/// What nearly all heads fit into, in bytes.
inline constexpr size_t kUsualHead = 4 << 10;

/// Limits of one server. Memory in the worst case: kSmallBuffer (16 KiB) for each connection whose
/// request is being answered, kUsualHead for each that stops in its head or its TLS hello, none for
/// those that are idle or whose refused body is awaited; (2 × large_heads + handshakes) ×
/// (head_bytes + 16 KiB) and large_buffers × 256 KiB for all together. With TLS 16 KiB more for
/// each that has shaken hands, and as much again while a record of its client's is on its way.
struct ServerOptions {
  /// Connections at once. At the limit the oldest stranger (Response::stranger) makes room if it is
  /// a second old or strangers have more than an eighth of the places; else the longest idle
  /// connection; else the oldest stranger of any age. Whose request is with the handler is left
  /// alone; when nobody can make room, accepting pauses.
  uint64_t max_connections = 16384;
  size_t head_bytes = 32 << 10;  ///< request line and fields; more → 431 (or 414)
  /// Heads beyond kUsualHead that are not complete, all connections together, and as many complete
  /// ones beyond 16 KiB, until their memory is given back. One more waits in line; while it does,
  /// the stranger who got its leave first goes, if it has had its time (Leaves::For) and is not
  /// with the handler. Who is known keeps a complete head until it is answered: one more → 503 when
  /// all are with such, or with the handler, and nobody is in line.
  size_t large_heads = 4096;
  size_t handshakes = 4096;  ///< from the client's TLS hello on; one more waits likewise
  /// Bodies beyond kUsualHead that a handler is given and holds before it knows whose they are
  /// (Request::unproven_body()); one more waits likewise.
  size_t unproven = 4096;
  size_t head_fields = 100;             ///< more → 431
  Duration head_timeout = seconds(20);  ///< from connect, or from a head's first byte, to its end
  Duration idle_timeout = seconds(75);  ///< between requests
  Duration body_timeout = seconds(30);  ///< without any byte of a request body
  Duration send_timeout = seconds(60);  ///< without any byte taken of a response
  /// An answer to a stranger, and what comes of a body that nobody reads: each in all.
  Duration refusal_timeout = seconds(10);
  /// An unread request body up to this is read and dropped to keep the connection.
  uint64_t drain_bytes = 256 << 10;
  /// A connection closed over unread bytes goes on reading this long, so that the client gets to
  /// see the response instead of a reset.
  Duration linger = seconds(2);
  /// 256 KiB read buffers for request bodies; bodies beyond that many use 16 KiB ones.
  size_t large_buffers = 64;
  /// With it every connection begins with a TLS handshake, and requests are marked secure.
  std::shared_ptr<io::TlsContext> tls = nullptr;
};

/// One listener on one loop. All members are for that loop's thread, but counters().
class Server {
 public:
  /// `handler` must outlive run().
  Server(std::unique_ptr<io::Listener> listener, Handler& handler, ServerOptions options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Serves until drain() or a cancel of ctx; every connection has ended when it returns. Once.
  [[clang::coro_wrapper]] Task<> run(Context ctx);

  /// Stops accepting, closes idle connections, lets requests in flight finish; those that have not
  /// by `deadline` are cancelled. Returns when all have ended. At any time, also before run().
  [[clang::coro_wrapper]] Task<> drain(Time deadline, Context ctx);

  io::Address address() const;
  const ServerCounters& counters() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace forebay::http
