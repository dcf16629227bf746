// Jobs over many keys: /v1/prefetch, /v1/removal and /v1/jobs.
#include <algorithm>

#include "base/encoding.h"
#include "gateway/admin/door.h"

namespace forebay::gateway::admin {

namespace {

Result<> refuse_other_members(const Json& json) {
  const Json::Object* members = json.as_object();
  if (members == nullptr) return fail(Code::invalid, "the body is no object");
  for (const auto& [name, value] : *members) {
    if (name == "bucket" || name == "prefix") continue;
    return fail(Code::invalid, "unknown member '" + name + "'");
  }
  return ok;
}

}  // namespace

Json show(const batch::Shown& job) {
  const batch::Record& record = job.record;
  Json::Array failures;
  for (const batch::Failure& one : record.failures) {
    failures.push_back(Json().set("key", one.key).set("reason", one.reason));
  }
  Json out;
  out.set("id", record.id)
      .set("work", name(record.kind))
      .set("bucket", record.bucket)
      .set("prefix", record.prefix)
      .set("state", name(record.state))
      .set("error", record.error)
      .set("trouble", job.way.trouble)
      .set("objects", record.counts.objects)
      .set("objects_found", record.counts.found)
      .set("objects_failed", record.counts.failed)
      .set("objects_known", job.way.known_objects)
      .set("bytes", job.way.bytes)
      .set("bytes_known", job.way.known_bytes)
      .set("all_known", job.way.listed)
      .set("bytes_per_second", job.way.per_second)
      .set("failures", std::move(failures))
      .set("after", record.after)
      .set("created", iso8601(record.created));
  if (job.way.left) {
    Duration rounded = *job.way.left + milliseconds(500);
    out.set("seconds_left", rounded.milliseconds() / 1000);
  }
  if (record.started) out.set("started", iso8601(*record.started));
  if (record.ended) out.set("ended", iso8601(*record.ended));
  return out;
}

Task<http::Response> Door::control_jobs(http::Request& request, std::string_view path,
                                        const auth::Verified& verified, Context ctx) {
  constexpr std::string_view kJobs = "jobs/";
  bool get = request.method == "GET";
  bool removes = path == "removal";
  if ((removes || path == "prefetch") && request.method == "POST") {
    Json body = co_await co_await read_json(request, verified, ctx);
    co_await refuse_other_members(body);
    std::string bucket = co_await body.string("bucket");
    // What removes all of a bucket must say so.
    std::string prefix = co_await (removes ? body.string("prefix") : body.string_or("prefix", ""));
    auto ordered = removes ? services_.batch.removal(std::move(bucket), std::move(prefix), ctx)
                           : services_.batch.prefetch(std::move(bucket), std::move(prefix), ctx);
    co_return json_response(202, show(co_await co_await std::move(ordered)));
  }
  if (path == "jobs" && get) {
    Json::Array list;
    for (const batch::Shown& one : services_.batch.list(*ctx.loop)) list.push_back(show(one));
    co_return json_response(200, Json().set("jobs", std::move(list)));
  }
  if (path.starts_with(kJobs)) {
    std::string id(path.substr(kJobs.size()));
    if (get) co_return json_response(200, show(co_await services_.batch.get(id, *ctx.loop)));
    if (request.method == "DELETE") {
      auto job = co_await co_await services_.batch.cancel(std::move(id), ctx);
      co_return json_response(200, show(job));
    }
  }
  co_return no_such_call(request);
}

}  // namespace forebay::gateway::admin
