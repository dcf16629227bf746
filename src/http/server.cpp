#include "http/server.h"

#include "base/check.h"
#include "http/connection.h"
#include "io/sync.h"

namespace forebay::http {

namespace {

// Out of descriptors: wait for one to come free rather than spin.
constexpr Duration kAcceptPause = milliseconds(50);
// How often a newcomer without a place looks for one that somebody does not use.
constexpr Duration kLookAgain = seconds(1);

}  // namespace

Response Handler::reject(int status, std::string_view reason) {
  return Response::text(status, "text/plain", std::string(reason) + "\n");
}

class Server::State final : private CancelListener {
 public:
  State(std::unique_ptr<io::Listener> listener, Handler& handler, ServerOptions options)
      : shared(handler, std::move(options)),
        listener_(std::move(listener)),
        address_(listener_->address()),
        places_(shared.options.max_connections) {
    shared.counters.places.add(shared.options.max_connections);
  }

  Task<> run(Context ctx);
  Task<> drain(Time deadline, Context ctx);
  const io::Address& address() const { return address_; }

  ServerShared shared;

 private:
  void on_cancel() override {
    begin_drain();
    cancel_all();
  }
  void cancel_all() {
    shared.all.cancel();
    for (Seat& seat : shared.strangers) seat.evict();
  }
  void begin_drain();
  Task<> accept_loop(io::Group& group, Context ctx);
  Task<io::Semaphore::Permit> take_place(Context ctx);
  Task<> serve(std::unique_ptr<io::Stream> stream, io::Semaphore::Permit place, Context ctx);
  Task<std::unique_ptr<io::Stream>> secured(std::unique_ptr<io::Stream> stream, Seat& seat,
                                            Context ctx);

  std::unique_ptr<io::Listener> listener_;
  io::Address address_;
  io::Semaphore places_;
  CancelToken accepting_;
  io::Event ended_;
  bool started_ = false;
};

Task<> Server::State::run(Context ctx) {
  check(!started_, "a server runs twice");
  started_ = true;
  if (ctx.cancel != nullptr && ctx.cancel->cancelled()) on_cancel();
  if (ctx.cancel != nullptr) ctx.cancel->add(*this);
  // Connections have deadlines of their own; the caller's ends the accepting.
  Context own{.loop = ctx.loop, .deadline = kNever, .cancel = nullptr, .trace = ctx.trace};
  io::Group group(own);
  Result<> accepted = co_await accept_loop(group, own.until(ctx.deadline));
  listener_.reset();
  if (!shared.draining) on_cancel();  // out of time
  Result<> joined = co_await group.join();
  CancelToken::remove(*this);
  ended_.set();
  co_await std::move(joined);
  co_return ok;
}

void Server::State::begin_drain() {
  shared.draining = true;
  accepting_.cancel();
  for (Seat& seat : shared.idle) seat.evict();
  for (Seat& seat : shared.strangers) {
    if (seat.waiting()) seat.evict();
  }
}

Task<> Server::State::drain(Time deadline, Context ctx) {
  begin_drain();
  if (!started_) co_return ok;
  Result<> ended = co_await ended_.wait(ctx.until(deadline));
  if (ended) co_return ok;
  cancel_all();
  co_await co_await ended_.wait({.loop = ctx.loop});
  co_return std::move(ended.error());
}

Task<io::Semaphore::Permit> Server::State::take_place(Context ctx) {
  std::optional<io::Semaphore::Permit> place = places_.try_acquire(1);
  if (place) co_return std::move(*place);
  while (true) {
    Time now = ctx.loop->now();
    shared.crowded = !shared.make_room(now);
    Result<io::Semaphore::Permit> waited = co_await places_.acquire(1, ctx.until(now + kLookAgain));
    shared.crowded = false;
    bool again =
        !waited && waited.error().code() == Code::timeout && now + kLookAgain < ctx.deadline;
    if (!again) co_return waited;
  }
}

Task<> Server::State::accept_loop(io::Group& group, Context ctx) {
  Context accepting = ctx.under(accepting_);
  Context serving{.loop = ctx.loop, .deadline = kNever, .cancel = nullptr, .trace = ctx.trace};
  while (!shared.draining) {
    Result<std::unique_ptr<io::Stream>> stream = co_await io::accept(*listener_, accepting);
    if (stream) {
      // At the limit the newcomer waits here, and behind it whoever else calls.
      io::Semaphore::Permit place = co_await co_await take_place(accepting);
      shared.counters.accepted.add();
      group.spawn(serve(std::move(*stream), std::move(place), serving));
      continue;
    }
    Code code = stream.error().code();
    if (code == Code::cancelled || code == Code::timeout) break;
    if (code == Code::busy) shared.make_room(ctx.loop->now());
    co_await co_await io::sleep_until(ctx.loop->now() + kAcceptPause, accepting);
  }
  co_return ok;
}

Task<std::unique_ptr<io::Stream>> Server::State::secured(std::unique_ptr<io::Stream> stream,
                                                         Seat& seat, Context ctx) {
  if (!shared.options.tls) co_return stream;
  Context limited = ctx.until(ctx.loop->now() + shared.options.head_timeout).under(seat.token());
  io::TlsHello hello = co_await co_await io::tls_read_hello(*stream, {}, kUsualHead, limited);
  co_await co_await shared.handshakes.take(seat, limited);
  if (!hello.whole) {
    hello = co_await co_await io::tls_read_hello(*stream, std::move(hello), io::TlsHello::kMost,
                                                 limited);
  }
  auto ready =
      co_await io::tls_accept(shared.options.tls, std::move(stream), std::move(hello), limited);
  seat.free_leave();
  co_return ready;
}

Task<> Server::State::serve(std::unique_ptr<io::Stream> stream, io::Semaphore::Permit place,
                            Context ctx) {
  io::Semaphore::Permit held = std::move(place);
  shared.counters.open.add();
  Seat seat(shared, ctx.loop->now());
  Result<std::unique_ptr<io::Stream>> ready = co_await secured(std::move(stream), seat, ctx);
  if (ready) {
    Connection connection(shared, seat, std::move(*ready), shared.options.tls != nullptr);
    Result<> ended = co_await connection.run(ctx);
    check(ended.has_value(), "a connection ends with an error");
  }
  shared.counters.open.subtract();
  co_return ok;
}

Server::Server(std::unique_ptr<io::Listener> listener, Handler& handler, ServerOptions options)
    : state_(std::make_unique<State>(std::move(listener), handler, std::move(options))) {}
Server::~Server() = default;

Task<> Server::run(Context ctx) { return state_->run(ctx); }
Task<> Server::drain(Time deadline, Context ctx) { return state_->drain(deadline, ctx); }
io::Address Server::address() const { return state_->address(); }
const ServerCounters& Server::counters() const { return state_->shared.counters; }

}  // namespace forebay::http
