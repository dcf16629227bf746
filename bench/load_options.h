// What one run of the load generator shall do. Everything is on the command line except the
// credentials, which come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace forebay::bench {

struct LoadOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  std::string host;                // the Host header; ADDR:PORT if empty
  std::vector<std::string> paths;  // asked in this order, round and round
  unsigned connections = 1;        // keep-alive, one request in flight on each
  std::uint64_t requests = 0;      // stop after so many; 0 = until `duration`
  double duration = 0;             // stop after so many seconds; 0 = until `requests`
  double timeout = 120;            // give up after so many seconds, whatever happens
  bool sign = true;                // SigV4 in the Authorization header
  std::string region = "us-east-1";
  std::string access_key;
  std::string secret_key;
  std::uint64_t put = 0;            // PUT bodies of so many bytes; 0: GET
  std::string range;                // "first-last"; then 206 is the expected status
  std::int64_t expect_length = -1;  // every body must have this length; -1 = any
  std::string verify;               // contents of the file every body must equal; empty = unchecked
  bool discard = false;             // read bodies with MSG_TRUNC: the kernel does not copy them
  std::uint64_t rate = 0;           // slow reader: bytes per second and connection; 0 = no limit
  int receive_buffer = 0;           // SO_RCVBUF; 0 = the kernel's choice
  std::string congestion = "cubic";
  bool tls = false;   // without a look at the certificate
  bool wait = false;  // print "armed", then begin only when a line arrives on stdin

  // Any of the three that mean "written", or the one that a read must have.
  bool expects(int status) const {
    if (put > 0) return status == 200 || status == 201 || status == 204;
    return status == (range.empty() ? 200 : 206);
  }
};

// The error is a sentence for the user.
std::expected<LoadOptions, std::string> parse_options(int argc, char** argv);

extern const char* const kLoadUsage;

}  // namespace forebay::bench
