// S3Stub: a small S3 server and admin address in memory, for tests of clients. It checks
// signatures with the server's half of `sign`, and misbehaves on request. It is not the gateway:
// it knows only what our own clients send.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "http/server.h"
#include "sign/key.h"

namespace forebay::testkit {

/// One loop. All state is open to the test.
class S3Stub final : public http::Handler {
 public:
  struct Object {
    std::string bytes;
    std::string etag;
    std::map<std::string, std::string> headers;
  };
  struct Upload {
    std::string bucket, key;
    std::map<uint32_t, Object> parts;
    std::map<std::string, std::string> headers;
  };

  /// Signatures must name the service "s3", or "forebay" for the admin paths.
  S3Stub(std::string access_key, Secret secret)
      : access_key_(std::move(access_key)), secret_(std::move(secret)) {}

  Task<http::Response> handle(http::Request& request, Context ctx) override;

  std::map<std::string, std::map<std::string, Object>> buckets;
  std::map<std::string, Upload> uploads;
  std::map<std::string, Json> admin_buckets;
  Json status;
  /// What a job is at each look, by its id; the last one stays. One that was cancelled says so.
  std::map<std::string, std::deque<Json>> jobs;
  /// The bodies of orders of jobs; each is answered with the first of `jobs`.
  std::vector<Json> orders;
  /// Requests as "METHOD path?query", in order.
  std::vector<std::string> log;
  /// x-amz-content-sha256 of the requests that had a body.
  std::vector<std::string> payloads;
  /// Parts that were being received at once, at most.
  size_t most_at_once = 0;

  /// What to do to requests whose line begins so: answer this status, so many times.
  struct Fault {
    std::string begins;
    int status = 503;
    int times = 1;
  };
  std::deque<Fault> faults;
  /// Answers what is S3 as the admin address of a Forebay does.
  bool admin_only = false;
  /// The next GET bodies break off after so many bytes.
  std::deque<uint64_t> cuts;
  /// Heeds x-amz-copy-source-if-match; servers differ.
  bool pins_copies = true;
  /// Called after a GET was answered; for tests that change things under a reader.
  std::function<void()> after_get;

 private:
  Result<> authenticate(const http::Request& request, WallTime now);
  Task<http::Response> dispatch(http::Request& request, Context ctx);
  Task<http::Response> admin(http::Request& request, Context ctx);
  http::Response job(http::Request& request, const std::string& id);
  Task<http::Response> object(http::Request& request, std::string bucket, std::string key,
                              Context ctx);
  Task<http::Response> put(http::Request& request, std::string bucket, std::string key,
                           Context ctx);
  Task<http::Response> post(http::Request& request, std::string bucket, std::string key,
                            Context ctx);
  http::Response get(http::Request& request, const Object& object);
  http::Response copy(http::Request& request, const std::string& bucket, const std::string& key);
  http::Response bucket(http::Request& request, const std::string& name);
  http::Response list(http::Request& request, const std::string& name);

  std::string access_key_;
  Secret secret_;
  uint64_t next_upload_ = 0;
  size_t receiving_ = 0;
};

}  // namespace forebay::testkit
