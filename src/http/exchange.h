// One request and its response over one connection. Private to the client.
#pragma once

#include <memory>
#include <string>

#include "http/pool.h"
#include "http/send.h"

namespace forebay::http {

/// Used once. `link` is moved into the response's body, back into the pool, or closed.
class Exchange {
 public:
  /// `request` outlives run(); its body is consumed.
  Exchange(Pool& pool, std::unique_ptr<Link> link, ClientRequest& request)
      : pool_(pool),
        link_(std::move(link)),
        request_(request),
        upload_(request.body.source != nullptr),
        scanner_({pool.options.head_bytes, pool.options.head_fields}) {}

  Task<ClientResponse> run(Context ctx);
  /// Whether any byte of a response came.
  bool heard() const { return heard_; }

 private:
  /// Puts the request's head into out_.
  void render_head();
  /// The usual request is a small head, which the socket takes at once: false when more is to do.
  bool send_at_once();
  /// Sends what is left of the request. True when a final response came instead of 100 Continue.
  Task<bool> send_request(Context ctx);
  Task<> send_part(std::string out, io::Body* body, Context ctx);
  /// Reads a final head into head_, past any 1xx but the first when `stop_at_continue`.
  Task<> read_head(bool stop_at_continue, Duration patience, Context ctx);
  Result<> open_head(size_t size);
  /// A response that came although the request could not be sent whole.
  Task<bool> early_answer(Context ctx);
  Result<ClientResponse> finish(bool whole, Time now);
  io::Body take_body(Framing framing, uint64_t length, bool keep, Time now);

  Pool& pool_;
  std::unique_ptr<Link> link_;
  ClientRequest& request_;
  const bool upload_;
  std::string out_;  // what is to be sent
  HeadScanner scanner_;
  ResponseHead head_;
  std::unique_ptr<char[]> text_;  // what head_ points into
  bool heard_ = false;
  bool source_failed_ = false;
};

}  // namespace forebay::http
