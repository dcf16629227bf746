#include "io/sim/stream.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"

namespace forebay::io::sim {

namespace {

constexpr size_t kSmallestPipe = 16 << 10;
constexpr uint64_t kPipeSizes = 5;  // each twice the one before

/// One direction. Positions count bytes since the start: read ≤ arrived ≤ written.
struct Pipe {
  /// Bytes (and perhaps the end) that arrive together.
  struct Mark {
    uint64_t end;
    Time at;
    bool fin;
  };

  size_t capacity = 0;
  std::unique_ptr<std::byte[]> ring;
  uint64_t written = 0;
  uint64_t arrived = 0;
  uint64_t read = 0;
  std::vector<Mark> in_flight;
  bool ended = false;
  bool end_arrived = false;
  bool window_on_its_way = false;
  Waiter* reader = nullptr;
  Waiter* writer = nullptr;

  size_t available() const { return arrived - read; }
  size_t room() const { return capacity - (written - read); }
  /// The stretch of the ring at `position`, up to its seam.
  ByteSpan stretch(uint64_t position, size_t most) {
    if (ring == nullptr) ring = std::make_unique_for_overwrite<std::byte[]>(capacity);
    size_t at = position & (capacity - 1);
    return {ring.get() + at, std::min(most, capacity - at)};
  }
};

void wake(Waiter*& slot) {
  if (Waiter* waiter = std::exchange(slot, nullptr)) waiter->on_ready();
}

}  // namespace

/// Both directions and both ends, kept while an end or an event needs it. Waiters are told from
/// events only, never from inside a call.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(EndPoint client, EndPoint server) : points_{std::move(client), std::move(server)} {
    for (Pipe& pipe : pipes_) pipe.capacity = kSmallestPipe << dice().below(kPipeSizes);
  }

  const Address& address(int end) const { return points_[end].address; }
  ssize_t read(int end, ByteSpan into);
  ssize_t write(int end, std::span<const ByteView> parts);
  ssize_t send_file(int end, File& file, uint64_t offset, size_t length);
  void arm(int end, Direction direction, Waiter& waiter);
  void disarm(int end, Direction direction) { slot(end, direction) = nullptr; }
  void shutdown_write(int end);
  void reset_on_close(int end) { ends_[end].reset_on_close = true; }
  void close(int end);
  void end_life(const Host& host);

 private:
  struct End {
    int error = 0;
    bool open = true;
    bool dead = false;  ///< its process is: what comes to it is answered by a reset
    bool reset_on_close = false;
  };

  Pipe& incoming(int end) { return pipes_[1 - end]; }
  Pipe& outgoing(int end) { return pipes_[end]; }
  Waiter*& slot(int end, Direction direction) {
    return direction == Direction::read ? incoming(end).reader : outgoing(end).writer;
  }
  bool ready(int end, Direction direction);
  bool breaks(int end);
  ssize_t may_write(int end, size_t wanted);
  void sent(int end, size_t count, bool fin);
  void deliver(int end);
  void lose(int end);
  void tell_of_reset(int end);
  World& world() const { return *points_[0].host->world; }
  Dice& dice() const { return world().dice; }
  const SimOptions& options(int end) const { return points_[end].host->options; }
  bool is_cut() const { return world().is_cut(points_[0].host->number, points_[1].host->number); }
  /// Runs `what(*this)` after `delay`.
  template <class F>
  void after(Duration delay, F what) {
    world().after(delay, [self = shared_from_this(), what] { what(*self); });
  }
  /// Runs `what(*this)` at the other side of `end`, when it has travelled there: over a cut link
  /// once that is whole, unless nobody is there any more.
  template <class F>
  void travel(int end, F what) {
    carry(network_delay(end), what);
  }
  template <class F>
  void carry(Duration delay, F what) {
    after(delay, [what](Connection& self) {
      if (!self.is_cut()) return what(self);
      if (self.ends_[0].open || self.ends_[1].open) self.carry(kResend, what);
    });
  }
  Duration network_delay(int end) { return dice().up_to(options(end).network_delay); }

  EndPoint points_[2];
  End ends_[2];
  Pipe pipes_[2];  // by the end that writes
};

ssize_t Connection::read(int end, ByteSpan into) {
  Pipe& pipe = incoming(end);
  if (into.empty()) return 0;
  if (breaks(end)) return -ECONNRESET;
  if (pipe.available() == 0) {
    if (ends_[end].error != 0) return -ends_[end].error;
    return pipe.end_arrived ? 0 : -EAGAIN;
  }
  size_t count = std::min(pipe.available(), into.size());
  if (dice().chance(options(end).short_io)) count = dice().part_of(count);
  for (size_t done = 0; done < count;) {
    ByteSpan part = pipe.stretch(pipe.read, count - done);
    std::memcpy(into.data() + done, part.data(), part.size());
    pipe.read += part.size();
    done += part.size();
  }
  if (!pipe.window_on_its_way && pipe.writer != nullptr) {
    pipe.window_on_its_way = true;
    travel(end, [end](Connection& self) {
      Pipe& opened = self.incoming(end);
      opened.window_on_its_way = false;
      wake(opened.writer);
    });
  }
  return static_cast<ssize_t>(count);
}

// How many of `wanted` bytes (more than 0) a call takes, or -errno.
ssize_t Connection::may_write(int end, size_t wanted) {
  Pipe& pipe = outgoing(end);
  if (ends_[end].error != 0) return -ends_[end].error;
  if (pipe.ended) return -EPIPE;
  if (breaks(end)) return -ECONNRESET;
  size_t count = std::min(pipe.room(), wanted);
  if (count == 0) return -EAGAIN;
  if (dice().chance(options(end).short_io)) count = dice().part_of(count);
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(int end, std::span<const ByteView> parts) {
  size_t wanted = 0;
  for (ByteView part : parts) wanted += part.size();
  if (wanted == 0) return 0;
  ssize_t allowed = may_write(end, wanted);
  if (allowed < 0) return allowed;
  Pipe& pipe = outgoing(end);
  size_t left = static_cast<size_t>(allowed);
  uint64_t position = pipe.written;
  for (ByteView part : parts) {
    part = part.first(std::min(part.size(), left));
    left -= part.size();
    while (!part.empty()) {
      ByteSpan into = pipe.stretch(position, part.size());
      std::memcpy(into.data(), part.data(), into.size());
      position += into.size();
      part = part.subspan(into.size());
    }
  }
  sent(end, static_cast<size_t>(allowed), false);
  return allowed;
}

ssize_t Connection::send_file(int end, File& file, uint64_t offset, size_t length) {
  if (length == 0) return 0;
  ssize_t allowed = may_write(end, length);
  if (allowed < 0) return allowed;
  Pipe& pipe = outgoing(end);
  ByteSpan into = pipe.stretch(pipe.written, static_cast<size_t>(allowed));
  Result<size_t> count = file.read_at(offset, into);
  if (!count) return -EIO;
  if (*count > 0) sent(end, *count, false);
  return static_cast<ssize_t>(*count);
}

void Connection::sent(int end, size_t count, bool fin) {
  Pipe& pipe = outgoing(end);
  pipe.written += count;
  Time at = world().now + network_delay(end);
  if (!pipe.in_flight.empty() && pipe.in_flight.back().at >= at) {
    // Streams keep their order: it travels with what was sent before.
    pipe.in_flight.back().end = pipe.written;
    pipe.in_flight.back().fin |= fin;
    return;
  }
  pipe.in_flight.push_back({pipe.written, at, fin});
  carry(at - world().now, [end](Connection& self) { self.deliver(end); });
}

// What `end` sent comes to the other one.
void Connection::deliver(int end) {
  Pipe& pipe = outgoing(end);
  uint64_t before = pipe.arrived;
  size_t count = 0;
  while (count < pipe.in_flight.size() && pipe.in_flight[count].at <= world().now) {
    pipe.arrived = pipe.in_flight[count].end;
    pipe.end_arrived |= pipe.in_flight[count].fin;
    ++count;
  }
  pipe.in_flight.erase(pipe.in_flight.begin(),
                       pipe.in_flight.begin() + static_cast<ptrdiff_t>(count));
  if (ends_[1 - end].open && !ends_[1 - end].dead) return wake(pipe.reader);
  pipe.read = pipe.arrived;
  if (pipe.arrived > before) tell_of_reset(end);
}

// The connection is gone as `end` sees it. Of what had arrived unread, it may keep nothing.
void Connection::lose(int end) {
  if (!ends_[end].open || ends_[end].error != 0) return;
  ends_[end].error = ECONNRESET;
  Pipe& pipe = incoming(end);
  pipe.in_flight.clear();
  if (dice().chance(0.5)) pipe.read = pipe.arrived;
  wake(pipe.reader);
  wake(outgoing(end).writer);
}

void Connection::tell_of_reset(int end) {
  travel(1 - end, [end](Connection& self) { self.lose(end); });
}

// Whether the connection breaks at this call of `end`.
bool Connection::breaks(int end) {
  if (ends_[end].error != 0 || !dice().chance(options(end).reset)) return false;
  ends_[end].error = ECONNRESET;
  incoming(end).in_flight.clear();
  incoming(end).read = incoming(end).arrived;
  after({0}, [end](Connection& self) {
    wake(self.incoming(end).reader);
    wake(self.outgoing(end).writer);
  });
  tell_of_reset(1 - end);
  return true;
}

bool Connection::ready(int end, Direction direction) {
  if (ends_[end].error != 0) return true;
  if (direction == Direction::read) {
    return incoming(end).available() > 0 || incoming(end).end_arrived;
  }
  return outgoing(end).ended || outgoing(end).room() > 0;
}

void Connection::arm(int end, Direction direction, Waiter& waiter) {
  Waiter*& place = slot(end, direction);
  check(place == nullptr, "two wait for one direction of a stream");
  place = &waiter;
  // Kernels wake for nothing now and then.
  bool spurious = dice().chance(options(end).short_io / 8);
  if (!ready(end, direction) && !spurious) return;
  after({0}, [end, direction](Connection& self) { wake(self.slot(end, direction)); });
}

void Connection::shutdown_write(int end) {
  if (outgoing(end).ended || ends_[end].error != 0) return;
  outgoing(end).ended = true;
  sent(end, 0, true);
}

void Connection::close(int end) {
  check(incoming(end).reader == nullptr && outgoing(end).writer == nullptr,
        "a stream is destroyed while someone waits for it");
  if (ends_[end].error == 0) {
    // As in TCP: who closes with bytes unread resets, and the peer may lose what it was sent.
    if (ends_[end].reset_on_close || incoming(end).available() > 0) {
      tell_of_reset(1 - end);
    } else {
      shutdown_write(end);
    }
  }
  ends_[end].open = false;
}

// Whoever still runs of a life that has ended finds all its connections broken.
void Connection::end_life(const Host& host) {
  for (int end : {0, 1}) {
    if (points_[end].host.get() != &host || !ends_[end].open || ends_[end].error != 0) continue;
    ends_[end].error = ECONNRESET;
    ends_[end].dead = true;
    incoming(end).in_flight.clear();
    incoming(end).read = incoming(end).arrived;
    after({0}, [end](Connection& self) {
      wake(self.incoming(end).reader);
      wake(self.outgoing(end).writer);
    });
    if (!host.silent) tell_of_reset(1 - end);
  }
}

namespace {

class SimStream final : public Stream {
 public:
  SimStream(std::shared_ptr<Connection> connection, int end)
      : connection_(std::move(connection)), end_(end) {}
  ~SimStream() override { connection_->close(end_); }

  ssize_t try_read(ByteSpan into) override { return connection_->read(end_, into); }
  ssize_t try_write(std::span<const ByteView> parts, bool) override {
    return connection_->write(end_, parts);
  }
  ssize_t try_send_file(File& file, uint64_t offset, size_t length, bool) override {
    return connection_->send_file(end_, file, offset, length);
  }
  void arm(Direction direction, Waiter& waiter) override {
    connection_->arm(end_, direction, waiter);
  }
  void disarm(Direction direction) override { connection_->disarm(end_, direction); }
  void shutdown_write() override { connection_->shutdown_write(end_); }
  void reset_on_close() override { connection_->reset_on_close(end_); }
  Address peer() const override { return connection_->address(1 - end_); }

 private:
  std::shared_ptr<Connection> connection_;
  int end_;
};

}  // namespace

std::shared_ptr<Connection> make_connection(EndPoint client, EndPoint server) {
  return std::make_shared<Connection>(std::move(client), std::move(server));
}

std::unique_ptr<Stream> stream_of(std::shared_ptr<Connection> connection, int end) {
  return std::make_unique<SimStream>(std::move(connection), end);
}

void end_life_of(Connection& connection, const Host& host) { connection.end_life(host); }

}  // namespace forebay::io::sim
