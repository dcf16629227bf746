// Opens the origins of buckets: by URL, with credentials, metered, over one HTTP client per loop.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "http/client.h"
#include "io/tls.h"
#include "node/natives.h"
#include "object/bucket.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "origin/origin.h"
#include "origin/s3/hedge.h"
#include "origin/s3/pace.h"

namespace forebay::node {

/// Counts what origins do; one for all buckets, any thread.
class OriginMeter final : public origin::Meter {
 public:
  explicit OriginMeter(obs::Registry& registry);
  void request(std::string_view operation, bool good) override;
  void sent_again() override { again_.add(); }
  void told_to_slow() override { slowed_.add(); }
  void hedged(origin::Hedged outcome) override;
  void body_bytes_in(uint64_t bytes) override { in_.add(bytes); }
  void body_bytes_out(uint64_t bytes) override { out_.add(bytes); }

 private:
  using Name = std::pair<std::string, bool>;
  struct Less {
    using is_transparent = void;
    using View = std::pair<std::string_view, bool>;
    bool operator()(const View& a, const View& b) const { return a < b; }
  };
  obs::Registry& registry_;
  std::mutex mutex_;
  std::map<Name, obs::Counter*, Less> requests_;
  obs::Counter& again_;
  obs::Counter& slowed_;
  std::array<obs::Counter*, origin::kHedgedOutcomes> hedged_;  ///< by origin::Hedged
  obs::Counter& in_;
  obs::Counter& out_;
};

/// The same, and what one bucket reads.
class BucketMeter final : public origin::Meter {
 public:
  BucketMeter(std::shared_ptr<OriginMeter> all, obs::Counter& read)
      : all_(std::move(all)), read_(read) {}
  void request(std::string_view operation, bool good) override { all_->request(operation, good); }
  void sent_again() override { all_->sent_again(); }
  void told_to_slow() override { all_->told_to_slow(); }
  void hedged(origin::Hedged outcome) override { all_->hedged(outcome); }
  void body_bytes_in(uint64_t bytes) override {
    all_->body_bytes_in(bytes);
    read_.add(bytes);
  }
  void body_bytes_out(uint64_t bytes) override { all_->body_bytes_out(bytes); }

 private:
  std::shared_ptr<OriginMeter> all_;
  obs::Counter& read_;
};

struct OriginOptions {
  /// Absolute; buckets that S3 clients made before those were native are folders in it.
  std::string own_folder;
  std::vector<std::string> private_folders = {};  ///< absolute; what no origin may show
  std::string default_origin;                     ///< Settings::default_origin
  object::OriginConfig default_keys;  ///< for a default origin that needs keys; url unused
  obs::Log* log = nullptr;            ///< may be null
  Natives* natives = nullptr;         ///< outlives it; null: there are no native buckets
  std::shared_ptr<io::TlsContext> tls;
  size_t large_buffers = http::ClientOptions().large_buffers;  ///< per loop
  /// See origin::DirOptions; all buckets together.
  std::shared_ptr<Allowance> blocks = std::make_shared<Allowance>(64 << 20);
  std::shared_ptr<Allowance> documents = std::make_shared<Allowance>(64 << 20);
  std::shared_ptr<io::Md5Lanes> md5 = std::make_shared<io::Md5Lanes>();
};

/// See the top of this file. Any loop of `loops`.
class Origins final : public object::OriginFactory {
 public:
  Origins(OriginOptions options, const std::vector<io::Loop*>& loops, obs::Registry& registry);

  Result<object::OriginConfig> default_config(const BucketName& name) override;
  Task<> allow(object::OriginConfig config, bool own, Context ctx) override;
  Task<std::shared_ptr<origin::Origin>> open(const object::Bucket& bucket, bool create,
                                             obs::Counter& read, Context ctx) override;
  Task<> discard(object::OriginConfig config, Context ctx) override;
  /// Looks where the folder of a bucket leads to. Code::unavailable: into a folder of the daemon
  /// itself (every call to such an origin ends so, until it leads elsewhere), or nowhere.
  Task<> look(object::OriginConfig config, Context ctx);
  /// Why nothing can be had of the origin with that url, as far as it was looked at; empty: it can.
  std::string trouble(const std::string& url) const;
  /// Closes idle connections; before the engine stops. On the loop it names.
  void close(io::Loop& loop) { clients_.at(&loop).reset(); }

 private:
  http::Client& client(io::Loop& loop) { return *clients_.at(&loop); }
  /// What is known of one S3 endpoint on one loop.
  struct Manner {
    origin::Pace pace;
    origin::Hedge hedge;
  };
  using Manners = std::map<const io::Loop*, Manner>;
  std::shared_ptr<Manners> manners(const http::Endpoint& endpoint);
  /// As look(), of a path. Blocking, any thread.
  Result<> may_open(const std::string& url, const std::string& path);
  /// Whether there is a folder of that path. Blocking, any thread.
  Result<> is_there(const std::string& url, const std::string& path);

  OriginOptions options_;
  std::shared_ptr<OriginMeter> meter_;
  std::unordered_map<io::Loop*, std::unique_ptr<http::Client>> clients_;
  obs::Registry& registry_;
  mutable std::mutex mutex_;
  /// Under mutex_. They stay: an address that was used is used again, and there are few.
  std::map<http::Endpoint, std::shared_ptr<Manners>> manners_;
  /// Url → why; both under mutex_.
  std::map<std::string, std::string> refused_, gone_;
};

}  // namespace forebay::node
