// An origin that is far away: passes bytes on to it after a delay, and its answers back at once,
// but to each connection no more of them than `--rate` bytes a second. So each question costs the
// delay, as one round trip and an origin's own thinking would.
//
// usage: far --origin ADDR:PORT --delay MS [--rate N] [--congestion NAME]; prints
// "ready ADDR:PORT".

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sockets.h"

namespace {

namespace bench = forebay::bench;

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPiece = 256 << 10;
constexpr int kPace = 2;  // milliseconds between two looks at those who wait for their rate

struct Pair {
  int client = -1;
  int origin = -1;
  std::string asked = {};  // due and not sent
  std::vector<char> answer = std::vector<char>(kPiece);
  std::size_t filled = 0;
  std::size_t sent = 0;
  Clock::time_point next = {};  // when it may have more of the answer
};
using PairRef = std::shared_ptr<Pair>;

struct Delayed {
  Clock::time_point due;
  PairRef pair;
  std::string bytes;
};

struct Options {
  sockaddr_in origin{};
  std::chrono::milliseconds delay{0};
  double rate = 0;  // 0: no limit
  std::string congestion = "cubic";
};

class Far {
 public:
  explicit Far(Options options)
      : options_(std::move(options)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  [[noreturn]] void serve() {
    listener_ = bench::listen_on("127.0.0.1:0", options_.congestion);
    watch(listener_, EPOLLIN);
    std::array<epoll_event, 64> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), pass_due());
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          accept_all();
        } else if (const auto found = pairs_.find(fd); found != pairs_.end()) {
          const PairRef pair = found->second;
          if (!take(pair) || !ask(*pair) || !answer(pair)) end(*pair);
        }
      }
    }
  }

 private:
  void watch(int fd, unsigned events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() {
    const int fd = bench::accept_one(listener_);
    if (fd < 0) return;
    const int origin = bench::connect_to(options_.origin, options_.congestion);
    // It is used without waiting from now on: MSG_DONTWAIT.
    auto pair = std::make_shared<Pair>();
    pair->client = fd;
    pair->origin = origin;
    pairs_[fd] = pairs_[origin] = pair;
    // Every turn goes on until neither end gives or takes any more.
    watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
    watch(origin, EPOLLIN | EPOLLOUT | EPOLLET);
  }

  void end(const Pair& pair) {
    const int client = pair.client;
    const int origin = pair.origin;
    pairs_.erase(client);
    pairs_.erase(origin);
    close(client);
    close(origin);
  }

  // False when the connection is over, here and below.
  bool take(const PairRef& pair) {
    std::array<char, 64 << 10> buffer;
    for (;;) {
      const ssize_t got = recv(pair->client, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) return got < 0 && errno == EAGAIN;
      waiting_.push_back({Clock::now() + options_.delay, pair,
                          std::string(buffer.data(), static_cast<std::size_t>(got))});
    }
  }

  static bool ask(Pair& pair) {
    while (!pair.asked.empty()) {
      const ssize_t count =
          send(pair.origin, pair.asked.data(), pair.asked.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) return errno == EAGAIN;
      pair.asked.erase(0, static_cast<std::size_t>(count));
    }
    return true;
  }

  bool answer(const PairRef& of) {
    Pair& pair = *of;
    for (;;) {
      while (pair.sent < pair.filled) {
        const ssize_t count = send(pair.client, pair.answer.data() + pair.sent,
                                   pair.filled - pair.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0) return errno == EAGAIN;
        pair.sent += static_cast<std::size_t>(count);
      }
      const auto now = Clock::now();
      if (options_.rate > 0 && now < pair.next) {
        paced_.insert(of);
        return true;
      }
      const ssize_t got = recv(pair.origin, pair.answer.data(), kPiece, MSG_DONTWAIT);
      if (got <= 0) return got < 0 && errno == EAGAIN;
      if (options_.rate > 0) {
        const std::chrono::duration<double> takes(static_cast<double>(got) / options_.rate);
        pair.next = std::max(now, pair.next) + std::chrono::duration_cast<Clock::duration>(takes);
      }
      pair.filled = static_cast<std::size_t>(got);
      pair.sent = 0;
    }
  }

  bool known(const PairRef& pair) const {
    const auto found = pairs_.find(pair->client);
    return found != pairs_.end() && found->second == pair;
  }

  // Passes on what has waited long enough; milliseconds until there may be more, -1: no need.
  int pass_due() {
    for (const PairRef& pair : std::exchange(paced_, {}))
      if (known(pair) && !answer(pair)) end(*pair);
    const int left = ask_due();
    return paced_.empty() ? left : left < 0 ? kPace : std::min(left, kPace);
  }

  int ask_due() {
    while (!waiting_.empty()) {
      Delayed& first = waiting_.front();
      const auto left = first.due - Clock::now();
      if (left.count() > 0)
        return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
      const PairRef pair = first.pair;
      pair->asked += first.bytes;
      waiting_.pop_front();
      if (known(pair) && !ask(*pair)) end(*pair);
    }
    return -1;
  }

  Options options_;
  int epoll_;
  int listener_ = -1;
  std::map<int, PairRef> pairs_;  // by both of its descriptors
  std::deque<Delayed> waiting_;   // in the order in which they are due
  std::set<PairRef> paced_;       // whose rate forbids more just now
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::string origin;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--origin") origin = argv[i + 1];
    if (flag == "--congestion") options.congestion = argv[i + 1];
    if (flag == "--rate") options.rate = std::atof(argv[i + 1]);
    if (flag == "--delay") options.delay = std::chrono::milliseconds(std::atoi(argv[i + 1]));
  }
  if (origin.empty()) {
    std::fputs("usage: far --origin ADDR:PORT --delay MS [--rate N] [--congestion NAME]\n", stderr);
    return 2;
  }
  options.origin = bench::parse_address(origin);
  std::signal(SIGPIPE, SIG_IGN);
  Far(std::move(options)).serve();
}
