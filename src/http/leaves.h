// Leaves to hold more memory than everybody may while a message is on its way: for large heads and
// TLS handshakes, which anybody may begin and never end. Private to the server.
#pragma once

#include <boost/intrusive/list.hpp>

#include "io/sync.h"

namespace forebay::http {

class Seat;

/// A leave that a seat has. Ends with it.
class Leave : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Leave(Seat& seat, io::Semaphore::Permit permit, Time until)
      : seat_(seat), permit_(std::move(permit)), until_(until) {}
  Seat& seat() const { return seat_; }
  /// Until then nobody else gets it.
  Time until() const { return until_; }

 private:
  Seat& seat_;
  io::Semaphore::Permit permit_;
  Time until_;
};

/// So many leaves at a time; who finds none waits in line. While somebody does, seats that have had
/// theirs for long enough are evicted for him, in the order they got them: those of strangers who
/// were never known, and not while their request is with the handler. One loop.
class Leaves final : private io::Timer {
 public:
  explicit Leaves(uint64_t leaves) : places_(leaves) {}

  /// A large head has a second to be complete, waiting in line included: what comes meanwhile is in
  /// its socket, and read at its turn. A handshake has it from its turn on, since its client waits
  /// for our answer.
  enum class For { head, handshake };
  /// Code::busy when all leaves are with those who are not evicted and nobody waits yet.
  Task<> take(Seat& seat, For what, Context ctx);

 private:
  void on_timer() override;
  void make_room(Time now);
  bool somebody_may_go() const;

  io::Loop* loop_ = nullptr;  // of all who take one
  io::Semaphore places_;
  boost::intrusive::list<Leave, boost::intrusive::constant_time_size<false>> given_;
  uint64_t waiting_ = 0;
  bool set_ = false;
};

}  // namespace forebay::http
