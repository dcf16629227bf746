#include "obs/access.h"

#include "io/loop.h"

namespace forebay::obs {

RequestId RequestId::of(uint64_t bits) {
  RequestId id;
  for (char& c : id.text_) {
    c = "0123456789ABCDEF"[bits >> 60];
    bits <<= 4;
  }
  return id;
}

RequestId RequestId::make(io::Loop& loop) { return of(loop.random()); }

void write_access(Log& log, const AccessLine& line) {
  if (!log.enabled(Level::info)) return;
  log.write(Level::info, "request",
            {{"id", line.id.text()},
             {"operation", line.operation},
             {"bucket", line.bucket},
             {"key", line.key},
             {"access_key", line.access_key},
             {"status", line.status},
             {"error", line.error},
             {"bytes_in", line.bytes_in},
             {"bytes_out", line.bytes_out},
             {"duration_seconds", line.duration},
             {"cache", line.cache},
             {"peer", line.peer}});
}

}  // namespace forebay::obs
