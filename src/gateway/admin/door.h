// The admin address: /healthz, /readyz and /metrics for machines, /v1/… for operators with the root
// key (SigV4, service "forebay"). Errors are problem JSON (RFC 9457).
#pragma once

#include <atomic>

#include "auth/guard.h"
#include "base/json.h"
#include "batch/jobs.h"
#include "http/server.h"
#include "job/job.h"
#include "object/bucket.h"
#include "obs/metrics.h"

namespace forebay::gateway::admin {

/// What only node knows. Outlives the door.
class Teller {
 public:
  virtual ~Teller() = default;
  /// The parts of /v1/status that are not jobs: disks, addresses, version.
  virtual Task<Json> status(Context ctx) = 0;
};

/// What the admin door stands on; made by node.
struct Services {
  object::Buckets& buckets;
  auth::Guard& guard;
  obs::Registry& metrics;
  job::Runner& jobs;
  batch::Jobs& batch;
  /// True from the first moment requests are served until draining begins.
  std::atomic<bool>& ready;
  Teller& teller;
};

/// One loop.
class Door final : public http::Handler {
 public:
  explicit Door(const Services& services) : services_(services) {}
  Task<http::Response> handle(http::Request& request, Context ctx) override;
  http::Response reject(int status, std::string_view reason) override;

 private:
  /// `admitted` becomes true when the sender has shown that he may ask.
  Task<http::Response> answer(http::Request& request, bool& admitted, Context ctx);
  Task<http::Response> control(http::Request& request, bool& admitted, Context ctx);
  http::Response list_buckets() const;
  /// What is asked of jobs over many keys; `path` begins with "jobs" or is "prefetch".
  Task<http::Response> control_jobs(http::Request& request, std::string_view path,
                                    const auth::Verified& verified, Context ctx);
  Task<http::Response> show_status(Context ctx) const;
  /// The page of metrics. Who asks while one of the last second is still being sent gets that very
  /// one, so that many who ask and do not read hold one page, and cost the making of one.
  http::Response show_metrics(Time now);

  Services services_;
  std::weak_ptr<const std::string> page_;  ///< of metrics, the last one
  Time page_made_ = {};
};

/// An answer whose body is that value.
http::Response json_response(int status, const Json& value);

/// The body of an order, compared with the hash its signature covers: a signature that covers no
/// body would let whoever stands between change what root orders.
Task<Json> read_json(http::Request& request [[clang::lifetimebound]],
                     const auth::Verified& verified [[clang::lifetimebound]], Context ctx);

/// No such call; to be returned.
Error no_such_call(const http::Request& request);

/// One job as the admin API shows it.
Json show(const batch::Shown& job);

/// An error as RFC 9457 writes it.
http::Response problem(const Error& error);

}  // namespace forebay::gateway::admin
