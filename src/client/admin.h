// AdminClient: the admin address's JSON interface, for the command line and tests.
//
//   GET    /v1/buckets        {"buckets":[bucket…]}
//   POST   /v1/buckets        a BucketSpec → 201, the bucket
//   GET    /v1/buckets/NAME   the bucket
//   PATCH  /v1/buckets/NAME   BucketLimits, an origin's keys or hedge → the bucket
//   DELETE /v1/buckets/NAME   204
//   POST   /v1/prefetch       {"bucket", "prefix"} → 202, the job
//   POST   /v1/removal        the same, of a job that removes
//   GET    /v1/jobs           {"jobs":[job…]}
//   GET    /v1/jobs/ID        the job
//   DELETE /v1/jobs/ID        cancels it; the job
//   GET    /v1/status         an object
//
// Requests are signed with SigV4 for the service "forebay"; errors are RFC 9457 problems.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "client/exchange.h"

namespace forebay::client {

struct AdminOptions {
  http::Endpoint endpoint;
  std::optional<Credentials> credentials = std::nullopt;
};

/// What a native bucket may hold; 0: no limit. Nothing: not said.
struct BucketLimits {
  std::optional<uint64_t> max_bytes = {};
  std::optional<uint64_t> max_objects = {};
};

/// A bucket to be made. What is empty is left to the server's default.
struct BucketSpec {
  std::string name;
  std::string origin = {};     ///< dir:///path, s3://bucket[/prefix]?endpoint=…
  std::string freshness = {};  ///< exact, ttl:60s, immutable
  std::string fill = {};       ///< part, adaptive
  std::string verify = {};     ///< start, always
  std::string hedge = {};      ///< off, p95, p99
  std::string origin_access_key = {};
  Secret origin_secret_key = {};
  std::string origin_region = {};
  BucketLimits limits = {};

  Json to_json() const;
};

/// Errors: the problem's detail as text, its "code" member (an S3 error code) as detail();
/// invalid NotAdmin when an S3 server answers. One loop.
class AdminClient {
 public:
  /// `http` must outlive it.
  AdminClient(http::Client& http [[clang::lifetimebound]], AdminOptions options);

  Task<std::vector<Json>> buckets(Context ctx);
  Task<Json> bucket(std::string name, Context ctx);
  Task<Json> create_bucket(BucketSpec spec, Context ctx);
  Task<Json> limit_bucket(std::string name, BucketLimits limits, Context ctx);
  Task<Json> hedge_bucket(std::string name, std::string hedge, Context ctx);
  /// The origin is asked with these keys before they are kept.
  Task<Json> rekey_bucket(std::string name, std::string access_key, Secret secret, Context ctx);
  Task<> remove_bucket(std::string name, Context ctx);
  Task<Json> prefetch(std::string bucket, std::string prefix, Context ctx);
  Task<Json> removal(std::string bucket, std::string prefix, Context ctx);
  Task<std::vector<Json>> jobs(Context ctx);
  Task<Json> job(std::string id, Context ctx);
  Task<Json> cancel_job(std::string id, Context ctx);
  Task<Json> status(Context ctx);

 private:
  Task<std::vector<Json>> list(std::string what, Context ctx);
  Task<Json> order(std::string path, std::string bucket, std::string prefix, Context ctx);
  Task<Json> call(std::string method, std::string path, Json body, Context ctx);

  Exchange exchange_;
};

/// The error of an answer with this status, whose body may be a problem.
Error parse_problem(int status, std::string_view body);

}  // namespace forebay::client
