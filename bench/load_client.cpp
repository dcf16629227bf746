#include "load_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <random>
#include <thread>

namespace forebay::bench {
namespace {

constexpr std::size_t kBuffer = 1 << 20;
constexpr std::size_t kHeadBuffer = 16 << 10;
constexpr std::uint64_t kErrorLimit = 100;
constexpr auto kTick = std::chrono::milliseconds(100);

double seconds(std::chrono::steady_clock::duration span) {
  return std::chrono::duration<double>(span).count();
}

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(),
                    [](char a, char b) { return (a | 0x20) == (b | 0x20); });
}

// The value of a header, or nothing.
std::optional<std::string_view> header(std::string_view head, std::string_view name) {
  std::size_t line = head.find("\r\n");
  while (line != std::string_view::npos && line + 2 < head.size()) {
    const std::size_t start = line + 2;
    line = head.find("\r\n", start);
    const std::string_view text = head.substr(start, line - start);
    if (text.size() <= name.size() || text[name.size()] != ':') continue;
    if (!same_name(text.substr(0, name.size()), name)) continue;
    const std::size_t value = text.find_first_not_of(' ', name.size() + 1);
    return value == std::string_view::npos ? std::string_view() : text.substr(value);
  }
  return std::nullopt;
}

}  // namespace

LoadClient::LoadClient(const LoadOptions& options, const std::vector<std::string>& requests)
    : options_(options), requests_(requests), connections_(options.connections), buffer_(kBuffer) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (options.tls) {
    tls_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  result_.per_connection.resize(options.connections);
  result_.latency.reserve(requests.size());
  if (options.put > 0) {
    std::mt19937_64 random(1);
    body_.resize(kBuffer);
    std::ranges::generate(body_, [&] { return static_cast<char>(random()); });
  }
  for (unsigned i = 0; i < options.connections; ++i) connections_[i].index = i;
}

LoadClient::~LoadClient() {
  for (auto& connection : connections_) close(connection);
  if (epoll_ >= 0) ::close(epoll_);
  SSL_CTX_free(tls_);
}

// Before the descriptor becomes non-blocking.
bool LoadClient::shake_hands(Connection& connection) {
  if (tls_ == nullptr) return true;
  connection.tls = SSL_new(tls_);
  return SSL_set_fd(connection.tls, connection.fd) == 1 && SSL_connect(connection.tls) == 1;
}

ssize_t LoadClient::get(Connection& connection, char* into, std::size_t size, int flags) {
  if (connection.tls == nullptr) return recv(connection.fd, into, size, flags);
  std::size_t got = 0;
  if (SSL_read_ex(connection.tls, into, size, &got) == 1) return static_cast<ssize_t>(got);
  const int why = SSL_get_error(connection.tls, 0);
  if (why == SSL_ERROR_ZERO_RETURN) return 0;
  errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

ssize_t LoadClient::put(Connection& connection, const char* bytes, std::size_t size) {
  if (connection.tls == nullptr) return send(connection.fd, bytes, size, MSG_NOSIGNAL);
  std::size_t sent = 0;
  if (SSL_write_ex(connection.tls, bytes, size, &sent) == 1) return static_cast<ssize_t>(sent);
  const int why = SSL_get_error(connection.tls, 0);
  errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

bool LoadClient::connect() {
  return std::ranges::all_of(connections_, [this](Connection& each) { return open(each); });
}

bool LoadClient::open(Connection& connection) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto refuse = [&](const char* what) {
    result_.errors += 1;
    result_.samples.push_back(std::string(what) + ": " + std::strerror(errno));
    if (fd >= 0) ::close(fd);
    return false;
  };
  if (fd < 0) return refuse("socket");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, options_.congestion.data(),
                 static_cast<socklen_t>(options_.congestion.size())) != 0)
    return refuse("TCP_CONGESTION");
  if (options_.receive_buffer > 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options_.receive_buffer, sizeof(int));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  if (inet_pton(AF_INET, options_.address.c_str(), &address.sin_addr) != 1)
    return refuse("address");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return refuse("connect");
  connection.fd = fd;
  if (!shake_hands(connection)) {
    close(connection);
    result_.errors += 1;
    result_.samples.emplace_back("the TLS handshake failed");
    return false;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = connection.index;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    connection.fd = -1;
    return refuse("epoll_ctl");
  }
  connection.choked = false;
  return true;
}

void LoadClient::close(Connection& connection) {
  SSL_free(connection.tls);
  connection.tls = nullptr;
  if (connection.fd >= 0) ::close(connection.fd);
  connection.fd = -1;
  if (connection.busy) busy_ -= 1;
  connection.busy = false;
}

bool LoadClient::begin(Connection& connection) {
  if (options_.requests != 0 && next_ >= options_.requests) return false;
  if (result_.errors >= kErrorLimit) return false;
  if (connection.fd < 0 && !open(connection)) return false;
  const std::string& text = requests_[next_++ % requests_.size()];
  connection.unsent = options_.put;
  connection.busy = true;
  busy_ += 1;
  connection.in_body = false;
  connection.last = false;
  connection.head.clear();
  connection.received = 0;
  connection.begun = Clock::now();
  // A request is far smaller than an empty send buffer, so it goes out whole or not at all.
  if (put(connection, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    fail(connection, std::string("send: ") + std::strerror(errno));
    return false;
  }
  send_body(connection);
  return connection.busy;
}

// The same mebibyte again and again.
void LoadClient::send_body(Connection& connection) {
  while (connection.unsent > 0) {
    const std::uint64_t at = (options_.put - connection.unsent) % kBuffer;
    const std::size_t size = std::min<std::uint64_t>(kBuffer - at, connection.unsent);
    const ssize_t sent = put(connection, body_.data() + at, size);
    if (sent < 0 && errno == EAGAIN) return watch(connection, true);
    if (sent < 0) return fail(connection, std::string("send: ") + std::strerror(errno));
    connection.unsent -= static_cast<std::uint64_t>(sent);
    result_.bytes += static_cast<std::uint64_t>(sent);
  }
  watch(connection, false);
}

void LoadClient::watch(Connection& connection, bool choked) {
  if (connection.choked == choked) return;
  connection.choked = choked;
  epoll_event event{};
  event.events = choked ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u32 = connection.index;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event) != 0)
    fail(connection, std::string("epoll_ctl: ") + std::strerror(errno));
}

bool LoadClient::receive(Connection& connection, std::size_t limit) {
  std::size_t want = std::min(limit, kBuffer);
  int flags = 0;
  if (connection.in_body) {
    want = std::min<std::uint64_t>(want, connection.length - connection.received);
    if (options_.discard) flags = MSG_TRUNC;
  } else if (options_.discard) {
    want = std::min(want, kHeadBuffer);
  }
  const ssize_t got = get(connection, buffer_.data(), want, flags);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) {
    fail(connection, got == 0 ? "closed by the server after " +
                                    std::to_string(connection.received) + " body bytes"
                              : std::string("recv: ") + std::strerror(errno));
    return false;
  }
  if (connection.in_body) {
    take_body(connection, buffer_.data(), static_cast<std::size_t>(got));
  } else {
    take_head(connection, {buffer_.data(), static_cast<std::size_t>(got)});
  }
  return connection.busy;
}

void LoadClient::take_head(Connection& connection, std::string_view text) {
  if (!connection.head.empty()) {
    connection.head.append(text);
    text = connection.head;
  }
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (text.size() > kHeadBuffer) return fail(connection, "the head is too long");
    if (connection.head.empty()) connection.head = text;
    return;
  }
  if (!parse_head(connection, text.substr(0, end + 2))) return;
  connection.in_body = true;
  const std::string_view body = text.substr(end + 4);
  take_body(connection, body.data(), body.size());
}

bool LoadClient::parse_head(Connection& connection, std::string_view head) {
  const auto refuse = [&](const std::string& what) {
    fail(connection, what + " in: " + std::string(head.substr(0, 400)));
    return false;
  };
  int status = 0;
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 14) return refuse("bad status line");
  std::from_chars(head.data() + 9, head.data() + 12, status);
  if (!options_.expects(status)) return refuse("unexpected status");
  if (connection.unsent > 0) return refuse("an answer before the body has gone");
  const auto length = header(head, "Content-Length");
  if (!length && status != 204) return refuse("no Content-Length");
  connection.length = 0;
  if (length) {
    const auto parsed =
        std::from_chars(length->data(), length->data() + length->size(), connection.length);
    if (parsed.ec != std::errc()) return refuse("bad Content-Length");
  }
  if (options_.expect_length >= 0 &&
      connection.length != static_cast<std::uint64_t>(options_.expect_length))
    return refuse("unexpected length");
  if (!options_.verify.empty() && connection.length != options_.verify.size())
    return refuse("length differs from the file");
  if (const auto value = header(head, "X-Cache")) {
    std::string name(*value);
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    result_.x_cache[name] += 1;
  }
  const auto close = header(head, "Connection");
  connection.last = close && same_name(*close, "close");
  return true;
}

void LoadClient::take_body(Connection& connection, const char* data, std::size_t size) {
  if (size > connection.length - connection.received)
    return fail(connection, "more bytes than Content-Length");
  if (!options_.verify.empty() &&
      std::memcmp(data, options_.verify.data() + connection.received, size) != 0)
    return fail(connection, "the content differs from the file");
  connection.received += size;
  if (options_.put == 0) result_.bytes += size;
  result_.per_connection[connection.index] += size;
  if (connection.received == connection.length) finish(connection);
}

void LoadClient::finish(Connection& connection) {
  const auto span = Clock::now() - connection.begun;
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  result_.latency.push_back(static_cast<std::uint32_t>(micros));
  result_.requests += 1;
  connection.busy = false;
  busy_ -= 1;
  if (connection.last) close(connection);
}

void LoadClient::fail(Connection& connection, const std::string& what) {
  result_.errors += 1;
  if (result_.samples.size() < 5) result_.samples.push_back(what);
  close(connection);
}

bool LoadClient::over(Clock::time_point now) const {
  const double elapsed = seconds(now - start_);
  if (elapsed > options_.timeout || result_.errors >= kErrorLimit) return true;
  if (options_.duration > 0) return elapsed > options_.duration;
  return busy_ == 0 && next_ >= options_.requests;
}

void LoadClient::run_fast() {
  for (auto& connection : connections_) begin(connection);
  std::array<epoll_event, 256> events{};
  while (busy_ != 0 && !over(Clock::now())) {
    const int count = epoll_wait(epoll_, events.data(), events.size(), 100);
    for (int i = 0; i < count; ++i) {
      Connection& connection = connections_[events[static_cast<std::size_t>(i)].data.u32];
      const std::uint32_t ready = events[static_cast<std::size_t>(i)].events;
      if (connection.fd < 0) continue;
      if (!connection.busy) {  // readable while idle: the server has hung up
        close(connection);
      } else {
        if ((ready & EPOLLOUT) != 0) send_body(connection);
        if (connection.busy && (ready & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0)
          receive(connection, kBuffer);
      }
      if (!connection.busy) begin(connection);
    }
  }
}

// Every tick each connection may read what its rate allows. Two thousand of them cost a tenth of
// a core, and nothing is read between ticks, as with a client that is busy elsewhere.
void LoadClient::run_slow() {
  const double per_tick = static_cast<double>(options_.rate) * seconds(kTick);
  const auto limit = std::max<std::size_t>(1, static_cast<std::size_t>(per_tick));
  for (auto tick = start_; !over(Clock::now()); tick += kTick) {
    std::this_thread::sleep_until(tick);
    for (auto& connection : connections_) {
      if (!connection.busy && !begin(connection)) continue;
      receive(connection, limit);
    }
  }
}

LoadResult LoadClient::run() {
  start_ = Clock::now();
  options_.rate != 0 ? run_slow() : run_fast();
  result_.wall = seconds(Clock::now() - start_);
  if (options_.duration <= 0 && result_.requests + result_.errors < options_.requests) {
    result_.errors += options_.requests - result_.requests - result_.errors;
    result_.samples.push_back("given up with requests left");
  }
  return std::move(result_);
}

}  // namespace forebay::bench
