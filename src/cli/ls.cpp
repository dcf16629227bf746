// forebay ls [BUCKET[/PREFIX]]
#include "base/encoding.h"
#include "cli/shell.h"

namespace forebay::cli {

namespace {

// "2015-10-21 07:28:00"
std::string date_text(WallTime when) {
  std::string text = iso8601(when).substr(0, 19);
  text[10] = ' ';
  return text;
}

std::string right(std::string text, size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

Task<> list_buckets(Shell& shell, Context ctx) {
  std::vector<client::BucketInfo> buckets = co_await co_await shell.s3().buckets(ctx);
  for (const client::BucketInfo& bucket : buckets) {
    co_await shell.print(date_text(bucket.created) + "  " + bucket.name);
  }
  co_return ok;
}

}  // namespace

Task<> run_list(Shell& shell, List command, Context ctx) {
  if (command.path.empty() || command.path == "s3://") {
    co_return co_await list_buckets(shell, ctx);
  }
  Location at = co_await Location::parse(command.path);
  client::ListOptions options{.prefix = at.key, .delimiter = command.recursive ? "" : "/"};
  while (true) {
    Result<client::ListPage> listed = co_await shell.s3().list(at.bucket, options, ctx);
    if (!listed) co_return listed.error_in(at.to_string());
    client::ListPage& page = *listed;
    // Names of folders and objects come as two lists, each in order.
    auto prefix = page.prefixes.begin();
    auto object = page.objects.begin();
    while (prefix != page.prefixes.end() || object != page.objects.end()) {
      bool folder =
          object == page.objects.end() || (prefix != page.prefixes.end() && *prefix < object->key);
      if (folder) {
        co_await shell.print(right("PRE", 33) + "  " + *prefix++);
      } else {
        co_await shell.print(date_text(object->modified) + right(std::to_string(object->size), 14) +
                             "  " + object->key);
        ++object;
      }
    }
    if (page.continuation.empty()) co_return ok;
    options.continuation = std::move(page.continuation);
  }
}

}  // namespace forebay::cli
