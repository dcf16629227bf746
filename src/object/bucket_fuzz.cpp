// Any bytes as a bucket's row: it is refused, or what was read says the same when written again.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "io/sim.h"
#include "meta/memory_store.h"
#include "object/bucket.h"

namespace {

using namespace forebay;
using namespace forebay::object;

class NoOrigin final : public OriginFactory {
 public:
  Result<OriginConfig> default_config(const BucketName&) override {
    return fail(Code::invalid, "none");
  }
  Task<std::shared_ptr<origin::Origin>> open(const Bucket&, bool, obs::Counter&, Context) override {
    co_return std::shared_ptr<origin::Origin>();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::unique_ptr<io::Simulation> world = io::Simulation::make({.seed = 1});
  Context ctx{.loop = &world->loop()};
  std::string row(reinterpret_cast<const char*>(data), size);
  meta::MemoryStore rows;
  check(world->run(rows.commit(meta::Txn().put("bucket/abc", row), ctx)).has_value(), "a commit");
  NoOrigin origins;
  obs::Registry metrics;
  Buckets buckets(rows, origins, metrics);
  if (!world->run(buckets.load(ctx))) return 0;
  check(buckets.list().size() == 1, "one row, one bucket");
  const Bucket& bucket = *buckets.list()[0];
  auto freshness = Freshness::parse(bucket.freshness.to_string());
  check(freshness && *freshness == bucket.freshness, "another freshness came back");
  auto verify = parse_verify(name(bucket.verify));
  check(verify && *verify == bucket.verify, "another way to verify came back");
  auto fill = parse_filling(name(bucket.fill));
  check(fill && *fill == bucket.fill, "another way to fill came back");
  return 0;
}
