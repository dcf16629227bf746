// Hedge: from when on an answer of one S3 endpoint is late, and how many questions may be asked a
// second time for it. What is late is told by the answers that came lately. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "origin/hedging.h"

namespace forebay::origin {

/// One endpoint and one loop.
class Hedge {
 public:
  /// What is asked: their answers take their own time.
  enum class Question : uint8_t { head, get };
  static constexpr size_t kQuestions = 2;
  /// No answer is late before.
  static constexpr Duration kFloor = milliseconds(5);
  /// None is while fewer are known of its kind: of a hundred one is late.
  static constexpr uint32_t kEnough = 100;
  /// When so many are known each of them counts half as much from then on.
  static constexpr uint32_t kRemembered = 1000;
  /// So many questions earn one more.
  static constexpr uint32_t kQuestionsPerHedge = 20;
  /// Of earned ones so many are kept: what is slow all at once is asked this often again.
  static constexpr uint32_t kSaved = 10;

  /// A question is asked; after how long its answer is late. Nothing: that is not known yet.
  std::optional<Duration> asked(Question question, Hedging after);
  /// An answer took so long, or was given up after that.
  void answered(Question question, Duration took);
  /// Whether one more may be asked a second time; then it is counted.
  bool may_ask_again();

 private:
  /// How many answers took how long. Each power of two of microseconds is four buckets, so what is
  /// told is at most a quarter too much. The last one begins at two minutes.
  struct Times {
    static constexpr size_t kBuckets = 104;
    std::array<double, kBuckets> counts{};
    double all = 0;
  };
  std::array<Times, kQuestions> times_{};
  uint32_t earned_ = 0;  ///< in questions
};

}  // namespace forebay::origin
