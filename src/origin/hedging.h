// Hedging: whether questions whose answer is late are asked a second time (docs/adr/0031).
#pragma once

#include <cstddef>
#include <cstdint>

namespace forebay::origin {

/// What an answer must take longer than to be late: of the origin's recent answers 95, or 99, of a
/// hundred took less.
enum class Hedging : uint8_t { off, p95, p99 };

/// What became of a question whose answer was late.
enum class Hedged : uint8_t {
  won,       ///< the second question was answered first
  lost,      ///< the first was answered all the same
  failed,    ///< neither was, or nobody waited any longer
  withheld,  ///< it was not asked again: that would have been too often, or too much
};
inline constexpr size_t kHedgedOutcomes = 4;

}  // namespace forebay::origin
