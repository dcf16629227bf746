// A preload library that sets the TCP congestion control of every socket before listen() and
// before connect(). nginx has no directive for it; changing it after accept() leaves the pacing
// of bbr switched on. LISTEN_CONGESTION names another algorithm; the default is cubic.

#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace {

// Fails silently on sockets that are not TCP: the servers also open unix and UDP sockets.
void set_congestion(int fd) {
  const int saved = errno;
  const char* name = std::getenv("LISTEN_CONGESTION");
  if (name == nullptr) name = "cubic";
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, static_cast<socklen_t>(std::strlen(name)));
  errno = saved;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int listen(int fd, int backlog) noexcept {
  static const auto real = next<int (*)(int, int)>("listen");
  set_congestion(fd);
  return real(fd, backlog);
}

extern "C" int connect(int fd, const sockaddr* address, socklen_t length) {
  static const auto real = next<int (*)(int, const sockaddr*, socklen_t)>("connect");
  set_congestion(fd);
  return real(fd, address, length);
}
