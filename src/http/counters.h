// What an HTTP server or client counts about itself. obs and node read it.
#pragma once

#include <atomic>
#include <cstdint>

namespace forebay::http {

/// A number one thread changes and any thread reads.
class Counter {
 public:
  void add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// Of one Server. Bytes are those on the stream: heads and framing included, TLS records not.
struct ServerCounters {
  Counter accepted;   ///< connections ever
  Counter open;       ///< connections now
  Counter places;     ///< connections that may be at once
  Counter strangers;  ///< of those open: no request on it has shown a right to be here
  Counter evicted;    ///< strangers' or idle connections closed to make room
  Counter requests;   ///< heads that reached the handler
  Counter in_flight;  ///< requests between head and finished() now
  Counter bytes_in;
  Counter bytes_out;
  Counter parse_errors;   ///< heads refused: syntax, limits, smuggling
  Counter timeouts;       ///< heads, bodies or sends given up for lack of progress
  Counter broken_bodies;  ///< responses that ended short of their Content-Length
};

/// Of one Client.
struct ClientCounters {
  Counter connects;        ///< connections opened
  Counter connect_errors;  ///< resolve, connect or handshake failures
  Counter open;            ///< connections now, idle ones included
  Counter idle;            ///< connections in the pool now
  Counter requests;        ///< sent, retries not counted
  Counter reused;          ///< requests that went over a pooled connection
  Counter no_place;        ///< given up for lack of a place
  Counter gave_way;        ///< ended because a client was slow while others waited
  Counter retries;         ///< sent again because a pooled connection had died
  Counter bytes_in;
  Counter bytes_out;
  Counter parse_errors;  ///< response heads or framing refused
};

}  // namespace forebay::http
