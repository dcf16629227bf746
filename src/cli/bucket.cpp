// forebay bucket create | set | ls | show | rm
#include <algorithm>
#include <charconv>

#include "cli/byte_size.h"
#include "cli/local.h"
#include "cli/run.h"
#include "cli/shell.h"

namespace forebay::cli {

namespace {

/// What the admin API calls a bucket without an origin.
constexpr const char* kNative = "native:";

// Keys and region of a profile, from the files that AWS tools share.
Task<client::Profile> read_profile(std::string name, const Environment& environment, Context ctx) {
  std::string path = environment.get("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = environment.get("HOME") + "/.aws/credentials";
  // The hint for it goes by these words.
  const std::string asked = "--origin-profile " + name;
  Result<std::string> text = co_await read_file(absolute(environment, path), ctx);
  if (!text) co_return text.error_in(asked);
  Result<client::Profile> profile = client::parse_profile(*text, name);
  if (!profile) co_return profile.error_in(asked + ": " + path);
  if (!profile->credentials.session_token.empty()) {
    co_return fail(Code::invalid, "profile '" + name +
                                      "' has a session token, which would soon expire; the origin "
                                      "needs keys that last");
  }
  if (profile->region.empty()) {
    std::string config = environment.get("AWS_CONFIG_FILE");
    if (config.empty()) config = environment.get("HOME") + "/.aws/config";
    Result<std::string> settings = co_await read_file(absolute(environment, config), ctx);
    if (settings) profile->region = client::parse_region(*settings, name);
  }
  co_return std::move(*profile);
}

std::string member(const Json& json, const char* name) {
  return json.string_or(name, "").value_or("");
}

/// What the server refuses for what was typed is wrong usage; what an origin says is not.
Error as_typed(Error error) {
  constexpr std::string_view kTyped[] = {"", "InvalidArgument", "InvalidBucketName",
                                         "NotImplemented"};
  bool typed = error.code() == Code::invalid &&
               std::ranges::find(kTyped, error.detail()) != std::end(kTyped) &&
               !error.text().contains("the origin answered");
  return typed ? error.as(Code::invalid, std::string(kUsage)) : error;
}

// The server's words are S3's; these say what to do.
Error not_made(Error error, const std::string& name) {
  if (error.code() == Code::exists) {
    return fail(
        Code::exists,
        "bucket " + name + " exists; its settings are unchanged (forebay bucket show " + name + ")",
        error.detail());
  }
  if (error.detail() == "InvalidBucketName") {
    return usage("'" + name +
                 "' is no name for a bucket: 3-63 small letters, digits, '-' and '.', with a "
                 "letter or digit first and last");
  }
  // It is the origin's that does not exist; what makes one of ours does not help. Where no S3 is
  // spoken nothing is known of it.
  if (error.detail() == "NoSuchBucket" && !is_no_s3(error.text())) {
    // "no folder /x" is enough; the bucket meant by S3's words is ours.
    std::string why = error.text();
    size_t words = why.find(": The specified bucket does not exist");
    if (why.starts_with("no folder ") && words != why.npos) why.resize(words);
    return fail(error.code(),
                "the origin of bucket " + name + " is not there; make it first (" + why + ")",
                "NoSuchOrigin");
  }
  return as_typed(std::move(error));
}

// From the profile, if one is named; else what no option has said comes from the environment.
Task<> add_origin_keys(client::BucketSpec& spec [[clang::lifetimebound]], std::string profile_name,
                       Shell& shell [[clang::lifetimebound]], Context ctx) {
  const Environment& environment = shell.environment;
  if (!profile_name.empty()) {
    client::Profile profile =
        co_await co_await read_profile(std::move(profile_name), environment, ctx);
    spec.origin_access_key = std::move(profile.credentials.access_key);
    spec.origin_secret_key = std::move(profile.credentials.secret);
    if (spec.origin_region.empty()) spec.origin_region = std::move(profile.region);
  }
  // Where the origin is the daemon's to say, so are its keys.
  const bool named = !spec.origin.empty();
  if (named && spec.origin_access_key.empty()) {
    spec.origin_access_key = environment.get("FOREBAY_ORIGIN_ACCESS_KEY");
  }
  if (named && spec.origin_secret_key.empty()) {
    spec.origin_secret_key = Secret(environment.get("FOREBAY_ORIGIN_SECRET_KEY"));
  }
  if (spec.origin_access_key.empty() && spec.origin_secret_key.empty() &&
      spec.origin.starts_with("s3://")) {
    spec.origin_access_key = environment.get("AWS_ACCESS_KEY_ID");
    spec.origin_secret_key = Secret(environment.get("AWS_SECRET_ACCESS_KEY"));
  }
  if (spec.origin_access_key.empty() != spec.origin_secret_key.empty()) {
    co_return usage(
        "the origin's access key and its secret come together: "
        "FOREBAY_ORIGIN_ACCESS_KEY and FOREBAY_ORIGIN_SECRET_KEY");
  }
  co_return ok;
}

Result<client::BucketLimits> read_limits(const Limits& said) {
  client::BucketLimits out;
  if (!said.max_bytes.empty()) {
    auto size = parse_size(said.max_bytes);
    if (!size) return usage("--max-bytes: " + size.error().text());
    out.max_bytes = size->bytes;
  }
  if (!said.max_objects.empty()) {
    const std::string& text = said.max_objects;
    uint64_t most = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), most);
    if (error != std::errc() || end != text.data() + text.size()) {
      return usage("--max-objects: '" + text + "' is no number");
    }
    out.max_objects = most;
  }
  return out;
}

// No other origins than these have keys.
Task<> rekey(BucketSet command, Shell& shell [[clang::lifetimebound]], Context ctx) {
  client::BucketSpec spec{.name = std::move(command.name),
                          .origin = "s3://",
                          .origin_access_key = std::move(command.origin_access_key),
                          .origin_secret_key = std::move(command.origin_secret_key)};
  co_await co_await add_origin_keys(spec, std::move(command.origin_profile), shell, ctx);
  std::string name = spec.name;
  Result<Json> bucket = co_await shell.admin().rekey_bucket(name, std::move(spec.origin_access_key),
                                                            std::move(spec.origin_secret_key), ctx);
  if (!bucket) co_return as_typed(bucket.error_in("bucket " + name));
  co_return shell.streams.out(render_fields(*bucket));
}

}  // namespace

Task<> run_bucket_create(Shell& shell, BucketCreate command, Context ctx) {
  if (command.native) command.origin = kNative;
  client::BucketSpec spec{.name = std::move(command.name),
                          .origin = std::move(command.origin),
                          .freshness = std::move(command.freshness),
                          .fill = std::move(command.fill),
                          .verify = std::move(command.verify),
                          .hedge = std::move(command.hedge),
                          .origin_access_key = std::move(command.origin_access_key),
                          .origin_secret_key = std::move(command.origin_secret_key),
                          .origin_region = std::move(command.origin_region),
                          .limits = co_await read_limits(command.limits)};
  if (!command.native) {
    co_await co_await add_origin_keys(spec, std::move(command.origin_profile), shell, ctx);
  }
  std::string name = spec.name;
  Result<Json> made = co_await shell.admin().create_bucket(std::move(spec), ctx);
  if (!made) co_return not_made(std::move(made.error()), name);
  std::string origin = member(*made, "origin");
  if (origin == kNative) co_return shell.print("made native bucket " + name);
  co_return shell.print("made bucket " + name + (origin.empty() ? "" : " over " + origin));
}

Task<> run_bucket_set(Shell& shell, BucketSet command, Context ctx) {
  client::BucketLimits limits = co_await read_limits(command.limits);
  bool limited = limits.max_bytes || limits.max_objects;
  bool rekeyed = !command.origin_access_key.empty() || !command.origin_secret_key.empty() ||
                 !command.origin_profile.empty();
  bool hedged = !command.hedge.empty();
  if (limited && rekeyed) co_return usage("a bucket has limits or an origin with keys, not both");
  if (limited && hedged) co_return usage("a bucket has limits or an origin to hedge, not both");
  if (rekeyed && hedged) co_return usage("keys and --hedge are two changes: one after the other");
  if (rekeyed) co_return co_await rekey(std::move(command), shell, ctx);
  if (!limited && !hedged) {
    co_return usage(
        "nothing to change: --max-bytes SIZE, --max-objects NUMBER (0: no limit), "
        "--hedge off|p95|p99, --origin-profile NAME, or --origin-access-key KEY with the secret in "
        "FOREBAY_ORIGIN_SECRET_KEY");
  }
  client::AdminClient& admin = shell.admin();
  Result<Json> bucket =
      co_await (hedged ? admin.hedge_bucket(command.name, std::move(command.hedge), ctx)
                       : admin.limit_bucket(command.name, limits, ctx));
  if (!bucket) co_return as_typed(bucket.error_in("bucket " + command.name));
  co_return shell.streams.out(render_fields(*bucket));
}

Task<> run_bucket_list(Shell& shell, BucketList command, Context ctx) {
  std::vector<Json> buckets = co_await co_await shell.admin().buckets(ctx);
  if (command.json) co_return shell.print(Json(Json::Array(buckets)).dump());
  size_t name_width = 4, freshness_width = 9;
  for (const Json& bucket : buckets) {
    name_width = std::max(name_width, member(bucket, "name").size());
    freshness_width = std::max(freshness_width, member(bucket, "freshness").size());
  }
  auto line = [&](std::string name, std::string freshness, const std::string& origin) {
    name.resize(name_width + 2, ' ');
    freshness.resize(freshness_width + 2, ' ');
    return shell.print(name + freshness + origin);
  };
  if (!buckets.empty()) co_await line("NAME", "FRESHNESS", "ORIGIN");
  for (const Json& bucket : buckets) {
    // What is in a native bucket is known, not believed.
    bool native = member(bucket, "origin") == kNative;
    co_await line(member(bucket, "name"), native ? "-" : member(bucket, "freshness"),
                  member(bucket, "origin"));
  }
  co_return ok;
}

Task<> run_bucket_show(Shell& shell, BucketShow command, Context ctx) {
  Result<Json> bucket = co_await shell.admin().bucket(command.name, ctx);
  if (!bucket) co_return bucket.error_in("bucket " + command.name);
  if (command.json) co_return shell.print(bucket->dump());
  co_return shell.streams.out(render_fields(*bucket));
}

Task<> run_bucket_remove(Shell& shell, BucketRemove command, Context ctx) {
  Result<> removed = co_await shell.admin().remove_bucket(command.name, ctx);
  if (!removed) co_return removed.error_in("bucket " + command.name);
  co_return shell.print("removed bucket " + command.name);
}

}  // namespace forebay::cli
