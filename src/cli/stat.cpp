// forebay stat BUCKET/KEY
#include "base/encoding.h"
#include "cli/shell.h"

namespace forebay::cli {

Task<> run_stat(Shell& shell, Stat command, Context ctx) {
  Location at = co_await parse_object(command.path);
  Result<client::ObjectInfo> info = co_await shell.s3().head(at.bucket, at.key, ctx);
  if (!info) co_return info.error_in(at.to_string());
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
