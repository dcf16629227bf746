#include "http/client.h"

#include <algorithm>
#include <charconv>

#include "http/exchange.h"
#include "http/pool.h"

namespace forebay::http {

namespace {

constexpr uint16_t kPlainPort = 80;
constexpr uint16_t kSecurePort = 443;

// May be sent again although the first sending may have taken effect (RFC 9110 section 9.2.1).
bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// None of them may end its part of a line.
bool fits_line(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
}

Task<ClientResponse> send_over(std::shared_ptr<Pool> pool, ClientRequest request, Context ctx) {
  if (!fits_line(request.method) || !fits_line(request.target) ||
      !fits_line(request.endpoint.host)) {
    co_return fail(Code::invalid, "a request line with blanks or control characters");
  }
  pool->counters.requests.add();
  bool repeatable = is_safe(request.method) && request.body.length == 0 && !request.spare;
  Pool::Use use = request.body.source != nullptr ? Pool::Use::upload
                  : request.slow_reader          ? Pool::Use::slow_reader
                                                 : Pool::Use::own;
  std::unique_ptr<Link> link;
  if (request.spare) {
    link = co_await co_await pool->take_spare(request.endpoint, ctx);
  } else if (use == Pool::Use::own) {
    link = pool->take_now(request.endpoint);
  }
  if (link == nullptr) link = co_await co_await pool->take(request.endpoint, {.use = use}, ctx);
  bool reused = link->reused;
  if (reused) pool->counters.reused.add();
  {
    Exchange exchange(*pool, std::move(link), request);
    Result<ClientResponse> response = co_await exchange.run(ctx);
    bool died = !response && response.error().code() == Code::unavailable;
    bool again = died && reused && repeatable && !exchange.heard();
    if (!again) co_return response;
  }
  pool->counters.retries.add();
  link = co_await co_await pool->take(request.endpoint, {.fresh = true, .use = use}, ctx);
  Exchange exchange(*pool, std::move(link), request);
  co_return co_await exchange.run(ctx);
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view url) {
  Error bad = fail(Code::invalid, "'" + std::string(url) + "' is not http[s]://HOST[:PORT]");
  Endpoint out;
  if (same_name(url.substr(0, 7), "http://")) {
    url.remove_prefix(7);
  } else if (same_name(url.substr(0, 8), "https://")) {
    url.remove_prefix(8);
    out.secure = true;
  } else {
    return bad;
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  out.port = out.secure ? kSecurePort : kPlainPort;
  std::string_view port;
  if (url.starts_with('[')) {
    size_t close = url.find(']');
    if (close == std::string_view::npos) return bad;
    out.host = url.substr(1, close - 1);
    port = url.substr(close + 1);
    if (!port.empty() && port.front() != ':') return bad;
  } else {
    size_t colon = url.find(':');
    out.host = url.substr(0, colon);
    if (colon != std::string_view::npos) port = url.substr(colon);
  }
  bool plausible = !out.host.empty() && std::ranges::none_of(out.host, [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || std::string_view("/?#@\\").contains(c);
  });
  if (!plausible) return bad;
  if (port.empty()) return out;
  port.remove_prefix(1);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || out.port == 0) return bad;
  return out;
}

std::string Endpoint::authority() const {
  std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port == (secure ? kSecurePort : kPlainPort)) return shown;
  return shown + ":" + std::to_string(port);
}

Client::Client(io::Loop& loop, ClientOptions options)
    : pool_(std::make_shared<Pool>(loop, std::move(options))) {}
Client::~Client() { pool_->shut(); }

Task<ClientResponse> Client::send(ClientRequest request, Context ctx) {
  return send_over(pool_, std::move(request), ctx);
}
void Client::close_idle() { pool_->close_idle(); }
const ClientCounters& Client::counters() const { return pool_->counters; }

}  // namespace forebay::http
