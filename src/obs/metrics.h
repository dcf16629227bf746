// Metrics: counters, gauges and histograms that components own as named members, and the Registry
// that renders them as Prometheus text (exposition format 0.0.4). They are ours, not prometheus-
// cpp's, because a warm request has a few microseconds: an add is one relaxed atomic on a cell that
// few other threads use; the cells are summed when somebody scrapes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace forebay::obs {

namespace detail {
inline constexpr uint32_t kNoSlot = ~uint32_t{0};
inline constinit thread_local uint32_t thread_slot = kNoSlot;
uint32_t take_thread_slot();
/// A small number of the calling thread. Not inlined, so that no coroutine keeps the address of a
/// thread's variable across an await.
[[gnu::noinline]] uint32_t slot();

struct alignas(64) Cell {
  std::atomic<uint64_t> value{0};
};
}  // namespace detail

/// Only grows. Any thread; about 3 ns.
class Counter {
 public:
  explicit Counter(uint32_t shards = 1);
  void add(uint64_t n = 1) {
    cells_[mask_ == 0 ? 0 : detail::slot() & mask_].value.fetch_add(n, std::memory_order_relaxed);
  }
  /// The sum over all cells; adds that run meanwhile may be missing.
  uint64_t value() const;

 private:
  uint32_t mask_;
  std::unique_ptr<detail::Cell[]> cells_;
};

/// Goes up and down. Any thread.
class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  void sub(int64_t n) { value_.fetch_sub(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// Counts one while it lives: `GaugeHold hold(metrics.inflight);`
class GaugeHold {
 public:
  explicit GaugeHold(Gauge& gauge, int64_t n = 1) : gauge_(&gauge), n_(n) { gauge_->add(n_); }
  GaugeHold(GaugeHold&& other) noexcept
      : gauge_(std::exchange(other.gauge_, nullptr)), n_(other.n_) {}
  GaugeHold& operator=(GaugeHold&& other) noexcept {
    std::swap(gauge_, other.gauge_);
    std::swap(n_, other.n_);
    return *this;
  }
  ~GaugeHold() {
    if (gauge_ != nullptr) gauge_->sub(n_);
  }

 private:
  Gauge* gauge_;
  int64_t n_;
};

/// Lengths of time in fixed buckets: 1, 2 and 5 of every decade from 10 µs to 100 s. Any thread.
class Histogram {
 public:
  static constexpr size_t kBuckets = 22;  ///< bounded ones; one more holds what is longer
  /// The upper bound of a bucket.
  static Duration bound(size_t bucket);
  /// The bucket that a length falls into: the first whose bound is not below it.
  static size_t bucket_of(Duration length);

  explicit Histogram(uint32_t shards = 1);
  void observe(Duration length);

  struct Snapshot {
    std::array<uint64_t, kBuckets + 1> counts{};  ///< not cumulative
    uint64_t count = 0;
    double sum_seconds = 0;
  };
  Snapshot snapshot() const;

 private:
  struct alignas(64) Shard {
    std::array<std::atomic<uint64_t>, kBuckets + 1> counts{};
    std::atomic<uint64_t> sum_ns{0};
  };
  uint32_t mask_;
  std::unique_ptr<Shard[]> shards_;
};

/// Label names and values, fixed when the instrument is made.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Owns the instruments and renders them. Made first and destroyed last by node; components get a
/// reference and keep the references it gives. Any thread.
///
/// Names follow Prometheus' rules and are checked: counters end in _total, histograms in _seconds,
/// help is not empty. Asking again for the same name and labels gives the same instrument; the
/// same name as another kind, or with other label names, is a broken invariant.
class Registry {
 public:
  /// `shards`: about the number of loops; rounded up to a power of two, at most 64.
  explicit Registry(uint32_t shards = 4);
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  Counter& counter(std::string name, std::string help, Labels labels = {});
  Gauge& gauge(std::string name, std::string help, Labels labels = {});
  Histogram& histogram(std::string name, std::string help, Labels labels = {});
  /// A value that somebody else counts, read at each scrape on the scraping thread; `read` must
  /// stay callable as long as anyone renders.
  void counter_from(std::string name, std::string help, Labels labels,
                    std::function<uint64_t()> read);
  void gauge_from(std::string name, std::string help, Labels labels, std::function<double()> read);

  /// All of it as text, families by name; content type kContentType.
  std::string render() const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  enum class Kind { counter, gauge, histogram };
  struct Series;
  struct Family;
  Series& series(Kind kind, std::string name, std::string help, Labels labels, bool* fresh);

  uint32_t shards_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>> families_;
};

}  // namespace forebay::obs
