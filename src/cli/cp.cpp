// forebay cp SOURCE TARGET
#include "cli/content_type.h"
#include "cli/local.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/shell.h"
#include "client/transfer.h"

namespace forebay::cli {

namespace {

// One end of a copy, before it is known what is there.
enum class End { stream, file, object, unclear };

End end_of(std::string_view text) {
  if (text == "-") return End::stream;
  if (text.starts_with("s3://")) return End::object;
  if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text == "." ||
      text == "..") {
    return End::file;
  }
  return End::unclear;
}

struct Ends {
  End source;
  End target;
  bool no_file = false;  ///< the source is an object because there is no such file
};

// "a/b" may be a file or an object. The other end decides, or whether there is such a file; a name
// without '/' is no object.
Task<End> decide_source(const Copy& command, End target, const Environment& environment,
                        Context ctx) {
  bool object = command.source.contains('/');
  if (target == End::file || target == End::stream) co_return End::object;
  if (co_await kind_of(absolute(environment, command.source), ctx)) co_return End::file;
  if (object) co_return End::object;
  co_return fail(Code::not_found,
                 "no file " + command.source + " here; write objects as s3://BUCKET/KEY");
}

// Where an object goes: to a file in a folder that is there, else to BUCKET/KEY.
Task<End> decide_target(const Copy& command, const Environment& environment, Context ctx) {
  size_t slash = command.target.rfind('/');
  if (slash == std::string::npos) co_return End::file;
  std::string folder = absolute(environment, command.target.substr(0, slash));
  co_return (co_await kind_of(folder, ctx)) ? End::file : End::object;
}

Task<Ends> decide(const Copy& command, const Environment& environment, Context ctx) {
  Ends ends{end_of(command.source), end_of(command.target)};
  if (ends.source == End::unclear) {
    ends.no_file = ends.target == End::object || ends.target == End::unclear;
    ends.source = co_await co_await decide_source(command, ends.target, environment, ctx);
    ends.no_file = ends.no_file && ends.source == End::object;
  }
  if (ends.target == End::unclear) {
    ends.target = ends.source == End::object
                      ? co_await co_await decide_target(command, environment, ctx)
                      : End::object;
  }
  if (ends.source != End::object && ends.target != End::object) {
    co_return usage("neither '" + command.source + "' nor '" + command.target +
                    "' is an object; write s3://BUCKET/KEY");
  }
  co_return ends;
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// A target without a name of its own takes the source's.
Result<Location> target_object(const Copy& command) {
  Result<Location> to = Location::parse(command.target);
  if (!to || !(to->key.empty() || to->key.ends_with('/'))) return to;
  std::string name = command.source == "-" ? "" : base_name(command.source);
  if (name.empty()) return usage("'" + command.target + "' needs a key");
  to->key += name;
  return to;
}

std::function<void(std::string_view)> drawing(const Shell& shell, const Copy& command) {
  if (command.quiet || !shell.environment.terminal) return {};
  return shell.streams.err;
}

client::TransferOptions transfer_options(const Copy& command, Progress& progress) {
  client::TransferOptions options;
  options.part_size = command.part_mib << 20;
  options.parallel = command.parallel;
  options.moved = [&progress](int64_t bytes) { progress.moved(bytes); };
  return options;
}

Task<> put(Shell& shell, Copy command, io::Body body, std::map<std::string, std::string> headers,
           Context ctx) {
  Location to = co_await target_object(command);
  if (!command.content_type.empty()) headers["content-type"] = command.content_type;
  std::optional<uint64_t> total;
  if (body.length != client::kUnknownLength) total = body.length;
  Progress progress(*ctx.loop, drawing(shell, command), base_name(to.key), total,
                    shell.environment.columns);
  client::PutOptions options;
  options.headers = std::move(headers);
  Result<ETag> done =
      co_await client::upload(shell.s3(), to.bucket, to.key, std::move(body), std::move(options),
                              transfer_options(command, progress), ctx);
  if (!done) co_return done.error_in(to.to_string());
  co_return ok;
}

Task<> put_file(Shell& shell, Copy command, Context ctx) {
  LocalFile from = co_await co_await open_file(absolute(shell.environment, command.source), ctx);
  io::Body body = io::Body::of(io::FileSlice{from.file, 0, from.size});
  std::map<std::string, std::string> headers{
      {"content-type", std::string(content_type(command.source))}};
  co_return co_await put(shell, std::move(command), std::move(body), std::move(headers), ctx);
}

Task<> put_input(Shell& shell, Copy command, Context ctx) {
  io::Body body{client::kUnknownLength, std::make_unique<InputSource>(shell.streams)};
  co_return co_await put(shell, std::move(command), std::move(body), {}, ctx);
}

// Through this machine: the server has no copy of its own yet.
Task<> put_object(Shell& shell, Copy command, Context ctx) {
  Location from = co_await parse_object(command.source);
  Result<client::GetAnswer> answer = co_await shell.s3().get(from.bucket, from.key, {}, ctx);
  if (!answer) co_return answer.error_in(from.to_string());
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : answer->info.headers) {
    if (name == "content-type" || name == "content-encoding" || name == "cache-control" ||
        name == "content-disposition" || name == "content-language" ||
        name.starts_with("x-amz-meta-")) {
      headers[name] = value;
    }
  }
  co_return co_await put(shell, std::move(command), std::move(answer->body), std::move(headers),
                         ctx);
}

Task<> get(Shell& shell, Copy command, client::Sink& sink, Context ctx) {
  Location from = co_await parse_object(command.source);
  Result<client::ObjectInfo> info = co_await shell.s3().head(from.bucket, from.key, ctx);
  if (!info) co_return info.error_in(from.to_string());
  Progress progress(*ctx.loop, drawing(shell, command), base_name(from.key), info->size,
                    shell.environment.columns);
  Result<client::ObjectInfo> done = co_await client::download(
      shell.s3(), from.bucket, from.key, sink, transfer_options(command, progress), ctx);
  if (!done) co_return done.error_in(from.to_string());
  co_return ok;
}

Task<> get_file(Shell& shell, Copy command, Context ctx) {
  Location from = co_await parse_object(command.source);
  std::string path = absolute(shell.environment, command.target);
  Result<io::FileStat::Kind> there = co_await kind_of(path, ctx);
  bool folder = there && *there == io::FileStat::Kind::directory;
  if (folder) {
    path += (path == "/" ? "" : "/") + base_name(from.key);
  } else if (command.target.ends_with('/')) {
    co_return fail(Code::not_found, path + ": no such folder");
  }
  if (path.ends_with('/')) co_return fail(Code::invalid, "the object's key has no file name");
  std::unique_ptr<NewFile> file = co_await co_await NewFile::create(path, ctx);
  co_await co_await get(shell, std::move(command), *file, ctx);
  co_return co_await file->keep(ctx);
}

Task<> get_output(Shell& shell, Copy command, Context ctx) {
  OutputSink sink(shell.streams);
  co_return co_await get(shell, std::move(command), sink, ctx);
}

Task<> copy(Shell& shell, Copy command, Ends ends, Context ctx) {
  if (ends.source == End::file) co_return co_await put_file(shell, std::move(command), ctx);
  if (ends.source == End::stream) co_return co_await put_input(shell, std::move(command), ctx);
  if (ends.target == End::object) co_return co_await put_object(shell, std::move(command), ctx);
  if (ends.target == End::stream) co_return co_await get_output(shell, std::move(command), ctx);
  co_return co_await get_file(shell, std::move(command), ctx);
}

}  // namespace

Task<> run_copy(Shell& shell, Copy command, Context ctx) {
  Ends ends = co_await co_await decide(command, shell.environment, ctx);
  std::string source = command.source;
  Result<> done = co_await copy(shell, std::move(command), ends, ctx);
  // Whoever mistyped a file's name is told so, beside what became of the object.
  if (!done && ends.no_file) co_return done.error_in("no file " + source + " here");
  co_return done;
}

}  // namespace forebay::cli
