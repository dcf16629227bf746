// Leaves to hold more memory than everybody may while a message is on its way: for large heads,
// TLS handshakes, and bodies that tell whose they are, which anybody may begin and never end.
// Private to the server.
#pragma once

#include <boost/intrusive/list.hpp>

#include "io/sync.h"

namespace forebay::http {

class Leaves;
class Seat;

/// A leave that a seat has. Its place goes to the next in line when it ends.
class Leave : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Leave(Seat& seat, Leaves& of, Time until) : seat_(seat), of_(of), until_(until) {}
  Leave(const Leave&) = delete;
  Leave& operator=(const Leave&) = delete;
  ~Leave();
  Seat& seat() const { return seat_; }
  const Leaves& of() const { return of_; }
  /// Until then nobody else gets it.
  Time until() const { return until_; }

 private:
  Seat& seat_;
  Leaves& of_;
  Time until_;
};

/// So many leaves at a time; who finds none waits in line. While somebody does, seats that have had
/// theirs for long enough are evicted for him, in the order they got them: strangers' whose request
/// is not with the handler. One loop.
class Leaves final : private io::Timer {
 public:
  /// A head has a second to be complete, waiting in line included: what comes meanwhile is in its
  /// socket, and read at its turn. A handshake has it from its turn on, since its client waits for
  /// our answer, and less the longer the line is; a body likewise, of which a socket may not hold
  /// all. Of a line of theirs longer than the places every second turn is the newest's: a flood
  /// fills the line, and an honest client does not stand behind it.
  enum class For { head, handshake, body };
  Leaves(uint64_t places, For what) : places_(places), free_(places), what_(what) {}

  /// Code::busy when all leaves are with those who are not evicted and nobody waits yet.
  Task<> take(Seat& seat, Context ctx);

 private:
  friend class Leave;
  struct Waiting : boost::intrusive::list_base_hook<> {
    io::Event turn;
  };

  Task<> wait_in_line(Context ctx);
  void give_back();
  Duration grace() const;
  void on_timer() override;
  void make_room(Time now);
  bool somebody_may_go() const;

  io::Loop* loop_ = nullptr;  // of all who take one
  const uint64_t places_;
  uint64_t free_;
  const For what_;
  boost::intrusive::list<Leave, boost::intrusive::constant_time_size<false>> given_;
  boost::intrusive::list<Waiting> line_;
  bool newest_next_ = true;
  bool set_ = false;
};

}  // namespace forebay::http
