#include "gateway/admin/door.h"

#include <algorithm>

#include "gateway/admin/bucket_json.h"
#include "io/body.h"

namespace forebay::gateway::admin {

namespace {

constexpr uint64_t kMaxBody = 64 << 10;
// The whole of a body, however its bytes are spread.
constexpr Duration kBodyTime = seconds(30);

int status_of(const Error& error) {
  if (error.detail() == "RequestTimeout") return 408;
  switch (error.code()) {
    case Code::not_found: return 404;
    case Code::exists:
    case Code::conflict: return 409;
    case Code::invalid: return 400;
    case Code::denied: return 403;
    case Code::too_large: return 413;
    case Code::busy:
    case Code::unavailable:
    case Code::timeout:
    case Code::cancelled: return 503;
    case Code::corrupt:
    case Code::internal: break;
  }
  return 500;
}

constexpr std::string_view kHash = "x-amz-content-sha256";

/// What a signature that covers no body is told; with the way out, which is not the S3 door's.
Error body_not_signed() {
  return fail(Code::invalid,
              std::string(kHash) +
                  " must hold the SHA-256 of the body, in hex (with curl add -H "
                  "\"x-amz-content-sha256: $(printf %s \"$BODY\" | sha256sum | cut -c-64)\" "
                  "--data-binary \"$BODY\")",
              "InvalidRequest");
}

// No call of this API has parameters. What somebody meant by one is not dropped ("?dry-run"); those
// of a signature pass.
Result<> refuse_parameters(std::string_view query) {
  constexpr std::string_view kOfSignature[] = {
      "X-Amz-Algorithm",     "X-Amz-Credential", "X-Amz-Signature",      "X-Amz-Date",
      "X-Amz-SignedHeaders", "X-Amz-Expires",    "X-Amz-Security-Token", "X-Amz-Content-Sha256"};
  while (!query.empty()) {
    size_t amp = query.find('&');
    std::string_view one = query.substr(0, amp);
    query = amp == std::string_view::npos ? "" : query.substr(amp + 1);
    std::string_view name = one.substr(0, one.find('='));
    if (one.empty() || std::ranges::find(kOfSignature, name) != std::end(kOfSignature)) continue;
    return fail(Code::invalid,
                "unknown parameter '" + std::string(name) + "': no call here has parameters");
  }
  return ok;
}

}  // namespace

http::Response json_response(int status, const Json& value) {
  return http::Response::text(status, "application/json", value.dump() + "\n");
}

Error no_such_call(const http::Request& request) {
  return fail(Code::not_found,
              "no such call: " + std::string(request.method) + " " + std::string(request.path));
}

Task<Json> read_json(http::Request& request, const auth::Verified& verified, Context ctx) {
  if (!verified.claim || verified.claim->payload.kind != sign::PayloadKind::hash) {
    co_return body_not_signed();
  }
  Context limited = ctx.until(ctx.loop->now() + kBodyTime);
  Result<std::string> text = co_await io::read_all(request.take_body(), kMaxBody, limited);
  bool slow = !text && text.error().code() == Code::timeout && ctx.loop->now() < ctx.deadline;
  if (slow) co_return fail(Code::timeout, "the body did not come in time", "RequestTimeout");
  if (!text) co_return std::move(text.error());
  if (Sha256::of(as_bytes(*text)) != verified.claim->payload.sha256) {
    co_return fail(Code::invalid, "the body is not the one that was signed");
  }
  co_return co_await Json::parse(*text);
}

http::Response problem(const Error& error) {
  int status = status_of(error);
  Json body;
  body.set("type", "about:blank")
      .set("title", http::reason_phrase(status))
      .set("status", status)
      .set("detail", error.text());
  if (!error.detail().empty()) body.set("code", error.detail());
  return http::Response::text(status, "application/problem+json", body.dump() + "\n");
}

Task<http::Response> Door::handle(http::Request& request, Context ctx) {
  bool admitted = false;
  Result<http::Response> response = co_await answer(request, admitted, ctx);
  if (!response) response = problem(response.error());
  response->stranger = !admitted;
  co_return response;
}

http::Response Door::reject(int status, std::string_view reason) {
  http::Response response = problem(fail(Code::invalid, std::string(reason)));
  response.status = status;
  return response;
}

Task<http::Response> Door::answer(http::Request& request, bool& admitted, Context ctx) {
  bool get = request.method == "GET" || request.method == "HEAD";
  if (get && request.path == "/healthz") co_return http::Response::text(200, "text/plain", "ok\n");
  if (get && request.path == "/readyz") {
    bool ready = services_.ready.load();
    co_return http::Response::text(ready ? 200 : 503, "text/plain",
                                   ready ? "ready\n" : "not ready\n");
  }
  if (get && request.path == "/metrics") {
    co_return show_metrics(ctx.loop->now());
  }
  if (!request.path.starts_with("/v1/")) {
    co_return fail(Code::not_found, "there is no " + std::string(request.path) +
                                        " at the admin address, where S3 is not spoken: see "
                                        "docs/guide/admin-api.md");
  }
  co_return co_await control(request, admitted, ctx);
}

Task<http::Response> Door::control(http::Request& request, bool& admitted, Context ctx) {
  // Asked first: what signatures themselves say of it is the S3 door's advice.
  bool bare = request.has_body() && !request.header(kHash);
  if (bare && request.header("authorization")) co_return body_not_signed();
  auth::Verified verified = co_await services_.guard.authenticate(request, ctx.loop->wall_now());
  co_await auth::may(verified.principal, "forebay:Control", "", "");
  admitted = true;
  co_await refuse_parameters(request.query);
  if (request.has_body() && request.method != "POST" && request.method != "PATCH") {
    co_return fail(Code::invalid, "a body where this call has none: nothing was done");
  }
  std::string_view path = request.path.substr(std::string_view("/v1/").size());
  constexpr std::string_view kBuckets = "buckets/";
  if (path == "status" && request.method == "GET") co_return co_await show_status(ctx);
  if (path == "buckets" && request.method == "GET") co_return list_buckets();
  if (path == "buckets" && request.method == "POST") {
    Json body = co_await co_await read_json(request, verified, ctx);
    BucketName name = co_await BucketName::parse(co_await body.string("name"));
    object::BucketSpec spec = co_await read_spec(body);
    auto made = co_await co_await services_.buckets.create(name, std::move(spec), ctx);
    co_return json_response(201, show(*made));
  }
  if (path.starts_with(kBuckets)) {
    object::BucketRef bucket = co_await services_.buckets.get(path.substr(kBuckets.size()));
    if (request.method == "GET") co_return json_response(200, show(*bucket));
    if (request.method == "PATCH") {
      BucketChange change =
          co_await read_change(co_await co_await read_json(request, verified, ctx));
      if (change.keys) {
        co_await co_await services_.buckets.set_keys(bucket, std::move(change.keys->access_key),
                                                     std::move(change.keys->secret), ctx);
      } else {
        co_await co_await services_.buckets.update(
            bucket, [&change](object::BucketSettings& settings) { change.apply(settings); }, ctx);
      }
      bucket = co_await services_.buckets.get(bucket->name.text());
      co_return json_response(200, show(*bucket));
    }
    if (request.method == "DELETE") {
      co_await co_await services_.buckets.remove(bucket->name, object::Removal::forget, ctx);
      co_return http::Response::make(204);
    }
  }
  if (path == "prefetch" || path == "removal" || path == "jobs" || path.starts_with("jobs/")) {
    co_return co_await control_jobs(request, path, verified, ctx);
  }
  co_return no_such_call(request);
}

http::Response Door::list_buckets() const {
  Json::Array list;
  for (const object::BucketRef& bucket : services_.buckets.list()) list.push_back(show(*bucket));
  Json out;
  out.set("buckets", std::move(list));
  return json_response(200, out);
}

http::Response Door::show_metrics(Time now) {
  auto page = page_.lock();
  if (page == nullptr || now - page_made_ >= seconds(1)) {
    page = std::make_shared<const std::string>(services_.metrics.render());
    page_ = page;
    page_made_ = now;
  }
  http::Response response = http::Response::make(200);
  response.fields.add("Content-Type", obs::Registry::kContentType);
  response.body = io::Body::of(Bytes(page, as_bytes(*page)));
  return response;
}

Task<http::Response> Door::show_status(Context ctx) const {
  Json out = co_await co_await services_.teller.status(ctx);
  Json::Array jobs;
  for (const job::Status& status : services_.jobs.list()) {
    Json job;
    job.set("name", status.name)
        .set("state", job::name(status.state))
        .set("done", status.done)
        .set("total", status.total)
        .set("unit", status.unit)
        .set("last_error", status.last_error);
    jobs.push_back(std::move(job));
  }
  out.set("jobs", std::move(jobs));
  Json::Array orders;
  for (const batch::Shown& one : services_.batch.list(*ctx.loop)) {
    if (!batch::ended(one.record.state)) orders.push_back(show(one));
  }
  if (!orders.empty()) out.set("batch", std::move(orders));
  co_return json_response(200, out);
}

}  // namespace forebay::gateway::admin
