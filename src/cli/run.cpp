#include "cli/run.h"

#include "cli/parse.h"

namespace forebay::cli {

namespace {

Task<> carry_out(Shell& shell, Command command, Context ctx) {
  if (auto* one = std::get_if<BucketCreate>(&command)) {
    co_return co_await run_bucket_create(shell, std::move(*one), ctx);
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
  co_return co_await run_status(shell, std::get<ShowStatus>(command), ctx);
}

Task<> connect_and_carry_out(CommandLine line, const Environment& environment,
                             const Streams& streams, Context ctx) {
  client::SessionOptions options =
      co_await co_await session_options(std::move(line.connection), environment, ctx);
  std::unique_ptr<client::Session> session =
      co_await co_await client::Session::open(std::move(options), ctx);
  Shell shell{environment, streams, *session};
  co_return co_await carry_out(shell, std::move(line.command), ctx);
}

}  // namespace

namespace {

// Plain HTTP and TLS do not understand each other; which one talks to which can be told from the
// words of whoever gave up.
std::string about_scheme(const std::string& text) {
  if (text.contains("wrong version number") || text.contains("packet length too long")) {
    return "forebay: no TLS is spoken there: say http://HOST:PORT, or HOST:PORT alone\n";
  }
  // A TLS alert is no HTTP, or nothing is said at all.
  if (text.contains("the server ended without a response") ||
      text.contains("not an HTTP response")) {
    return "forebay: if that address speaks TLS (the daemon has --tls-cert), say "
           "https://HOST:PORT\n";
  }
  return {};
}

}  // namespace

std::string hint(const Error& error) {
  const std::string& text = error.text();
  const std::string& word = error.detail();
  bool origin = text.contains("the origin") || text.contains("bucket's origin");
  if (word == "NotS3") {
    return "forebay: that address is for --admin; --s3 (FOREBAY_S3) wants what the daemon's ready "
           "line calls s3=, 127.0.0.1:9000 if nothing else was said\n";
  }
  if (word == "NotAdmin") {
    return "forebay: that address is for --s3; --admin (FOREBAY_ADMIN) wants what the daemon's "
           "ready line calls admin=, 127.0.0.1:9001 if nothing else was said\n";
  }
  if (word == "NoSuchBucket" && !origin) {
    return "forebay: 'forebay bucket ls' lists the buckets; 'forebay bucket create NAME --origin "
           "URL' "
           "makes one\nforebay: if it is listed its origin is gone: see 'forebay status'\n";
  }
  if (word == "InvalidAccessKeyId" || word == "SignatureDoesNotMatch") {
    return "forebay: these keys are not this daemon's; --data DIR names its data folder (all of "
           "it: 'forebay --help')\n";
  }
  if (error.code() == Code::denied && word == "AccessDenied") {
    return origin
               ? "forebay: give the origin's keys: FOREBAY_ORIGIN_ACCESS_KEY and "
                 "FOREBAY_ORIGIN_SECRET_KEY, or --origin-profile (forebay bucket create "
                 "--help)\n"
               : "forebay: no rights, or no credentials: --data DIR names the daemon's data folder "
                 "(all of it: 'forebay --help')\n";
  }
  if (std::string scheme = about_scheme(text); !scheme.empty() && !origin) return scheme;
  // Whoever reads us and leaves ("| head") is no daemon.
  bool here = text.contains("standard output");
  if (error.code() == Code::unavailable && !origin && !here) {
    return "forebay: does the daemon run there? --s3 and --admin name its addresses\n";
  }
  return {};
}

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
  co_return 1;
}

}  // namespace forebay::cli
