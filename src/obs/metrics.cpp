#include "obs/metrics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "base/check.h"

namespace forebay::obs {

namespace detail {

uint32_t take_thread_slot() {
  static std::atomic<uint32_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed) & 0xffff;
}

uint32_t slot() {
  if (thread_slot == kNoSlot) [[unlikely]]
    thread_slot = take_thread_slot();
  return thread_slot;
}

}  // namespace detail

namespace {

constexpr std::array<int64_t, Histogram::kBuckets> make_bounds() {
  std::array<int64_t, Histogram::kBuckets> bounds{};
  int64_t decade = 10'000;  // 10 µs
  for (size_t i = 0; i < bounds.size(); ++i) {
    bounds[i] = decade * (i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 5);
    if (i % 3 == 2) decade *= 10;
  }
  return bounds;
}
constexpr auto kBounds = make_bounds();

uint32_t mask_of(uint32_t shards) { return std::bit_ceil(std::clamp<uint32_t>(shards, 1, 64)) - 1; }

bool is_name(std::string_view text, bool colon) {
  auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
  };
  if (text.empty() || !letter(text[0])) return false;
  return std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string escape(std::string_view text, bool quotes) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

template <class Number>
std::string number(Number value) {
  std::array<char, 32> text;
  auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

}  // namespace

Counter::Counter(uint32_t shards)
    : mask_(mask_of(shards)), cells_(std::make_unique<detail::Cell[]>(mask_ + 1)) {}

uint64_t Counter::value() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i <= mask_; ++i) sum += cells_[i].value.load(std::memory_order_relaxed);
  return sum;
}

Duration Histogram::bound(size_t bucket) { return {kBounds.at(bucket)}; }

size_t Histogram::bucket_of(Duration length) {
  return static_cast<size_t>(std::ranges::lower_bound(kBounds, length.ns) - kBounds.begin());
}

Histogram::Histogram(uint32_t shards)
    : mask_(mask_of(shards)), shards_(std::make_unique<Shard[]>(mask_ + 1)) {}

void Histogram::observe(Duration length) {
  Shard& shard = shards_[mask_ == 0 ? 0 : detail::slot() & mask_];
  shard.counts[bucket_of(length)].fetch_add(1, std::memory_order_relaxed);
  shard.sum_ns.fetch_add(static_cast<uint64_t>(std::max<int64_t>(length.ns, 0)),
                         std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot out;
  for (uint32_t i = 0; i <= mask_; ++i) {
    for (size_t b = 0; b < out.counts.size(); ++b) {
      out.counts[b] += shards_[i].counts[b].load(std::memory_order_relaxed);
    }
    out.sum_seconds += static_cast<double>(shards_[i].sum_ns.load(std::memory_order_relaxed)) / 1e9;
  }
  for (uint64_t count : out.counts) out.count += count;
  return out;
}

// One line (or one histogram) of a family: an instrument of ours, or a function to ask.
struct Registry::Series {
  Labels labels;
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
  std::function<uint64_t()> read_counter;
  std::function<double()> read_gauge;

  void render(std::string_view name, std::string& out) const;
  std::string braces(std::string_view le = {}) const;
};

struct Registry::Family {
  Kind kind;
  std::string help;
  std::vector<std::string> label_names;
  std::vector<std::unique_ptr<Series>> series;
};

std::string Registry::Series::braces(std::string_view le) const {
  std::string out;
  for (const auto& [key, value] : labels) {
    out += (out.empty() ? "{" : ",") + key + "=\"" + escape(value, true) + '"';
  }
  if (!le.empty()) out += (out.empty() ? "{le=\"" : ",le=\"") + std::string(le) + '"';
  return out.empty() ? out : out + '}';
}

void Registry::Series::render(std::string_view family, std::string& out) const {
  std::string name(family);
  if (histogram != nullptr) {
    Histogram::Snapshot now = histogram->snapshot();
    uint64_t sum = 0;
    for (size_t b = 0; b < Histogram::kBuckets; ++b) {
      sum += now.counts[b];
      out += name + "_bucket" + braces(number(Histogram::bound(b).seconds())) + ' ' + number(sum);
      out += '\n';
    }
    out += name + "_bucket" + braces("+Inf") + ' ' + number(now.count) + '\n';
    out += name + "_sum" + braces() + ' ' + number(now.sum_seconds) + '\n';
    out += name + "_count" + braces() + ' ' + number(now.count) + '\n';
    return;
  }
  out += name + braces() + ' ';
  if (counter != nullptr) {
    out += number(counter->value());
  } else if (gauge != nullptr) {
    out += number(gauge->value());
  } else if (read_counter) {
    out += number(read_counter());
  } else {
    out += number(read_gauge());
  }
  out += '\n';
}

Registry::Registry(uint32_t shards) : shards_(shards) {}
Registry::~Registry() = default;

// Under mutex_. `fresh` tells whether the series was made by this call.
Registry::Series& Registry::series(Kind kind, std::string name, std::string help, Labels labels,
                                   bool* fresh) {
  check(is_name(name, true), "a metric's name is not one Prometheus takes");
  check(!help.empty(), "a metric has no help");
  check((kind == Kind::counter) == name.ends_with("_total"), "_total is for counters only");
  check(kind != Kind::histogram || name.ends_with("_seconds"), "a histogram is in seconds");
  std::vector<std::string> label_names;
  for (const auto& [key, value] : labels) {
    check(is_name(key, false) && !key.starts_with("__") && key != "le", "a bad label name");
    label_names.push_back(key);
  }
  std::unique_ptr<Family>& family = families_[name];
  if (family == nullptr) {
    family = std::make_unique<Family>(Family{kind, std::move(help), label_names, {}});
  }
  check(family->kind == kind, "one metric name is used for two kinds");
  check(family->label_names == label_names, "one metric name has two sets of labels");
  for (auto& old : family->series) {
    if (old->labels == labels) {
      *fresh = false;
      return *old;
    }
  }
  *fresh = true;
  family->series.push_back(std::make_unique<Series>());
  family->series.back()->labels = std::move(labels);
  return *family->series.back();
}

Counter& Registry::counter(std::string name, std::string help, Labels labels) {
  std::lock_guard lock(mutex_);
  bool fresh = false;
  Series& one = series(Kind::counter, std::move(name), std::move(help), std::move(labels), &fresh);
  if (fresh) one.counter = std::make_unique<Counter>(shards_);
  check(one.counter != nullptr, "a counter is somebody else's");
  return *one.counter;
}

Gauge& Registry::gauge(std::string name, std::string help, Labels labels) {
  std::lock_guard lock(mutex_);
  bool fresh = false;
  Series& one = series(Kind::gauge, std::move(name), std::move(help), std::move(labels), &fresh);
  if (fresh) one.gauge = std::make_unique<Gauge>();
  check(one.gauge != nullptr, "a gauge is somebody else's");
  return *one.gauge;
}

Histogram& Registry::histogram(std::string name, std::string help, Labels labels) {
  std::lock_guard lock(mutex_);
  bool fresh = false;
  Series& one =
      series(Kind::histogram, std::move(name), std::move(help), std::move(labels), &fresh);
  if (fresh) one.histogram = std::make_unique<Histogram>(shards_);
  return *one.histogram;
}

void Registry::counter_from(std::string name, std::string help, Labels labels,
                            std::function<uint64_t()> read) {
  std::lock_guard lock(mutex_);
  bool fresh = false;
  Series& one = series(Kind::counter, std::move(name), std::move(help), std::move(labels), &fresh);
  check(fresh, "a metric is read from two places");
  one.read_counter = std::move(read);
}

void Registry::gauge_from(std::string name, std::string help, Labels labels,
                          std::function<double()> read) {
  std::lock_guard lock(mutex_);
  bool fresh = false;
  Series& one = series(Kind::gauge, std::move(name), std::move(help), std::move(labels), &fresh);
  check(fresh, "a metric is read from two places");
  one.read_gauge = std::move(read);
}

std::string Registry::render() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += "# HELP " + name + ' ' + escape(family->help, false) + '\n';
    out += "# TYPE " + name;
    switch (family->kind) {
      case Kind::counter: out += " counter\n"; break;
      case Kind::gauge: out += " gauge\n"; break;
      case Kind::histogram: out += " histogram\n"; break;
    }
    for (const auto& one : family->series) one->render(name, out);
  }
  return out;
}

}  // namespace forebay::obs
