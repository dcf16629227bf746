// One accepted connection: reads heads, lets the handler answer, sends, and decides after each
// request whether there can be a next. Private to the server.
#pragma once

#include <memory>
#include <string>

#include "http/input.h"
#include "http/seat.h"
#include "http/send.h"

namespace forebay::http {

class Connection {
 public:
  /// `shared` and `seat` outlive it.
  Connection(ServerShared& shared, Seat& seat, std::unique_ptr<io::Stream> stream, bool secure);
  ~Connection();

  /// Serves until the connection has ended. ctx: the loop.
  Task<> run(Context ctx);

 private:
  class RequestBody;
  class UnprovenBody;
  enum class Next { request, close };

  Context cancellable(Context ctx) {
    return ctx.under(seat_.known() ? shared_.all : seat_.token());
  }
  Task<Next> read_head(Context ctx);
  Task<size_t> read_more(bool waiting, Time deadline, Context ctx);
  /// The leave that a large head needs, `whole` or on its way.
  Task<> take_leave(bool whole, Time deadline, Context ctx);
  /// The handler knows whose the body is.
  void end_unproven() {
    if (seat_.has_leave_of(shared_.unproven)) seat_.free_leave();
  }
  /// Somebody waits for a place, and this one may have become free.
  void offer_place(Time now);
  /// The leave ends with the memory.
  void settle_large() {
    if (!input_.grown()) seat_.free_leave();
  }
  /// Takes the head of `size` bytes apart.
  Fault open_request(size_t size, Context ctx);
  /// Gives its memory back; what was read and not used is lost.
  void drop_input();
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
  Seat& seat_;
  std::unique_ptr<io::Stream> stream_;
  Input input_;
  BodyReader reader_;
  std::unique_ptr<RequestBody> body_;
  std::unique_ptr<UnprovenBody> unproven_;
  HeadScanner scanner_;
  RequestHead head_;
  Request request_;
  RequestMeaning meaning_;
  uint64_t heads_ = 0;   // read so far
  bool linger_ = false;  // the client may still be sending: close so that it sees our answer
};

}  // namespace forebay::http
