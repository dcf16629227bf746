// Places whose use lasts as long as a client likes, and how they come back: who keeps others
// waiting must be faster than a lowest rate. While nobody waits, nobody is asked how fast he is.
// Private to the client.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>

#include "http/counters.h"
#include "io/body.h"
#include "io/sync.h"

namespace forebay::http {

/// One transfer at a client's pace: how far behind the lowest rate the client is. Only the time
/// counts in which we wait for the client; nobody answers for a slow server.
class Lag : public boost::intrusive::list_base_hook<
                boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// In bytes a second.
  static constexpr int64_t kLowestRate = 16 << 10;
  /// Who is further behind must go when somebody wants his place.
  static constexpr Duration kMost = seconds(5);

  Lag() = default;
  Lag(const Lag&) = delete;
  Lag& operator=(const Lag&) = delete;

  /// Now it is the client's turn. `ahead`: bytes he was given and may take his time for.
  void begin_wait(Time now, uint64_t ahead = 0);
  /// The client has moved so many bytes.
  void end_wait(Time now, uint64_t moved);
  /// None while it is not the client's turn.
  Duration behind(Time now) const;

  /// Gives the place back, now or soon. Only while it is the client's turn.
  void give_way() {
    gave_way_ = true;
    leave();
  }
  bool gave_way() const { return gave_way_; }

 protected:
  ~Lag() = default;

 private:
  virtual void leave() = 0;

  bool gave_way_ = false;
  Duration behind_;
  Time since_ = kNever;
  uint64_t ahead_ = 0;
};

/// So many places, first come, first served. For each that is waited for the transfer that is
/// furthest behind goes, if it is Lag::kMost behind. One loop.
class Share final : private io::Timer {
 public:
  /// `gave_way` counts those who went; it outlives this.
  Share(io::Loop& loop, uint64_t places, Counter& gave_way)
      : loop_(loop), total_(places), places_(places), gave_way_(gave_way) {}

  Task<io::Semaphore::Permit> acquire(Context ctx);
  /// `lag` holds one of the places.
  void join(Lag& lag) { lags_.push_back(lag); }
  bool unused() const { return places_.free() == total_; }

 private:
  void on_timer() override;
  void make_room();
  /// Who is furthest behind; null when nobody is far enough.
  Lag* last(Time now);

  io::Loop& loop_;
  const uint64_t total_;
  io::Semaphore places_;
  Counter& gave_way_;
  boost::intrusive::list<Lag, boost::intrusive::constant_time_size<false>> lags_;
  uint64_t waiting_ = 0;
  bool set_ = false;
};

/// `body`, which comes from a client and is sent on over a connection that `share` has a place for.
/// When it has to give way it ends as Code::timeout, "RequestTimeout". `share` outlives it.
std::unique_ptr<io::Source> at_clients_pace(std::unique_ptr<io::Source> body, Share& share);

}  // namespace forebay::http
