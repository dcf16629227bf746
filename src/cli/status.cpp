// forebay status
#include "cli/shell.h"

namespace forebay::cli {

Task<> run_status(Shell& shell, ShowStatus command, Context ctx) {
  Json status = co_await co_await shell.admin().status(ctx);
  if (command.json) co_return shell.print(status.dump());
  co_return shell.streams.out(render_fields(status));
}

}  // namespace forebay::cli
