#include "node/origins.h"

#include "base/encoding.h"
#include "node/folders.h"
#include "origin/dir/dir.h"
#include "origin/s3/s3.h"

namespace forebay::node {

namespace {

constexpr std::string_view kDir = "dir://";
constexpr std::string_view kS3 = "s3://";
/// As metrics call origin::Hedged.
constexpr std::array<std::string_view, origin::kHedgedOutcomes> kOutcomes{"won", "lost", "failed",
                                                                          "withheld"};

/// The folder of a dir:// URL; nothing when it has none.
std::optional<std::string> folder_of(std::string_view url) {
  if (!url.starts_with(kDir)) return std::nullopt;
  auto path = percent_decode(url.substr(kDir.size()));
  if (!path || !path->starts_with('/')) return std::nullopt;
  return path;
}

constexpr std::string_view kNotToBeShown =
    "lies in a folder of the daemon itself, or above one: its data folder holds secrets";

}  // namespace

OriginMeter::OriginMeter(obs::Registry& registry)
    : registry_(registry),
      again_(registry.counter("forebay_origin_retries_total",
                              "Requests to S3 origins that were sent again.")),
      slowed_(registry.counter("forebay_origin_slowed_total",
                               "Answers of S3 origins that told to slow down (503, 429).")),
      in_(registry.counter("forebay_origin_bytes_total", "Body bytes read from origins.")),
      out_(registry.counter("forebay_origin_written_bytes_total",
                            "Body bytes written to origins.")) {
  for (size_t i = 0; i < hedged_.size(); ++i) {
    hedged_[i] = &registry.counter("forebay_hedges_total",
                                   "Questions to S3 origins whose answer was late, by outcome.",
                                   {{"outcome", std::string(kOutcomes[i])}});
  }
}

void OriginMeter::hedged(origin::Hedged outcome) { hedged_[static_cast<size_t>(outcome)]->add(); }

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
    : options_(std::move(options)),
      meter_(std::make_shared<OriginMeter>(registry)),
      registry_(registry) {
  for (io::Loop* loop : loops) {
    clients_.emplace(loop, std::make_unique<http::Client>(
                               *loop, http::ClientOptions{.large_buffers = options_.large_buffers,
                                                          .tls = options_.tls}));
  }
}

Result<object::OriginConfig> Origins::default_config(const BucketName& name) {
  const std::string& url = options_.default_origin;
  if (url.empty()) return object::OriginConfig{std::string(object::kNative), "", {}};
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
  if (own && options_.default_origin.empty()) co_return ok;
  std::optional<std::string> path = folder_of(config.url);
  if (!path) co_return ok;  // open() says what is wrong with it
  origin::DirOptions lanes{.path = *path};
  origin::add_dir_lanes(lanes, *ctx.loop);
  co_return co_await io::run_blocking(ctx, lanes.lane.get(), [&]() -> Result<> {
    if (!shows(*path, options_.private_folders)) return ok;
    return fail(Code::invalid,
                "the origin " + std::string(kNotToBeShown) + ". Choose another folder",
                "InvalidArgument")
        .in("'" + config.url + "'");
  });
}

// Rows outlive settings and links: where a folder leads is asked again before it is opened. What
// lies in own_folder is the one thing in the data folder that may be shown.
Result<> Origins::may_open(const std::string& url, const std::string& path) {
  bool may = !shows(path, options_.private_folders) || lies_right_in(path, options_.own_folder);
  std::lock_guard lock(mutex_);
  if (may) {
    refused_.erase(url);
    return ok;
  }
  std::string why = "origin '" + url + "' " + std::string(kNotToBeShown);
  bool told = !refused_.insert_or_assign(url, why).second;
  if (!told && options_.log != nullptr) {
    options_.log->error(
        "a bucket is out: its folder may not be shown; give it another, or the "
        "daemon another data folder",
        {{"origin", url}, {"why", kNotToBeShown}});
  }
  return fail(Code::unavailable, std::move(why));
}

Result<> Origins::is_there(const std::string& url, const std::string& path) {
  std::string why = missing(path);
  std::lock_guard lock(mutex_);
  if (why.empty()) {
    gone_.erase(url);
    return ok;
  }
  bool told = !gone_.insert_or_assign(url, why).second;
  if (!told && options_.log != nullptr) {
    options_.log->warn("a bucket is out: nothing can be read of its origin",
                       {{"origin", url}, {"why", why}});
  }
  return fail(Code::unavailable, std::move(why));
}

Task<> Origins::look(object::OriginConfig config, Context ctx) {
  std::optional<std::string> path = folder_of(config.url);
  if (!path) co_return ok;
  origin::DirOptions lanes{.path = *path};
  origin::add_dir_lanes(lanes, *ctx.loop);
  co_return co_await io::run_blocking(ctx, lanes.lane.get(), [&] {
    Result<> may = may_open(config.url, *path);
    return may ? is_there(config.url, *path) : may;
  });
}

std::string Origins::trouble(const std::string& url) const {
  std::lock_guard lock(mutex_);
  for (const auto* reasons : {&refused_, &gone_}) {
    if (auto found = reasons->find(url); found != reasons->end()) return found->second;
  }
  return {};
}

// A bucket of an S3 server stays: others may know it.
Task<> Origins::discard(object::OriginConfig config, Context ctx) {
  std::optional<std::string> path = folder_of(config.url);
  if (!path) co_return ok;
  origin::DirOptions options{.path = std::move(*path)};
  origin::add_dir_lanes(options, *ctx.loop);
  co_return co_await origin::discard_dir(std::move(options), ctx);
}

std::shared_ptr<Origins::Manners> Origins::manners(const http::Endpoint& endpoint) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Manners>& found = manners_[endpoint];
  if (found != nullptr) return found;
  found = std::make_shared<Manners>();
  for (const auto& [loop, client] : clients_) (*found)[loop];
  std::string scheme = endpoint.secure ? "https://" : "http://";
  registry_.gauge_from("forebay_origin_limit",
                       "Requests that may be under way at an S3 endpoint, as it can bear them.",
                       {{"endpoint", scheme + endpoint.authority()}}, [all = found] {
                         double sum = 0;
                         for (const auto& [loop, manner] : *all) sum += manner.pace.limit();
                         return sum;
                       });
  return found;
}

Task<std::shared_ptr<origin::Origin>> Origins::open(const object::Bucket& bucket, bool create,
                                                    obs::Counter& read, Context ctx) {
  const object::OriginConfig& config = bucket.config;
  std::string_view url = config.url;
  auto meter = std::make_shared<BucketMeter>(meter_, read);
  if (bucket.native() && options_.natives != nullptr) {
    co_return options_.natives->open(bucket, std::move(meter));
  }
  if (url.starts_with(kDir)) {
    std::optional<std::string> path = folder_of(url);
    if (!path) {
      co_return fail(Code::invalid, "the origin needs an absolute path: dir:///PATH",
                     "InvalidArgument")
          .in("'" + config.url + "'");
    }
    origin::DirOptions options{.path = *path, .create = create, .meter = meter};
    options.blocks = options_.blocks;
    options.documents = options_.documents;
    options.md5 = options_.md5;
    options.allowed = [this, url = config.url, path = *path] { return may_open(url, path); };
    origin::add_dir_lanes(options, *ctx.loop);
    co_return std::shared_ptr<origin::Origin>(origin::make_dir_origin(std::move(options)));
  }
  if (url.starts_with(kS3)) {
    origin::S3Options options;
    options.url = co_await origin::parse_s3_url(url);
    if (options.url.bucket.empty()) {
      co_return fail(Code::invalid, "the origin names no bucket: s3://BUCKET[/PREFIX]",
                     "InvalidArgument")
          .in("'" + config.url + "'");
    }
    options.access_key = config.access_key;
    options.secret = config.secret;
    options.meter = meter;
    options.documents = options_.documents;
    options.client = [this](io::Loop& loop) -> http::Client& { return client(loop); };
    auto all = manners(options.url.endpoint);
    options.pace = [all](io::Loop& loop) -> origin::Pace& { return all->at(&loop).pace; };
    options.hedge = [all](io::Loop& loop) -> origin::Hedge& { return all->at(&loop).hedge; };
    if (create) co_await co_await origin::create_s3_bucket(options, ctx);
    co_return origin::make_s3_origin(std::move(options));
  }
  co_return fail(Code::invalid,
                 "the origin is of no known kind: dir:///PATH, "
                 "s3://BUCKET[/PREFIX]?endpoint=URL&region=R, or native: for none",
                 "InvalidArgument")
      .in("'" + config.url + "'");
}

}  // namespace forebay::node
