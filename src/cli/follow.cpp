// What the commands that order a job do then: tell it, or look on until its end.
#include "cli/jobs.h"
#include "cli/members.h"
#include "cli/progress.h"

namespace forebay::cli {

namespace {

// Between two looks at a job that is waited for.
constexpr Duration kLook = milliseconds(500);
// A daemon that is started again goes on with the job; so long it may be away.
constexpr Duration kAway = seconds(60);

std::string how_to(const std::string& id) {
  return "  forebay job show " + id + "    tells how far it is\n  forebay job cancel " + id +
         "  ends it";
}

/// What is asked for, again while nobody answers.
Task<Json> look(Shell& shell, std::string id, Context ctx) {
  Time patient = ctx.loop->now() + kAway;
  while (true) {
    Result<Json> job = co_await shell.admin().job(id, ctx);
    if (job || !retryable(job.error().code()) || ctx.loop->now() >= patient) co_return job;
    co_await co_await io::sleep_until(ctx.loop->now() + kLook, ctx);
  }
}

/// Until it has ended; gives it as it is then.
Task<Json> watch(Shell& shell, std::string id, std::string name, Context ctx) {
  Manner manner = shell.environment.terminal ? Manner::bar : Manner::lines;
  Progress progress(*ctx.loop, shell.streams.err, std::move(name), std::nullopt,
                    shell.environment.columns, manner);
  uint64_t seen = 0;
  while (true) {
    Json job = co_await co_await look(shell, id, ctx);
    uint64_t bytes = number_in(job, "bytes");
    bool all = flag_in(job, "all_known");
    std::optional<uint64_t> known;
    if (all) known = number_in(job, "bytes_known");
    progress.set_total(known);
    // What was here before is done and not fetched.
    if (!removes(job)) progress.set_rate(number_in(job, "bytes_per_second"));
    progress.moved(static_cast<int64_t>(bytes - seen));
    seen = bytes;
    std::string state = text_in(job, "state");
    if (state != "waiting" && state != "running") co_return job;
    co_await co_await io::sleep_until(ctx.loop->now() + kLook, ctx);
  }
}

}  // namespace

Task<> follow_job(Shell& shell, Json ordered, Follow how, std::string does, Context ctx) {
  std::string id = co_await ordered.string("id");
  std::string path = job_path(ordered);
  if (!how.wait) {
    if (how.json) co_return shell.print(ordered.dump());
    co_return shell.streams.out("job " + id + " " + does + " " + path + '\n' + how_to(id) + '\n');
  }
  Result<Json> over = co_await watch(shell, id, path, ctx);
  if (!over) {
    // Whoever has had enough of looking on has not ended it, nor has a server that is away.
    bool left = over.error().code() == Code::cancelled;
    std::string why = left ? "" : over.error().text() + ": ";
    co_return fail(over.error().code(), why + "job " + id + " is left to go on\n" + how_to(id),
                   std::string(kJobOver));
  }
  // Also of one that came to no good end, which the exit code tells.
  if (how.json) co_await shell.print(over->dump());
  co_await job_end(*over);
  if (how.json) co_return ok;
  uint64_t found = number_in(*over, "objects_found");
  std::string told = found == 0 ? "" : " (" + std::to_string(found) + " had been here before)";
  bool removed = removes(*over) && number_in(*over, "objects") > 0;
  co_return shell.print((removed ? "removed " : "") + job_numbers(*over) + told);
}

}  // namespace forebay::cli
