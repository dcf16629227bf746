// forebay cat BUCKET/KEY
#include "cli/output.h"
#include "cli/shell.h"

namespace forebay::cli {

Task<> run_cat(Shell& shell, Cat command, Context ctx) {
  Location from = co_await parse_object(command.path);
  OutputSink sink(shell.streams);
  Result<client::ObjectInfo> done =
      co_await client::download(shell.s3(), from.bucket, from.key, sink, {}, ctx);
  if (!done) co_return done.error_in(from.to_string());
  co_return ok;
}

}  // namespace forebay::cli
