// A connection's place in its server, and what all connections of one server share. Private to the
// server.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <optional>
#include <string>
#include <vector>

#include "http/input.h"
#include "http/leaves.h"
#include "http/server.h"
#include "io/sync.h"

namespace forebay::http {

struct ServerShared;

/// A connection's place in its server, from accept to close: what the server looks at when it must
/// make room. It is a stranger's while no request under way on it has shown a right to be here:
/// from its first byte on each request begins anew. Strangers may be closed whenever their request
/// is not with the handler, known ones only while they are idle.
class Seat : public boost::intrusive::list_base_hook<
                 boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// Takes a stranger's place. `shared` outlives it.
  Seat(ServerShared& shared, Time now);
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat();

  /// Ends what waits under token(). False when that was asked before.
  bool evict() {
    if (token_.cancelled()) return false;
    token_.cancel();
    return true;
  }
  bool evicted() const { return token_.cancelled(); }
  /// The same, and counted.
  bool evict_for_others();
  /// Of a stranger: since it is one; of an idle one: its last request's end.
  Time since() const { return since_; }

  /// The request on it is its sender's to make: no stranger's.
  void admit();
  /// What comes now has shown nothing: a stranger's again.
  void forget(Time now);
  /// Its request is with the handler, or no longer.
  void set_handled(bool handled) { become(known_, handled); }
  bool handled() const { return handled_; }
  bool known() const { return known_; }
  /// No byte of a next request has come.
  bool waiting() const { return waiting_; }
  void begin_wait(Time now);
  void end_wait();
  CancelToken& token() { return token_; }
  /// Its leave for a large head, a handshake or an unproven body, see Leaves::take().
  Leave& hold(Leaves& of, Time until) { return leave_.emplace(*this, of, until); }
  void free_leave() { leave_.reset(); }
  bool has_leave() const { return leave_.has_value(); }
  bool has_leave_of(const Leaves& leaves) const { return leave_ && &leave_->of() == &leaves; }

 private:
  void become(bool known, bool handled);

  ServerShared& shared_;
  CancelToken token_;
  std::optional<Leave> leave_;
  Time since_;
  bool known_ = false;
  bool waiting_ = false;
  bool handled_ = false;
};

using Seats = boost::intrusive::list<Seat, boost::intrusive::constant_time_size<false>>;

/// What the connections of one server share.
struct ServerShared {
  ServerShared(Handler& the_handler, ServerOptions the_options)
      : handler(the_handler),
        options(std::move(the_options)),
        buffers(options.large_buffers),
        heads(options.large_heads, Leaves::For::head),
        answered(options.large_heads, Leaves::For::head),
        handshakes(options.handshakes, Leaves::For::handshake),
        unproven(options.unproven, Leaves::For::body) {}

  /// The Date field's line; rendered once a second.
  const std::string& date_line(io::Loop& loop);
  /// Scratch strings, so that idle connections hold none.
  std::string take_scratch();
  void give_scratch(std::string text);

  /// Evicts whoever must go first for a newcomer (ServerOptions::max_connections). False: all are
  /// with the handler, or busy and known.
  bool make_room(Time now);

  Handler& handler;
  ServerOptions options;
  BufferPool buffers;
  // ServerOptions::large_heads of each, ::handshakes and ::unproven, or who reads slowly would keep
  // heads from coming, and heads would keep clients from shaking hands.
  Leaves heads;       ///< large, and on their way
  Leaves answered;    ///< whole, more than a small buffer, in memory until they are answered
  Leaves handshakes;  ///< between the client's hello and their end
  Leaves unproven;    ///< bodies beyond kUsualHead, until it is known whose they are
  ServerCounters counters;
  std::array<std::byte, 16 << 10> dropped;  ///< what nobody wants is read into this
  CancelToken all;                          ///< a drain out of time, or a cancel of run()
  bool crowded = false;   ///< a new connection waits for a place: who turns idle makes room
  bool draining = false;  ///< no further request on any connection
  uint64_t unheard = 0;   ///< strangers whose request is not with the handler
  Seats strangers;        ///< oldest first
  Seats idle;             ///< known ones that wait for a first byte, longest first

 private:
  /// Of those that are `age` old at least.
  bool evict_first(Seats& seats, Time now, Duration age);

  int64_t date_second_ = -1;
  std::string date_;
  std::vector<std::string> scratch_;
};

}  // namespace forebay::http
