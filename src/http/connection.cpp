#include "http/connection.h"

#include <algorithm>

namespace forebay::http {

namespace {

// Empty lines some clients send after a body (RFC 9112 section 2.2).
constexpr size_t kEmptyLines = 4;
// A client that always has the next request ready must not keep the loop for itself.
constexpr uint64_t kTurn = 32;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

void append_number(std::string& out, uint64_t number) { out.append(std::to_string(number)); }

}  // namespace

// The body of the request at hand, as the handler sees it.
class Connection::RequestBody final : public io::Source {
 public:
  explicit RequestBody(Connection& connection) : connection_(connection) {}

  void expect_continue(bool expected) { owed_ = expected; }
  /// The client still waits for 100 Continue.
  bool owed() const { return owed_; }

  [[clang::coro_wrapper]] Task<io::Chunk> next(Context ctx) override {
    connection_.end_unproven();
    return read(ctx);
  }
  /// The same, whoever sends it.
  Task<io::Chunk> read(Context ctx) {
    if (owed_) {
      owed_ = false;
      std::string line(kContinue);
      Sending sending;
      Result<> sent = co_await send_message(*connection_.stream_, line, nullptr, false,
                                            connection_.shared_.options.send_timeout, sending, ctx);
      connection_.shared_.counters.bytes_out.add(sending.moved);
      co_await std::move(sent);
    }
    ByteView bytes = co_await co_await connection_.reader_.next(ctx);
    co_return Bytes(nullptr, bytes);
  }

 private:
  Connection& connection_;
  bool owed_ = false;
};

// The same, while nobody knows whose it is.
class Connection::UnprovenBody final : public io::Source {
 public:
  explicit UnprovenBody(Connection& connection) : connection_(connection) {}

  Task<io::Chunk> next(Context ctx) override {
    Connection& of = connection_;
    Time end = of.request_.received + of.shared_.options.refusal_timeout;
    of.seat_.set_handled(false);
    of.offer_place(ctx.loop->now());
    Result<io::Chunk> chunk = co_await read(of.cancellable(ctx).until(end));
    of.seat_.set_handled(true);
    bool late = !chunk && chunk.error().code() == Code::timeout;
    if (late) of.shared_.counters.timeouts.add();
    if (late) co_return chunk.error().as(Code::timeout, "RequestTimeout");
    co_return chunk;
  }

 private:
  // A handler keeps what it gets: what is more than usual waits in the socket for its turn.
  Task<io::Chunk> read(Context ctx) {
    Connection& of = connection_;
    uint64_t given = of.reader_.given();
    if (given >= kUsualHead && !of.seat_.has_leave()) {
      co_await co_await of.shared_.unproven.take(of.seat_, ctx);
    }
    of.reader_.limit(of.seat_.has_leave() ? BodyReader::kNoLimit : kUsualHead - given);
    of.reader_.spare_body(true);
    Result<io::Chunk> chunk = co_await of.body_->read(ctx);
    of.reader_.spare_body(false);
    of.reader_.limit(BodyReader::kNoLimit);
    co_return chunk;
  }

  Connection& connection_;
};

Connection::Connection(ServerShared& shared, Seat& seat, std::unique_ptr<io::Stream> stream,
                       bool secure)
    : shared_(shared),
      seat_(seat),
      stream_(std::move(stream)),
      input_(shared.buffers),
      reader_(*stream_, input_, BodyReader::Side::request, shared.options.body_timeout,
              shared.counters.bytes_in),
      body_(std::make_unique<RequestBody>(*this)),
      unproven_(std::make_unique<UnprovenBody>(*this)),
      scanner_({shared.options.head_bytes, shared.options.head_fields}) {
  request_.secure = secure;
  request_.peer = stream_->peer();
  request_.source = body_.get();
  request_.unproven = unproven_.get();
}

Connection::~Connection() = default;

Task<> Connection::run(Context ctx) {
  while (true) {
    Result<Next> next = co_await read_head(ctx);
    if (!next || *next == Next::close) break;
    Result<bool> keep = co_await exchange(ctx);
    if (!keep || !*keep) break;
    bool pipelined = !input_.unread().empty();
    if (pipelined || heads_ % kTurn == 0) {
      Result<> yielded = co_await io::yield(cancellable(ctx));
      if (!yielded) break;
    }
  }
  if (linger_) {
    Result<> lingered = co_await linger(ctx);
    if (!lingered) co_return ok;  // whatever it was, the connection ends here
  }
  co_return ok;
}

Task<size_t> Connection::read_more(bool waiting, Time deadline, Context ctx) {
  Context wait = ctx.until(deadline);
  if (waiting) {
    if (shared_.draining) co_return fail(Code::cancelled, "draining");
    seat_.begin_wait(ctx.loop->now());
    offer_place(ctx.loop->now());
    wait = wait.under(seat_.token());
  } else {
    wait = cancellable(wait);
  }
  // What is more than usual waits in the socket until there is leave to hold it.
  size_t most = seat_.has_leave() ? shared_.options.head_bytes + 16 : kUsualHead;
  Result<size_t> count = co_await HeadRead(*stream_, input_, most, wait);
  if (waiting) seat_.end_wait();
  if (waiting && count && *count > 0) seat_.forget(ctx.loop->now());
  if (count) shared_.counters.bytes_in.add(*count);
  co_return count;
}

void Connection::offer_place(Time now) {
  if (shared_.crowded && shared_.make_room(now)) shared_.crowded = false;
}

Task<> Connection::take_leave(bool whole, Time deadline, Context ctx) {
  Leaves& leaves = whole ? shared_.answered : shared_.heads;
  if (whole ? seat_.has_leave_of(leaves) : seat_.has_leave()) co_return ok;
  co_return co_await leaves.take(seat_, cancellable(ctx).until(deadline));
}

Task<Connection::Next> Connection::read_head(Context ctx) {
  input_.begin();
  settle_large();
  scanner_.reset();
  const ServerOptions& options = shared_.options;
  Time now = ctx.loop->now();
  Time deadline = now + (heads_ == 0 ? options.head_timeout : options.idle_timeout);
  bool waiting = input_.unread().empty();
  if (!waiting) {
    deadline = now + options.head_timeout;
    seat_.forget(now);
  }
  bool begun = false;  // its first byte has just come: what is missing has a head's time
  size_t empty_lines = 0;
  while (true) {
    while (empty_lines < kEmptyLines && input_.unread().starts_with("\r\n")) {
      input_.consume(2);
      ++empty_lines;
      scanner_.reset();
    }
    HeadScanner::Found found = scanner_.scan(input_.unread());
    if (!found.fault && found.size > 0) found.fault = open_request(found.size, ctx);
    bool stopped = found.size == 0 && input_.unread().size() >= kUsualHead;
    if (!stopped) settle_large();
    if (!found.fault && (stopped || input_.grown())) {
      Result<> taken = co_await take_leave(found.size > 0, deadline, ctx);
      if (!taken && taken.error().code() == Code::cancelled) co_return Next::close;
      if (!taken) found.fault = {503, "too many requests with large heads"};
    }
    if (found.fault) {
      shared_.counters.parse_errors.add();
      Result<> refused = co_await refuse(found.fault, ctx);
      co_return Next::close;
    }
    if (found.size > 0) {
      ++heads_;
      co_return Next::request;
    }

    if (begun) deadline = ctx.loop->now() + options.head_timeout;
    Result<size_t> count = co_await read_more(waiting, deadline, ctx);
    if (!count && count.error().code() == Code::timeout && !waiting) {
      shared_.counters.timeouts.add();
      Result<> refused = co_await refuse({408, "the head did not arrive in time"}, ctx);
    }
    if (!count || *count == 0) co_return Next::close;
    begun = waiting && heads_ > 0;
    waiting = false;
  }
}

Fault Connection::open_request(size_t size, Context ctx) {
  std::string_view bytes = input_.unread().substr(0, size);
  if (Fault fault = parse(bytes, head_)) return fault;
  if (Fault fault = interpret(head_, request_, meaning_)) return fault;
  input_.consume(size);
  reader_.start(meaning_.framing, request_.content_length.value_or(0));
  body_->expect_continue(request_.expect_continue);
  request_.received = ctx.loop->now();
  return {};
}

void Connection::drop_input() {
  input_.consume(input_.unread().size());
  input_.begin();
  settle_large();
}

Task<> Connection::refuse(Fault fault, Context ctx) {
  linger_ = true;
  drop_input();
  Response response = shared_.handler.reject(fault.status, fault.reason);
  std::string out = shared_.take_scratch();
  render_head(response, false, false, out, *ctx.loop);
  Sending sending;
  bool body = response.body.length > 0 && response.body.length != kUnknownLength;
  Context limited = cancellable(ctx).until(ctx.loop->now() + shared_.options.refusal_timeout);
  Result<> sent = co_await send_message(*stream_, out, body ? &response.body : nullptr, false,
                                        shared_.options.send_timeout, sending, limited);
  shared_.counters.bytes_out.add(sending.moved);
  shared_.give_scratch(std::move(out));
  co_return sent;
}

Task<Response> Connection::answer(Context ctx) {
  Context own = ctx.under(shared_.all);
  own.trace = ctx.loop->random();
  Result<Response> response = co_await shared_.handler.handle(request_, own);
  if (response && response->status >= 200) co_return response;
  bool cancelled = !response && response.error().code() == Code::cancelled;
  co_return shared_.handler.reject(cancelled ? 503 : 500, "the request failed");
}

Task<bool> Connection::exchange(Context ctx) {
  shared_.counters.requests.add();
  shared_.counters.in_flight.add();
  seat_.set_handled(true);
  Result<Response> made = co_await answer(ctx);
  seat_.set_handled(false);
  Response response = co_await std::move(made);  // answer() always has one
  if (!response.stranger) seat_.admit();
  bool keep = can_keep(response);
  if (response.stranger) response.within = shared_.options.refusal_timeout;
  Context limited = response.within ? ctx.until(ctx.loop->now() + *response.within) : ctx;
  Result<> delivered = co_await deliver(response, keep, limited);
  shared_.counters.in_flight.subtract();
  if (!delivered) co_return false;
  if (!keep) {
    linger_ = meaning_.keep_alive || !reader_.done();
    co_return false;
  }
  if (reader_.done()) co_return true;
  Time now = ctx.loop->now();
  seat_.forget(now);
  Result<bool> dropped = co_await drop_body(ctx.until(now + shared_.options.refusal_timeout));
  if (dropped && *dropped) {
    if (!response.stranger) seat_.admit();
    co_return true;
  }
  if (!dropped && dropped.error().code() == Code::timeout) shared_.counters.timeouts.add();
  linger_ = true;
  co_return false;
}

bool Connection::can_keep(const Response& response) const {
  if (!meaning_.keep_alive || response.close || shared_.draining) return false;
  if (request_.version < 11 && response.body.length == kUnknownLength) return false;
  if (reader_.done()) return true;
  // A client that was not told to go on may send its body or not: the next byte is ambiguous.
  if (body_->owed() || reader_.failed()) return false;
  return reader_.left() <= shared_.options.drain_bytes;
}

void Connection::render_head(const Response& response, bool keep, bool chunked, std::string& out,
                             io::Loop& loop) {
  out.clear();
  out.reserve(1024);
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<uint64_t>(response.status));
  out.append(" ").append(reason_phrase(response.status)).append("\r\n");
  out.append(shared_.date_line(loop)).append(response.fields.text());
  bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless && chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (!bodiless && response.body.length != kUnknownLength) {
    out.append("Content-Length: ");
    append_number(out, response.body.length);
    out.append("\r\n");
  }
  if (!keep) {
    out.append("Connection: close\r\n");
  } else if (request_.version < 11) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

Task<> Connection::deliver(Response& response, bool keep, Context ctx) {
  bool chunked = response.body.length == kUnknownLength && request_.version >= 11;
  bool bodiless = request_.method == "HEAD" || response.status == 204 || response.status == 304;
  std::string out = shared_.take_scratch();
  render_head(response, keep, chunked, out, *ctx.loop);
  size_t head_size = out.size();
  Sending sending;
  Result<> sent = co_await send_message(*stream_, out, bodiless ? nullptr : &response.body, chunked,
                                        shared_.options.send_timeout, sending, cancellable(ctx));
  shared_.give_scratch(std::move(out));
  shared_.counters.bytes_out.add(sending.moved);
  Outcome outcome{.bytes_sent = sending.moved - std::min<uint64_t>(sending.moved, head_size),
                  .bytes_received = reader_.given(),
                  .duration = ctx.loop->now() - request_.received};
  if (!sent) {
    // The client must not take what it has for the whole.
    stream_->reset_on_close();
    if (sending.source_failed) shared_.counters.broken_bodies.add();
    if (sent.error().code() == Code::timeout) shared_.counters.timeouts.add();
    outcome.error = sent.error();
    outcome.source_failed = sending.source_failed;
  }
  shared_.handler.finished(request_, response, outcome);
  co_return sent;
}

Task<bool> Connection::drop_body(Context ctx) {
  uint64_t dropped = 0;
  reader_.spare_memory();
  while (!reader_.done()) {
    if (dropped > shared_.options.drain_bytes) co_return false;
    if (input_.unread().empty()) {
      input_.rest();
      settle_large();
      offer_place(ctx.loop->now());
    }
    ByteView bytes = co_await co_await reader_.next(cancellable(ctx));
    dropped += bytes.size();
  }
  co_return true;
}

Task<> Connection::linger(Context ctx) {
  stream_->shutdown_write();
  Context wait = cancellable(ctx).until(ctx.loop->now() + shared_.options.linger);
  drop_input();
  while (true) {
    // Whatever comes is dropped: its framing is unknown or of no interest.
    size_t count = co_await co_await io::Read(*stream_, shared_.dropped, wait);
    if (count == 0) co_return ok;
    shared_.counters.bytes_in.add(count);
    // Who sends faster than it is dropped must not keep the loop for himself.
    co_await co_await io::yield(wait);
  }
}

}  // namespace forebay::http
