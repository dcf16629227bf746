#include "node/node.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "auth/guard.h"
#include "batch/jobs.h"
#include "batch/lifecycle.h"
#include "disk/store.h"
#include "gateway/admin/door.h"
#include "gateway/s3/door.h"
#include "http/server.h"
#include "job/job.h"
#include "meta/rocks_store.h"
#include "node/budget.h"
#include "node/credentials.h"
#include "node/duties.h"
#include "node/elsewhere.h"
#include "node/folders.h"
#include "node/health.h"
#include "node/identity.h"
#include "node/origins.h"
#include "object/kept/kept_sweep.h"
#include "obs/log.h"

namespace forebay::node {

namespace {

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

// What only its use shows to be wrong with a setting is wrong usage all the same.
template <class T>
Result<T> of_setting(std::string_view name, Result<T> used) {
  if (used || used.error().code() != Code::invalid) return used;
  return used.error_in("setting " + std::string(name)).as(Code::invalid, std::string(kUsage));
}

Result<std::unique_ptr<io::Listener>> listen(io::Loop& loop, const io::Address& address,
                                             io::Sharing sharing) {
  auto listener = loop.listen(address, sharing);
  if (listener || listener.error().code() != Code::exists) return listener;
  return fail(Code::exists, "another process listens on " + address.to_string() +
                                ": stop it, or choose another address with --s3 and --admin");
}

std::string read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Everything that lives while the node serves; members in the order they are built.
class Daemon final : public gateway::admin::Teller {
 public:
  Daemon(const Settings& settings, io::Engine& engine)
      : settings_(settings),
        budget_{settings.memory.bytes, engine.loops()},
        documents_(std::make_shared<Allowance>(budget_.documents())),
        writes_(std::make_shared<Allowance>(budget_.writes())),
        bodies_(std::make_shared<Allowance>(budget_.bodies())),
        forms_(std::make_shared<Allowance>(budget_.forms())),
        form_files_(std::make_shared<Allowance>(budget_.form_files())),
        cipher_text_(std::make_shared<Allowance>(budget_.cipher_text())) {
    publish_lane_metrics(metrics_, engine);
    publish_md5_metrics(metrics_, md5_);
    publish_memory_metrics(metrics_, {{"documents", documents_},
                                      {"writes", writes_},
                                      {"bodies", bodies_},
                                      {"forms", forms_},
                                      {"form_files", form_files_},
                                      {"cipher_text", cipher_text_}});
    for (size_t i = 0; i < engine.loops(); ++i) {
      loops_.push_back(&engine.loop(i));
      crews_.add(engine.loop(i));
    }
  }

  Task<> open(std::function<void(std::string)> say, Context ctx);
  Task<> close(Context ctx);

 private:
  Task<> open_stores(Context ctx);
  Result<> tend_heads();
  Task<> open_doors(Context ctx);
  Task<> start_server(size_t index, io::Address address, http::ServerOptions options);
  std::vector<std::string> disk_folders() const;
  disk::Options disk_options();
  http::ServerOptions server_options();
  Task<> wind_down(http::Server& server [[clang::lifetimebound]], Time deadline, Context ctx);
  Task<> end(std::unique_ptr<http::Server> server);
  Task<> close_clients(io::Loop& loop [[clang::lifetimebound]]);
  Task<Json> status(Context ctx) override;
  uint64_t sum(std::string_view kind, http::Counter http::ServerCounters::* field) const;
  void show_load(Json& out) const;

  const Settings& settings_;
  const Budget budget_;
  std::vector<io::Loop*> loops_;
  std::string data_;
  std::string self_;  ///< load_identity()
  RootKey root_;
  uint64_t descriptors_ = 0;

  obs::Registry metrics_;
  std::unique_ptr<obs::Log> log_;
  std::unique_ptr<meta::RocksStore> rows_;
  std::shared_ptr<const RowsTrouble> rows_trouble_;
  std::unique_ptr<meta::SingleMeta> meta_;
  job::Crews crews_;
  std::unique_ptr<job::Runner> jobs_;
  std::shared_ptr<disk::Store> disks_;
  std::unique_ptr<Natives> natives_;  ///< what is known of their objects leads here
  std::unique_ptr<unit::Cache> units_;
  std::unique_ptr<object::Heads> heads_;
  std::unique_ptr<object::Store> objects_;
  std::shared_ptr<Allowance> documents_, writes_, bodies_, forms_, form_files_,
      cipher_text_;  ///< see Budget
  const std::shared_ptr<io::Md5Lanes> md5_ = std::make_shared<io::Md5Lanes>();
  std::unique_ptr<Origins> origins_;
  std::unique_ptr<object::Buckets> buckets_;
  std::unique_ptr<batch::Jobs> batch_;
  std::unique_ptr<Health> health_;
  std::unique_ptr<auth::Keys> keys_;
  std::unique_ptr<auth::Guard> s3_guard_, admin_guard_;
  std::unique_ptr<gateway::s3::Services> s3_services_;
  std::unique_ptr<gateway::s3::Door> s3_door_;
  std::unique_ptr<gateway::admin::Door> admin_door_;
  std::shared_ptr<io::TlsContext> tls_;
  std::atomic<bool> ready_{false};
  bool draining_ = false;  ///< on the first loop

  /// One server per loop, then the admin server on loop 0; each with its run() under way.
  struct Running {
    io::Loop* loop;
    http::Handler* handler;
    std::unique_ptr<http::Server> server;
  };
  std::vector<Running> servers_;
};

std::vector<std::string> Daemon::disk_folders() const {
  if (settings_.disk.empty()) return {data_ + "/cache"};
  std::vector<std::string> folders;
  folders.reserve(settings_.disk.size());
  for (const std::string& path : settings_.disk) folders.push_back(absolute(path));
  return folders;
}

disk::Options Daemon::disk_options() {
  disk::Options options;
  for (const std::string& folder : disk_folders()) {
    options.disks.push_back({.path = folder, .capacity = settings_.cache_size.bytes});
  }
  options.boot_id = read_line("/proc/sys/kernel/random/boot_id");
  options.max_queued_bytes = budget_.queue(options.disks.size());
  // Half of the descriptors for units, the rest for connections.
  options.max_open_files = static_cast<uint32_t>(std::min<uint64_t>(descriptors_ / 2, 65536));
  return options;
}

Task<> Daemon::open_stores(Context ctx) {
  auto rows = co_await meta::RocksStore::open({.path = data_ + "/meta",
                                               .block_cache = budget_.row_blocks(),
                                               .memtable = budget_.row_memtable()},
                                              ctx);
  if (!rows && rows.error().code() == Code::busy) {
    co_return fail(Code::busy, rows.error().text() + ": a Forebay already runs on " + data_ +
                                   "; stop it or use --data");
  }
  rows_ = co_await std::move(rows);
  meta_ = std::make_unique<meta::SingleMeta>(*rows_);
  jobs_ = std::make_unique<job::Runner>(*ctx.loop, *log_, metrics_);
  disks_ = co_await of_setting("disk", co_await disk::Store::open(disk_options(), ctx));
  co_await start_duties(*jobs_, disks_);
  co_await watch_disks(*jobs_, *log_, disks_);
  publish_disk_metrics(metrics_, disks_);
  rows_trouble_ = co_await watch_rows(*jobs_, *log_, *rows_, metrics_);
  units_ = std::make_unique<unit::Cache>(disks_, crews_, loops_, budget_.units(), metrics_);
  object::HeadOptions heads = budget_.heads();
  heads.life = ctx.loop->random();
  heads_ = std::make_unique<object::Heads>(*meta_, crews_, heads, metrics_);
  co_await co_await heads_->start(ctx);
  objects_ = std::make_unique<object::Store>(*heads_, *units_, crews_, metrics_);
  natives_ = std::make_unique<Natives>(Natives::Options{.disks = disks_,
                                                        .meta = *meta_,
                                                        .self = self_,
                                                        .small_max = units_->small_max(),
                                                        .memory = budget_.native_writes(),
                                                        .documents = documents_,
                                                        .md5 = md5_});
  co_await natives_->start(*jobs_);
  auto trust = co_await of_setting("origin-ca", io::TlsContext::client(settings_.origin_ca));
  std::vector<std::string> private_folders = disk_folders();
  private_folders.push_back(data_);
  origins_ = std::make_unique<Origins>(
      OriginOptions{.own_folder = data_ + "/buckets",
                    .private_folders = std::move(private_folders),
                    .default_origin = settings_.default_origin,
                    .default_keys = {"", settings_.origin_access_key, settings_.origin_secret_key},
                    .log = log_.get(),
                    .natives = natives_.get(),
                    .tls = trust,
                    .large_buffers = budget_.large_buffers(),
                    .blocks = writes_,
                    .documents = documents_,
                    .md5 = md5_},
      loops_, metrics_);
  buckets_ = std::make_unique<object::Buckets>(*rows_, *origins_, metrics_);
  co_await co_await buckets_->load(ctx);
  co_await tend_heads();
  batch_ = std::make_unique<batch::Jobs>(
      batch::Jobs::World{meta_->control(), *buckets_, *objects_, *log_});
  co_await co_await batch_->load(ctx);
  co_await batch_->start(*jobs_);
  auto lifecycle = std::make_shared<batch::LifecycleDuty>(
      batch::LifecycleDuty::World{*meta_, *buckets_, *objects_, *log_, metrics_});
  co_await jobs_->start(std::move(lifecycle), {.period = batch::LifecycleDuty::kPeriod});
  health_ = std::make_unique<Health>(disks_, *buckets_, *origins_, rows_trouble_, crews_);
  health_->look_again(*ctx.loop);
  co_return ok;
}

Result<> Daemon::tend_heads() {
  Result<> loading = jobs_->start(std::make_shared<object::HeadLoad>(*heads_, *buckets_), {});
  if (!loading) return loading;
  // A start is no time for it, nor is it urgent.
  constexpr Duration kSweepEvery = seconds(3600);
  auto sweep = std::make_shared<object::KeptSweep>(
      heads_->rows(), *meta_, *buckets_, *units_, object::KeptSweepOptions{.life = heads_->life()});
  return jobs_->start(std::move(sweep), {.period = kSweepEvery, .delay_first = true});
}

http::ServerOptions Daemon::server_options() {
  http::ServerOptions options = budget_.server(descriptors_);
  options.tls = tls_;
  return options;
}

Task<> Daemon::start_server(size_t index, io::Address address, http::ServerOptions options) {
  io::Loop& loop = *loops_[index];
  auto sharing = index == 0 ? io::Sharing::alone : io::Sharing::beside;
  auto listener = co_await of_setting("s3", listen(loop, address, sharing));
  auto server = std::make_unique<http::Server>(std::move(listener), *s3_door_, std::move(options));
  io::start<void>(loop, server->run(Context{.loop = &loop}), [this](Result<> ended) {
    if (!ended) log_->error("server ended", {{"error", ended.error().text()}});
  });
  servers_.push_back({&loop, s3_door_.get(), std::move(server)});
  co_return ok;
}

Task<> Daemon::open_doors(Context ctx) {
  keys_ = std::make_unique<auth::Keys>(*rows_, root_.key);
  co_await co_await keys_->load(ctx);
  s3_guard_ = std::make_unique<auth::Guard>(*keys_, metrics_, auth::GuardOptions{"s3", "s3"});
  admin_guard_ =
      std::make_unique<auth::Guard>(*keys_, metrics_, auth::GuardOptions{"forebay", "admin"});
  object::Freshness freshness = co_await object::Freshness::parse(settings_.freshness);
  s3_services_ = std::make_unique<gateway::s3::Services>(
      gateway::s3::Services{.objects = *objects_,
                            .buckets = *buckets_,
                            .guard = *s3_guard_,
                            .crews = crews_,
                            .region = settings_.region,
                            .domain = settings_.domain,
                            .freshness = freshness,
                            .no_cache_checks = settings_.no_cache == "rfc9111",
                            .documents = documents_,
                            .bodies = bodies_,
                            .forms = forms_,
                            .form_files = form_files_});
  s3_door_ =
      std::make_unique<gateway::s3::Door>(*s3_services_, *log_, settings_.log_requests, metrics_);
  admin_door_ = std::make_unique<gateway::admin::Door>(
      gateway::admin::Services{*buckets_, *admin_guard_, metrics_, *jobs_, *batch_, ready_, *this});
  if (!settings_.tls_cert.empty()) {
    tls_ = co_await of_setting(
        "tls-cert", io::TlsContext::server(settings_.tls_cert, settings_.tls_key, cipher_text_));
  }
  io::Address address = co_await io::Address::parse(settings_.s3);
  for (size_t i = 0; i < loops_.size(); ++i) {
    co_await co_await run_elsewhere<void>(*loops_[i], start_server(i, address, server_options()),
                                          ctx);
    address.port = servers_.front().server->address().port;
  }
  io::Address admin = co_await io::Address::parse(settings_.admin);
  auto listener = co_await of_setting("admin", listen(*ctx.loop, admin, io::Sharing::alone));
  // Few come here, and none of them may take what the others need.
  http::ServerOptions few{.max_connections = std::clamp<uint64_t>(descriptors_ / 16, 16, 1024),
                          .large_heads = 8};
  auto server = std::make_unique<http::Server>(std::move(listener), *admin_door_, std::move(few));
  io::start<void>(*ctx.loop, server->run(Context{.loop = ctx.loop}), [](Result<>) {});
  servers_.push_back({ctx.loop, admin_door_.get(), std::move(server)});
  // Read on this loop, where servers_ changes.
  publish_server_metrics(metrics_,
                         [this](std::string_view kind, auto field) { return sum(kind, field); });
  co_return ok;
}

uint64_t Daemon::sum(std::string_view kind, http::Counter http::ServerCounters::* field) const {
  uint64_t all = 0;
  for (const Running& running : servers_) {
    bool admin = running.handler == admin_door_.get();
    if (admin == (kind == "admin")) all += (running.server->counters().*field).get();
  }
  return all;
}

Task<> Daemon::open(std::function<void(std::string)> say, Context ctx) {
  descriptors_ = io::raise_descriptor_limit();
  data_ = absolute(settings_.data);
  auto level = co_await obs::parse_level(settings_.log_level);
  auto format = settings_.log_format == "json" ? obs::LogFormat::json : obs::LogFormat::text;
  log_ = co_await of_setting(
      "log-file",
      obs::Log::make({.level = level, .format = format, .file = settings_.log_file}, *ctx.loop));
  constexpr uint64_t kFewDescriptors = 4096;
  if (descriptors_ < kFewDescriptors) {
    log_->warn("the limit of open files is low; raise it (ulimit -n, LimitNOFILE=)",
               {{"limit", descriptors_}});
  }
  co_await of_setting("data", make_private_folder(data_));
  if (others_may_read(data_)) {
    log_->warn("other users may read the data folder, which holds secrets: chmod 700 it",
               {{"folder", data_}});
  }
  auto folder = co_await ctx.loop->open_directory(data_, false);
  root_ = co_await load_root_key(settings_, *folder, *ctx.loop);
  self_ = co_await load_identity(*folder, *ctx.loop);
  co_await co_await open_stores(ctx);
  co_await co_await open_doors(ctx);
  if (root_.fresh) {
    co_await keep_root_key(root_, *folder);
    say("root credentials, shown this once and kept in " + data_ + "/credentials:\n  access key " +
        root_.key.id + "\n  secret key " + root_.key.secret.reveal());
  } else if (settings_.root_access_key.empty()) {
    say("root credentials are in " + data_ + "/credentials");
  }
  ready_ = true;
  say("ready s3=" + servers_.front().server->address().to_string() +
      " admin=" + servers_.back().server->address().to_string());
  co_return ok;
}

Task<> Daemon::wind_down(http::Server& server, Time deadline, Context ctx) {
  co_return co_await server.drain(deadline, ctx);
}

// On its own loop.
Task<> Daemon::end(std::unique_ptr<http::Server> server) {
  server.reset();
  co_return ok;
}

Task<> Daemon::close_clients(io::Loop& loop) {
  origins_->close(loop);
  co_return ok;
}

Task<> Daemon::close(Context ctx) {
  // Nothing is told to end where nothing had begun: the error says why.
  bool served = ready_.exchange(false);
  draining_ = true;
  if (served && log_ != nullptr) {
    log_->info("stopping: requests under way end first",
               {{"seconds", kDrain.milliseconds() / 1000}});
  }
  Time deadline = ctx.loop->now() + kDrain;
  // All listeners of a door at once, or new connections would go on with those that wait. The admin
  // door last: it tells how the drain goes.
  while (!servers_.empty()) {
    auto rest = std::ranges::find_if(
        servers_, [&](const Running& one) { return one.handler != servers_.front().handler; });
    io::Group group(ctx);
    for (auto one = servers_.begin(); one != rest; ++one) {
      group.spawn(run_elsewhere<void>(
          *one->loop, wind_down(*one->server, deadline, Context{.loop = one->loop}), ctx));
    }
    (void)co_await group.join();
    // Status and metrics count them until here.
    std::vector<Running> door(std::move_iterator(servers_.begin()), std::move_iterator(rest));
    servers_.erase(servers_.begin(), rest);
    for (Running& one : door) {
      (void)co_await run_elsewhere<void>(*one.loop, end(std::move(one.server)), ctx);
    }
  }
  // They begin fills, which end with the crews.
  if (batch_ != nullptr) (void)co_await batch_->stop(ctx.until(deadline));
  for (io::Loop* loop : loops_) {
    (void)co_await run_elsewhere<void>(*loop, crews_.of(*loop).stop(), ctx);
    if (origins_ != nullptr) {
      (void)co_await run_elsewhere<void>(*loop, close_clients(*loop), ctx);
    }
  }
  // Slow clients have not used up what the jobs need; what they work on outlives them.
  if (jobs_ != nullptr) co_await co_await jobs_->stop(ctx);
  // Where this fails the next process asks a little more.
  if (heads_ != nullptr) (void)co_await heads_->stop(ctx);
  if (disks_ != nullptr) co_await co_await disks_->close(ctx);
  co_return ok;
}

void Daemon::show_load(Json& out) const {
  gateway::s3::Door::Totals totals = s3_door_->totals();
  out.set("requests", Json()
                          .set("total", totals.requests)
                          .set("client_errors", totals.client_errors)
                          .set("server_errors", totals.server_errors)
                          .set("in_flight", sum("s3", &http::ServerCounters::in_flight)))
      .set("connections", Json()
                              .set("open", sum("s3", &http::ServerCounters::open))
                              .set("limit", sum("s3", &http::ServerCounters::places)));
}

Task<Json> Daemon::status(Context ctx) {
  Json out;
  out.set("version", kVersion)
      .set("ready", ready_.load())
      .set("draining", draining_)
      .set("s3", servers_.empty() ? "" : servers_.front().server->address().to_string())
      .set("buckets", static_cast<uint64_t>(buckets_->list().size()));
  show_load(out);
  co_await co_await health_->show(out, ctx);
  co_return out;
}

}  // namespace

Result<> serve(const Settings& settings, std::function<void(std::string)> say) {
  auto engine = io::Engine::make(
      {.loops = settings.threads, .unsent = Budget{settings.memory.bytes}.unsent()});
  if (!engine) return std::move(engine.error());
  Daemon daemon(settings, **engine);
  // Once: whoever asks again waits for what is under way, which a second stop would end.
  auto stop = [&, stopped = false]() mutable {
    if (!std::exchange(stopped, true)) (*engine)->stop();
  };
  for (int signal : {SIGTERM, SIGINT}) {
    Result<> watched = (*engine)->on_signal(signal, [&] { stop(); });
    if (!watched) return watched;
  }
  Context ctx{.loop = &(*engine)->loop(0)};
  Result<> opened = ok;
  io::start<void>(*ctx.loop, daemon.open(std::move(say), ctx), [&](Result<> result) {
    opened = std::move(result);
    if (!opened) stop();
  });
  (*engine)->run();
  Result<> closed = (*engine)->run_task(daemon.close(ctx));
  if (!opened) return opened;
  return closed;
}

}  // namespace forebay::node
