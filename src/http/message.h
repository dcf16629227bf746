// What HTTP/1.1 says, as values: a request as a handler sees it, and the response it gives back.
// Both sides of a socket share the header list, the field lines and the sentinel for a length that
// nobody stated.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/header.h"
#include "base/time.h"
#include "io/body.h"
#include "io/loop.h"

namespace forebay::http {

/// Stands in io::Body::length for a body whose length is not known before its end. Sent with
/// chunked framing; received from chunked responses and from those that end with the connection.
inline constexpr uint64_t kUnknownLength = std::numeric_limits<uint64_t>::max();

using forebay::Header;

/// Whether two field names, methods or tokens are equal without regard to ASCII case.
bool same_name(std::string_view a, std::string_view b);

/// The first field called `name` (any case).
std::optional<std::string_view> find(std::span<const Header> headers, std::string_view name);

/// One request while it is handled. Everything it shows points into its connection's buffer and
/// ends when Handler::finished() returns. Belongs to its connection's loop. A plain struct, so that
/// tests of a gateway can make one without a socket.
struct Request {
  std::string_view method;  ///< as received; methods are case-sensitive
  std::string_view target;  ///< the whole request target
  std::string_view path;    ///< raw: begins with '/', still percent-encoded ("*" for OPTIONS *)
  std::string_view query;   ///< raw, after the first '?'; may be empty
  std::string_view
      authority;     ///< the Host field, which an absolute target must equal; may be empty
  int version = 11;  ///< 10 or 11
  std::span<const Header> headers;
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool expect_continue = false;  ///< the client waits for 100 Continue before it sends the body
  bool secure = false;           ///< came through TLS
  io::Address peer;
  Time received;                   ///< when its head was complete
  io::Source* source = nullptr;    ///< use body()
  io::Source* unproven = nullptr;  ///< use unproven_body()

  std::optional<std::string_view> header(std::string_view name) const {
    return find(headers, name);
  }
  /// Whether a body follows the head.
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }

  /// The body's bytes, unframed. Pulling the first chunk sends 100 Continue when it is expected.
  /// Chunks point into the connection's read buffer. A client that ends early is Code::invalid,
  /// detail "IncompleteBody"; broken chunk framing is Code::invalid, "InvalidRequest"; one that
  /// stalls is Code::timeout, "RequestTimeout". What is not read is drained or the connection
  /// closes.
  io::Source& body() { return *source; }
  /// The same bytes, for a handler that reads them to see whether their sender may ask anything
  /// here. While it waits for them the connection is a stranger's as before its head was whole: all
  /// of them have ServerOptions::refusal_timeout from `received` on, and it may have to make room:
  /// Code::cancelled. Beyond kUsualHead they are given to so many at a time
  /// (ServerOptions::unproven); the others wait, who stops is sent away for them. body() goes on
  /// where this has come to, and means that the sender is known.
  io::Source& unproven_body() { return unproven != nullptr ? *unproven : *source; }
  /// The same as a value: length (kUnknownLength when chunked) and a source that forwards to
  /// body(). Must not outlive the request.
  io::Body take_body();
};

/// Field lines, rendered as they are added: "Name: value\r\n"….
class HeadFields {
 public:
  HeadFields() = default;

  /// Adds a field. Control characters in the value become spaces, so that no value can end the
  /// line; a name that is not a token (RFC 9110 section 5.6.2) drops the field.
  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, uint64_t value);
  /// The first field called `name` (any case).
  std::optional<std::string_view> find(std::string_view name) const;
  /// All fields; the views end with the next change.
  std::vector<Header> list() const;
  /// The lines, without the empty one at the end.
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  void clear() { text_.clear(); }

 private:
  std::string text_;
};

/// Whatever a handler wants to find again in finished(): operation, cache result, timings.
class Note {
 public:
  virtual ~Note() = default;
};

/// The answer to one request. Date, Content-Length, Transfer-Encoding and Connection are the
/// server's to write: fields must not contain them.
struct Response {
  int status = 200;
  HeadFields fields;
  /// Content-Length is body.length, also for HEAD, where the source is not used and may be null.
  /// kUnknownLength is sent chunked (to HTTP/1.0: until the connection ends). 204 and 304 carry
  /// neither body nor length.
  io::Body body;
  bool close = false;  ///< end the connection after this response
  /// The request has not shown that its sender may ask anything here. All that follows is bounded
  /// in time, and until a request shows it the connection is among the first that make room.
  bool stranger = false;
  /// The time it may take in all, however its reader reads: what it holds is scarce. Nothing: as
  /// long as some of it is taken now and then.
  std::optional<Duration> within;
  std::unique_ptr<Note> note;

  static Response make(int status) {
    Response response;
    response.status = status;
    return response;
  }
  /// A whole text in memory.
  static Response text(int status, std::string_view content_type, std::string body);
};

/// The registered reason phrase; "Unknown" for codes without one.
std::string_view reason_phrase(int status);

}  // namespace forebay::http
