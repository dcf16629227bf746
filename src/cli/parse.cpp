#include "cli/parse.h"

#include <CLI/CLI.hpp>
#include <sstream>

#include "cli/complaint.h"
#include "cli/completion.h"

namespace forebay::cli {

namespace {

constexpr const char* kAbout =
    R"(Forebay keeps the data your GPUs read close to them: an S3 endpoint with a
cache on local disks, in front of the object store that holds the truth.

Start the daemon with
  forebay serve --data DIR            (forebay serve --help tells all of it)
then, with the credentials it printed or keeps in DIR/credentials:
  forebay --data DIR bucket create images --origin 's3://my-bucket?region=eu-west-1'
  forebay --data DIR ls images
  forebay --data DIR cp s3://images/cat.png .
(Where DIR is ./forebay-data, --data may be left out everywhere.)
)";

constexpr const char* kEnvironment = R"(
Credentials, first that is there:
  --data DIR                          DIR/credentials, as the daemon wrote it
  FOREBAY_ROOT_ACCESS_KEY, FOREBAY_ROOT_SECRET_KEY
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
  FOREBAY_DATA                        as --data
  ./forebay-data                      where a daemon that was started here keeps it
Objects are written s3://BUCKET/KEY or BUCKET/KEY.
Exit codes: 0 done, 1 failed, 2 wrong usage.)";

void add_connection(CLI::App& app, Connection& to) {
  app.add_option("--s3", to.s3,
                 "S3 address: HOST:PORT or URL (FOREBAY_S3; default 127.0.0.1:9000)");
  app.add_option("--admin", to.admin,
                 "Admin address: HOST:PORT or URL (FOREBAY_ADMIN; default 127.0.0.1:9001)");
  app.add_option("--data", to.data, "Data directory of a daemon here, for its credentials");
  app.add_option("--ca-bundle", to.authorities_file,
                 "PEM file of authorities to trust for https (FOREBAY_CA_BUNDLE)");
}

// Declares subcommands; the one that was given leaves its struct in `command`.
class Grammar {
 public:
  explicit Grammar(Command& command) : command_(command) {}

  template <class C>
  CLI::App& add(CLI::App& to, const char* name, const char* help, C& value) {
    CLI::App* sub = to.add_subcommand(name, help);
    // Values are complete only after the whole line was read.
    sub->final_callback([this, &value] { command_ = value; });
    return *sub;
  }

 private:
  Command& command_;
};

struct Values {
  BucketCreate bucket_create;
  std::string origin_secret;
  BucketSet bucket_set;
  BucketList bucket_list;
  BucketShow bucket_show;
  BucketRemove bucket_remove;
  List list;
  Copy copy;
  Cat cat;
  Remove remove;
  Stat stat;
  Prefetch prefetch;
  JobList job_list;
  JobShow job_show;
  JobWait job_wait;
  JobCancel job_cancel;
  ShowStatus status;
};

// A limit that is empty is a variable that was not set, and no wish for none.
void add_limits(CLI::App& command, Limits& limits) {
  auto said = [](const std::string& value) {
    return value.empty() ? std::string("an empty value; 0 is no limit") : std::string();
  };
  command
      .add_option("--max-bytes", limits.max_bytes,
                  "Most that a native bucket may hold: 10GiB, 2TiB; 0: no limit")
      ->check(said);
  command.add_option("--max-objects", limits.max_objects, "Most objects of it; 0: no limit")
      ->check(said);
}

/// `v` keeps the secret of whichever command it is.
void add_origin_keys(CLI::App& command, std::string& profile, std::string& access_key, Values& v) {
  command.add_option("--origin-profile", profile,
                     "Take the origin's keys from this section of ~/.aws/credentials, or of\n"
                     "$AWS_SHARED_CREDENTIALS_FILE where that is set");
  command.add_option("--origin-access-key", access_key,
                     "The origin's access key (FOREBAY_ORIGIN_ACCESS_KEY)");
  command.add_option("--origin-secret-key", v.origin_secret,
                     "Its secret; better in FOREBAY_ORIGIN_SECRET_KEY, where ps does not show it");
}

void add_hedge(CLI::App& command, std::string& hedge) {
  command
      .add_option("--hedge", hedge,
                  "Ask an S3 origin a second time when its answer takes longer than 99 (p99) or\n"
                  "95 (p95) of 100 recent ones; off")
      ->check(CLI::IsMember({"off", "p95", "p99"}))
      ->option_text("TEXT");
}

void add_bucket(CLI::App& app, Grammar& grammar, Values& v) {
  CLI::App* bucket = app.add_subcommand("bucket", "Make, change, list, show and remove buckets");
  bucket->require_subcommand(1);
  CLI::App& create =
      grammar.add(*bucket, "create", "Make a bucket, over an origin or native", v.bucket_create);
  create.add_option("name", v.bucket_create.name, "3-63 small letters, digits, '-', '.'")
      ->required();
  create.add_option(
      "--origin", v.bucket_create.origin,
      "Where the objects are: s3://BUCKET[/PREFIX]?endpoint=URL&region=NAME or\n"
      "dir:///PATH; without it, what serve --default-origin says: --native, if nothing");
  CLI::Option* native =
      create.add_flag("--native", v.bucket_create.native,
                      "Without an origin: the objects are on Forebay's own disks and nowhere else");
  create.add_option("--freshness", v.bucket_create.freshness,
                    "How long reads may believe what is known: exact (ask the origin each time),\n"
                    "ttl:60s, or immutable");
  create.add_option("--fill", v.bucket_create.fill,
                    "How much of an object a read fetches: part (all of the part, or the object,\n"
                    "that it touches) or adaptive (what it asked for and its neighbourhood, more\n"
                    "where reads go on in order)");
  create.add_option("--verify", v.bucket_create.verify,
                    "When cached bytes are compared with their checksums: start (once, after the\n"
                    "machine went down uncleanly) or always (at every read, which costs CPU)");
  add_hedge(create, v.bucket_create.hedge);
  add_origin_keys(create, v.bucket_create.origin_profile, v.bucket_create.origin_access_key, v);
  create.add_option("--origin-region", v.bucket_create.origin_region, "The origin's region");
  for (const char* of_origin : {"--origin", "--freshness", "--fill", "--hedge", "--origin-profile",
                                "--origin-access-key", "--origin-secret-key", "--origin-region"}) {
    CLI::Option* other = create.get_option(of_origin);
    // A flag that does not fit is refused by name; a list of all of them in each line helps nobody.
    native->excludes(other->option_text("TEXT"));
  }
  native->option_text(" ");
  add_limits(create, v.bucket_create.limits);
  CLI::App& set = grammar.add(
      *bucket, "set",
      "Change what a native bucket may hold, or the keys or the hedge of an origin; all else is\n"
      "chosen at create",
      v.bucket_set);
  set.add_option("name", v.bucket_set.name)->required();
  add_limits(set, v.bucket_set.limits);
  add_hedge(set, v.bucket_set.hedge);
  add_origin_keys(set, v.bucket_set.origin_profile, v.bucket_set.origin_access_key, v);
  CLI::App& ls = grammar.add(*bucket, "ls", "List buckets and their origins", v.bucket_list);
  ls.add_flag("--json", v.bucket_list.json, "As JSON");
  CLI::App& show = grammar.add(*bucket, "show", "Show all of one bucket", v.bucket_show);
  show.add_option("name", v.bucket_show.name)->required();
  show.add_flag("--json", v.bucket_show.json, "As JSON");
  CLI::App& rm = grammar.add(
      *bucket, "rm", "Forget a bucket; its origin keeps the objects. A native one must be empty",
      v.bucket_remove);
  rm.add_option("name", v.bucket_remove.name)->required();
}

void add_objects(CLI::App& app, Grammar& grammar, Values& v) {
  CLI::App& ls = grammar.add(app, "ls", "List buckets, or the objects of one", v.list);
  ls.add_option("path", v.list.path, "BUCKET or BUCKET/PREFIX");
  ls.add_flag("-r,--recursive", v.list.recursive, "Look into folders too");
  CLI::App& cp =
      grammar.add(app, "cp", "Copy a file to an object, or back, or between objects", v.copy);
  cp.add_option("source", v.copy.source,
                "FILE, '-' (standard input), s3://BUCKET/KEY or BUCKET/KEY")
      ->required();
  cp.add_option("target", v.copy.target,
                "FILE, folder, '-' (standard output), s3://BUCKET/KEY or s3://BUCKET/FOLDER/")
      ->required();
  cp.add_option("--content-type", v.copy.content_type,
                "Content type of the new object; without it, what a file's name tells");
  cp.add_option("--part-size", v.copy.part_mib, "MiB of a part of a long upload (default 16)")
      ->check(CLI::Range(5, 5120));
  cp.add_option("--parallel", v.copy.parallel, "Parts sent at once (default 4)")
      ->check(CLI::Range(1, 64));
  cp.add_flag("-q,--quiet", v.copy.quiet, "Without a progress bar");
  CLI::App& cat = grammar.add(app, "cat", "Write an object to standard output", v.cat);
  cat.add_option("path", v.cat.path, "BUCKET/KEY")->required();
  CLI::App& rm = grammar.add(app, "rm", "Delete objects", v.remove);
  rm.add_option("path", v.remove.path, "BUCKET/KEY; with -r BUCKET/PREFIX")->required();
  CLI::Option* all =
      rm.add_flag("-r,--recursive", v.remove.recursive, "All objects whose keys begin so");
  CLI::Option* by_job =
      rm.add_flag("--job", v.remove.job, "Order it as a job of the server: see 'forebay job'");
  by_job->needs(all);
  rm.add_flag("--wait", v.remove.wait,
              "Show how far the job is until it ends (it goes on without that, too)")
      ->needs(by_job);
  rm.add_flag("--json", v.remove.json, "The job as JSON; with --wait as it ended")->needs(by_job);
  CLI::App& stat = grammar.add(app, "stat", "Show an object's size, ETag and headers", v.stat);
  stat.add_option("path", v.stat.path, "BUCKET/KEY")->required();
  CLI::App& status = grammar.add(app, "status", "Show how the daemon is", v.status);
  status.add_flag("--json", v.status.json, "As JSON");
}

void add_jobs(CLI::App& app, Grammar& grammar, Values& v) {
  CLI::App& prefetch = grammar.add(
      app, "prefetch", "Fetch a bucket's objects into the cache before they are read", v.prefetch);
  prefetch.add_option("path", v.prefetch.path, "BUCKET, or BUCKET/PREFIX for keys that begin so")
      ->required();
  prefetch.add_flag("--wait", v.prefetch.wait,
                    "Show how far it is until it ends (it goes on without that, too)");
  prefetch.add_flag("--json", v.prefetch.json, "The job as JSON; with --wait as it ended");
  CLI::App* job = app.add_subcommand(
      "job", "List, show, wait for and cancel jobs: what prefetch and rm --job have begun");
  job->require_subcommand(1);
  CLI::App& ls = grammar.add(*job, "ls", "List jobs, those of the last days too", v.job_list);
  ls.add_flag("--json", v.job_list.json, "As JSON");
  CLI::App& show = grammar.add(*job, "show", "Show how far a job is, and what failed", v.job_show);
  show.add_option("id", v.job_show.id)->required();
  show.add_flag("--json", v.job_show.json, "As JSON");
  CLI::App& wait = grammar.add(
      *job, "wait", "Look on until a job ends; exit code 1 if not all was done", v.job_wait);
  wait.add_option("id", v.job_wait.id)->required();
  wait.add_flag("--json", v.job_wait.json, "As JSON, once it has ended");
  CLI::App& cancel =
      grammar.add(*job, "cancel", "End a job; what it has fetched stays", v.job_cancel);
  cancel.add_option("id", v.job_cancel.id)->required();
}

// All that may be typed, and where it is put.
struct Program {
  explicit Program(const std::string& version) {
    app.footer(kEnvironment);
    app.set_version_flag("--version", "forebay " + version);
    app.require_subcommand(1);
    // Connection options may stand before or after the command.
    app.fallthrough();
    add_connection(app, line.connection);
    // Here only to be listed, and to be recognised where they do not work.
    app.add_subcommand("serve", "Run the daemon (comes first: forebay serve --data DIR)")
        ->prefix_command();
    app.add_subcommand("help", "Show the help of a command: forebay help serve")->prefix_command();
    add_bucket(app, grammar, values);
    add_objects(app, grammar, values);
    add_jobs(app, grammar, values);
    app.add_subcommand("completion",
                       "Print what makes bash complete all this: . <(forebay completion)");
    app.add_subcommand("s3-compatibility", "Print which operations of S3 are answered, as text");
  }

  CommandLine line;
  Values values;
  Grammar grammar{line.command};
  CLI::App app{kAbout, "forebay"};
};

}  // namespace

std::string bash_completion(const std::vector<std::string>& serve_options) {
  return completion_script(Program("").app, serve_options);
}

std::vector<std::string> spell_out_help(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments.front() != "help") return arguments;
  arguments.erase(arguments.begin());
  arguments.emplace_back("--help");
  return arguments;
}

std::variant<CommandLine, Say> parse(const std::vector<std::string>& arguments,
                                     const std::string& version) {
  Program program(version);
  CLI::App& app = program.app;
  auto given = [&app](const char* name) { return app.get_subcommand(name)->parsed(); };
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, ignored;
    // The help of a command that is none would be everybody's, and hide the slip.
    std::vector<std::string> left = app.remaining(true);
    bool none = app.get_subcommands().empty() && !left.empty() && !left.front().starts_with('-');
    if (app.exit(error, out, ignored) == 0 && !none) return Say{0, out.str()};
    return Say{2, complaint(app, error)};
  }
  if (given("help")) return parse({"--help"}, version);
  if (given("serve")) return Say{2, "serve comes first: forebay serve --data DIR\n"};
  // Who prints these (main) has seen that there is more on the line.
  for (const char* alone : {"completion", "s3-compatibility"}) {
    if (given(alone)) return Say{2, std::string(alone) + " takes no options\n"};
  }
  CommandLine& line = program.line;
  Values& values = program.values;
  if (auto* create = std::get_if<BucketCreate>(&line.command)) {
    create->origin_secret_key = Secret(std::move(values.origin_secret));
  }
  if (auto* set = std::get_if<BucketSet>(&line.command)) {
    set->origin_secret_key = Secret(std::move(values.origin_secret));
  }
  return std::move(line);
}

}  // namespace forebay::cli
