// The peer for large warm reads: the least that can answer a GET. It opens all files of a
// directory at the start, knows a request by its empty line and a file by the last part of the
// path, sends a fixed head with MSG_MORE and the file with sendfile in slices of 1 MiB.
// It checks nothing: no headers, no signature, no conditions.
//
// usage: rawsend --dir DIR [--listen ADDR:PORT] [--congestion NAME]; prints "ready ADDR:PORT".

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
#include <unordered_map>

namespace {

constexpr std::size_t kSlice = 1 << 20;
constexpr std::size_t kTurn = 16 << 20;  // then the other connections have their turn

struct File {
  int fd = -1;
  off_t size = 0;
  std::string head;
};

struct Connection {
  int fd = -1;
  std::string request = {};
  const File* file = nullptr;  // null: waiting for a request
  off_t offset = 0;
};

using Files = std::map<std::string, File, std::less<>>;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

Files open_files(const std::string& folder) {
  Files files;
  DIR* list = opendir(folder.c_str());
  if (list == nullptr) die(folder.c_str());
  while (const dirent* entry = readdir(list)) {
    const std::string path = folder + "/" + entry->d_name;
    struct stat info{};
    if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    File file{.fd = open(path.c_str(), O_RDONLY | O_CLOEXEC), .size = info.st_size, .head = ""};
    if (file.fd < 0) die(path.c_str());
    file.head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
                std::to_string(file.size) + "\r\n\r\n";
    files.emplace(entry->d_name, std::move(file));
  }
  closedir(list);
  return files;
}

int listen_on(const std::string& where, const std::string& congestion) {
  const auto colon = where.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, where.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "rawsend: bad address %s\n", where.c_str());
    std::exit(2);
  }
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion.data(),
                 static_cast<socklen_t>(congestion.size())) != 0)
    die("TCP_CONGESTION");
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(fd, 1024) != 0) die("listen");
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("ready %s:%d\n", where.substr(0, colon).c_str(), ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

// False when the connection is over.
bool read_request(Connection& connection, const Files& files) {
  std::array<char, 16 << 10> buffer;
  const ssize_t got = recv(connection.fd, buffer.data(), buffer.size(), 0);
  if (got < 0) return errno == EAGAIN;
  if (got == 0) return false;
  connection.request.append(buffer.data(), static_cast<std::size_t>(got));
  if (!connection.request.ends_with("\r\n\r\n")) return connection.request.size() < buffer.size();
  const std::string_view line(connection.request.data(), connection.request.find("\r\n"));
  const std::string_view target = line.substr(0, line.rfind(' '));
  const auto file = files.find(target.substr(target.rfind('/') + 1));
  if (file == files.end()) return false;
  connection.request.clear();
  connection.file = &file->second;
  connection.offset = 0;
  // The send buffer is empty between answers: the head always fits.
  const std::string& head = file->second.head;
  return send(connection.fd, head.data(), head.size(), MSG_MORE | MSG_NOSIGNAL) ==
         static_cast<ssize_t>(head.size());
}

bool send_body(Connection& connection) {
  for (std::size_t sent = 0; sent < kTurn;) {
    const off_t rest = connection.file->size - connection.offset;
    if (rest == 0) {
      connection.file = nullptr;
      return true;
    }
    const ssize_t count = sendfile(connection.fd, connection.file->fd, &connection.offset,
                                   std::min(kSlice, static_cast<std::size_t>(rest)));
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

// Readable while idle, writable while sending.
void watch(int epoll, const Connection& connection, int operation) {
  epoll_event event{};
  event.events = connection.file == nullptr ? EPOLLIN : EPOLLOUT;
  event.data.fd = connection.fd;
  epoll_ctl(epoll, operation, connection.fd, &event);
}

void accept_all(int listener, int epoll, std::unordered_map<int, Connection>& connections) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection& connection = connections[fd] = Connection{.fd = fd};
    watch(epoll, connection, EPOLL_CTL_ADD);
  }
}

[[noreturn]] void serve(int listener, const Files& files) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, Connection{.fd = listener}, EPOLL_CTL_ADD);
  std::unordered_map<int, Connection> connections;
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        accept_all(listener, epoll, connections);
        continue;
      }
      Connection& connection = connections[fd];
      const bool was_idle = connection.file == nullptr;
      bool good = !was_idle || read_request(connection, files);
      if (good && connection.file != nullptr) good = send_body(connection);
      if (!good) {
        close(fd);
        connections.erase(fd);
      } else if (was_idle != (connection.file == nullptr)) {
        watch(epoll, connection, EPOLL_CTL_MOD);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder;
  std::string where = "127.0.0.1:0";
  std::string congestion = "cubic";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (flag == "--dir") folder = argv[i + 1];
    if (flag == "--listen") where = argv[i + 1];
    if (flag == "--congestion") congestion = argv[i + 1];
  }
  if (folder.empty()) {
    std::fputs("usage: rawsend --dir DIR [--listen ADDR:PORT] [--congestion NAME]\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // sendfile has no MSG_NOSIGNAL
  const Files files = open_files(folder);
  serve(listen_on(where, congestion), files);
}
