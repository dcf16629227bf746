// GetObject and HeadObject: one decision, with and without a body.
#include <algorithm>
#include <charconv>

#include "gateway/s3/call.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/lifecycle.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

namespace {

/// Of who waits without naming a time: longer than any connection lives.
constexpr Duration kForever = seconds(365 * 24 * 3600);

/// Whether one Cache-Control field holds `directive`, which is in lower case.
bool holds(std::string_view control, std::string_view directive) {
  while (!control.empty()) {
    std::string_view one = control.substr(0, control.find(','));
    control.remove_prefix(std::min(control.size(), one.size() + 1));
    if (http::same_name(trim(one.substr(0, one.find('='))), directive)) return true;
  }
  return false;
}

/// The same of all of them: they are one list (RFC 9110 section 5.3), and proxies add their own.
bool directs(const Call& call, std::string_view directive) {
  return std::ranges::any_of(call.request.headers, [&](const Header& header) {
    return http::same_name(header.name, "cache-control") && holds(header.value, directive);
  });
}

Result<object::ReadRequest> read_request(const Call& call, bool body) {
  Result<> supported = refuse_unsupported(call);
  if (!supported) return std::move(supported.error());
  auto version = read_version(call);
  if (!version) return std::move(version.error());
  auto bucket = call.services.buckets.get(call.bucket_name);
  if (!bucket) return std::move(bucket.error());
  auto key = call.key();
  if (!key) return std::move(key.error());
  object::ReadRequest request{
      .bucket = std::move(*bucket), .key = std::move(*key), .version_id = std::move(*version)};
  request.body = body;
  if (auto range = call.header("range")) request.range = RangeRequest::parse(*range);
  auto part = call.number("partNumber", 0, 10'000);
  if (!part) return std::move(part.error());
  if (call.parameter("partNumber")) {
    if (*part == 0 || request.range) {
      return fail(Code::invalid,
                  *part == 0 ? "Part number must be an integer between 1 and 10000, inclusive"
                             : "Cannot specify both Range header and partNumber query parameter",
                  *part == 0 ? "InvalidArgument" : "InvalidRequest");
    }
    request.part_number = *part;
  }
  request.conditions = read_conditions(call);
  // What the two words mean: docs/semantics.md, "Request headers".
  if (directs(call, "no-store")) {
    request.mode = unit::Mode::past;
  } else if (directs(call, "no-cache")) {
    request.check = call.services.no_cache_checks;
    if (!request.check) request.mode = unit::Mode::keep;
  }
  return request;
}

// response-content-type=… and the like replace what the object says, for this answer only.
void override_fields(const Call& call, origin::Fields& fields) {
  for (auto& [name, value] : call.query) {
    constexpr std::string_view kPrefix = "response-";
    if (!name.starts_with(kPrefix) || value.empty()) continue;
    std::string field = name.substr(kPrefix.size());
    if (field == "content-type" || field == "content-language" || field == "expires" ||
        field == "cache-control" || field == "content-disposition" || field == "content-encoding") {
      fields[field] = value;
    }
  }
}

// The one part of an empty object is the object.
bool is_partial(const object::ReadAnswer& answer) {
  return answer.decision == object::Decision::partial && answer.head->info.size > 0;
}

void write_head(const Call& call, const object::ReadAnswer& answer, http::HeadFields& out) {
  const origin::ObjectInfo& info = answer.head->info;
  bool overridden = false;
  for (auto& [name, value] : call.query) overridden |= name.starts_with("response-");
  if (overridden) {
    origin::Fields changed = info.fields;
    override_fields(call, changed);
    write_info(out, *answer.head, changed);
  } else {
    write_info(out, *answer.head, info.fields);
  }
  if (is_partial(answer)) {
    // Content-Range has no words for a part without bytes.
    if (answer.range.length > 0) {
      out.add("Content-Range", ContentRange{answer.range, info.size}.to_string());
    }
  } else if (!info.checksums.empty()) {
    // Clients compare a body with any checksum they get, so parts of an object carry none.
    auto mode = call.header("x-amz-checksum-mode");
    if (mode && http::same_name(*mode, "ENABLED")) {
      bool typed = false;
      for (auto& [name, value] : info.checksums) {
        out.add(name, value);
        typed |= name == origin::kChecksumTypeHeader;
      }
      auto plan = typed ? std::nullopt : origin::plan_of(info.checksums);
      if (plan) out.add(origin::kChecksumTypeHeader, name(plan->type));
    }
  }
  if (answer.parts_count > 0) out.add("x-amz-mp-parts-count", answer.parts_count);
}

http::Response unsatisfiable(Call& call, const object::ReadAnswer& answer) {
  bool part = call.parameter("partNumber").has_value();
  Error error =
      part ? fail(Code::invalid, "The requested partnumber is not satisfiable", "InvalidPartNumber")
           : fail(Code::invalid, "The requested range is not satisfiable", "InvalidRange");
  call.error = part ? "InvalidPartNumber" : "InvalidRange";
  http::Response response = error_response(error, call.request, call.id.text());
  response.fields.add("Content-Range", "bytes */" + std::to_string(answer.head->info.size));
  return response;
}

http::Response respond(Call& call, object::ReadAnswer answer, bool body) {
  using object::Decision;
  if (answer.decision == Decision::unsatisfiable) return unsatisfiable(call, answer);
  if (answer.decision == Decision::precondition_failed) {
    call.error = "PreconditionFailed";
    return error_response(
        fail(Code::conflict, "At least one of the pre-conditions you specified did not hold",
             "PreconditionFailed"),
        call.request, call.id.text());
  }
  if (answer.decision == Decision::not_modified) {
    http::Response response = http::Response::make(304);
    response.fields.add("ETag", answer.head->info.etag.text());
    response.fields.add("Last-Modified", answer.head->last_modified);
    return response;
  }
  http::Response response = http::Response::make(is_partial(answer) ? 206 : 200);
  write_head(call, answer, response.fields);
  if (body) {
    call.cache = unit::name(answer.served);
    response.fields.add("X-Cache", call.cache);
  }
  response.body = std::move(answer.body);
  return response;
}

// The bucket whose rules the answer tells of; null: none, as of a version by its id, which may be
// an older one.
object::BucketRef ruled_by(const object::ReadRequest& request) {
  return has_rules(*request.bucket) && request.version_id.empty() ? request.bucket : nullptr;
}

Task<http::Response> answer_with(Call& call, object::BucketRef ruled, object::ReadAnswer answer,
                                 bool body, Context ctx) {
  object::HeadRef head = answer.head;
  http::Response response = respond(call, std::move(answer), body);
  bool tells = ruled != nullptr && (response.status == 200 || response.status == 206);
  if (!tells) co_return response;
  Described version{.size = head->info.size, .modified = head->info.modified};
  if (!head->info.fields.contains(std::string(origin::kTaggingCount))) version.tags.emplace();
  std::string ends = co_await co_await expiration_of(std::move(ruled), co_await call.key(),
                                                     std::move(version), ctx);
  if (!ends.empty()) response.fields.add(kExpiration, ends);
  co_return response;
}

// LOTA's pre-staging: HEAD with this very range fetches the object into the cache.
bool asks_to_stage(const Call& call) {
  auto range = call.header("range");
  return range && *range == "bytes=0-0";
}

/// How long `Prefer: wait` lets the answer wait for the object: without a number (RFC 7240 wants
/// one, of seconds) until it is here. What is no such preference is passed over, as that RFC has
/// it.
std::optional<Duration> patience_of(const Call& call) {
  for (const Header& header : call.request.headers) {
    if (!http::same_name(header.name, "prefer")) continue;
    for (std::string_view list = header.value; !list.empty();) {
      std::string_view one = list.substr(0, list.find(','));
      list.remove_prefix(std::min(list.size(), one.size() + 1));
      one = trim(one.substr(0, one.find(';')));
      size_t equals = one.find('=');
      if (!http::same_name(trim(one.substr(0, equals)), "wait")) continue;
      if (equals == std::string_view::npos) return kForever;
      std::string_view digits = trim(one.substr(equals + 1));
      uint32_t wait = 0;
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), wait);
      if (error == std::errc() && end == digits.data() + digits.size()) return seconds(wait);
    }
  }
  return std::nullopt;
}

Task<http::Response> stage_object(Call& call, object::ReadRequest request, Context ctx) {
  using State = object::StageAnswer::State;
  auto patience = patience_of(call);
  Time until = ctx.loop->now() + patience.value_or(Duration{});
  object::BucketRef ruled = ruled_by(request);
  auto staged = co_await co_await call.services.objects.stage(std::move(request), until, ctx);
  http::Response response =
      co_await co_await answer_with(call, std::move(ruled), std::move(staged.read), false, ctx);
  if (staged.state == State::nothing) co_return response;
  call.cache = staged.state == State::here     ? "hit"
               : staged.state == State::coming ? "prestage"
                                               : "bypass";
  response.fields.add("X-Cache", call.cache);
  bool waited = staged.waited || staged.state == State::here;
  if (patience && waited) response.fields.add("Preference-Applied", "wait");
  co_return response;
}

}  // namespace

Task<http::Response> get_object(Call& call, Context ctx) {
  object::ReadRequest request = co_await read_request(call, true);
  object::BucketRef ruled = ruled_by(request);
  if (auto now = call.services.objects.read_now(request, *ctx.loop)) {
    if (ruled == nullptr) co_return respond(call, std::move(*now), true);
    co_return co_await answer_with(call, std::move(ruled), std::move(*now), true, ctx);
  }
  auto answer = co_await co_await call.services.objects.read(std::move(request), ctx);
  co_return co_await answer_with(call, std::move(ruled), std::move(answer), true, ctx);
}

Task<http::Response> head_object(Call& call, Context ctx) {
  object::ReadRequest request = co_await read_request(call, false);
  // What is not to be stored is not fetched ahead either, and a version by its id is not.
  bool stage =
      asks_to_stage(call) && request.mode == unit::Mode::normal && request.version_id.empty();
  if (stage) co_return co_await stage_object(call, std::move(request), ctx);
  object::BucketRef ruled = ruled_by(request);
  auto answer = co_await co_await call.services.objects.read(std::move(request), ctx);
  co_return co_await answer_with(call, std::move(ruled), std::move(answer), false, ctx);
}

}  // namespace forebay::gateway::s3
