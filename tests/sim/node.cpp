#include "node.h"

namespace forebay::simtest {

class Node::Factory final : public object::OriginFactory {
 public:
  explicit Factory(std::shared_ptr<origin::Origin> origin) : origin_(std::move(origin)) {}
  Result<object::OriginConfig> default_config(const BucketName&) override {
    return object::OriginConfig{.url = "memory:", .access_key = {}, .secret = {}};
  }
  Task<std::shared_ptr<origin::Origin>> open(const object::Bucket&, bool, obs::Counter&,
                                             Context) override {
    co_return origin_;
  }

 private:
  std::shared_ptr<origin::Origin> origin_;
};

// What a process sees of the index that outlives it.
class Node::MortalIndex final : public disk::Index {
 public:
  explicit MortalIndex(std::shared_ptr<disk::Index> below) : below_(std::move(below)) {}
  void die() { dead_ = true; }
  Result<> load(const std::function<void(const UnitId&, ByteView)>& row) override {
    return dead_ ? gone() : below_->load(row);
  }
  Result<> apply(std::span<const disk::Change> changes) override {
    return dead_ ? gone() : below_->apply(changes);
  }
  Result<> flush() override { return dead_ ? gone() : below_->flush(); }

 private:
  static Result<> gone() { return fail(Code::unavailable, "the process is dead"); }
  std::shared_ptr<disk::Index> below_;
  bool dead_ = false;
};

Node::Node(Machine& machine, meta::Store& rows)
    : machine_(machine),
      loop_(machine.simulation.loop()),
      rows_(rows),
      meta_(rows),
      index_(std::make_shared<MortalIndex>(machine.index)),
      duties_(Context{.loop = &loop_}),
      serving_(Context{.loop = &loop_}) {
  crews_.add(loop_);
}

Node::~Node() = default;

void Node::die() { index_->die(); }

uint64_t Node::copies(unit::TeeEnd end) const {
  std::string line = "forebay_tees_total{result=\"" + std::string(unit::name(end)) + "\"} ";
  std::string text = metrics();
  size_t at = text.find(line);
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + line.size()));
}

disk::Options Node::disk_options() {
  disk::Options options;
  auto open_index = [index = index_]() -> Result<std::shared_ptr<disk::Index>> {
    return std::shared_ptr<disk::Index>(index);
  };
  options.disks.push_back(
      {.path = "/disk", .capacity = machine_.disk_capacity, .open_index = open_index});
  options.boot_id = machine_.boot_id;
  options.small_max = machine_.small_max;
  options.direct_min = machine_.direct_min;
  options.max_open_files = 4;
  return options;
}

Task<> Node::start(std::optional<object::BucketSpec> bucket, Context ctx) {
  disks_ = co_await co_await disk::Store::open(disk_options(), ctx);
  Context duty = Context{.loop = &loop_}.under(duties_over_);
  duties_.spawn(disks_->run_evictor(duty));
  duties_.spawn(disks_->run_recycler(duty));
  duties_.spawn(disks_->run_committer(duty));
  unit::Options unit_options{.demand_streams = 8, .rest_streams = 2};
  unit_options.small_max = machine_.small_max;
  unit_options.block_bytes = 3 * unit::kBlock;  // so that there are none sometimes
  unit_options.tee_patience = milliseconds(15);
  units_ =
      std::make_unique<unit::Cache>(disks_, crews_, std::vector{&loop_}, unit_options, metrics_);
  heads_ = std::make_unique<object::Heads>(meta_, crews_,
                                           object::HeadOptions{.life = loop_.random()}, metrics_);
  objects_ = std::make_unique<object::Store>(*heads_, *units_, crews_, metrics_);
  factory_ = std::make_unique<Factory>(machine_.origin);
  buckets_ = std::make_unique<object::Buckets>(rows_, *factory_, metrics_);
  co_await co_await buckets_->load(ctx);
  if (bucket) {
    co_await co_await buckets_->create(co_await BucketName::parse(kBucket), *bucket, ctx);
  }
  co_return co_await open_door(ctx);
}

Task<> Node::open_door(Context ctx) {
  keys_ = std::make_unique<auth::Keys>(
      rows_, auth::AccessKey{"ROOT", Secret("rootsecret"), {}, true, false});
  co_await co_await keys_->load(ctx);
  guard_ = std::make_unique<auth::Guard>(*keys_, metrics_);
  services_ = std::make_unique<gateway::s3::Services>(*objects_, *buckets_, *guard_, crews_,
                                                      "us-east-1", "");
  door_ = std::make_unique<gateway::s3::Door>(*services_, obs::Log::none(), false, metrics_);
  auto listener = co_await loop_.listen({"127.0.0.1", 0});
  server_ = std::make_unique<http::Server>(std::move(listener), *door_);
  serving_.spawn(server_->run(Context{.loop = &loop_}));
  http_ = std::make_unique<http::Client>(loop_);
  http::Endpoint endpoint{.host = "127.0.0.1", .port = server_->address().port};
  client::Credentials credentials{"ROOT", Secret("rootsecret")};
  exchange_ = std::make_unique<client::Exchange>(*http_, endpoint, credentials, "us-east-1", "s3");
  s3_ = std::make_unique<client::S3Client>(*http_, client::S3Options{endpoint, credentials});
  co_return ok;
}

Task<> Node::stop(Context ctx) {
  if (http_ != nullptr) http_->close_idle();
  if (server_ != nullptr) {
    (void)co_await server_->drain(loop_.now(), ctx);  // late ones are cancelled
    (void)co_await serving_.join();
    server_.reset();
  }
  (void)co_await crews_.of(loop_).stop();
  duties_over_.cancel();
  (void)co_await duties_.join();
  Result<> closed = ok;
  if (disks_ != nullptr) closed = co_await disks_->close(ctx);
  s3_.reset();
  exchange_.reset();
  http_.reset();
  co_return closed;
}

}  // namespace forebay::simtest
