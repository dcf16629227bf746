// Door: the S3 gateway as an http::Handler. One request: route, authenticate, authorise, answer;
// what went wrong becomes S3's XML; every answer is counted and logged.
#pragma once

#include <array>
#include <unordered_map>

#include "gateway/s3/call.h"
#include "http/server.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "obs/seldom.h"

namespace forebay::gateway::s3 {

/// One for all loops; any thread.
class Door final : public http::Handler {
 public:
  /// `log_requests`: a line for every request, at info.
  Door(Services& services, obs::Log& log, bool log_requests, obs::Registry& metrics);

  Task<http::Response> handle(http::Request& request, Context ctx) override;
  http::Response reject(int status, std::string_view reason) override;
  void finished(const http::Request& request, const http::Response& response,
                const http::Outcome& outcome) override;
  /// What has ended so far, all operations together.
  struct Totals {
    uint64_t requests = 0;
    uint64_t client_errors = 0;
    uint64_t server_errors = 0;
  };
  Totals totals() const;

 private:
  struct Trace;
  struct Counted {
    obs::Counter* good;
    obs::Counter* client_errors;
    obs::Counter* server_errors;
    obs::Counter* cut;
    obs::Histogram* duration;
  };
  /// How GetObject requests were served, as X-Cache has it, or why no bytes were: each is counted
  /// once, so all together are the requests.
  static constexpr std::array<std::string_view, 6> kServed = {"hit",    "joined", "miss",
                                                              "bypass", "none",   "error"};
  using Served = std::array<obs::Counter*, kServed.size()>;
  Task<http::Response> answer(Call& call, Context ctx);
  Task<> tell_marker(Call& call, http::Response& response, Context ctx);
  /// Logs what the answer does not tell its client.
  void log_unseen(const Call& call, std::string_view error, Time now);

  Services& services_;
  obs::Log& log_;
  bool log_requests_;
  obs::Seldom missed_;  ///< buckets whose origins are gone, and errors that strangers bring
  std::unordered_map<const Operation*, Counted> counted_;
  std::array<Served, 2> reads_;  ///< without and with a range
  obs::Counter& bytes_in_;
  obs::Counter& bytes_out_;
};

}  // namespace forebay::gateway::s3
