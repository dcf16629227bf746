#include "io/real/epoll_loop.h"

#include <netdb.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "base/check.h"
#include "io/real/files.h"

namespace forebay::io::real {

Result<std::unique_ptr<EpollLoop>> EpollLoop::make(Pool& pool, std::shared_ptr<PoolLane> lane,
                                                   const SocketOptions& options) {
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return error_from_errno(errno, "epoll_create1");
  Descriptor wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.valid()) return error_from_errno(errno, "eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the only one without a Watched
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return error_from_errno(errno, "epoll_ctl");
  }
  return std::unique_ptr<EpollLoop>(
      new EpollLoop(pool, std::move(lane), options, std::move(epoll), std::move(wake)));
}

Result<> EpollLoop::watch_signal(int fd, Watched& watched) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &watched;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return error_from_errno(errno, "epoll_ctl");
  }
  return ok;
}

void EpollLoop::post(std::move_only_function<void()> work) {
  {
    std::lock_guard lock(posts_mutex_);
    posts_.push_back(std::move(work));
    posted_ = true;
  }
  if (asleep_.exchange(false)) {
    uint64_t one = 1;
    check(::write(wake_.get(), &one, sizeof one) == sizeof one, "eventfd write");
  }
}

void EpollLoop::stop() {
  post([this] { stopping_ = true; });
}

void EpollLoop::drain_posts() {
  if (!posted_) return;
  std::vector<std::move_only_function<void()>> work;
  {
    std::lock_guard lock(posts_mutex_);
    posted_ = false;
    work.swap(posts_);
  }
  for (auto& f : work) f();
}

void EpollLoop::run() {
  stopping_ = false;
  while (true) {
    drain_posts();
    run_queue();
    run_timers(now());
    if (stopping_ && queue_.empty() && offloads_under_way_ == 0) return;
    poll();
  }
}

void EpollLoop::poll() {
  std::array<epoll_event, 256> events;
  int timeout = 0;
  if (queue_.empty()) {
    // From here on a post writes the eventfd; one that came before is seen by the check.
    asleep_ = true;
    if (posted_) asleep_ = false;
  }
  if (asleep_) {
    Time next = next_timer();
    timeout = -1;
    if (next != kNever) {
      int64_t wait = (next - now()).ns;
      timeout = static_cast<int>(std::clamp<int64_t>((wait + 999'999) / 1'000'000, 0, 3'600'000));
    }
  }
  ++stats_.polls;
  int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout);
  asleep_ = false;
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr == nullptr) {
      uint64_t ignored;
      (void)!::read(wake_.get(), &ignored, sizeof ignored);
    } else {
      static_cast<Watched*>(events[i].data.ptr)->on_events(events[i].events);
    }
  }
}

Time EpollLoop::now() const { return boot_now(); }

WallTime EpollLoop::wall_now() const {
  timespec t;
  ::clock_gettime(CLOCK_REALTIME, &t);
  return {t.tv_sec * 1'000'000'000 + t.tv_nsec};
}

void EpollLoop::random_bytes(ByteSpan into) {
  while (!into.empty()) {
    ssize_t n = ::getrandom(into.data(), into.size(), 0);
    check(n > 0 || errno == EINTR, "getrandom");
    if (n > 0) into = into.subspan(static_cast<size_t>(n));
  }
}

uint64_t EpollLoop::random() {
  if (random_used_ == random_.size()) {
    random_bytes(std::as_writable_bytes(std::span(random_)));
    random_used_ = 0;
  }
  return random_[random_used_++];
}

Offload EpollLoop::offload(Lane* lane, std::move_only_function<void()> work,
                           std::move_only_function<void()> done) {
  PoolLane& chosen = lane != nullptr ? static_cast<PoolLane&>(*lane) : *lane_;
  Offload given = chosen.submit(std::move(work), [this, done = std::move(done)]() mutable {
    post([this, done = std::move(done)]() mutable {
      --offloads_under_way_;
      done();
    });
  });
  if (given.ticket == 0) return given;
  ++stats_.offloads;
  ++offloads_under_way_;
  return given;
}

bool EpollLoop::withdraw(Lane& lane, uint64_t ticket) {
  if (!static_cast<PoolLane&>(lane).withdraw(ticket)) return false;
  --offloads_under_way_;
  return true;
}

Result<std::unique_ptr<Listener>> EpollLoop::listen(const Address& address, Sharing sharing) {
  return real::listen(epoll_.get(), address, sharing, options_);
}

Task<std::unique_ptr<Stream>> EpollLoop::connect(Address address, Context ctx) {
  auto stream = co_await start_connect(epoll_.get(), address, options_);
  Result<size_t> connected = co_await Connected(*stream, ctx);
  if (!connected) co_return connected.error_in("connect to " + address.to_string());
  co_return stream;
}

Task<std::vector<Address>> EpollLoop::resolve(std::string host, uint16_t port, Context ctx) {
  auto lookup = [host, port]() -> Result<std::vector<Address>> {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    int rc = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    // Loopback alone does not count as configured for AI_ADDRCONFIG.
    if (rc != 0) {
      hints.ai_flags = 0;
      rc = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    }
    if (rc != 0) {
      return fail(Code::unavailable, "cannot resolve " + host + ": " + gai_strerror(rc));
    }
    std::vector<Address> out;
    for (addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
      char text[NI_MAXHOST];
      if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0,
                        NI_NUMERICHOST) == 0) {
        out.push_back({text, port});
      }
    }
    ::freeaddrinfo(found);
    return out;
  };
  co_return co_await run_blocking(ctx, names_.get(), std::move(lookup));
}

Task<> EpollLoop::until_ready(int fd, Readiness readiness, Context ctx) {
  Ready leaf(epoll_.get(), fd, readiness, ctx);
  co_return co_await leaf;
}

Result<std::shared_ptr<Directory>> EpollLoop::open_directory(std::string path, bool create,
                                                             std::shared_ptr<Lane> lane) {
  return real::open_directory(path, create, std::move(lane));
}

}  // namespace forebay::io::real
