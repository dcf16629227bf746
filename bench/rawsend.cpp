// The peer for large warm reads: the least that can answer a GET. It opens all files of a
// directory at the start, knows a request by its empty line and a file by the last part of the
// path, sends a fixed head with MSG_MORE and the file with sendfile in slices of 1 MiB.
// It checks nothing: no headers, no signature, no conditions.
//
// usage: rawsend --dir DIR [--listen ADDR:PORT] [--congestion NAME]; prints "ready ADDR:PORT".

#include <dirent.h>
#include <fcntl.h>
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

#include "sockets.h"

namespace {

namespace bench = forebay::bench;

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

Files open_files(const std::string& folder) {
  Files files;
  DIR* list = opendir(folder.c_str());
  if (list == nullptr) bench::die(folder.c_str());
  while (const dirent* entry = readdir(list)) {
    const std::string path = folder + "/" + entry->d_name;
    struct stat info{};
    if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    File file{.fd = open(path.c_str(), O_RDONLY | O_CLOEXEC), .size = info.st_size, .head = ""};
    if (file.fd < 0) bench::die(path.c_str());
    file.head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
                std::to_string(file.size) + "\r\n\r\n";
    files.emplace(entry->d_name, std::move(file));
  }
  closedir(list);
  return files;
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
    const int fd = bench::accept_one(listener);
    if (fd < 0) return;
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
  serve(bench::listen_on(where, congestion), files);
}
