#include "gateway/s3/door.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "gateway/s3/cors.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/headers.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

namespace {

// "12.345". Not by printf: its floating point took 3 % of a warm request.
void append_milliseconds(std::string& out, Duration duration) {
  auto micros = static_cast<uint64_t>(std::max<int64_t>(duration.ns, 0) / 1000);
  char digits[32];
  char* end = std::to_chars(digits, digits + sizeof digits, micros / 1000).ptr;
  *end++ = '.';
  for (uint64_t place : {100, 10, 1}) *end++ = static_cast<char>('0' + micros / place % 10);
  out.append(digits, end);
}

}  // namespace

// What finished() wants to know of a request; travels with its response.
struct Door::Trace final : public http::Note {
  obs::RequestId id;
  const Operation* operation = &kUnknown;
  bool known = false;  ///< its sender is somebody
  std::string bucket, key, access_key;
  std::string error;
  std::string_view cache;
  Allowance::Share share;  ///< what the answer holds of Services::documents
};

Door::Door(Services& services, obs::Log& log, bool log_requests, obs::Registry& metrics)
    : services_(services),
      log_(log),
      log_requests_(log_requests),
      bytes_in_(metrics.counter("forebay_s3_received_bytes_total", "Body bytes of requests.")),
      bytes_out_(metrics.counter("forebay_s3_sent_bytes_total", "Body bytes of answers.")) {
  auto add = [&](const Operation& operation) {
    std::string name(operation.name);
    auto count = [&](const char* result) {
      return &metrics.counter("forebay_s3_requests_total", "Requests by operation and result.",
                              {{"operation", name}, {"result", result}});
    };
    counted_[&operation] = {
        count("ok"), count("client_error"), count("server_error"), count("cut"),
        &metrics.histogram("forebay_s3_request_duration_seconds",
                           "From the complete head to the last byte sent.", {{"operation", name}})};
  };
  for (bool range : {false, true}) {
    for (size_t i = 0; i < kServed.size(); ++i) {
      reads_[range ? 1 : 0][i] =
          &metrics.counter("forebay_s3_reads_total", "GetObject requests by how they were served.",
                           {{"range", range ? "yes" : "no"}, {"result", std::string(kServed[i])}});
    }
  }
  for (const Operation& operation : operations()) {
    if (operation.answer() != nullptr) add(operation);
  }
  add(kUnknown);
}

Task<http::Response> Door::answer(Call& call, Context ctx) {
  Result<> routed = route(call.request, services_.domain, call);
  if (!routed) co_return std::move(routed.error());
  if (call.request.method == "OPTIONS") co_return preflight(call);
  auto verified = services_.guard.authenticate(call.request, ctx.loop->wall_now());
  if (!verified) co_return std::move(verified.error());
  call.verdict = std::move(*verified);
  call.headers = take_headers_of_query(call.query, call.request.headers);
  if (!call.headers.empty()) call.request.headers = call.headers;
  // Whose a form is stands in its body: it is asked there, before anything else.
  if (call.operation->answer() == post_object) {
    co_await admit_headers(*call.operation, call.request);
    co_return co_await post_object(call, ctx);
  }
  std::string action = "s3:";
  action += call.operation->name;
  co_await auth::may(call.verdict.principal, action, call.bucket_name, call.key_text);
  call.admitted = true;
  call.authenticated = ctx.loop->now();
  if (call.operation == &kUnknown) co_return call.refusal();
  if (call.operation->answer() == nullptr) co_return not_implemented(call.operation->name);
  co_await admit_headers(*call.operation, call.request);
  if (call.operation->write && !call.operation->takes_body) {
    co_await co_await read_no_body(call, ctx);
  }
  co_return co_await call.operation->answer()(call, ctx);
}

void Door::log_unseen(const Call& call, std::string_view error, Time now) {
  // While an origin is gone every request to its bucket would bring the same line.
  if (error == "NoSuchBucket") {
    auto left_out = missed_.due(call.bucket_name, now);
    if (!left_out) return;
    log_.write(call.unseen_level, "request failed: the bucket's origin is gone; told once a minute",
               {{"request", call.id.text()},
                {"operation", call.operation->name},
                {"bucket", call.bucket_name},
                {"error", call.unseen},
                {"left_out", *left_out}});
    return;
  }
  // A crowd of strangers would bring one line each.
  bool stranger = !call.admitted && call.verdict.principal.kind == auth::Principal::Kind::anonymous;
  if (stranger && call.unseen_level >= obs::Level::warn) {
    auto left_out = missed_.due(error, now);
    if (!left_out) return;
    log_.write(call.unseen_level, "a stranger's request failed; told once a minute",
               {{"request", call.id.text()},
                {"operation", call.operation->name},
                {"error", call.unseen},
                {"left_out", *left_out}});
    return;
  }
  log_.write(call.unseen_level, "request failed",
             {{"request", call.id.text()},
              {"operation", call.operation->name},
              {"bucket", call.bucket_name},
              {"key", call.key_text},
              {"error", call.unseen}});
}

// What an answer says of a delete marker that was named by its id.
Task<> Door::tell_marker(Call& call, http::Response& response, Context ctx) {
  std::string id(call.parameter("versionId").value_or(""));
  response.fields.add("x-amz-version-id", id);
  response.fields.add("Allow", "DELETE");
  auto bucket = services_.buckets.get(call.bucket_name);
  auto key = call.key();
  if (!bucket || !key) co_return ok;
  auto since = co_await (*bucket)->origin->marker_date(std::move(*key), std::move(id), ctx);
  if (since && since->ns != 0) response.fields.add("Last-Modified", http_date(*since));
  co_return ok;
}

Task<http::Response> Door::handle(http::Request& request, Context ctx) {
  Call call(request, services_, obs::RequestId::make(*ctx.loop));
  std::span<const Header> sent = request.headers;
  call.authenticated = request.received;
  Result<http::Response> response = co_await answer(call, ctx);
  auto trace = std::make_unique<Trace>();
  if (!response) {
    bool marker = response.error().detail() == origin::kDeleteMarker;
    bool by_id = marker && response.error().code() == Code::invalid;
    S3Error shown = describe(response.error());
    if (shown.level) call.note_unseen(*shown.level, response.error());
    trace->error = std::move(shown.code);
    response = error_response(response.error(), request, call.id.text());
    if (marker) response->fields.add("x-amz-delete-marker", "true");
    if (by_id) (void)co_await tell_marker(call, *response, ctx);
  } else {
    trace->error = call.error;
  }
  if (!call.unseen.empty()) log_unseen(call, trace->error, ctx.loop->now());
  allow_page(call, *response);
  request.headers = sent;  // `call` may have put its own there
  response->stranger = !call.admitted;
  trace->share = std::move(call.share);
  trace->id = call.id;
  trace->operation = call.operation;
  trace->known = call.verdict.principal.kind != auth::Principal::Kind::anonymous;
  if (log_requests_) {
    trace->bucket = std::move(call.bucket_name);
    trace->key = std::move(call.key_text);
    trace->access_key = call.verdict.principal.access_key;
  }
  trace->cache = call.cache;
  response->fields.add("x-amz-request-id", call.id.text());
  std::string timing = "auth;dur=";
  append_milliseconds(timing, call.authenticated - request.received);
  timing += ", head;dur=";
  append_milliseconds(timing, ctx.loop->now() - call.authenticated);
  response->fields.add("Server-Timing", timing);
  response->note = std::move(trace);
  co_return response;
}

http::Response Door::reject(int status, std::string_view reason) {
  Xml xml("Error", false);
  xml.text("Code", code_of_rejection(status)).text("Message", reason);
  return xml.response(status);
}

Door::Totals Door::totals() const {
  Totals out;
  for (const auto& [operation, counted] : counted_) {
    uint64_t client_errors = counted.client_errors->value();
    uint64_t server_errors = counted.server_errors->value();
    out.requests += counted.good->value() + counted.cut->value() + client_errors + server_errors;
    out.client_errors += client_errors;
    out.server_errors += server_errors;
  }
  return out;
}

void Door::finished(const http::Request& request, const http::Response& response,
                    const http::Outcome& outcome) {
  auto* trace = static_cast<const Trace*>(response.note.get());
  if (trace == nullptr) return;  // a rejected head
  // What strangers send is no sign of how an operation fares.
  auto it = counted_.find(trace->known ? trace->operation : &kUnknown);
  const Counted& counted = it == counted_.end() ? counted_.at(&kUnknown) : it->second;
  // Whoever leaves before the end, or does not read, has not met an error of ours.
  bool broken = outcome.error && outcome.source_failed;
  bool cut = outcome.error && !outcome.source_failed;
  bool ours = response.status >= 500 && response.status != 501;
  (ours || broken           ? counted.server_errors
   : cut                    ? counted.cut
   : response.status >= 400 ? counted.client_errors
                            : counted.good)
      ->add();
  if (trace->known && trace->operation->answer() == get_object) {
    bool failed = response.status >= 400 || broken;
    std::string_view how = failed ? "error" : trace->cache.empty() ? "none" : trace->cache;
    auto at = std::ranges::find(kServed, how) - kServed.begin();
    reads_[request.header("range") ? 1 : 0][at]->add();
  }
  counted.duration->observe(outcome.duration);
  bytes_out_.add(outcome.bytes_sent);
  bytes_in_.add(outcome.bytes_received);
  if (!log_requests_) return;
  std::string peer = request.peer.to_string();
  obs::write_access(log_, {.id = trace->id,
                           .operation = trace->operation->name,
                           .bucket = trace->bucket,
                           .key = trace->key,
                           .access_key = trace->access_key,
                           .status = response.status,
                           .error = broken ? std::string_view("Broken")
                                    : cut  ? std::string_view("Cut")
                                           : std::string_view(trace->error),
                           .bytes_in = outcome.bytes_received,
                           .bytes_out = outcome.bytes_sent,
                           .duration = outcome.duration,
                           .cache = trace->cache,
                           .peer = peer});
}

}  // namespace forebay::gateway::s3
