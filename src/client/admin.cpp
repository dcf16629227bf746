#include "client/admin.h"

namespace forebay::client {

namespace {

void add_limits(Json& json, const BucketLimits& limits) {
  if (limits.max_bytes) json.set("max_bytes", *limits.max_bytes);
  if (limits.max_objects) json.set("max_objects", *limits.max_objects);
}

}  // namespace

Json BucketSpec::to_json() const {
  Json json;
  json.set("name", name);
  auto add = [&](const char* member, const std::string& value) {
    if (!value.empty()) json.set(member, value);
  };
  add("origin", origin);
  add("freshness", freshness);
  add("fill", fill);
  add("verify", verify);
  add("hedge", hedge);
  add("origin_access_key", origin_access_key);
  add("origin_secret_key", origin_secret_key.reveal());
  add("origin_region", origin_region);
  add_limits(json, limits);
  return json;
}

Error parse_problem(int status, std::string_view body) {
  Code code = code_of_status(status);
  std::string text = "the server answered " + std::to_string(status);
  Result<Json> json = Json::parse(body);
  if (!json) return fail(code, text);
  std::string title = json->string_or("title", "").value_or("");
  std::string detail = json->string_or("detail", "").value_or("");
  std::string word = json->string_or("code", "").value_or("");
  if (word.starts_with("BucketAlready")) code = Code::exists;
  if (!detail.empty()) {
    text = detail;
  } else if (!title.empty()) {
    text = title;
  }
  return fail(code, text, word);
}

AdminClient::AdminClient(http::Client& http, AdminOptions options)
    : exchange_(http, std::move(options.endpoint), std::move(options.credentials), "us-east-1",
                "forebay") {}

// An answer without a body is null.
Task<Json> AdminClient::call(std::string method, std::string path, Json body, Context ctx) {
  Call call;
  call.method = std::move(method);
  call.path = std::move(path);
  if (!body.is_null()) {
    std::string text = body.dump();
    call.sha256 = Sha256::of(as_bytes(text));
    call.headers.emplace_back("content-type", "application/json");
    call.body = io::Body::of(Bytes(std::move(text)));
  }
  http::ClientResponse response = co_await co_await exchange_.send(std::move(call), ctx);
  std::string text = co_await co_await read_text(response, kMaxDocument, ctx);
  if (response.status < 200 || response.status >= 300) {
    if (response.status < 500 && response.header("content-type") == "application/xml") {
      co_return fail(Code::invalid,
                     exchange_.endpoint().authority() + " is an S3 address, not an admin address",
                     "NotAdmin");
    }
    co_return parse_problem(response.status, text);
  }
  if (text.empty()) co_return Json();
  Result<Json> json = Json::parse(text);
  if (!json) co_return fail(Code::corrupt, "the answer is not JSON");
  co_return std::move(*json);
}

Task<std::vector<Json>> AdminClient::list(std::string what, Context ctx) {
  Json json = co_await co_await call("GET", "/v1/" + what, Json(), ctx);
  const Json* list = json.find(what);
  if (list == nullptr || list->as_array() == nullptr) {
    co_return fail(Code::corrupt, "the answer holds no " + what);
  }
  co_return *list->as_array();
}

Task<std::vector<Json>> AdminClient::buckets(Context ctx) {
  co_return co_await list("buckets", ctx);
}

Task<Json> AdminClient::bucket(std::string name, Context ctx) {
  co_return co_await call("GET", "/v1/buckets/" + name, Json(), ctx);
}

Task<Json> AdminClient::create_bucket(BucketSpec spec, Context ctx) {
  co_return co_await call("POST", "/v1/buckets", spec.to_json(), ctx);
}

Task<Json> AdminClient::limit_bucket(std::string name, BucketLimits limits, Context ctx) {
  Json change;
  add_limits(change, limits);
  co_return co_await call("PATCH", "/v1/buckets/" + name, std::move(change), ctx);
}

Task<Json> AdminClient::hedge_bucket(std::string name, std::string hedge, Context ctx) {
  Json change;
  change.set("hedge", std::move(hedge));
  co_return co_await call("PATCH", "/v1/buckets/" + name, std::move(change), ctx);
}

Task<Json> AdminClient::rekey_bucket(std::string name, std::string access_key, Secret secret,
                                     Context ctx) {
  Json change;
  change.set("origin_access_key", std::move(access_key)).set("origin_secret_key", secret.reveal());
  co_return co_await call("PATCH", "/v1/buckets/" + name, std::move(change), ctx);
}

Task<> AdminClient::remove_bucket(std::string name, Context ctx) {
  co_await co_await call("DELETE", "/v1/buckets/" + name, Json(), ctx);
  co_return ok;
}

Task<Json> AdminClient::prefetch(std::string bucket, std::string prefix, Context ctx) {
  co_return co_await order("/v1/prefetch", std::move(bucket), std::move(prefix), ctx);
}

Task<Json> AdminClient::removal(std::string bucket, std::string prefix, Context ctx) {
  co_return co_await order("/v1/removal", std::move(bucket), std::move(prefix), ctx);
}

Task<Json> AdminClient::order(std::string path, std::string bucket, std::string prefix,
                              Context ctx) {
  Json body;
  body.set("bucket", std::move(bucket)).set("prefix", std::move(prefix));
  co_return co_await call("POST", std::move(path), std::move(body), ctx);
}

Task<std::vector<Json>> AdminClient::jobs(Context ctx) { co_return co_await list("jobs", ctx); }

Task<Json> AdminClient::job(std::string id, Context ctx) {
  co_return co_await call("GET", "/v1/jobs/" + id, Json(), ctx);
}

Task<Json> AdminClient::cancel_job(std::string id, Context ctx) {
  co_return co_await call("DELETE", "/v1/jobs/" + id, Json(), ctx);
}

Task<Json> AdminClient::status(Context ctx) {
  co_return co_await call("GET", "/v1/status", Json(), ctx);
}

}  // namespace forebay::client
