#include "io/real/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace forebay::io::real {

namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<SocketAddress> numeric(const Address& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int rc =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (rc != 0) {
    return fail(Code::invalid, "'" + address.host + "' is not an IP address: " + gai_strerror(rc));
  }
  SocketAddress out;
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return out;
}

Address readable(SocketAddress& address) {
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "0";
  ::getnameinfo(address.raw(), address.length, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
  return {host, static_cast<uint16_t>(std::stoi(port))};
}

// Congestion control and buffers are set before listen() and connect(): changed later, pacing of
// the old algorithm stays.
Result<Descriptor> make_socket(int family, const SocketOptions& options) {
  Descriptor fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return last_error("socket");
  if (!options.congestion.empty()) {
    // Not every kernel has every algorithm; the system's default serves too.
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_CONGESTION, options.congestion.c_str(),
                       static_cast<socklen_t>(options.congestion.size()));
  }
  if (options.unsent > 0) {
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &options.unsent, sizeof(int));
  }
  return fd;
}

void set_nodelay(int fd) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool watch(int epoll, int fd, Watched* watched, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = watched;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

class TcpStream final : public Stream, public Watched {
 public:
  TcpStream(Descriptor fd, Address peer, bool connected)
      : fd_(std::move(fd)), peer_(std::move(peer)), writable_(connected) {}
  ~TcpStream() override {
    check(waiter_[0] == nullptr && waiter_[1] == nullptr, "a stream dies while someone waits");
    if (reset_) {
      linger now{1, 0};
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
  }

  bool register_with(int epoll) {
    return watch(epoll, fd_.get(), this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  }

  ssize_t try_read(ByteSpan into) override {
    if (!readable_) return -EAGAIN;
    ssize_t n = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (n < 0) {
      if (errno == EAGAIN) readable_ = false;
      return errno == EINTR ? try_read(into) : -errno;
    }
    // A short read has emptied the socket; more bytes raise a new edge. The peer's end does not.
    if (n > 0 && static_cast<size_t>(n) < into.size() && !hangup_) readable_ = false;
    return n;
  }

  ssize_t try_write(std::span<const ByteView> parts, bool more) override {
    if (!writable_) return -EAGAIN;
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    if (parts.size() == 1) {
      return note_write([&] { return ::send(fd_.get(), parts[0].data(), parts[0].size(), flags); });
    }
    std::array<iovec, 8> vector;
    size_t count = std::min(parts.size(), vector.size());
    for (size_t i = 0; i < count; ++i) {
      vector[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
    }
    msghdr message{};
    message.msg_iov = vector.data();
    message.msg_iovlen = count;
    return note_write([&] { return ::sendmsg(fd_.get(), &message, flags); });
  }

  ssize_t try_send_file(File& file, uint64_t offset, size_t length, bool) override {
    if (!writable_) return -EAGAIN;
    check(file.descriptor() >= 0, "a simulated file on a real stream");
    auto at = static_cast<off_t>(offset);
    return note_write([&] { return ::sendfile(fd_.get(), file.descriptor(), &at, length); });
  }

  void arm(Direction direction, Waiter& waiter) override {
    auto& slot = waiter_[static_cast<size_t>(direction)];
    check(slot == nullptr, "two wait for one direction of a stream");
    slot = &waiter;
  }
  void disarm(Direction direction) override { waiter_[static_cast<size_t>(direction)] = nullptr; }

  void shutdown_write() override { ::shutdown(fd_.get(), SHUT_WR); }
  void reset_on_close() override { reset_ = true; }
  Address peer() const override { return peer_; }

  void on_events(uint32_t events) override {
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hangup_ = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
      readable_ = true;
      wake(Direction::read);
    }
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
      writable_ = true;
      wake(Direction::write);
    }
  }

  bool writable() const { return writable_; }
  int descriptor() const { return fd_.get(); }

 private:
  // Only a true EAGAIN may be told as one: nothing else is followed by an edge.
  ssize_t note_write(auto call) {
    ssize_t n = call();
    while (n < 0 && errno == EINTR) n = call();
    if (n >= 0) return n;
    if (errno == EAGAIN) writable_ = false;
    return -errno;
  }
  void wake(Direction direction) {
    auto& slot = waiter_[static_cast<size_t>(direction)];
    if (Waiter* waiter = std::exchange(slot, nullptr)) waiter->on_ready();
  }

  Descriptor fd_;
  Address peer_;
  std::array<Waiter*, 2> waiter_{};
  bool readable_ = true;
  bool writable_;
  bool hangup_ = false;
  bool reset_ = false;
};

class TcpListener final : public Listener, public Watched {
 public:
  TcpListener(Descriptor fd, int epoll, Address address)
      : fd_(std::move(fd)), epoll_(epoll), address_(std::move(address)) {}
  ~TcpListener() override { check(waiter_ == nullptr, "a listener dies while someone waits"); }

  bool register_now() { return watch(epoll_, fd_.get(), this, EPOLLIN | EPOLLET); }

  std::unique_ptr<Stream> try_accept(int* error) override {
    SocketAddress from;
    Descriptor fd(::accept4(fd_.get(), from.raw(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) {
      // The connection that died in the queue was not the last one.
      if (errno == EINTR || errno == ECONNABORTED) return try_accept(error);
      *error = errno;
      return nullptr;
    }
    set_nodelay(fd.get());
    auto stream = std::make_unique<TcpStream>(std::move(fd), readable(from), true);
    if (!stream->register_with(epoll_)) {
      *error = errno;
      return nullptr;
    }
    return stream;
  }
  void arm(Waiter& waiter) override {
    check(waiter_ == nullptr, "two wait for one listener");
    waiter_ = &waiter;
  }
  void disarm() override { waiter_ = nullptr; }
  Address address() const override { return address_; }

  void on_events(uint32_t) override {
    if (Waiter* waiter = std::exchange(waiter_, nullptr)) waiter->on_ready();
  }

 private:
  Descriptor fd_;
  int epoll_;
  Address address_;
  Waiter* waiter_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Listener>> listen(int epoll, const Address& address, Sharing sharing,
                                         const SocketOptions& options) {
  auto where = numeric(address);
  if (!where) return std::move(where.error());
  auto fd = make_socket(where->storage.ss_family, options);
  if (!fd) return std::move(fd.error());
  int on = 1;
  ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // One socket per loop. Set before bind() it would let in every process of this user, and clients
  // would meet one or the other; set after it, the first one keeps others out who do the same.
  auto share = [&] { ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on); };
  if (sharing == Sharing::beside) share();
  std::string what = "listen on " + address.to_string();
  if (::bind(fd->get(), where->raw(), where->length) != 0) return last_error(what);
  share();
  if (::listen(fd->get(), 4096) != 0) return last_error(what);
  SocketAddress bound;
  if (::getsockname(fd->get(), bound.raw(), &bound.length) != 0) return last_error(what);
  auto listener = std::make_unique<TcpListener>(std::move(*fd), epoll, readable(bound));
  if (!listener->register_now()) return last_error(what);
  return listener;
}

Result<std::unique_ptr<Stream>> start_connect(int epoll, const Address& address,
                                              const SocketOptions& options) {
  auto where = numeric(address);
  if (!where) return std::move(where.error());
  auto fd = make_socket(where->storage.ss_family, options);
  if (!fd) return std::move(fd.error());
  set_nodelay(fd->get());
  int rc = ::connect(fd->get(), where->raw(), where->length);
  if (rc != 0 && errno != EINPROGRESS) return last_error("connect to " + address.to_string());
  auto stream = std::make_unique<TcpStream>(std::move(*fd), address, rc == 0);
  if (!stream->register_with(epoll)) return last_error("connect to " + address.to_string());
  return stream;
}

ssize_t Connected::attempt() {
  auto& tcp = static_cast<TcpStream&>(stream_);
  if (!tcp.writable()) return -EAGAIN;
  socklen_t length = sizeof error_;
  ::getsockopt(tcp.descriptor(), SOL_SOCKET, SO_ERROR, &error_, &length);
  return error_ == 0 ? 1 : -error_;
}

Result<size_t> Connected::await_resume() {
  Result<> ended = outcome("connect");
  if (!ended) return std::move(ended.error());
  if (error_ != 0) return error_from_errno(error_, "connect to " + stream_.peer().to_string());
  return size_t{1};
}

void Ready::start() {
  uint32_t events = 0;
  if (readiness_ != Readiness::writable) events |= EPOLLIN | EPOLLRDHUP;
  if (readiness_ != Readiness::readable) events |= EPOLLOUT;
  if (watch(epoll_, fd_, this, events)) return;
  error_ = errno;
  complete(0);
}

void Ready::stop() { (void)::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd_, nullptr); }

void Ready::on_events(uint32_t) {
  stop();
  complete(0);
}

Result<> Ready::await_resume() {
  if (error_ != 0) return error_from_errno(error_, "wait for a descriptor");
  return outcome("wait for a descriptor");
}

}  // namespace forebay::io::real
