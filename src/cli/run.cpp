#include "cli/run.h"

#include "cli/meant.h"
#include "cli/parse.h"

namespace forebay::cli {

namespace {

Task<> carry_out(Shell& shell, Command command, Context ctx) {
  if (auto* one = std::get_if<BucketCreate>(&command)) {
    co_return co_await run_bucket_create(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<BucketSet>(&command)) {
    co_return co_await run_bucket_set(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<BucketList>(&command)) {
    co_return co_await run_bucket_list(shell, *one, ctx);
  }
  if (auto* one = std::get_if<BucketShow>(&command)) {
    co_return co_await run_bucket_show(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<BucketRemove>(&command)) {
    co_return co_await run_bucket_remove(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<List>(&command)) {
    co_return co_await run_list(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<Copy>(&command)) {
    co_return co_await run_copy(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<Cat>(&command)) {
    co_return co_await run_cat(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<Remove>(&command)) {
    co_return co_await run_remove(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<Stat>(&command)) {
    co_return co_await run_stat(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<Prefetch>(&command)) {
    co_return co_await run_prefetch(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<JobList>(&command)) {
    co_return co_await run_job_list(shell, *one, ctx);
  }
  if (auto* one = std::get_if<JobShow>(&command)) {
    co_return co_await run_job_show(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<JobWait>(&command)) {
    co_return co_await run_job_wait(shell, std::move(*one), ctx);
  }
  if (auto* one = std::get_if<JobCancel>(&command)) {
    co_return co_await run_job_cancel(shell, std::move(*one), ctx);
  }
  co_return co_await run_status(shell, std::get<ShowStatus>(command), ctx);
}

Task<> connect_and_carry_out(CommandLine line, const Environment& environment,
                             const Streams& streams, Context ctx) {
  client::SessionOptions options =
      co_await co_await session_options(std::move(line.connection), environment, ctx);
  Result<std::unique_ptr<client::Session>> opened =
      co_await client::Session::open(std::move(options), ctx);
  // It has asked nobody yet: what is invalid was typed.
  if (!opened && opened.error().code() == Code::invalid) {
    co_return opened.error().as(Code::invalid, std::string(kUsage));
  }
  std::unique_ptr<client::Session> session = co_await std::move(opened);
  Shell shell{environment, streams, *session};
  std::vector<std::string> named = buckets_in(line.command);
  Result<> done = co_await carry_out(shell, std::move(line.command), ctx);
  if (done || done.error().detail() != "NoSuchBucket") co_return done;
  std::string text = done.error().text();
  std::string meant = co_await co_await bucket_meant(shell, std::move(named), text, ctx);
  co_return fail(done.error().code(), text + meant, done.error().detail());
}

}  // namespace

Task<int> run(std::vector<std::string> arguments, const Environment& environment,
              const Streams& streams, Context ctx) {
  std::variant<CommandLine, Say> parsed = parse(arguments, environment.version);
  if (auto* say = std::get_if<Say>(&parsed)) {
    if (say->exit_code != 0) {
      streams.err(say->text);
      co_return say->exit_code;
    }
    Result<> said = streams.out(say->text);
    co_return said ? 0 : 1;
  }
  Result<> done = co_await connect_and_carry_out(std::get<CommandLine>(std::move(parsed)),
                                                 environment, streams, ctx);
  if (done) co_return 0;
  streams.err("forebay: " + done.error().text() + '\n' + hint(done.error()));
  co_return done.error().detail() == kUsage ? 2 : 1;
}

}  // namespace forebay::cli
