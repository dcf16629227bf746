// Spread: over how many streams a unit of one origin is fetched. Stores that are far away, or limit
// each connection, give a unit faster to several streams than to one; others do not, and each
// stream is a request. What pays off is tried out, with what is fetched anyway, and remembered.
// Pure.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace forebay::unit {

/// Of one origin, as one loop sees it. It sees what its streams have moved and how long they have
/// waited for the origin, not for a disk: what a disk holds up is no faster in shares.
class Spread {
 public:
  /// Streams of one unit at most.
  static constexpr uint32_t kMost = 8;
  /// A stream looks at its pace this often; what all move is reckoned over at least as long.
  static constexpr Duration kLook = milliseconds(100);
  /// What takes no longer is left to one stream.
  static constexpr Duration kNotable = milliseconds(200);
  /// A trial is lost after so many bad times of kLook, or when it has told nothing for so long.
  static constexpr uint32_t kBadLooks = 5;
  static constexpr Duration kTrial = seconds(3);
  /// From a lost trial to the next.
  static constexpr Duration kAgain = seconds(60);

  /// What one stream has seen since it began, or looked last. Belongs to it.
  struct Stream {
    Time looked;            ///< since when
    Duration first_byte{};  ///< from its question to the origin's first byte
    uint64_t bytes = 0;
    Duration waited{};  ///< for them
    bool due(Time now) const { return now - looked >= kLook; }
  };
  /// What may be shared out.
  struct Load {
    uint64_t left = 0;     ///< bytes one stream still has before it; 0: what nobody waits for
    uint32_t streams = 1;  ///< that fetch the unit now
    uint64_t least = 1;    ///< bytes of a share
  };

  void came(Stream& stream, uint64_t bytes, Duration waited, Time now);
  /// Into how many shares the load of a stream that is about to begin is cut; 1: it is not.
  uint32_t at_start(const Load& load, Time now);
  /// The same of a stream under way, which begins a new look with it.
  uint32_t look(Stream& stream, const Load& load, Time now);
  /// One stream a unit, for kAgain: the origin refuses others, or gives each of them everything.
  void one_only(Time now);
  /// Streams that have paid off.
  uint32_t paid() const { return paid_; }

 private:
  /// How fast, and by how many: bytes each second of each stream's waiting, and how many waited on
  /// average.
  struct Pace {
    double each = 0;
    double streams = 0;
  };

  void reckon(Time now);
  void judge(const Pace& pace, Time now);
  void lose(Time now);
  uint32_t most() const;
  uint32_t shares(const Load& load, Duration takes, uint32_t most) const;

  uint32_t paid_ = 1;
  // The time that runs.
  Time since_{};
  uint64_t bytes_ = 0;
  Duration waited_{};
  // What the last one has told.
  Pace pace_;
  bool steady_ = false;  ///< it was no longer than it should be: streams were at work all along
  // Twice as many as have paid off.
  bool trying_ = false;
  Pace before_;
  uint32_t bad_ = 0;
  Time until_{};
  Time again_{};  ///< no trial before
};

}  // namespace forebay::unit
