// PostObject: what a browser's form uploads. Its sender is known only from fields in its body, so
// those are read while it is a stranger's; from then on it is a PutObject whose headers stood in
// the form.
#include <algorithm>

#include "base/encoding.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/form.h"
#include "gateway/s3/headers.h"
#include "gateway/s3/payload.h"
#include "gateway/s3/post_policy.h"
#include "gateway/s3/tagging.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

namespace {

/// A form of which so little is left behind its front is read whole, and may go on behind its file.
constexpr uint64_t kWholeRest = 64 << 10;
/// And must come within so long.
constexpr Duration kRestTime = seconds(10);
constexpr std::string_view kFileName = "${filename}";

/// So much of each form's fields needs no share.
constexpr uint64_t kFreeFields = 8 << 10;

Error too_many() { return fail(Code::busy, "too many forms are under way; try again", "SlowDown"); }

/// One form while it is answered.
struct Form {
  explicit Form(std::string of, Call& call)
      : boundary(std::move(of)), parser(boundary), share(call.services.forms->none()) {}

  std::string boundary;
  FormParser parser;
  Allowance::Share share;
  io::Chunk chunk;         ///< the last one of the front, and behind it
  std::string_view begun;  ///< what of it is the file's, or follows it
  uint64_t front = 0;      ///< bytes of the front
  PostPolicy policy = {};
  std::vector<Header> headers = {};  ///< views of the fields
  origin::TagSet tags = {};

  std::string_view field(std::string_view name) {
    for (const auto& [known, value] : parser.fields()) {
      if (known == name) return value;
    }
    return {};
  }
};

Result<std::string> read_boundary(const Call& call) {
  if (call.verdict.claim) {
    return bad_argument("A form is signed in its own fields: no other authentication goes with it");
  }
  auto boundary = form_boundary(call.header("content-type").value_or(""));
  if (!boundary) {
    return fail(Code::conflict, "Bucket POST must be of the enclosure-type multipart/form-data",
                "PreconditionFailed");
  }
  // What they say of a body would be of the form, not of its file.
  for (std::string_view name :
       {"content-md5", "content-encoding", "x-amz-content-sha256", "x-amz-trailer",
        "x-amz-decoded-content-length", "x-amz-sdk-checksum-algorithm"}) {
    if (call.header(name)) return not_implemented(std::string(name) + " of a form");
  }
  if (!call.request.content_length) {
    return fail(Code::invalid, "You must provide the Content-Length HTTP header.",
                "MissingContentLength");
  }
  return std::move(*boundary);
}

Task<> read_front(Call& call, Form& form, Context ctx) {
  while (!form.parser.at_file()) {
    form.chunk = co_await co_await call.request.unproven_body().next(ctx);
    std::string_view bytes = as_text(std::get<Bytes>(form.chunk).view());
    if (bytes.empty()) {
      co_return fail(Code::invalid, "The form ends before its file", "MalformedPOSTRequest");
    }
    size_t taken = co_await form.parser.feed(bytes);
    form.front += taken;
    form.begun = bytes.substr(taken);
  }
  co_return ok;
}

Result<> admit(Call& call, Form& form, WallTime now) {
  sign::FormFields signature{.policy = form.field("policy"),
                             .algorithm = form.field("x-amz-algorithm"),
                             .credential = form.field("x-amz-credential"),
                             .date = form.field("x-amz-date"),
                             .signature = form.field("x-amz-signature"),
                             .security_token = form.field("x-amz-security-token")};
  if (!form.field("awsaccesskeyid").empty()) {
    return fail(Code::invalid,
                "The authorization mechanism you have provided is not supported. Please use "
                "AWS4-HMAC-SHA256.",
                "InvalidRequest");
  }
  auto verified = call.services.guard.authenticate_form(signature, now);
  if (!verified) return std::move(verified.error());
  call.verdict = std::move(*verified);
  return auth::may(call.verdict.principal, "s3:PutObject", call.bucket_name, "");
}

// In every field, before the policy is held against it. Together no more than a front may be.
Result<> put_file_name(Form& form) {
  const std::string& file_name = form.parser.file_name();
  size_t grown = 0;
  for (auto& [name, value] : form.parser.fields()) {
    if (name == "policy") continue;
    for (size_t at = 0; (at = value.find(kFileName, at)) != std::string::npos;) {
      grown += file_name.size();
      if (grown > kMaxFormFront) return bad_argument("The file's name is too long for its fields");
      value.replace(at, kFileName.size(), file_name);
      at += file_name.size();
    }
  }
  return ok;
}

Result<> check_policy(Call& call, Form& form, WallTime now) {
  auto document = from_base64(form.field("policy"));
  if (!document) {
    return fail(Code::invalid, "Invalid Policy: it is not base64", "InvalidPolicyDocument");
  }
  auto policy = parse_post_policy(*document);
  if (!policy) return std::move(policy.error());
  form.policy = std::move(*policy);
  return check_post_policy(form.policy, form.parser.fields(), call.bucket_name, now);
}

// From here on they are held until the file is written, but for those that nobody asks for again.
Result<> hold_fields(Form& form) {
  std::erase_if(form.parser.fields(), [](const auto& field) {
    return field.first == "policy" || field.first.starts_with("x-ignore-");
  });
  uint64_t memory = form.parser.memory();
  if (!form.share.resize(memory - std::min(memory, kFreeFields))) return too_many();
  return ok;
}

bool of_signature(std::string_view name) {
  return name == "x-amz-algorithm" || name == "x-amz-credential" || name == "x-amz-date" ||
         name == "x-amz-signature";
}

// Fields that are a PutObject's headers. Others are for the page that the form is on.
Result<> read_headers(Form& form) {
  constexpr std::string_view kPlain[] = {
      "cache-control", "content-disposition", "content-encoding", "content-language",
      "content-range", "content-type",        "content-md5",      "expires"};
  for (const auto& [name, value] : form.parser.fields()) {
    bool header = std::ranges::find(kPlain, name) != std::end(kPlain) ||
                  name.starts_with("x-amz-") || name.starts_with("if-");
    bool framing = name == "x-amz-content-sha256" || name == "x-amz-trailer" ||
                   name == "x-amz-decoded-content-length";
    if (framing) return not_implemented("The field " + name + " of a form");
    if (name == "tagging") {
      auto tags = parse_tagging(value, kMaxTags);
      if (!tags) return std::move(tags.error());
      form.tags = std::move(*tags);
    }
    if ((header || name == "acl") && !is_plain(value)) {
      return bad_argument("A field can be no header: " + name);
    }
    if (header && !of_signature(name)) form.headers.push_back({name, value});
    if (name == "acl") form.headers.push_back({"x-amz-acl", value});
  }
  if (!form.tags.empty() && !form.field("x-amz-tagging").empty()) {
    return bad_argument("Tags are told twice: as tagging and as x-amz-tagging");
  }
  return ok;
}

const Operation& put_operation() {
  return *std::ranges::find(operations(), std::string_view("PutObject"), &Operation::name);
}

/// The form's fields in place of the request's headers.
class HeadersOfForm {
 public:
  HeadersOfForm(http::Request& request, std::span<const Header> headers)
      : request_(request), sent_(std::exchange(request.headers, headers)) {}
  HeadersOfForm(const HeadersOfForm&) = delete;
  HeadersOfForm& operator=(const HeadersOfForm&) = delete;
  ~HeadersOfForm() { request_.headers = sent_; }

 private:
  http::Request& request_;
  std::span<const Header> sent_;
};

/// What a form has behind its front.
struct Rest {
  uint64_t bytes = 0;
  /// So many of them, where the form is small, have the file in them or show it to be too long.
  uint64_t kept = 0;
};

Rest rest_of(const Call& call, const Form& form) {
  uint64_t bytes = call.request.content_length.value_or(0) - form.front;
  uint64_t most = std::min(form.policy.most, kWholeRest) + form.boundary.size() + kFormDashes;
  return {.bytes = bytes, .kept = std::min(bytes, most)};
}

/// The file of a small form. All that is left is awaited, but what is longer than it may be: that
/// is "EntityTooLarge" at once.
Task<std::string> read_small_file(Call& call, Form& form, Rest rest, Context ctx) {
  std::string text;
  text.reserve(rest.kept);
  Context limited = ctx.until(ctx.loop->now() + kRestTime);
  std::string_view bytes = form.begun;
  while (true) {
    bool more = text.size() < rest.kept;
    text += bytes.substr(0, rest.kept - text.size());
    if (more && text.size() == rest.kept && rest.kept < rest.bytes) {
      auto file = file_of_form(text, form.boundary);
      co_await check_post_length(form.policy, file ? file->size() : text.size());
    }
    Result<io::Chunk> next = co_await call.request.body().next(limited);
    bool late = !next && next.error().code() == Code::timeout;
    if (late) co_return next.error().as(Code::timeout, "RequestTimeout");
    io::Chunk chunk = co_await std::move(next);
    bytes = as_text(std::get<Bytes>(chunk).view());
    if (bytes.empty()) break;
  }
  std::string_view file = co_await file_of_form(text, form.boundary);
  text.resize(file.size());
  co_return text;
}

struct File {
  uint64_t length = 0;
  std::unique_ptr<io::Source> source;
  Allowance::Share share = {};  ///< of what is in memory of it
  bool crowded = false;         ///< it is streamed because others are in memory
};

Task<File> open_file(Call& call, Form& form, Context ctx) {
  Rest rest = rest_of(call, form);
  File out;
  if (rest.bytes <= kWholeRest) {
    auto share = call.services.form_files->take(HeldText::share_of(rest.kept));
    out.crowded = !share;
    if (share) {
      out.share = std::move(*share);
      std::string file = co_await co_await read_small_file(call, form, rest, ctx);
      out.length = file.size();
      out.source = io::Body::of(Bytes(std::move(file))).source;
      co_return out;
    }
  }
  out.length = rest.bytes - form.boundary.size() - kFormDashes;
  out.source =
      std::make_unique<FormFile>(call.request.body(), form.begun, out.length, form.boundary);
  co_return out;
}

std::string location_of(const Call& call) {
  std::string out = call.request.secure ? "https://" : "http://";
  out += call.request.authority;
  out += call.request.path;
  if (!out.ends_with('/')) out += '/';
  append_percent_encoded(out, call.key_text, true);
  return out;
}

bool is_url(std::string_view text) {
  bool scheme = text.starts_with("http://") || text.starts_with("https://");
  return scheme && std::ranges::all_of(text, [](char c) {
           return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
         });
}

http::Response answer(Call& call, Form& form, const origin::PutAnswer& put) {
  std::string_view to = form.field("success_action_redirect");
  if (to.empty()) to = form.field("redirect");
  if (is_url(to)) {
    http::Response response = http::Response::make(303);
    std::string url(to);
    url += url.contains('?') ? "&bucket=" : "?bucket=";
    append_percent_encoded(url, call.bucket_name);
    url += "&key=";
    append_percent_encoded(url, call.key_text);
    url += "&etag=";
    append_percent_encoded(url, put.etag.text());
    response.fields.add("Location", url);
    return response;
  }
  std::string_view status = form.field("success_action_status");
  if (status != "201") {
    http::Response response = http::Response::make(status == "200" ? 200 : 204);
    response.fields.add("Location", location_of(call));
    return response;
  }
  Xml xml("PostResponse", false);
  xml.text("Location", location_of(call)).text("Bucket", call.bucket_name);
  xml.text("Key", call.key_text).text("ETag", put.etag.text());
  http::Response response = xml.response(201);
  response.fields.add("Location", location_of(call));
  return response;
}

}  // namespace

Task<http::Response> post_object(Call& call, Context ctx) {
  std::string boundary = co_await read_boundary(call);
  Form form(std::move(boundary), call);
  co_await co_await read_front(call, form, ctx);
  WallTime now = ctx.loop->wall_now();
  co_await admit(call, form, now);
  co_await put_file_name(form);
  co_await check_policy(call, form, now);
  call.admitted = true;
  call.authenticated = ctx.loop->now();
  co_await hold_fields(form);
  call.key_text = form.field("key");
  if (call.key_text.empty()) {
    co_return fail(Code::invalid,
                   "The bucket POST must contain the specified field name. If it is specified, "
                   "please check the order of the fields.",
                   "UserKeyMustBeSpecified");
  }
  co_await auth::may(call.verdict.principal, "s3:PutObject", call.bucket_name, call.key_text);
  co_await read_headers(form);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  File file = co_await co_await open_file(call, form, ctx);
  co_await check_post_length(form.policy, file.length);
  HeadersOfForm as_put(call.request, form.headers);
  co_await admit_headers(put_operation(), call.request);
  origin::PutOptions options = co_await read_put_options(call, *bucket);
  if (!form.tags.empty()) options.tags = std::move(form.tags);
  Payload payload = co_await open_payload_of(call, std::move(file.source), file.length);
  add_checksums(payload, options);
  io::Body body{payload.length, std::move(payload.source)};
  auto done =
      co_await call.services.objects.put(bucket, key, std::move(options), std::move(body), ctx);
  if (!done && file.crowded && done.error().detail() == "MalformedPOSTRequest") {
    co_return too_many();
  }
  origin::PutAnswer put = co_await std::move(done);
  http::Response response = answer(call, form, put);
  response.fields.add("ETag", put.etag.text());
  write_version(response.fields, put.version_id);
  for (auto& [name, value] : put.encryption) response.fields.add(name, value);
  for (auto& [name, value] : *payload.trailing) response.fields.add(name, value);
  co_return response;
}

}  // namespace forebay::gateway::s3
