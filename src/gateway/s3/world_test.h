// What the S3 door's tests and its fuzzer share: a simulated machine with a whole door on it, a
// bucket `data` over an origin in memory, and a client that signs what it is told to send and reads
// what comes back. Requests pass through a real server and its sockets, so heads and bodies are
// read as in production. Only tests of this room include it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auth/guard.h"
#include "base/check.h"
#include "base/encoding.h"
#include "disk/index/index.h"
#include "gateway/s3/door.h"
#include "http/server.h"
#include "io/sim.h"
#include "io/sync.h"
#include "meta/memory_store.h"
#include "sign/chunked.h"
#include "sign/signer.h"
#include "testkit/memory_origin.h"

namespace forebay::gateway::s3 {

/// One request as a test words it. Host, the lengths and what signing needs are added.
struct Ask {
  std::string method = "GET";
  std::string target = "/data";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  /// How the body is announced, and framed if that is the kind's way.
  sign::PayloadKind kind = sign::PayloadKind::hash;
  std::vector<std::pair<std::string, std::string>> trailers = {};
  size_t chunk = 64 << 10;  ///< of framed bodies
  bool sign = true;         ///< else nobody asks
  bool framed = true;       ///< false: the body goes as it is, whatever `kind` announces
  bool length = true;       ///< false: no Content-Length
};

/// One answer.
struct Reply {
  int status = 0;                                   ///< 0: the connection ended without one
  std::map<std::string, std::string> headers = {};  ///< lower-case names; the last one counts
  std::string body = {};

  std::string header(const std::string& name) const {
    auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  /// The text of the first element of that name, not nested; empty when there is none.
  std::string element(const std::string& name) const {
    size_t begin = body.find("<" + name + ">");
    if (begin == std::string::npos) return "";
    begin += name.size() + 2;
    return body.substr(begin, body.find("</" + name + ">", begin) - begin);
  }
};

/// The checksum of a text, raw and as S3 writes it.
inline std::string raw_sum(ChecksumKind kind, std::string_view text) {
  auto running = Checksum::make(kind);
  running->update(as_bytes(text));
  return running->digest();
}
inline std::string sum(ChecksumKind kind, std::string_view text) {
  return to_base64(as_bytes(raw_sum(kind, text)));
}

/// Takes the answers on one connection apart; 1xx are passed over.
inline std::vector<Reply> read_replies(std::string_view text, bool head) {
  std::vector<Reply> out;
  while (true) {
    size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos || !text.starts_with("HTTP/1.1 ")) return out;
    Reply reply;
    reply.status = std::atoi(std::string(text.substr(9, 3)).c_str());
    std::string_view lines = text.substr(0, end + 2);
    text.remove_prefix(end + 4);
    lines.remove_prefix(lines.find("\r\n") + 2);
    while (!lines.empty()) {
      std::string_view line = lines.substr(0, lines.find("\r\n"));
      lines.remove_prefix(line.size() + 2);
      std::string name(line.substr(0, line.find(':')));
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      reply.headers[name] = line.substr(std::min(line.size(), name.size() + 2));
    }
    if (reply.status < 200) continue;
    bool none = head || reply.status == 204 || reply.status == 304;
    size_t length = none ? 0 : std::strtoull(reply.header("content-length").c_str(), nullptr, 10);
    reply.body = text.substr(0, length);
    text.remove_prefix(std::min(text.size(), length));
    out.push_back(std::move(reply));
  }
}

/// See the top of this file. One thread.
class DoorWorld : private object::OriginFactory {
 public:
  explicit DoorWorld(uint64_t seed = 5) : world_(io::Simulation::make({.seed = seed})) {
    crews_.add(loop_);
    disk::Options disks;
    disks.disks.push_back({.path = "/disk", .capacity = 64 << 20, .open_index = [] {
                             return Result<std::shared_ptr<disk::Index>>(
                                 std::make_shared<disk::MemoryIndex>());
                           }});
    disks.boot_id = "boot";
    store_ = *run(disk::Store::open(std::move(disks), ctx()));
    cache_ = std::make_unique<unit::Cache>(store_, crews_, std::vector<io::Loop*>{&loop_},
                                           unit::Options{}, metrics_);
    objects_ = std::make_unique<object::Store>(heads_, *cache_, crews_, metrics_);
    services_ =
        std::make_unique<Services>(Services{.objects = *objects_,
                                            .buckets = buckets,
                                            .guard = guard_,
                                            .crews = crews_,
                                            .domain = {},
                                            .freshness = *object::Freshness::parse("exact")});
    door_ = std::make_unique<Door>(*services_, obs::Log::none(), false, metrics_);
    check(run(buckets.create(*BucketName::parse("data"), {}, ctx())).has_value(), "no bucket");
  }
  ~DoorWorld() override { (void)run(crews_.of(loop_).stop()); }
  DoorWorld(const DoorWorld&) = delete;
  DoorWorld& operator=(const DoorWorld&) = delete;

  io::Loop& loop() { return loop_; }
  Context ctx() { return {.loop = &loop_, .deadline = loop_.now() + seconds(600)}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return world_->run(std::move(task));
  }
  Services& services() { return *services_; }
  Door& door() { return *door_; }
  obs::Registry& metrics() { return metrics_; }
  /// The origin behind a bucket, made when it is first asked for.
  testkit::MemoryOrigin& origin(const std::string& bucket = "data") {
    auto& found = origins_[bucket];
    if (found == nullptr) found = std::make_shared<testkit::MemoryOrigin>(loop_);
    return *found;
  }

  /// The bytes of a request: head and body, signed.
  std::string wire(const Ask& ask);
  /// Sends it on a connection of its own and gives the final answer.
  Reply ask(const Ask& request) { return send(wire(request), request.method == "HEAD"); }
  Reply ask(const std::string& method, const std::string& target, std::string body = {},
            std::vector<std::pair<std::string, std::string>> headers = {}) {
    return ask({.method = method,
                .target = target,
                .headers = std::move(headers),
                .body = std::move(body)});
  }
  Reply send(std::string bytes, bool head) {
    std::vector<Reply> replies = send_all(std::move(bytes), head);
    return replies.empty() ? Reply{} : std::move(replies.back());
  }
  /// All answers: bytes behind a request's body are a request of their own.
  std::vector<Reply> send_all(std::string bytes, bool head) {
    Result<std::string> text = run(talk(std::move(bytes), ctx()));
    check(text.has_value(), "the server ends with an error");
    return read_replies(*text, head);
  }

 private:
  Result<object::OriginConfig> default_config(const BucketName& name) override {
    return object::OriginConfig{.url = "memory:" + name.text(), .access_key = {}, .secret = {}};
  }
  Task<std::shared_ptr<origin::Origin>> open(const object::Bucket& bucket, bool, obs::Counter&,
                                             Context) override {
    const std::string& url = bucket.config.url;
    std::string name = url.substr(url.find(':') + 1);
    origin(name);
    co_return origins_[name];
  }
  Task<std::string> talk(std::string bytes, Context ctx);

  std::unique_ptr<io::Simulation> world_;
  io::Loop& loop_ = world_->loop();
  std::map<std::string, std::shared_ptr<testkit::MemoryOrigin>> origins_;
  obs::Registry metrics_;
  job::Crews crews_;
  meta::MemoryStore rows_;
  meta::SingleMeta meta_{rows_};
  std::shared_ptr<disk::Store> store_;
  std::unique_ptr<unit::Cache> cache_;
  object::Heads heads_{meta_, crews_, {.max_bytes = 1 << 20}, metrics_};
  std::unique_ptr<object::Store> objects_;
  auth::Keys keys_{rows_, {"ROOT", Secret("rootsecret"), {}, true, true}};
  auth::Guard guard_{keys_, metrics_};
  std::unique_ptr<Services> services_;
  std::unique_ptr<Door> door_;

 public:
  object::Buckets buckets{rows_, *this, metrics_};
  const sign::Signer signer{{"ROOT", Secret("rootsecret")}, "us-east-1"};
};

inline std::string DoorWorld::wire(const Ask& ask) {
  bool framed = ask.framed && sign::is_chunked(ask.kind);
  auto headers = ask.headers;
  headers.emplace_back("host", "localhost");
  if (framed) {
    headers.emplace_back("content-encoding", "aws-chunked");
    headers.emplace_back("x-amz-decoded-content-length", std::to_string(ask.body.size()));
  }
  sign::Body body = ask.kind == sign::PayloadKind::hash
                        ? sign::Body::hashed(Sha256::of(as_bytes(ask.body)))
                    : ask.kind == sign::PayloadKind::unsigned_body ? sign::Body::not_signed()
                                                                   : sign::Body::chunked(ask.kind);
  std::vector<sign::Header> views;
  for (const auto& [name, value] : headers) views.push_back({name, value});
  size_t mark = ask.target.find('?');
  std::string_view target = ask.target;
  sign::RequestView view{ask.method, target.substr(0, mark),
                         mark == target.npos ? "" : target.substr(mark + 1), views};
  WallTime now = loop_.wall_now();
  sign::Signed made = signer.sign(view, body, now);
  std::string payload = ask.body;
  if (framed) {
    std::optional<sign::ChunkChain> chain;
    if (sign::has_chunk_signatures(ask.kind)) {
      chain.emplace(signer.key(now), std::string_view(made.date), signer.scope_text(now),
                    made.signature_text());
    }
    sign::ChunkedEncoder encoder(ask.kind, std::move(chain));
    payload.clear();
    for (size_t at = 0; at < ask.body.size(); at += ask.chunk) {
      payload += encoder.chunk(
          as_bytes(ask.body).subspan(at).first(std::min(ask.chunk, ask.body.size() - at)));
    }
    payload += encoder.finish(ask.trailers);
  }
  std::string out = ask.method + " " + ask.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  if (ask.sign) {
    for (const sign::Header& one : made.headers()) {
      out += std::string(one.name) + ": " + std::string(one.value) + "\r\n";
    }
  }
  bool needs = !payload.empty() || ask.method == "PUT" || ask.method == "POST";
  if (ask.length && needs) out += "content-length: " + std::to_string(payload.size()) + "\r\n";
  return out + "\r\n" + payload;
}

inline Task<std::string> DoorWorld::talk(std::string bytes, Context ctx) {
  auto listener = co_await ctx.loop->listen({"127.0.0.1", 0});
  http::Server server(std::move(listener), *door_);
  io::Group group(ctx);
  group.spawn(server.run(ctx));
  std::string out;
  {
    auto stream = co_await co_await ctx.loop->connect(server.address(), ctx);
    std::vector<ByteView> parts{as_bytes(bytes)};
    // A server that has refused may close before it has read all: what it said counts.
    (void)co_await io::write_all(*stream, std::move(parts), false, ctx);
    stream->shutdown_write();
    std::array<std::byte, 4096> buffer;
    while (true) {
      Result<size_t> count = co_await io::Read(*stream, buffer, ctx);
      if (!count || *count == 0) break;
      out.append(as_text(ByteView(buffer).first(*count)));
    }
  }
  Result<> drained = co_await server.drain(ctx.loop->now() + seconds(60), ctx);
  check(drained.has_value(), "a connection outlives its client");
  check(server.counters().in_flight.get() == 0, "a request without end");
  co_await co_await group.join();
  co_return out;
}

}  // namespace forebay::gateway::s3
