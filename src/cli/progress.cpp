#include "cli/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "cli/shell.h"

namespace forebay::cli {

namespace {

constexpr Duration kInterval = milliseconds(100);
constexpr Duration kPlainInterval = seconds(10);
/// Short copies show nothing.
constexpr Duration kQuiet = milliseconds(500);

/// How far it is, in percent.
std::string percent_text(double part) {
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "%3d%%", static_cast<int>(part * 100));
  return text.data();
}

double part_of(uint64_t done, uint64_t total) {
  if (total == 0) return 1.0;
  return std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
}

/// What stands behind the name, but for the percents.
std::string numbers_text(uint64_t done, std::optional<uint64_t> total, double bytes_per_second) {
  std::string rate = human_bytes(static_cast<uint64_t>(bytes_per_second)) + "/s";
  if (!total) return human_bytes(done) + "  " + rate;
  double left = static_cast<double>(*total - std::min(done, *total));
  std::string eta =
      clock_text(bytes_per_second > 0 ? left / bytes_per_second : (left > 0 ? 1e9 : 0.0));
  return human_bytes(done) + " of " + human_bytes(*total) + "  " + rate + "  " + eta;
}

std::string progress_text(std::string_view name, uint64_t done, std::optional<uint64_t> total,
                          double bytes_per_second) {
  std::string percent = total ? percent_text(part_of(done, *total)) + "  " : "";
  return std::string(name) + "  " + percent + numbers_text(done, total, bytes_per_second);
}

}  // namespace

std::string clock_text(double seconds) {
  if (!(seconds < 359'999)) return "--:--";
  auto whole = static_cast<int>(std::ceil(seconds));
  std::array<char, 24> text;
  if (whole >= 3600) {
    std::snprintf(text.data(), text.size(), "%d:%02d:%02d", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%02d:%02d", whole / 60, whole % 60);
  }
  return text.data();
}

std::string render_progress(std::string_view name, uint64_t done, std::optional<uint64_t> total,
                            double bytes_per_second, unsigned columns) {
  if (!total) return progress_text(name, done, total, bytes_per_second).substr(0, columns);
  double part = part_of(done, *total);
  std::string tail = " " + percent_text(part) + "  " + numbers_text(done, total, bytes_per_second);
  // The name gets a third of what the numbers leave, the bar the rest.
  size_t room = columns > tail.size() ? columns - tail.size() : 0;
  std::string head(name.substr(0, std::max<size_t>(room / 3, std::min<size_t>(room, 8))));
  if (room < head.size() + 8) return (head + tail).substr(0, columns);
  size_t width = room - head.size() - 3;
  auto full = static_cast<size_t>(part * static_cast<double>(width));
  return head + " [" + std::string(full, '=') + std::string(width - full, ' ') + "]" + tail;
}

Progress::Progress(const io::Loop& clock, std::function<void(std::string_view)> write,
                   std::string name, std::optional<uint64_t> total, unsigned columns, Manner manner)
    : clock_(clock),
      write_(std::move(write)),
      name_(std::move(name)),
      total_(total),
      columns_(columns),
      manner_(manner),
      started_(clock.now()),
      drawn_(started_) {}

Progress::~Progress() {
  if (!visible_ || manner_ == Manner::lines) return;
  draw(clock_.now());
  write_("\n");
}

void Progress::moved(int64_t bytes) {
  done_ += static_cast<uint64_t>(bytes);
  if (!write_) return;
  Time now = clock_.now();
  Duration interval = manner_ == Manner::bar ? kInterval : kPlainInterval;
  if (now - started_ < kQuiet || now - drawn_ < interval) return;
  draw(now);
}

void Progress::draw(Time now) {
  double seconds = (now - drawn_).seconds();
  if (seconds > 0 && done_ >= rate_done_) {
    double latest = static_cast<double>(done_ - rate_done_) / seconds;
    // About the last five seconds count.
    double weight = rate_ == 0 ? 1.0 : std::min(1.0, seconds / 5);
    rate_ += (latest - rate_) * weight;
  }
  if (told_rate_) rate_ = static_cast<double>(*told_rate_);
  rate_done_ = done_;
  drawn_ = now;
  visible_ = true;
  if (manner_ == Manner::lines) {
    write_(progress_text(name_, done_, total_, rate_) + "\n");
  } else {
    write_("\r" + render_progress(name_, done_, total_, rate_, columns_) + "\x1b[K");
  }
}

}  // namespace forebay::cli
