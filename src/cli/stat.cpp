// forebay stat BUCKET/KEY
#include "base/encoding.h"
#include "cli/shell.h"

namespace forebay::cli {

namespace {

// The answer to a HEAD has no words; a GET of nothing much fails with the same, and says why.
Task<> say_why(Shell& shell [[clang::lifetimebound]], Location at, Error told, Context ctx) {
  auto got = co_await shell.s3().get(at.bucket, at.key, {.range = "bytes=0-0"}, ctx);
  Error error = got ? std::move(told) : std::move(got.error());
  co_return error.in(at.to_string());
}

}  // namespace

Task<> run_stat(Shell& shell, Stat command, Context ctx) {
  Location at = co_await parse_object(command.path);
  Result<client::ObjectInfo> info = co_await shell.s3().head(at.bucket, at.key, ctx);
  if (!info && info.error().code() == Code::not_found) co_return info.error_in(at.to_string());
  if (!info) co_return co_await say_why(shell, at, std::move(info.error()), ctx);
  Json out;
  out.set("object", at.to_string());
  out.set("size", std::to_string(info->size) + " (" + human_bytes(info->size) + ")");
  out.set("etag", info->etag.text());
  out.set("modified", iso8601(info->modified));
  for (const auto& [name, value] : info->headers) {
    bool shown = name.starts_with("x-amz-meta-") || name.starts_with("x-amz-checksum-") ||
                 name.starts_with("content-") || name.starts_with("cache-") ||
                 name == "x-amz-version-id" || name == "x-amz-storage-class" || name == "x-cache";
    if (shown && name != "content-length") out.set(name, value);
  }
  co_return shell.streams.out(render_fields(out));
}

}  // namespace forebay::cli
