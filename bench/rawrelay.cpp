// The peer for cold reads: the least that can pass an answer on and keep it. For each client it has
// one connection to the origin, sends the request on as it is, and the answer back; what it keeps
// it writes before it asks for more: bodies past the page cache, one file each, or with `--keep
// append` one after the other into one file. It checks nothing and remembers nothing.
//
// usage: rawrelay --origin ADDR:PORT --keep files|append --dir DIR [--congestion NAME]; prints
// "ready ADDR:PORT".

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "sockets.h"

namespace {

namespace bench = forebay::bench;

enum class Keep { files, append };

constexpr std::size_t kPiece = 1 << 20;
constexpr std::size_t kPage = 4096;
constexpr std::string_view kLength = "\r\nContent-Length: ";

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};

struct Pair {
  int client = -1;
  int origin = -1;
  std::string request = {};
  std::string head = {};  // of the answer; not complete while `in_head`
  bool in_head = true;
  std::uint64_t left = 0;  // of the body, at the origin
  std::size_t filled = 0;  // of the piece
  std::size_t sent = 0;    // of those
  int file = -1;
  std::unique_ptr<char, Free> piece{static_cast<char*>(std::aligned_alloc(kPage, kPiece))};
};

struct Options {
  sockaddr_in origin{};
  std::string folder;
  std::string congestion = "cubic";
  Keep keep = Keep::files;
};

class Relay {
 public:
  explicit Relay(Options options)
      : options_(std::move(options)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (options_.keep == Keep::append) shared_ = create("all", 0);
  }

  [[noreturn]] void serve() {
    const int listener = bench::listen_on("127.0.0.1:0", options_.congestion);
    watch(listener);
    std::array<epoll_event, 64> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener) {
          accept_all(listener);
        } else if (const auto found = pairs_.find(fd); found != pairs_.end()) {
          const std::shared_ptr<Pair> pair = found->second;
          if (!take_request(*pair) || !pump(*pair)) end(*pair);
        }
      }
    }
  }

 private:
  int create(const std::string& name, int flags) {
    const std::string path = options_.folder + "/" + name;
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0600);
    if (fd < 0) bench::die(path.c_str());
    return fd;
  }

  // Once, both ways: every turn goes on until neither end gives or takes any more.
  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all(int listener) {
    for (;;) {
      const int fd = bench::accept_one(listener);
      if (fd < 0) return;
      const int origin = bench::connect_to(options_.origin, options_.congestion);
      fcntl(origin, F_SETFL, O_NONBLOCK);
      auto pair = std::make_shared<Pair>();
      pair->client = fd;
      pair->origin = origin;
      pairs_[fd] = pairs_[origin] = pair;
      watch(fd);
      watch(origin);
    }
  }

  void end(const Pair& pair) {
    const int client = pair.client;
    const int origin = pair.origin;
    pairs_.erase(client);
    pairs_.erase(origin);
    close(client);
    close(origin);
  }

  // False when the connection is over.
  bool take_request(Pair& pair) {
    std::array<char, 16 << 10> buffer;
    const ssize_t got = recv(pair.client, buffer.data(), buffer.size(), 0);
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    pair.request.append(buffer.data(), static_cast<std::size_t>(got));
    if (!pair.request.ends_with("\r\n\r\n")) return pair.request.size() < buffer.size();
    // One request is under way at a time: it fits.
    const ssize_t sent = send(pair.origin, pair.request.data(), pair.request.size(), MSG_NOSIGNAL);
    const bool whole = sent == static_cast<ssize_t>(pair.request.size());
    pair.request.clear();
    return whole;
  }

  // The head goes to the client; what has come of the body with it begins the first piece.
  bool take_head(Pair& pair) {
    std::array<char, 16 << 10> buffer;
    const ssize_t got = recv(pair.origin, buffer.data(), buffer.size(), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    pair.head.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t end = pair.head.find("\r\n\r\n");
    if (end == std::string::npos) return pair.head.size() < buffer.size();
    const std::size_t length = pair.head.find(kLength);
    if (length == std::string::npos) return false;
    pair.left = std::strtoull(pair.head.c_str() + length + kLength.size(), nullptr, 10);
    const std::size_t body = pair.head.size() - (end + 4);
    std::copy(pair.head.end() - static_cast<std::ptrdiff_t>(body), pair.head.end(),
              pair.piece.get());
    pair.filled = body;
    pair.left -= body;
    pair.in_head = false;
    if (options_.keep == Keep::files) pair.file = create(std::to_string(files_++), O_DIRECT);
    const auto head = static_cast<ssize_t>(end + 4);
    return send(pair.client, pair.head.data(), end + 4, MSG_MORE | MSG_NOSIGNAL) == head;
  }

  void keep(Pair& pair) {
    const bool append = options_.keep == Keep::append;
    // A body that is no multiple of a page ends with some bytes too many; nobody reads them.
    const std::size_t bytes = append ? pair.filled : (pair.filled + kPage - 1) / kPage * kPage;
    const ssize_t written = write(append ? shared_ : pair.file, pair.piece.get(), bytes);
    if (written != static_cast<ssize_t>(bytes)) bench::die("write");
    pair.filled = pair.sent = 0;
    if (pair.left > 0) return;
    if (options_.keep == Keep::files) close(pair.file);
    pair.head.clear();
    pair.in_head = true;
  }

  // False when the connection is over.
  bool pump(Pair& pair) {
    for (;;) {
      if (pair.in_head) {
        if (!take_head(pair)) return false;
        if (pair.in_head) return true;
      }
      while (pair.sent < pair.filled) {
        const ssize_t count =
            send(pair.client, pair.piece.get() + pair.sent, pair.filled - pair.sent, MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN;
        pair.sent += static_cast<std::size_t>(count);
      }
      if (pair.filled == kPiece || pair.left == 0) {
        keep(pair);
        continue;
      }
      const std::size_t want = std::min<std::uint64_t>(kPiece - pair.filled, pair.left);
      const ssize_t got = recv(pair.origin, pair.piece.get() + pair.filled, want, 0);
      if (got <= 0) return got < 0 && errno == EAGAIN;
      pair.filled += static_cast<std::size_t>(got);
      pair.left -= static_cast<std::uint64_t>(got);
    }
  }

  Options options_;
  int epoll_;
  int shared_ = -1;
  std::uint64_t files_ = 0;
  std::map<int, std::shared_ptr<Pair>> pairs_;  // by both of its descriptors
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::string origin;
  std::string_view keep;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--origin") origin = argv[i + 1];
    if (flag == "--dir") options.folder = argv[i + 1];
    if (flag == "--congestion") options.congestion = argv[i + 1];
    if (flag == "--keep") keep = argv[i + 1];
  }
  if (keep == "append") options.keep = Keep::append;
  if ((keep != "append" && keep != "files") || options.folder.empty() || origin.empty()) {
    std::fputs(
        "usage: rawrelay --origin ADDR:PORT --keep files|append --dir DIR [--congestion NAME]\n",
        stderr);
    return 2;
  }
  options.origin = bench::parse_address(origin);
  std::signal(SIGPIPE, SIG_IGN);
  Relay(std::move(options)).serve();
}
