#include "testkit/s3_stub.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/range.h"
#include "sign/sigv4.h"
#include "testkit/pattern.h"

namespace forebay::testkit {

namespace {

constexpr uint64_t kMaxBody = 1 << 30;

std::map<std::string, std::string> query_of(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    size_t end = text.find('&');
    std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    size_t equals = part.find('=');
    std::string value =
        equals == std::string_view::npos ? "" : std::string(part.substr(equals + 1));
    out[*percent_decode(part.substr(0, equals))] = *percent_decode(value);
  }
  return out;
}

http::Response xml(int status, std::string text) {
  return http::Response::text(status, "application/xml", "<?xml version=\"1.0\"?>" + text);
}

http::Response refuse(int status, const std::string& code) {
  return xml(status,
             "<Error><Code>" + code + "</Code><Message>stub: " + code + "</Message></Error>");
}

http::Response problem(int status, const std::string& code) {
  Json json;
  json.set("type", "about:blank").set("title", code).set("status", status);
  json.set("detail", "stub: " + code).set("code", code);
  return http::Response::text(status, "application/problem+json", json.dump());
}

std::string quoted_hex(std::string_view raw) { return '"' + to_hex(as_bytes(raw)) + '"'; }

std::map<std::string, std::string> kept_headers(const http::Request& request) {
  std::map<std::string, std::string> out;
  for (const http::Header& header : request.headers) {
    std::string name(header.name);
    bool kept = name == "content-type" || name.starts_with("x-amz-meta-") ||
                name.starts_with("x-amz-checksum-");
    if (kept) out[name] = header.value;
  }
  return out;
}

// Gives a text in pieces, and breaks off when told to.
class Pieces final : public io::Source {
 public:
  Pieces(std::string text, uint64_t cut) : bytes_(std::move(text)), cut_(cut) {}
  Task<io::Chunk> next(Context) override {
    if (at_ >= cut_) co_return fail(Code::unavailable, "stub: cut");
    size_t step = std::min<size_t>({64 << 10, bytes_.size() - at_, cut_ - at_});
    at_ += step;
    co_return bytes_.slice(at_ - step, step);
  }

 private:
  Bytes bytes_;
  uint64_t cut_;
  size_t at_ = 0;
};

Task<Json> take_json(http::Request& request, Context ctx) {
  io::Body body = request.take_body();
  body.length = 0;
  co_return Json::parse(co_await co_await io::read_all(std::move(body), kMaxBody, ctx));
}

}  // namespace

Result<> S3Stub::authenticate(const http::Request& request, WallTime now) {
  std::vector<sign::Header> headers;
  for (const http::Header& header : request.headers) {
    headers.push_back({header.name, header.value});
  }
  sign::RequestView view{request.method, request.path, request.query, headers};
  auto claim = sign::parse(view, request.path.starts_with("/v1/") ? "forebay" : "s3");
  if (!claim) return std::move(claim.error());
  if (!*claim) return fail(Code::denied, "anonymous", "AccessDenied");
  if ((*claim)->access_key != access_key_) {
    return fail(Code::denied, "unknown key", "InvalidAccessKeyId");
  }
  return sign::verify(**claim, view, sign::derive_key(secret_, (*claim)->scope), now);
}

Task<http::Response> S3Stub::handle(http::Request& request, Context ctx) {
  std::string line(request.method);
  line += ' ';
  line += request.target;
  log.push_back(line);
  if (request.has_body()) {
    payloads.emplace_back(request.header("x-amz-content-sha256").value_or(""));
  }
  bool is_admin = request.path.starts_with("/v1/");
  if (Result<> good = authenticate(request, ctx.loop->wall_now()); !good) {
    const std::string& detail = good.error().detail();
    co_return is_admin ? problem(403, detail) : refuse(403, detail);
  }
  for (auto fault = faults.begin(); fault != faults.end(); ++fault) {
    if (!line.starts_with(fault->begins)) continue;
    int answer = fault->status;
    if (--fault->times == 0) faults.erase(fault);
    co_return refuse(answer, answer == 503 ? "SlowDown" : "InternalError");
  }
  if (is_admin) co_return co_await admin(request, ctx);
  if (admin_only) co_return problem(404, "");
  co_return co_await dispatch(request, ctx);
}

Task<http::Response> S3Stub::dispatch(http::Request& request, Context ctx) {
  std::string path = *percent_decode(request.path.substr(1));
  if (path.empty()) {
    std::string out = "<ListAllMyBucketsResult><Buckets>";
    for (const auto& [name, objects] : buckets) {
      out += "<Bucket><Name>" + name +
             "</Name><CreationDate>2015-10-21T07:28:00.000Z</CreationDate></Bucket>";
    }
    co_return xml(200, out + "</Buckets></ListAllMyBucketsResult>");
  }
  size_t slash = path.find('/');
  std::string name = path.substr(0, slash);
  std::string key = slash == std::string::npos ? "" : path.substr(slash + 1);
  if (key.empty()) co_return bucket(request, name);
  if (!buckets.contains(name)) co_return refuse(404, "NoSuchBucket");
  co_return co_await object(request, std::move(name), std::move(key), ctx);
}

http::Response S3Stub::bucket(http::Request& request, const std::string& name) {
  if (request.method == "PUT") {
    bool fresh = buckets.try_emplace(name).second;
    return fresh ? http::Response::make(200) : refuse(409, "BucketAlreadyOwnedByYou");
  }
  auto found = buckets.find(name);
  if (found == buckets.end()) return refuse(404, "NoSuchBucket");
  if (request.method == "DELETE") {
    if (!found->second.empty()) return refuse(409, "BucketNotEmpty");
    buckets.erase(found);
    return http::Response::make(204);
  }
  return list(request, name);
}

http::Response S3Stub::list(http::Request& request, const std::string& name) {
  auto query = query_of(request.query);
  std::string prefix = query["prefix"], delimiter = query["delimiter"];
  std::string after = query["start-after"];
  if (query.contains("continuation-token")) after = query["continuation-token"];
  size_t left = query.contains("max-keys") ? std::stoul(query["max-keys"]) : 1000;
  std::string out = "<ListBucketResult><EncodingType>url</EncodingType>", last;
  bool truncated = false;
  std::string common;
  for (const auto& [key, object] : buckets[name]) {
    if (!key.starts_with(prefix)) continue;
    size_t cut = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
    std::string shown = cut == std::string::npos ? key : key.substr(0, cut + delimiter.size());
    if (shown <= after || shown == common) continue;
    if (left == 0) {
      truncated = true;
      break;
    }
    --left;
    last = shown;
    if (cut == std::string::npos) {
      out += "<Contents><Key>" + percent_encode(key, true) + "</Key><Size>" +
             std::to_string(object.bytes.size()) + "</Size><ETag>" + object.etag +
             "</ETag><LastModified>2015-10-21T07:28:00.000Z</LastModified></Contents>";
    } else {
      common = shown;
      out +=
          "<CommonPrefixes><Prefix>" + percent_encode(shown, true) + "</Prefix></CommonPrefixes>";
    }
  }
  out += std::string("<IsTruncated>") + (truncated ? "true" : "false") + "</IsTruncated>";
  if (truncated) out += "<NextContinuationToken>" + last + "</NextContinuationToken>";
  return xml(200, out + "</ListBucketResult>");
}

Task<http::Response> S3Stub::object(http::Request& request, std::string bucket, std::string key,
                                    Context ctx) {
  if (request.method == "PUT") {
    co_return co_await put(request, std::move(bucket), std::move(key), ctx);
  }
  if (request.method == "POST") {
    co_return co_await post(request, std::move(bucket), std::move(key), ctx);
  }
  auto query = query_of(request.query);
  if (request.method == "DELETE" && query.contains("uploadId")) {
    bool there = uploads.erase(query["uploadId"]) > 0;
    co_return there ? http::Response::make(204) : refuse(404, "NoSuchUpload");
  }
  auto& objects = buckets[bucket];
  if (request.method == "DELETE") {
    objects.erase(key);
    co_return http::Response::make(204);
  }
  auto found = objects.find(key);
  if (found == objects.end()) co_return refuse(404, "NoSuchKey");
  co_return get(request, found->second);
}

http::Response S3Stub::get(http::Request& request, const Object& object) {
  auto condition = request.header("if-match");
  if (condition && *condition != object.etag) return refuse(412, "PreconditionFailed");
  ByteRange range{0, object.bytes.size()};
  http::Response response = http::Response::make(200);
  auto asked = RangeRequest::parse(request.header("range").value_or(""));
  if (asked) {
    Result<ByteRange> resolved = asked->resolve(object.bytes.size());
    if (!resolved) return refuse(416, "InvalidRange");
    range = *resolved;
    response.status = 206;
    response.fields.add("Content-Range", ContentRange{range, object.bytes.size()}.to_string());
  }
  response.fields.add("ETag", object.etag);
  response.fields.add("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT");
  // As S3 does: checksums only to those who ask for them.
  bool checksums = request.header("x-amz-checksum-mode").has_value();
  for (const auto& [name, value] : object.headers) {
    if (checksums || !name.starts_with("x-amz-checksum-")) response.fields.add(name, value);
  }
  uint64_t cut = kMaxBody;
  if (request.method == "GET" && !cuts.empty()) {
    cut = cuts.front();
    cuts.pop_front();
  }
  response.body.length = range.length;
  response.body.source =
      std::make_unique<Pieces>(object.bytes.substr(range.offset, range.length), cut);
  if (request.method == "GET" && after_get) after_get();
  return response;
}

http::Response S3Stub::copy(http::Request& request, const std::string& bucket,
                            const std::string& key) {
  std::string from = *percent_decode(*request.header("x-amz-copy-source"));
  size_t slash = from.find('/', 1);
  auto& source = buckets[from.substr(1, slash - 1)];
  auto found = source.find(from.substr(slash + 1));
  if (found == source.end()) return refuse(404, "NoSuchKey");
  auto pin = request.header("x-amz-copy-source-if-match");
  if (pins_copies && pin && *pin != found->second.etag) return refuse(412, "PreconditionFailed");
  Object made = found->second;
  auto query = query_of(request.query);
  bool part = query.contains("uploadId");
  if (auto range = request.header("x-amz-copy-source-range")) {
    ByteRange bytes = *RangeRequest::parse(*range)->resolve(made.bytes.size());
    made.bytes = made.bytes.substr(bytes.offset, bytes.length);
    made.etag = quoted_hex(md5(made.bytes));
  }
  if (request.header("x-amz-metadata-directive") == "REPLACE") made.headers = kept_headers(request);
  std::string sums;
  if (request.header("x-amz-checksum-algorithm") == "SHA256") {
    Digest256 digest = Sha256::of(as_bytes(made.bytes));
    made.headers["x-amz-checksum-sha256"] = to_base64(digest);
    sums = "<ChecksumSHA256>" + to_base64(digest) + "</ChecksumSHA256>";
  }
  std::string root = part ? "CopyPartResult" : "CopyObjectResult";
  std::string text = "<" + root + "><LastModified>2015-10-21T07:28:00.000Z</LastModified><ETag>" +
                     made.etag + "</ETag>" + sums + "</" + root + ">";
  if (part) {
    auto upload = uploads.find(query["uploadId"]);
    if (upload == uploads.end()) return refuse(404, "NoSuchUpload");
    upload->second.parts[static_cast<uint32_t>(std::stoul(query["partNumber"]))] = std::move(made);
  } else {
    buckets[bucket][key] = std::move(made);
  }
  return xml(200, std::move(text));
}

Task<http::Response> S3Stub::put(http::Request& request, std::string bucket, std::string key,
                                 Context ctx) {
  if (request.header("x-amz-copy-source")) co_return copy(request, bucket, key);
  auto query = query_of(request.query);
  ++receiving_;
  most_at_once = std::max(most_at_once, receiving_);
  io::Body body = request.take_body();
  body.length = 0;
  Result<std::string> bytes = co_await io::read_all(std::move(body), kMaxBody, ctx);
  --receiving_;
  if (!bytes) co_return std::move(bytes.error());
  std::string announced(request.header("x-amz-content-sha256").value_or(""));
  Digest256 sha256 = Sha256::of(as_bytes(*bytes));
  if (announced != "UNSIGNED-PAYLOAD" && announced != to_hex(sha256)) {
    co_return refuse(400, "XAmzContentSHA256Mismatch");
  }
  Object object{*bytes, quoted_hex(md5(*bytes)), kept_headers(request)};
  http::Response response = http::Response::make(200);
  response.fields.add("ETag", object.etag);
  if (query.contains("uploadId")) {
    auto upload = uploads.find(query["uploadId"]);
    if (upload == uploads.end()) co_return refuse(404, "NoSuchUpload");
    upload->second.parts[static_cast<uint32_t>(std::stoul(query["partNumber"]))] =
        std::move(object);
  } else {
    buckets[bucket][key] = std::move(object);
  }
  co_return response;
}

Task<http::Response> S3Stub::post(http::Request& request, std::string bucket, std::string key,
                                  Context ctx) {
  auto query = query_of(request.query);
  if (query.contains("uploads")) {
    std::string id = "upload-" + std::to_string(++next_upload_);
    uploads[id] = {bucket, key, {}, kept_headers(request)};
    co_return xml(200, "<InitiateMultipartUploadResult><UploadId>" + id +
                           "</UploadId></InitiateMultipartUploadResult>");
  }
  auto upload = uploads.find(query["uploadId"]);
  if (upload == uploads.end()) co_return refuse(404, "NoSuchUpload");
  io::Body body = request.take_body();
  body.length = 0;
  std::string document = co_await co_await io::read_all(std::move(body), kMaxBody, ctx);
  Object whole{{}, {}, upload->second.headers};
  std::string digests;
  uint32_t expected = 0;
  for (const auto& [number, part] : upload->second.parts) {
    // Every part in turn must be named with its ETag.
    bool named = document.find("<PartNumber>" + std::to_string(number)) != std::string::npos &&
                 document.find(part.etag.substr(1, 32)) != std::string::npos;
    if (number != ++expected || !named) co_return refuse(400, "InvalidPart");
    whole.bytes += part.bytes;
    digests += md5(part.bytes);
  }
  std::string etag = quoted_hex(md5(digests));
  etag.insert(etag.size() - 1, "-" + std::to_string(expected));
  whole.etag = etag;
  buckets[bucket][key] = std::move(whole);
  uploads.erase(upload);
  co_return xml(200, "<CompleteMultipartUploadResult><ETag>" + etag +
                         "</ETag></CompleteMultipartUploadResult>");
}

http::Response S3Stub::job(http::Request& request, const std::string& id) {
  auto found = jobs.find(id);
  if (found == jobs.end()) return problem(404, "NoSuchJob");
  std::deque<Json>& looks = found->second;
  Json now = looks.front();
  if (request.method == "DELETE") {
    now.set("state", "cancelled");
    looks = {now};
  } else if (looks.size() > 1) {
    looks.pop_front();
  }
  return http::Response::text(200, "application/json", now.dump());
}

Task<http::Response> S3Stub::admin(http::Request& request, Context ctx) {
  std::string path(request.path);
  auto json = [](int code, const Json& body) {
    return http::Response::text(code, "application/json", body.dump());
  };
  if (path == "/v1/status") co_return json(200, status);
  if (path == "/v1/buckets" && request.method == "GET") {
    Json::Array list;
    for (const auto& [name, bucket] : admin_buckets) list.push_back(bucket);
    Json out;
    out.set("buckets", std::move(list));
    co_return json(200, out);
  }
  if (path == "/v1/buckets" && request.method == "POST") {
    Json spec = co_await co_await take_json(request, ctx);
    std::string name = co_await spec.string("name");
    if (admin_buckets.contains(name)) co_return problem(409, "BucketAlreadyExists");
    admin_buckets[name] = spec;
    co_return json(201, spec);
  }
  if (path == "/v1/prefetch" || path == "/v1/removal") {
    orders.push_back(co_await co_await take_json(request, ctx));
    if (jobs.empty()) co_return problem(404, "NoSuchBucket");
    co_return json(202, jobs.begin()->second.front());
  }
  if (path == "/v1/jobs") {
    Json::Array list;
    for (const auto& [id, looks] : jobs) list.push_back(looks.front());
    Json out;
    out.set("jobs", std::move(list));
    co_return json(200, out);
  }
  constexpr std::string_view kJobs = "/v1/jobs/";
  if (path.starts_with(kJobs)) co_return job(request, path.substr(kJobs.size()));
  auto found = admin_buckets.find(path.substr(std::string("/v1/buckets/").size()));
  if (found == admin_buckets.end()) co_return problem(404, "NoSuchBucket");
  if (request.method == "PATCH") {
    io::Body body = request.take_body();
    body.length = 0;
    Json change =
        co_await Json::parse(co_await co_await io::read_all(std::move(body), kMaxBody, ctx));
    for (const auto& [name, value] : *change.as_object()) found->second.set(name, value);
  }
  if (request.method != "DELETE") co_return json(200, found->second);
  admin_buckets.erase(found);
  co_return http::Response::make(204);
}

}  // namespace forebay::testkit
