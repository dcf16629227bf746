#include "http/exchange.h"

#include <algorithm>
#include <cstring>

namespace forebay::http {

namespace {

// How long to look for an answer after the server stopped taking the request.
constexpr Duration kEarlyAnswer = seconds(1);
constexpr int kInterimResponses = 16;

// A response's body: gives the connection back at its clean end.
class ResponseBody final : public io::Source, private Lag {
 public:
  /// `readers`: who reads it may have to give way among them.
  ResponseBody(std::shared_ptr<Pool> pool, std::unique_ptr<Link> link, Framing framing,
               uint64_t length, bool keep, Share* readers, Time now)
      : pool_(std::move(pool)),
        link_(std::move(link)),
        reader_(*link_->stream, link_->input, BodyReader::Side::response,
                pool_->options.progress_timeout, pool_->counters.bytes_in),
        keep_(keep),
        paced_(readers != nullptr) {
    reader_.start(framing, length);
    if (!paced_) return;
    readers->join(*this);
    begin_wait(now);
  }
  ~ResponseBody() override { finish(); }

  Task<io::Chunk> next(Context ctx) override {
    co_await take_turn(ctx);
    if (link_ == nullptr) co_return Bytes();
    ByteView bytes = co_await co_await reader_.next(ctx);
    give_turn(bytes.size(), ctx);
    if (bytes.empty()) finish();
    co_return Bytes(nullptr, bytes);
  }

  bool reads_into() const override { return link_ != nullptr && !gave_way() && reader_.counted(); }
  Task<size_t> read_into(ByteSpan into, Context ctx) override {
    co_await take_turn(ctx);
    if (link_ == nullptr) co_return size_t{0};
    size_t count = co_await co_await reader_.read_into(into, ctx);
    give_turn(count, ctx);
    if (reader_.done()) finish();
    co_return count;
  }

 private:
  // Who has got all of it has missed nothing.
  Result<> take_turn(Context ctx) {
    if (gave_way() && !reader_.done()) {
      return fail(Code::unavailable, "the body was read too slowly while others wait");
    }
    if (paced_) end_wait(ctx.loop->now(), given_);
    return ok;
  }
  void give_turn(uint64_t given, Context ctx) {
    given_ = given;
    if (paced_) begin_wait(ctx.loop->now(), given);
  }
  // What was given last is still being looked at, in the link's memory.
  void leave() override {
    unlink();
    link_->stream.reset();
    link_->leave();
  }
  void finish() {
    if (link_ == nullptr || !reader_.done()) return;
    if (is_linked()) unlink();
    if (keep_ && !reader_.failed() && !gave_way()) {
      pool_->give(std::move(link_));
    } else {
      link_.reset();
    }
  }

  std::shared_ptr<Pool> pool_;  // first, so that the link goes before it
  std::unique_ptr<Link> link_;
  BodyReader reader_;
  bool keep_;
  bool paced_;
  uint64_t given_ = 0;  // at the last call
};

bool takes_body(std::string_view method) {
  return method == "PUT" || method == "POST" || method == "PATCH";
}

}  // namespace

void Exchange::render_head() {
  std::string& out = out_;
  out.reserve(512 + request_.target.size() + request_.fields.text().size());
  out.append(request_.method).append(" ").append(request_.target).append(" HTTP/1.1\r\n");
  if (!request_.fields.find("Host")) {
    out.append("Host: ").append(request_.endpoint.authority()).append("\r\n");
  }
  out.append(request_.fields.text());
  uint64_t length = request_.body.length;
  if (length == kUnknownLength) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (length > 0 || takes_body(request_.method)) {
    out.append("Content-Length: ").append(std::to_string(length)).append("\r\n");
  }
  if (request_.expect_continue && length > 0) out.append("Expect: 100-continue\r\n");
  out.append("\r\n");
}

Task<> Exchange::send_part(std::string out, io::Body* body, Context ctx) {
  Sending sending;
  bool chunked = body != nullptr && body->length == kUnknownLength;
  Result<> sent = co_await send_message(*link_->stream, out, body, chunked,
                                        pool_.options.progress_timeout, sending, ctx);
  pool_.counters.bytes_out.add(sending.moved);
  source_failed_ = sending.source_failed;
  co_return sent;
}

bool Exchange::send_at_once() {
  if (request_.body.length > 0) return false;
  ByteView part = as_bytes(out_);
  ssize_t sent = link_->stream->try_write({&part, 1}, false);
  if (sent <= 0) return false;  // whatever it is, the next try will say it
  pool_.counters.bytes_out.add(static_cast<uint64_t>(sent));
  out_.erase(0, static_cast<size_t>(sent));
  return out_.empty();
}

Task<bool> Exchange::send_request(Context ctx) {
  io::Body* body = request_.body.length > 0 ? &request_.body : nullptr;
  if (!request_.expect_continue || body == nullptr) {
    co_await co_await send_part(std::move(out_), body, ctx);
    co_return false;
  }
  co_await co_await send_part(std::move(out_), nullptr, ctx);
  Result<> answer = co_await read_head(true, pool_.options.continue_timeout, ctx);
  bool silent = !answer && answer.error().code() == Code::timeout && ctx.loop->now() < ctx.deadline;
  if (!silent) co_await std::move(answer);
  if (!silent && head_.status >= 200) co_return true;
  co_await co_await send_part({}, body, ctx);
  co_return false;
}

Result<> Exchange::open_head(size_t size) {
  // A copy, because the response outlives the connection's use of its buffer.
  head_.headers.reserve(16);
  text_ = std::make_unique_for_overwrite<char[]>(size);
  std::memcpy(text_.get(), link_->input.unread().data(), size);
  Fault fault = parse({text_.get(), size}, head_);
  if (!fault && (head_.status == 101 || head_.status < 100 || head_.status > 599)) {
    fault = {502, "a status we did not ask for"};
  }
  if (fault) {
    pool_.counters.parse_errors.add();
    return fail(Code::corrupt, "not an HTTP response: " + std::string(fault.reason));
  }
  link_->input.consume(size);
  return ok;
}

Task<> Exchange::read_head(bool stop_at_continue, Duration patience, Context ctx) {
  for (int interim = 0; interim < kInterimResponses;) {
    HeadScanner::Found found = scanner_.scan(link_->input.unread());
    if (found.fault) {
      pool_.counters.parse_errors.add();
      co_return fail(Code::corrupt, "not an HTTP response: " + std::string(found.fault.reason));
    }
    if (found.size == 0) {
      Result<size_t> count =
          co_await HeadRead(*link_->stream, link_->input, pool_.options.head_bytes,
                            ctx.until(ctx.loop->now() + patience));
      if (!count) co_return count.error_in("wait for a response");
      if (*count == 0) co_return fail(Code::unavailable, "the server ended without a response");
      heard_ = true;
      pool_.counters.bytes_in.add(*count);
      continue;
    }
    co_await open_head(found.size);
    scanner_.reset();
    if (head_.status >= 200) co_return ok;
    link_->input.begin();
    if (stop_at_continue && head_.status == 100) co_return ok;
    ++interim;
  }
  co_return fail(Code::corrupt, "interim responses without end");
}

Task<bool> Exchange::early_answer(Context ctx) {
  Result<> answer = co_await read_head(false, kEarlyAnswer, ctx);
  co_return answer.has_value();
}

Result<ClientResponse> Exchange::finish(bool whole, Time now) {
  ResponseMeaning meaning;
  if (Fault fault = interpret(head_, request_.method, meaning)) {
    pool_.counters.parse_errors.add();
    return fail(Code::corrupt, "not an HTTP response: " + std::string(fault.reason));
  }
  ClientResponse response;
  response.status = head_.status;
  response.headers = std::move(head_.headers);
  response.content_length = meaning.content_length;
  response.reused = link_->reused;
  response.head = std::move(text_);
  bool keep = whole && meaning.keep_alive;
  if (meaning.framing == Framing::none) {
    if (keep) pool_.give(std::move(link_));
    return response;
  }
  uint64_t length = meaning.framing == Framing::length ? *meaning.content_length : kUnknownLength;
  response.body = take_body(meaning.framing, length, keep, now);
  return response;
}

io::Body Exchange::take_body(Framing framing, uint64_t length, bool keep, Time now) {
  std::string_view here = link_->input.unread();
  if (length > here.size()) {
    Share* readers = request_.slow_reader && !upload_ ? link_->share : nullptr;
    return {length, std::make_unique<ResponseBody>(pool_.shared_from_this(), std::move(link_),
                                                   framing, length == kUnknownLength ? 0 : length,
                                                   keep, readers, now)};
  }
  // All of it came with the head: the connection is free for the next request.
  Bytes bytes = Bytes::copy(as_bytes(here.substr(0, static_cast<size_t>(length))));
  link_->input.consume(static_cast<size_t>(length));
  if (keep) pool_.give(std::move(link_));
  return io::Body::of(std::move(bytes));
}

Task<ClientResponse> Exchange::run(Context ctx) {
  link_->input.begin();
  if (upload_) {
    request_.body.source = at_clients_pace(std::move(request_.body.source), *link_->share);
  }
  render_head();
  Result<bool> answered = false;
  if (!send_at_once()) answered = co_await send_request(ctx);
  if (!answered) {
    link_->stream->reset_on_close();
    Code code = answered.error().code();
    bool stream_failed = !source_failed_ && (code == Code::unavailable || code == Code::timeout);
    if (!stream_failed) co_return std::move(answered.error());
    // A server may refuse a body it has not read: its answer says more than the broken pipe.
    Result<bool> early = co_await early_answer(ctx);
    if (early && *early) co_return finish(false, ctx.loop->now());
    co_return answered.error_in("send a request");
  }
  if (*answered) co_return finish(false, ctx.loop->now());
  Result<> head = co_await read_head(false, pool_.options.answer_timeout, ctx);
  co_await std::move(head);
  co_return finish(true, ctx.loop->now());
}

}  // namespace forebay::http
