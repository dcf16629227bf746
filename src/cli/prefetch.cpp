// forebay prefetch BUCKET[/PREFIX] [--wait] [--json]
#include "cli/jobs.h"

namespace forebay::cli {

Task<> run_prefetch(Shell& shell, Prefetch command, Context ctx) {
  Location at = co_await Location::parse(command.path);
  std::string bucket = at.bucket;
  Result<Json> ordered = co_await shell.admin().prefetch(std::move(at.bucket), at.key, ctx);
  if (!ordered) co_return ordered.error_in("bucket " + bucket);
  co_return co_await follow_job(shell, std::move(*ordered), {command.wait, command.json}, "fetches",
                                ctx);
}

}  // namespace forebay::cli
