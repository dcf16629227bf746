#include "client/s3.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "client/xml.h"

namespace forebay::client {

namespace {

Call object_call(std::string method, std::string_view bucket, std::string_view key) {
  Call call;
  call.method = std::move(method);
  call.path = "/" + std::string(bucket) + "/" + std::string(key);
  return call;
}

Call bucket_call(std::string method, std::string_view bucket) {
  Call call;
  call.method = std::move(method);
  call.path = "/" + std::string(bucket);
  return call;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

ObjectInfo info_of(const http::ClientResponse& response) {
  ObjectInfo info;
  for (const http::Header& header : response.headers) {
    info.headers.emplace(lower(header.name), std::string(header.value));
  }
  auto get = [&](const char* name) -> std::string_view {
    auto found = info.headers.find(name);
    return found == info.headers.end() ? std::string_view() : found->second;
  };
  info.size = response.content_length.value_or(0);
  info.etag = ETag(std::string(get("etag")));
  info.modified = parse_http_date(get("last-modified")).value_or(WallTime{});
  info.cache = get("x-cache");
  return info;
}

void add_headers(Call& call, PutOptions& options) {
  for (auto& [name, value] : options.headers) call.headers.emplace_back(lower(name), value);
  call.sha256 = options.sha256;
}

}  // namespace

S3Client::S3Client(http::Client& http, S3Options options)
    : exchange_(http, std::move(options.endpoint), std::move(options.credentials),
                std::move(options.region), "s3") {}

// Any answer but a success becomes an error.
Task<http::ClientResponse> S3Client::send(Call call, Context ctx) {
  http::ClientResponse response = co_await co_await exchange_.send(std::move(call), ctx);
  if (response.status >= 200 && response.status < 300) co_return response;
  // S3 answers in XML. This is how an admin address refuses.
  if (response.header("content-type") == "application/problem+json") {
    co_return fail(
        Code::invalid,
        exchange_.endpoint().authority() + " is an admin address, where S3 is not spoken", "NotS3");
  }
  Result<std::string> text = co_await read_text(response, kMaxDocument, ctx);
  co_return parse_error(response.status, text ? *text : std::string());
}

Task<std::string> S3Client::send_for_text(Call call, Context ctx) {
  http::ClientResponse response = co_await co_await send(std::move(call), ctx);
  co_return co_await read_text(response, kMaxDocument, ctx);
}

Task<ObjectInfo> S3Client::head(std::string bucket, std::string key, Context ctx) {
  Result<http::ClientResponse> response = co_await send(object_call("HEAD", bucket, key), ctx);
  if (response) co_return info_of(*response);
  // The answer to HEAD has no document that would tell.
  Code code = response.error().code();
  if (code == Code::not_found) {
    Result<http::ClientResponse> above = co_await send(bucket_call("HEAD", bucket), ctx);
    if (!above && above.error().code() == Code::not_found) {
      co_return fail(code, "The specified bucket does not exist (NoSuchBucket)", "NoSuchBucket");
    }
    co_return fail(code, "no such object", "NoSuchKey");
  }
  if (code == Code::denied) co_return fail(code, "access denied", "AccessDenied");
  co_return std::move(response.error());
}

Task<GetAnswer> S3Client::get(std::string bucket, std::string key, GetOptions options,
                              Context ctx) {
  Call call = object_call("GET", bucket, key);
  if (!options.range.empty()) call.headers.emplace_back("range", options.range);
  if (!options.if_match.empty()) call.headers.emplace_back("if-match", options.if_match.text());
  http::ClientResponse response = co_await co_await send(std::move(call), ctx);
  GetAnswer answer{info_of(response), {0, 0}, std::move(response.body)};
  if (response.status == 206) {
    auto stated = response.header("content-range");
    if (!stated) co_return fail(Code::corrupt, "a part of an object without Content-Range");
    ContentRange range = co_await ContentRange::parse(*stated);
    answer.info.size = range.total;
    answer.range = range.range;
  } else {
    answer.range = {0, answer.info.size};
  }
  co_return answer;
}

Task<ETag> S3Client::put(std::string bucket, std::string key, io::Body body, PutOptions options,
                         Context ctx) {
  Call call = object_call("PUT", bucket, key);
  call.body = std::move(body);
  add_headers(call, options);
  http::ClientResponse response = co_await co_await send(std::move(call), ctx);
  co_return info_of(response).etag;
}

Task<> S3Client::remove(std::string bucket, std::string key, Context ctx) {
  Result<http::ClientResponse> response = co_await send(object_call("DELETE", bucket, key), ctx);
  if (response || response.error().detail() == "NoSuchKey") co_return ok;
  co_return std::move(response.error());
}

Task<ListPage> S3Client::list(std::string bucket, ListOptions options, Context ctx) {
  Call call = bucket_call("GET", bucket);
  call.query = {{"list-type", "2"}, {"encoding-type", "url"}};
  call.query.emplace_back("max-keys", std::to_string(options.max_keys));
  auto add = [&](const char* name, std::string& value) {
    if (!value.empty()) call.query.emplace_back(name, std::move(value));
  };
  add("prefix", options.prefix);
  add("delimiter", options.delimiter);
  add("start-after", options.start_after);
  add("continuation-token", options.continuation);
  std::string xml = co_await co_await send_for_text(std::move(call), ctx);
  co_return parse_list(xml);
}

Task<std::string> S3Client::create_upload(std::string bucket, std::string key, PutOptions options,
                                          Context ctx) {
  Call call = object_call("POST", bucket, key);
  call.query = {{"uploads", ""}};
  add_headers(call, options);
  std::string xml = co_await co_await send_for_text(std::move(call), ctx);
  co_return parse_upload_id(xml);
}

Task<ETag> S3Client::put_part(std::string bucket, std::string key, std::string upload,
                              uint32_t number, io::Body body, PutOptions options, Context ctx) {
  Call call = object_call("PUT", bucket, key);
  call.query = {{"partNumber", std::to_string(number)}, {"uploadId", std::move(upload)}};
  call.body = std::move(body);
  add_headers(call, options);
  http::ClientResponse response = co_await co_await send(std::move(call), ctx);
  ETag etag = info_of(response).etag;
  if (etag.empty()) co_return fail(Code::corrupt, "an uploaded part has no ETag");
  co_return etag;
}

Task<ETag> S3Client::complete_upload(std::string bucket, std::string key, std::string upload,
                                     std::vector<ETag> parts, Context ctx) {
  Call call = object_call("POST", bucket, key);
  call.query = {{"uploadId", std::move(upload)}};
  std::string document = complete_document(parts);
  call.sha256 = Sha256::of(as_bytes(document));
  call.headers.emplace_back("content-type", "application/xml");
  call.body = io::Body::of(Bytes(std::move(document)));
  std::string xml = co_await co_await send_for_text(std::move(call), ctx);
  co_return parse_completed(xml);
}

Task<> S3Client::abort_upload(std::string bucket, std::string key, std::string upload,
                              Context ctx) {
  Call call = object_call("DELETE", bucket, key);
  call.query = {{"uploadId", std::move(upload)}};
  co_await co_await send(std::move(call), ctx);
  co_return ok;
}

Task<std::vector<BucketInfo>> S3Client::buckets(Context ctx) {
  std::string xml = co_await co_await send_for_text(Call{}, ctx);
  co_return parse_buckets(xml);
}

Task<> S3Client::create_bucket(std::string bucket, Context ctx) {
  co_await co_await send(bucket_call("PUT", bucket), ctx);
  co_return ok;
}

Task<> S3Client::remove_bucket(std::string bucket, Context ctx) {
  co_await co_await send(bucket_call("DELETE", bucket), ctx);
  co_return ok;
}

std::string S3Client::presign(std::string method, std::string_view bucket, std::string_view key,
                              WallTime now, Duration expires) const {
  return exchange_.presign(object_call(std::move(method), bucket, key), now, expires);
}

}  // namespace forebay::client
