#include "node/origins.h"

#include "base/encoding.h"
#include "node/folders.h"
#include "origin/dir.h"
#include "origin/s3.h"

namespace forebay::node {

namespace {

constexpr std::string_view kDir = "dir://";
constexpr std::string_view kS3 = "s3://";

}  // namespace

OriginMeter::OriginMeter(obs::Registry& registry)
    : registry_(registry),
      in_(registry.counter("forebay_origin_bytes_total", "Body bytes read from origins.")),
      out_(registry.counter("forebay_origin_written_bytes_total",
                            "Body bytes written to origins.")) {}

void OriginMeter::request(std::string_view operation, bool good) {
  std::lock_guard lock(mutex_);
  auto it = requests_.find(std::pair(operation, good));
  if (it == requests_.end()) {
    std::string name(operation);
    obs::Counter& counter =
        registry_.counter("forebay_origin_requests_total", "Requests to origins.",
                          {{"operation", name}, {"result", good ? "ok" : "error"}});
    it = requests_.emplace(Name(std::move(name), good), &counter).first;
  }
  it->second->add();
}

Origins::Origins(OriginOptions options, const std::vector<io::Loop*>& loops,
                 obs::Registry& registry)
    : options_(std::move(options)), meter_(std::make_shared<OriginMeter>(registry)) {
  for (io::Loop* loop : loops) {
    clients_.emplace(
        loop, std::make_unique<http::Client>(*loop, http::ClientOptions{.tls = options_.tls}));
  }
}

Result<object::OriginConfig> Origins::default_config(const BucketName& name) {
  const std::string& url = options_.default_origin;
  if (url.empty())
    return object::OriginConfig{"dir://" + options_.own_folder + "/" + name.text(), "", {}};
  object::OriginConfig config = options_.default_keys;
  if (url.starts_with(kDir)) {
    config.url = url + "/" + name.text();
  } else if (url.starts_with(kS3)) {
    config.url = "s3://" + name.text() + url.substr(kS3.size());
  } else {
    return fail(Code::invalid, "default-origin '" + url + "' is neither dir:// nor s3://");
  }
  return config;
}

// A folder that holds root's secret would show it to everybody who may read the bucket.
Task<> Origins::allow(object::OriginConfig config, bool own, Context ctx) {
  if (!config.url.starts_with(kDir) || (own && options_.default_origin.empty())) co_return ok;
  auto path = percent_decode(std::string_view(config.url).substr(kDir.size()));
  if (!path || !path->starts_with('/')) co_return ok;  // open() says what is wrong with it
  origin::DirOptions lanes{.path = *path};
  origin::add_dir_lanes(lanes, *ctx.loop);
  co_return co_await io::run_blocking(ctx, lanes.lane.get(), [&]() -> Result<> {
    if (!shows(*path, options_.private_folders)) return ok;
    return fail(Code::invalid,
                "origin '" + config.url +
                    "' lies in a folder of the daemon itself, or above one: its data folder holds "
                    "secrets. Choose another folder",
                "InvalidArgument");
  });
}

// A bucket of an S3 server stays: others may know it.
Task<> Origins::discard(object::OriginConfig config, Context ctx) {
  if (!config.url.starts_with(kDir)) co_return ok;
  auto path = percent_decode(std::string_view(config.url).substr(kDir.size()));
  if (!path || !path->starts_with('/')) co_return ok;
  origin::DirOptions options{.path = std::move(*path)};
  origin::add_dir_lanes(options, *ctx.loop);
  co_return co_await origin::discard_dir(std::move(options), ctx);
}

Task<std::shared_ptr<origin::Origin>> Origins::open(object::OriginConfig config, bool create,
                                                    obs::Counter& read, Context ctx) {
  std::string_view url = config.url;
  auto meter = std::make_shared<BucketMeter>(meter_, read);
  if (url.starts_with(kDir)) {
    auto path = percent_decode(url.substr(kDir.size()));
    if (!path || !path->starts_with('/')) {
      co_return fail(Code::invalid, "'" + config.url + "' needs an absolute path: dir:///PATH",
                     "InvalidArgument");
    }
    origin::DirOptions options{.path = std::move(*path), .create = create, .meter = meter};
    origin::add_dir_lanes(options, *ctx.loop);
    co_return std::shared_ptr<origin::Origin>(origin::make_dir_origin(std::move(options)));
  }
  if (url.starts_with(kS3)) {
    origin::S3Options options;
    options.url = co_await origin::parse_s3_url(url);
    options.access_key = config.access_key;
    options.secret = config.secret;
    options.meter = meter;
    options.client = [this](io::Loop& loop) -> http::Client& { return client(loop); };
    if (create) co_await co_await origin::create_s3_bucket(options, ctx);
    co_return origin::make_s3_origin(std::move(options));
  }
  co_return fail(Code::invalid,
                 "origin '" + config.url +
                     "' is of no known kind: dir:///PATH or "
                     "s3://BUCKET[/PREFIX]?endpoint=URL&region=R",
                 "InvalidArgument");
}

}  // namespace forebay::node
