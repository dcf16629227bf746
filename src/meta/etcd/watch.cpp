#include "meta/etcd/watch.h"

#include <utility>

#include "io/loop.h"

namespace forebay::meta {

namespace {

constexpr std::string_view kWatch = "/v3/watch";
/// Before who broke off is asked again.
constexpr Duration kPause = milliseconds(100);

}  // namespace

EtcdWatch::EtcdWatch(const EtcdWire& wire, Range range, uint64_t after)
    : wire_(wire), ask_(etcd::within(wire.url().prefix, range)), after_(after) {}

Task<> EtcdWatch::open(Context ctx) {
  EtcdText said = co_await co_await wire_.send({.path = kWatch,
                                                .body = etcd::watch_request(ask_, after_ + 1),
                                                .repeatable = true,
                                                .stream = true},
                                               ctx);
  endpoint_ = std::move(said.endpoint);
  member_ = said.member;
  body_ = std::move(said.body);
  read_.clear();
  co_return ok;
}

Task<std::string> EtcdWatch::read_line(Context ctx) {
  for (size_t looked = 0;;) {
    size_t end = read_.find('\n', looked);
    if (end != std::string::npos) {
      std::string line = read_.substr(0, end);
      read_.erase(0, end + 1);
      co_return line;
    }
    looked = read_.size();
    io::Chunk chunk = co_await co_await body_.source->next(ctx);
    std::string_view piece = as_text(std::get<Bytes>(chunk).view());
    if (piece.empty()) co_return fail(Code::unavailable, "the watch has ended");
    if (piece.size() > EtcdWire::kMaxAnswer - read_.size()) {
      co_return fail(Code::corrupt, "an event over 8 MiB");
    }
    read_ += piece;
  }
}

Task<std::vector<Event>> EtcdWatch::next(Context ctx) {
  while (true) {
    if (body_.source == nullptr) co_await co_await open(ctx);
    const Time silent = ctx.loop->now() + kSilence;
    Result<std::string> line = co_await read_line(ctx.until(silent));
    Result<etcd::WatchAnswer> answer =
        line ? etcd::parse_watch(*line, wire_.url().prefix, ask_, after_) : std::move(line.error());
    if (answer) {
      after_ = answer->after;
      if (!answer->events.empty()) co_return std::move(answer->events);
      continue;
    }
    body_ = {};
    Error error = answer.error_in(endpoint_);
    const Code code = error.code();
    if (code != Code::unavailable && code != Code::timeout) co_return error;
    if (ctx.loop->now() >= ctx.deadline) co_return error.as(Code::timeout);
    if (code == Code::timeout && silent < ctx.deadline) continue;
    wire_.pass_over(member_);
    co_await co_await io::sleep_until(ctx.loop->now() + kPause, ctx);
  }
}

}  // namespace forebay::meta
