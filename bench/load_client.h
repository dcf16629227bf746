// The measuring client: keep-alive connections in one thread on epoll, or, for slow readers, on a
// timer. Counts what it receives and checks status, length and, if asked, content.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "load_options.h"

namespace forebay::bench {

struct LoadResult {
  std::uint64_t requests = 0;  // complete and right answers
  std::uint64_t bytes = 0;     // body bytes, those of unfinished answers included
  std::uint64_t errors = 0;
  std::vector<std::string> samples;    // the first few errors, as text
  std::vector<std::uint32_t> latency;  // microseconds, one per request
  std::map<std::string, std::uint64_t> x_cache;
  std::vector<std::uint64_t> per_connection;  // body bytes
  double wall = 0;
};

// One thread, one use: construct, connect(), run(). The requests must outlive it.
class LoadClient {
 public:
  LoadClient(const LoadOptions& options, const std::vector<std::string>& requests);
  ~LoadClient();
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  // Opens all connections. False if one cannot be opened; the reason is in the result.
  bool connect();
  LoadResult run();
  LoadResult& result() { return result_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Connection {
    int fd = -1;
    SSL* tls = nullptr;
    unsigned index = 0;
    bool busy = false;     // a request is in flight
    bool in_body = false;  // its head has been read
    bool last = false;     // the server closes after this answer
    std::string head;      // a head that did not arrive in one piece
    std::uint64_t length = 0;
    std::uint64_t received = 0;
    std::uint64_t unsent = 0;  // of a PUT's body
    bool choked = false;       // the kernel takes no more of it now
    Clock::time_point begun;
  };

  // recv() and send(), through TLS where there is TLS: -1 and EAGAIN when it would wait.
  ssize_t get(Connection& connection, char* into, std::size_t size, int flags);
  ssize_t put(Connection& connection, const char* bytes, std::size_t size);
  bool shake_hands(Connection& connection);
  bool open(Connection& connection);
  void close(Connection& connection);
  // Sends the next request; false if there is none left or it cannot be sent.
  bool begin(Connection& connection);
  // What of the body the kernel takes now.
  void send_body(Connection& connection);
  void watch(Connection& connection, bool choked);
  // One recv() of at most `limit` bytes. False when nothing more can be read now.
  bool receive(Connection& connection, std::size_t limit);
  void take_head(Connection& connection, std::string_view text);
  void take_body(Connection& connection, const char* data, std::size_t size);
  bool parse_head(Connection& connection, std::string_view head);
  void finish(Connection& connection);
  void fail(Connection& connection, const std::string& what);
  void run_fast();
  void run_slow();
  bool over(Clock::time_point now) const;

  const LoadOptions& options_;
  const std::vector<std::string>& requests_;
  LoadResult result_;
  std::vector<Connection> connections_;
  std::vector<char> buffer_;
  std::vector<char> body_;  // of PUTs
  int epoll_ = -1;
  SSL_CTX* tls_ = nullptr;
  std::uint64_t next_ = 0;
  std::size_t busy_ = 0;
  Clock::time_point start_;
};

}  // namespace forebay::bench
