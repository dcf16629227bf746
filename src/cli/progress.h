// Progress: a bar with rate and time left on a terminal, for copies that take a while.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "io/loop.h"

namespace forebay::cli {

/// The line for these numbers, at most `columns` wide. Without a total it shows no bar.
std::string render_progress(std::string_view name, uint64_t done, std::optional<uint64_t> total,
                            double bytes_per_second, unsigned columns);

/// "12:34", "1:00:00"; of what is not to be foreseen "--:--".
std::string clock_text(double seconds);

/// How it is drawn: over and over on one line of a terminal, at most ten times a second; or, where
/// nobody looks on, as a plain line every ten seconds.
enum class Manner { bar, lines };

/// Draws on standard error. One loop.
class Progress {
 public:
  /// `write` empty: draws nothing.
  Progress(const io::Loop& clock, std::function<void(std::string_view)> write, std::string name,
           std::optional<uint64_t> total, unsigned columns, Manner manner = Manner::bar);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Ends the line.
  ~Progress();
  /// Nothing: not known (any more).
  void set_total(std::optional<uint64_t> total) { total_ = total; }
  void moved(int64_t bytes);
  /// Somebody else has measured it. Without it what has moved tells.
  void set_rate(uint64_t bytes_per_second) { told_rate_ = bytes_per_second; }

 private:
  void draw(Time now);

  const io::Loop& clock_;
  std::function<void(std::string_view)> write_;
  std::string name_;
  std::optional<uint64_t> total_;
  unsigned columns_;
  Manner manner_;
  uint64_t done_ = 0;
  Time started_;
  Time drawn_;
  double rate_ = 0;  ///< bytes a second, smoothed
  std::optional<uint64_t> told_rate_;
  uint64_t rate_done_ = 0;
  bool visible_ = false;
};

}  // namespace forebay::cli
