// An HTTP/1.1 load generator that speaks like an S3 client. One thread, so that it can be pinned;
// one line of JSON at the end. The options are in load_options.h.

#include <sys/resource.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

#include "load_client.h"
#include "load_options.h"
#include "load_request.h"

namespace {

using forebay::bench::LoadResult;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Sorts what it is given; 0 if there is nothing.
template <class Number>
Number quantile(std::vector<Number>& values, double part) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

void print(LoadResult& result, double cpu) {
  std::printf("{\"requests\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"errors\": %" PRIu64,
              result.requests, result.bytes, result.errors);
  std::printf(", \"wall\": %.6f, \"cpu\": %.6f", result.wall, cpu);
  std::printf(", \"p50\": %.6f", 1e-6 * quantile(result.latency, 0.5));
  std::printf(", \"p99\": %.6f", 1e-6 * quantile(result.latency, 0.99));
  std::printf(", \"connection_bytes\": {\"min\": %" PRIu64 ", \"median\": %" PRIu64 "}",
              quantile(result.per_connection, 0), quantile(result.per_connection, 0.5));
  std::printf(", \"x_cache\": {");
  const char* comma = "";
  for (const auto& [name, count] : result.x_cache) {
    std::printf("%s%s: %" PRIu64, comma, quoted(name).c_str(), count);
    comma = ", ";
  }
  std::printf("}, \"error_samples\": [");
  comma = "";
  for (const auto& sample : result.samples) {
    std::printf("%s%s", comma, quoted(sample).c_str());
    comma = ", ";
  }
  std::printf("]}\n");
}

// Two thousand connections are more than the usual soft limit of descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = forebay::bench::parse_options(argc, argv);
  if (!options) {
    std::fprintf(stderr, "loadgen: %s\n%s", options.error().c_str(), forebay::bench::kLoadUsage);
    return 2;
  }
  raise_descriptor_limit();
  const auto requests = forebay::bench::render_requests(*options);
  forebay::bench::LoadClient client(*options, requests);
  LoadResult result;
  double cpu = 0;
  if (client.connect()) {
    if (options->wait) {
      std::puts("armed");
      std::fflush(stdout);
      if (std::getchar() == EOF) return 2;
    }
    cpu = cpu_seconds();
    result = client.run();
    cpu = cpu_seconds() - cpu;
  } else {
    result = std::move(client.result());
  }
  print(result, cpu);
  return result.errors == 0 ? 0 : 1;
}
