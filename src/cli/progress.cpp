#include "cli/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "cli/shell.h"

namespace forebay::cli {

namespace {

constexpr Duration kInterval = milliseconds(100);
/// Short copies show nothing.
constexpr Duration kQuiet = milliseconds(500);

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

}  // namespace

std::string render_progress(std::string_view name, uint64_t done, std::optional<uint64_t> total,
                            double bytes_per_second, unsigned columns) {
  std::string numbers = human_bytes(done);
  std::string rate = human_bytes(static_cast<uint64_t>(bytes_per_second)) + "/s";
  if (!total) {
    std::string line = std::string(name) + "  " + numbers + "  " + rate;
    return line.substr(0, columns);
  }
  double part = *total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(*total);
  part = std::clamp(part, 0.0, 1.0);
  double left = static_cast<double>(*total - std::min(done, *total));
  std::string eta =
      clock_text(bytes_per_second > 0 ? left / bytes_per_second : (left > 0 ? 1e9 : 0.0));
  std::array<char, 8> percent;
  std::snprintf(percent.data(), percent.size(), "%3d%%", static_cast<int>(part * 100));
  std::string tail = std::string(" ") + percent.data() + "  " + numbers + " of " +
                     human_bytes(*total) + "  " + rate + "  " + eta;
  // The name gets a third of what the numbers leave, the bar the rest.
  size_t room = columns > tail.size() ? columns - tail.size() : 0;
  std::string head(name.substr(0, std::max<size_t>(room / 3, std::min<size_t>(room, 8))));
  if (room < head.size() + 8) return (head + tail).substr(0, columns);
  size_t width = room - head.size() - 3;
  auto full = static_cast<size_t>(part * static_cast<double>(width));
  return head + " [" + std::string(full, '=') + std::string(width - full, ' ') + "]" + tail;
}

Progress::Progress(const io::Loop& clock, std::function<void(std::string_view)> write,
                   std::string name, std::optional<uint64_t> total, unsigned columns)
    : clock_(clock),
      write_(std::move(write)),
      name_(std::move(name)),
      total_(total),
      columns_(columns),
      started_(clock.now()),
      drawn_(started_) {}

Progress::~Progress() {
  if (!visible_) return;
  draw(clock_.now());
  write_("\n");
}

void Progress::moved(int64_t bytes) {
  done_ += static_cast<uint64_t>(bytes);
  if (!write_) return;
  Time now = clock_.now();
  if (now - started_ < kQuiet || now - drawn_ < kInterval) return;
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
  rate_done_ = done_;
  drawn_ = now;
  visible_ = true;
  write_("\r" + render_progress(name_, done_, total_, rate_, columns_) + "\x1b[K");
}

}  // namespace forebay::cli
