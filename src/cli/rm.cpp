// forebay rm [-r [--job [--wait] [--json]]] BUCKET/KEY
#include <algorithm>

#include "cli/jobs.h"
#include "io/sync.h"

namespace forebay::cli {

namespace {

Task<> remove_one(Shell& shell, std::string bucket, std::string key, Context ctx) {
  Result<> removed = co_await shell.s3().remove(bucket, key, ctx);
  if (!removed) co_return removed.error_in("s3://" + bucket + "/" + key);
  co_return ok;
}

Task<> remove_page(Shell& shell, const std::string& bucket,
                   const std::vector<client::ListedObject>& objects, Context ctx) {
  constexpr size_t kAtOnce = 16;
  for (size_t begin = 0; begin < objects.size(); begin += kAtOnce) {
    io::Group group(ctx);
    for (size_t i = begin; i < std::min(begin + kAtOnce, objects.size()); ++i) {
      group.spawn(remove_one(shell, bucket, objects[i].key, ctx));
    }
    co_await co_await group.join();
  }
  co_return ok;
}

}  // namespace

Task<> run_remove(Shell& shell, Remove command, Context ctx) {
  if (!command.recursive) {
    Location at = co_await parse_object(command.path);
    co_return co_await remove_one(shell, at.bucket, at.key, ctx);
  }
  Location at = co_await Location::parse(command.path);
  if (command.job) {
    Result<Json> ordered = co_await shell.admin().removal(at.bucket, at.key, ctx);
    if (!ordered) co_return ordered.error_in("bucket " + at.bucket);
    co_return co_await follow_job(shell, std::move(*ordered), {command.wait, command.json},
                                  "removes", ctx);
  }
  uint64_t removed = 0;
  while (true) {
    // Always the first page: what was on it is gone.
    Result<client::ListPage> page = co_await shell.s3().list(at.bucket, {.prefix = at.key}, ctx);
    if (!page) co_return page.error_in(at.to_string());
    if (page->objects.empty()) break;
    co_await co_await remove_page(shell, at.bucket, page->objects, ctx);
    removed += page->objects.size();
    if (page->continuation.empty()) break;
  }
  co_return shell.print("removed " + counted(removed, "object"));
}

}  // namespace forebay::cli
