// PUT and DELETE, and the making of origins and of buckets.
#include "origin/s3/origin.h"
#include "origin/s3/trailer.h"
#include "origin/tags.h"

namespace forebay::origin {

namespace {

/// Where an own region is S3's default and must not be named.
constexpr std::string_view kAws = ".amazonaws.com";
constexpr std::string_view kAwsDefault = "us-east-1";

Task<> create_bucket_now(S3Options options, Context ctx) {
  const S3Url& url = options.url;
  S3Call call{.method = "PUT", .missing = "NoSuchBucket"};
  if (url.endpoint.host.ends_with(kAws) && url.region != kAwsDefault) {
    call.document = s3_location_document(url.region);
  }
  S3Wire wire(std::move(options));
  Result<S3Text> made = co_await wire.send_for_text(std::move(call), ctx);
  if (!made && made.error().detail() != "BucketAlreadyOwnedByYou")
    co_return std::move(made.error());
  co_return ok;
}

std::optional<ChecksumKind> kind_of_header(std::string_view header) {
  for (ChecksumKind kind : kAllChecksumKinds) {
    if (header_name(kind) == header) return kind;
  }
  return std::nullopt;
}

/// A coding of the object's own would stand beside that of the framing.
bool could_be_framed(const PutOptions& options, uint64_t length) {
  return !options.trailing_name.empty() && length > 0 &&
         !options.fields.contains("content-encoding");
}

}  // namespace

Result<> allow_s3_match(const ETag& wanted, S3MatchForm form) {
  bool odd = wanted.text() == "\"\"" || wanted.text() == "\"*\"";
  if (form != S3MatchForm::bare || !odd) return ok;
  return fail(Code::conflict, "no object has that ETag", "PreconditionFailed");
}

void add_s3_conditions(const WriteConditions& conditions, S3MatchForm form, http::HeadFields& out) {
  if (conditions.if_none_match_any) out.add("if-none-match", "*");
  if (conditions.if_match.empty()) return;
  std::string_view etag = conditions.if_match.text();
  bool quotes = etag.starts_with('"') && etag.ends_with('"') && etag.size() > 1;
  if (form == S3MatchForm::bare && quotes) etag = etag.substr(1, etag.size() - 2);
  out.add("if-match", etag);
}

Task<io::Body> s3_body(io::Body body, Context ctx) {
  if (body.length == http::kUnknownLength) {
    co_return fail(Code::invalid, "S3 takes no body of unknown length", "MissingContentLength");
  }
  if (body.length > 0 || body.source == nullptr) co_return body;
  io::Chunk chunk = co_await co_await body.source->next(ctx);
  if (io::size(chunk) > 0) co_return fail(Code::internal, "a body is longer than it says");
  co_return io::Body::empty();
}

Task<PutAnswer> S3Origin::put_now(ObjectKey key, PutOptions options, io::Body body, Context ctx) {
  S3MatchForm form = S3MatchForm::quoted;
  if (!options.conditions.if_match.empty()) form = co_await co_await match_form(ctx);
  if (form == S3MatchForm::none) {
    co_return fail(Code::invalid, "the origin does not heed If-Match", "NotImplemented");
  }
  co_await allow_s3_match(options.conditions.if_match, form);
  // One that comes behind the body goes so where the server keeps it; elsewhere it would be lost,
  // or the framing kept for bytes.
  if (could_be_framed(options, body.length)) (void)co_await takes_trailers(ctx);
  co_return co_await put_as(std::move(key), std::move(options), std::move(body), form, ctx);
}

Task<PutAnswer> S3Origin::put_as(ObjectKey key, PutOptions options, io::Body body, S3MatchForm form,
                                 Context ctx) {
  S3Call call{.method = "PUT", .key = key.text()};
  add_s3_fields(options.fields, call.fields);
  add_s3_fields(options.checksums, call.fields);
  add_s3_tags(options.tags, call.fields);
  add_s3_conditions(options.conditions, form, call.fields);
  uint64_t length = body.length;
  call.body = co_await co_await s3_body(std::move(body), ctx);
  auto kind = kind_of_header(options.trailing_name);
  bool framed = could_be_framed(options, length) &&
                takes_trailers_.load(std::memory_order_relaxed) == Judges::yes;
  if (kind && framed) {
    call.body = s3_with_trailer(std::move(call.body), *kind, options.trailing, call.fields);
    call.trailer = true;
  } else if (kind && length == 0) {
    add_s3_fields(*options.trailing, call.fields);  // known by now
  }
  http::ClientResponse response = co_await co_await wire_.send(std::move(call), ctx);
  PutAnswer answer;
  answer.etag = s3_etag_of(response);
  // A login page is a 200 too.
  if (response.status != 200 || answer.etag.empty()) co_return s3_unclear(response);
  answer.version_id = s3_version(response);
  answer.encryption = s3_encryption(response);
  answer.tag = version_tag(answer.version_id, answer.etag, length);
  co_return answer;
}

Task<> S3Origin::remove_now(ObjectKey key, std::string version_id, Context ctx) {
  co_await co_await remove_version_now(std::move(key), std::move(version_id), ctx);
  co_return ok;
}

std::shared_ptr<Origin> make_s3_origin(S3Options options) {
  return std::make_shared<S3Origin>(std::move(options));
}

Task<> create_s3_bucket(S3Options options, Context ctx) {
  std::shared_ptr<Meter> meter = options.meter;
  return metered(std::move(meter), "create_bucket", create_bucket_now(std::move(options), ctx));
}

}  // namespace forebay::origin
