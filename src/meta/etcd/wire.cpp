#include "meta/etcd/wire.h"

#include <algorithm>

#include "io/loop.h"
#include "meta/etcd/answer.h"

namespace forebay::meta {

namespace {

/// A request's body that tells whether any of it was asked for: before that no byte of the request
/// has left.
class ToldBody final : public io::Source {
 public:
  ToldBody(std::string_view text, bool& begun) : text_(text), begun_(begun) {}
  Task<io::Chunk> next(Context) override {
    begun_ = true;
    co_return Bytes(std::string(std::exchange(text_, {})));
  }

 private:
  std::string_view text_;
  bool& begun_;
};

Error overlong() {
  return fail(Code::too_large, "an answer over 8 MiB", std::string(EtcdWire::kOverlong));
}

Task<std::string> read_answer(io::Body body, Context ctx) {
  std::string out;
  while (body.source != nullptr) {
    io::Chunk chunk = co_await co_await body.source->next(ctx);
    std::string_view piece = as_text(std::get<Bytes>(chunk).view());
    if (piece.empty()) break;
    if (piece.size() > EtcdWire::kMaxAnswer - out.size()) co_return overlong();
    out += piece;
  }
  co_return out;
}

}  // namespace

EtcdWire::EtcdWire(EtcdOptions options) : options_(std::move(options)) {
  check(!options_.url.endpoints.empty(), "an etcd without endpoints");
}

Task<EtcdText> EtcdWire::attempt(size_t member, const EtcdCall& call, Fate& fate,
                                 Context ctx) const {
  bool begun = false;
  http::ClientRequest request;
  request.method = "POST";
  request.endpoint = options_.url.endpoints[member];
  request.target = call.path;
  request.body = {call.body.size(), std::make_unique<ToldBody>(call.body, begun)};
  request.fields.add("content-type", "application/json");
  // A member that has lost its leader ends the stream; it would say nothing for ever.
  if (call.stream) request.fields.add("grpc-metadata-hasleader", "true");
  Result<http::ClientResponse> response =
      co_await options_.client(*ctx.loop).send(std::move(request), ctx);
  fate = begun ? Fate::unknown : Fate::unsent;
  if (!response) co_return std::move(response.error());
  fate = Fate::unknown;
  int status = response->status;
  if (call.stream && status == 200) {
    fate = Fate::clear;
    co_return EtcdText{
        .endpoint = {}, .member = member, .text = {}, .body = std::move(response->body)};
  }
  Result<std::string> text = co_await read_answer(std::move(response->body), ctx);
  if (!text) {
    if (text.error().code() != Code::too_large) co_return std::move(text.error());
    if (status != 200) co_return text.error().as(Code::unavailable);
    fate = Fate::clear;
    co_return std::move(text.error());
  }
  if (status == 200) {
    fate = Fate::clear;
    co_return EtcdText{.endpoint = {}, .member = member, .text = std::move(*text)};
  }
  etcd::Fault fault = etcd::parse_fault(status, *text);
  if (!fault.open) fate = Fate::clear;
  co_return std::move(fault.error);
}

void EtcdWire::pass_over(size_t member) const {
  const size_t next = (member + 1) % options_.url.endpoints.size();
  member_.compare_exchange_strong(member, next, std::memory_order_relaxed);
}

Task<EtcdText> EtcdWire::send(EtcdCall call, Context ctx) const {
  const size_t members = options_.url.endpoints.size();
  const size_t first = member_.load(std::memory_order_relaxed);
  const Context whole = ctx.until(ctx.loop->now() + kPatience);
  Duration pause = kFirstPause;
  for (size_t tries = 0;; ++tries) {
    const size_t member = (first + tries) % members;
    const std::string name = "etcd http://" + options_.url.endpoints[member].authority();
    Context one = call.repeatable ? whole.until(ctx.loop->now() + kReadPatience) : whole;
    Fate fate = Fate::unsent;
    Result<EtcdText> text = co_await attempt(member, call, fate, one);
    if (fate == Fate::clear) member_.store(member, std::memory_order_relaxed);
    if (text) {
      text->endpoint = name;
      co_return text;
    }
    Error error = text.error_in(name);
    if (fate == Fate::clear) co_return error;
    if (fate == Fate::unknown && !call.repeatable) {
      // It may hang, or be cut off from the others.
      if (error.code() != Code::cancelled) pass_over(member);
      co_return error.as(Code::unavailable);
    }
    if (error.code() == Code::cancelled) co_return error;
    // All were asked: a leader may be chosen, or somebody start.
    Result<> slept = ok;
    if ((tries + 1) % members == 0) {
      slept = co_await io::sleep_until(ctx.loop->now() + pause, whole);
      pause = std::min(pause * 2, kLastPause);
    }
    if (slept && ctx.loop->now() < whole.deadline) continue;
    if (!slept && slept.error().code() == Code::cancelled) co_return std::move(slept.error());
    // What surely was not done is not an unknown outcome.
    co_return fail(call.repeatable ? Code::unavailable : Code::busy,
                   "none of " + options_.url.shown() + " answers; at last: " + error.text());
  }
}

}  // namespace forebay::meta
