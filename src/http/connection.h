// One accepted connection: reads heads, lets the handler answer, sends, and decides after each
// request whether there can be a next. Private to the server.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>
#include <vector>

#include "http/input.h"
#include "http/send.h"
#include "http/server.h"

namespace forebay::http {

/// A connection as the server sees it while it waits for a next request.
class Idler : public boost::intrusive::list_base_hook<> {
 public:
  /// Ends the wait. False when that was asked before.
  bool close_idle() {
    if (idle_token_.cancelled()) return false;
    idle_token_.cancel();
    return true;
  }

 protected:
  CancelToken idle_token_;
};

/// What the connections of one server share.
struct ServerShared {
  ServerShared(Handler& the_handler, ServerOptions the_options)
      : handler(the_handler), options(std::move(the_options)), buffers(options.large_buffers) {}

  /// The Date field's line; rendered once a second.
  const std::string& date_line(io::Loop& loop);
  /// Scratch strings, so that idle connections hold none.
  std::string take_scratch();
  void give_scratch(std::string text);

  Handler& handler;
  ServerOptions options;
  BufferPool buffers;
  ServerCounters counters;
  CancelToken all;        ///< a drain out of time, or a cancel of run()
  bool crowded = false;   ///< a new connection waits for a place: who turns idle makes room
  bool draining = false;  ///< no further request on any connection
  boost::intrusive::list<Idler> idle;  ///< waiting for a first byte, longest first

 private:
  int64_t date_second_ = -1;
  std::string date_;
  std::vector<std::string> scratch_;
};

class Connection : public Idler {
 public:
  Connection(ServerShared& shared, std::unique_ptr<io::Stream> stream, bool secure);
  ~Connection();

  /// Serves until the connection has ended. ctx: the loop.
  Task<> run(Context ctx);

 private:
  class RequestBody;
  enum class Next { request, close };

  Context cancellable(Context ctx) { return ctx.under(shared_.all); }
  Task<Next> read_head(Context ctx);
  Task<size_t> read_more(bool waiting, Time deadline, Context ctx);
  /// Takes the head of `size` bytes apart.
  Fault open_request(size_t size, Context ctx);
  Task<> refuse(Fault fault, Context ctx);
  /// Handles the request; whether the connection goes on.
  Task<bool> exchange(Context ctx);
  Task<Response> answer(Context ctx);
  /// Sends `response` and reports it.
  Task<> deliver(Response& response, bool keep, Context ctx);
  bool can_keep(const Response& response) const;
  void render_head(const Response& response, bool keep, bool chunked, std::string& out,
                   io::Loop& loop);
  /// Reads and drops what is left of the request's body; whether all of it came.
  Task<bool> drop_body(Context ctx);
  Task<> linger(Context ctx);

  ServerShared& shared_;
  std::unique_ptr<io::Stream> stream_;
  Input input_;
  BodyReader reader_;
  std::unique_ptr<RequestBody> body_;
  HeadScanner scanner_;
  RequestHead head_;
  Request request_;
  RequestMeaning meaning_;
  uint64_t served_ = 0;
  bool linger_ = false;  // the client may still be sending: close so that it sees our answer
};

}  // namespace forebay::http
