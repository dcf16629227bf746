// An HTTP/1.1 client on one loop: sends requests over pooled keep-alive connections and gives back
// the head at once and the body as a source.
#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "http/counters.h"
#include "http/message.h"
#include "io/stream.h"
#include "io/tls.h"

namespace forebay::http {

class Pool;

/// The detail of an error: there was no connection to spare.
inline constexpr std::string_view kNoSpare = "NoSpare";

/// Whom to talk to.
struct Endpoint {
  bool secure = false;
  std::string host;  ///< a name or a numeric address (IPv6 without brackets)
  uint16_t port = 80;
  auto operator<=>(const Endpoint&) const = default;

  /// Reads "http://HOST[:PORT]" or "https://…", nothing after it but at most one '/'.
  static Result<Endpoint> parse(std::string_view url);
  /// What belongs into the Host field: the port only when it is not the scheme's own.
  std::string authority() const;
};

struct ClientRequest {
  std::string method = "GET";
  Endpoint endpoint;
  std::string target = "/";  ///< origin form, already percent-encoded
  /// Host is added when it is not here. Content-Length, Transfer-Encoding and Connection are the
  /// client's to write.
  HeadFields fields;
  io::Body body;  ///< kUnknownLength is sent chunked
  /// What answers it goes on to somebody who may read it as slowly as he likes, and keeps its
  /// connection as long.
  bool slow_reader = false;
  /// Nobody misses it: it is sent only while half of the endpoint's places are free, over an idle
  /// connection or a new one to where the last one went, so that no name is looked up, which no
  /// cancel ends. Else Code::busy, kNoSpare, nothing sent. It is not sent again.
  bool spare = false;
  bool expect_continue = false;  ///< wait for 100 Continue (bounded) before sending the body
};

/// A response whose head is complete. Views live as long as it does; it may be moved.
struct ClientResponse {
  int status = 0;
  std::vector<Header> headers;
  /// As stated by the server, also for HEAD and 304.
  std::optional<uint64_t> content_length;
  /// length is kUnknownLength when the server stated none. The source ends cleanly only when the
  /// framing did; an early end is Code::unavailable. At its clean end the connection goes back to
  /// the pool; destroyed before that, it closes. Null for HEAD, 204, 304 and empty bodies. It may
  /// outlive the response and the client.
  io::Body body;
  bool reused = false;           ///< came over a pooled connection
  std::unique_ptr<char[]> head;  ///< what the views point into

  std::optional<std::string_view> header(std::string_view name) const {
    return find(headers, name);
  }
};

struct ClientOptions {
  /// Per endpoint, idle ones included; further sends wait. Of these, uploads and slow readers have
  /// shares, so that some are left for what lasts only as long as the server likes. While others
  /// wait for a share's places, whoever is 5 s behind 16 KiB/s gives his back (http/share.h): an
  /// upload ends as Code::timeout, "RequestTimeout", a body that is read as Code::unavailable.
  size_t max_connections = 256;
  /// How long they wait: then Code::busy, "SlowDown", nothing sent.
  Duration place_patience = seconds(30);
  size_t max_idle = 64;  ///< kept per endpoint
  Duration idle_timeout = seconds(15);
  Duration connect_timeout = seconds(5);    ///< name, connect and handshake, over all addresses
  Duration progress_timeout = seconds(30);  ///< without any byte moved, either way
  Duration answer_timeout = seconds(60);    ///< from the whole request to a response's first byte
  Duration continue_timeout = seconds(1);   ///< then the body is sent without a 100
  size_t head_bytes = 64 << 10;
  /// An object may have 2 KiB of metadata, in fields of a few bytes.
  size_t head_fields = 1000;
  /// 256 KiB read buffers for response bodies; bodies beyond that many use 16 KiB ones.
  size_t large_buffers = 64;
  /// For secure endpoints; without it they are refused.
  std::shared_ptr<io::TlsContext> tls = nullptr;
};

/// One per loop, which must outlive it and its bodies; all members are for that loop's thread, but
/// counters().
class Client {
 public:
  Client(io::Loop& loop, ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// Sends and waits for the head. Any status is a success here; redirects are not followed.
  /// Not reached, reset or short → Code::unavailable; not HTTP → Code::corrupt; no progress →
  /// Code::timeout. An error of request.body's source comes back as it is, and the server sees a
  /// reset. A GET, HEAD or OPTIONS without a body is sent once more when a pooled connection had
  /// died before the first byte of an answer; nothing else is retried.
  [[clang::coro_wrapper]] Task<ClientResponse> send(ClientRequest request, Context ctx);

  /// Closes what is idle.
  void close_idle();
  const ClientCounters& counters() const;

 private:
  std::shared_ptr<Pool> pool_;  // bodies of responses hold it too
};

}  // namespace forebay::http
