// What the clients of a World do.
#include <algorithm>

#include "world.h"

namespace forebay::simtest {

namespace {

Task<> pause(int64_t most_ms, Context ctx) {
  auto ms = static_cast<int64_t>(ctx.loop->random() % static_cast<uint64_t>(most_ms + 1));
  co_return co_await io::sleep_until(ctx.loop->now() + milliseconds(ms), ctx);
}

bool one_in(uint64_t n, Context ctx) { return ctx.loop->random() % n == 0; }

client::Call get_of(const std::string& key) {
  client::Call call;
  call.path = "/" + std::string(Node::kBucket) + "/" + key;
  return call;
}

}  // namespace

std::string World::fresh_content() {
  return content_of(next_id_++, plan_.sizes[loop_.random() % plan_.sizes.size()]);
}

Task<> World::work(Context ctx) {
  io::Group group(ctx);
  busy_ = plan_.clients;
  for (uint32_t i = 0; i < plan_.clients; ++i) group.spawn(client(ctx));
  if (!plan_.quiet) group.spawn(changer(ctx));
  co_return co_await group.join();
}

Task<> World::client(Context ctx) {
  for (uint32_t i = 0; i < plan_.calls && wrong_.empty(); ++i) {
    if (!co_await pause(one_in(4, ctx) ? 400 : 30, ctx)) break;
    // Writers come in pairs often enough for their commits to overlap.
    uint64_t draw = ctx.loop->random() % 100;
    std::string at = key();
    Result<> done = draw < 62   ? co_await read(std::move(at), ctx)
                    : draw < 86 ? co_await put(std::move(at), ctx)
                    : draw < 93 ? co_await upload(std::move(at), ctx)
                                : co_await remove(std::move(at), ctx);
    (void)done;  // an error of the world; what is wrong was told to blame()
  }
  --busy_;
  co_return ok;
}

// The world behind Forebay's back.
Task<> World::changer(Context ctx) {
  while (busy_ > 0) {
    if (!co_await pause(300, ctx)) break;
    ++tally_.changes;
    if (one_in(6, ctx)) {
      machine_.origin->drop(key());
    } else if (one_in(4, ctx)) {
      machine_.origin->change_parts(key(), {fresh_content(), fresh_content()});
    } else {
      machine_.origin->change(key(), fresh_content());
    }
  }
  co_return ok;
}

Task<> World::read(std::string key, Context ctx) {
  client::Call call = get_of(key);
  Seen seen;
  seen.key = key;
  seen.get = !one_in(10, ctx);
  if (!seen.get) call.method = "HEAD";
  if (seen.get && one_in(3, ctx)) {
    seen.first = ctx.loop->random() % (plan_.sizes[1] + 1);
    uint64_t last = *seen.first + ctx.loop->random() % (plan_.sizes[1] / 2);
    call.headers.emplace_back("range",
                              "bytes=" + std::to_string(*seen.first) + "-" + std::to_string(last));
  }
  if (one_in(12, ctx)) {
    call.headers.emplace_back("cache-control", one_in(2, ctx) ? "no-store" : "no-cache");
  }
  seen.started = ctx.loop->now();
  Result<http::ClientResponse> response = co_await node_->exchange().send(std::move(call), ctx);
  if (!response) co_return std::move(response.error());
  seen.answered = ctx.loop->now();
  seen.status = response->status;
  seen.etag = response->header("etag").value_or("");
  seen.content_range = response->header("content-range").value_or("");
  seen.cache = response->header("x-cache").value_or("");
  seen.length = response->content_length;
  count(seen);
  if (response->body.source != nullptr) {
    // Some leave in the middle.
    bool leaves = one_in(5, ctx);
    if (leaves && one_in(2, ctx)) co_return ok;
    (void)co_await read_body(std::move(response->body), seen, !leaves, ctx);
  } else {
    seen.whole = true;
  }
  if (std::string found = oracle_.judge(seen); !found.empty()) blame(std::move(found));
  co_return ok;
}

Task<> World::read_body(io::Body body, Seen& seen, bool patient, Context ctx) {
  uint64_t leaves_at = patient ? ~uint64_t{0} : ctx.loop->random() % (seen.length.value_or(1) + 1);
  bool slow = one_in(3, ctx);
  while (true) {
    if (slow) co_await co_await pause(20, ctx);
    Result<io::Chunk> chunk = co_await body.source->next(ctx);
    if (!chunk) {
      ++tally_.short_bodies;
      co_return std::move(chunk.error());
    }
    if (io::size(*chunk) == 0) break;
    seen.body += std::get<Bytes>(*chunk).text();
    if (seen.body.size() >= leaves_at) {
      ++tally_.left;
      co_return ok;
    }
  }
  seen.whole = true;
  co_return ok;
}

Task<> World::put(std::string key, Context ctx) {
  std::string content = fresh_content();
  client::PutOptions options;
  if (one_in(2, ctx)) options.sha256 = Sha256::of(as_bytes(content));
  ++tally_.writes;
  Time begun = ctx.loop->now();
  Result<ETag> etag =
      co_await node_->s3().put(std::string(Node::kBucket), key,
                               io::Body::of(Bytes(std::move(content))), std::move(options), ctx);
  if (!etag) co_return std::move(etag.error());
  ++tally_.acknowledged;
  std::string found = oracle_.acknowledged(key, etag->text(), begun, ctx.loop->now());
  if (!found.empty()) blame(std::move(found));
  co_return ok;
}

Task<> World::upload(std::string key, Context ctx) {
  client::S3Client& s3 = node_->s3();
  std::string bucket(Node::kBucket);
  ++tally_.writes;
  std::string id = co_await co_await s3.create_upload(bucket, key, {}, ctx);
  std::vector<ETag> parts;
  for (uint32_t number = 1; number <= 2; ++number) {
    uint64_t size = number == 1 ? plan_.sizes[1] : plan_.sizes[1] / 2 + 1;
    io::Body body = io::Body::of(Bytes(content_of(next_id_++, size)));
    parts.push_back(
        co_await co_await s3.put_part(bucket, key, id, number, std::move(body), {}, ctx));
  }
  Time begun = ctx.loop->now();
  ETag etag = co_await co_await s3.complete_upload(bucket, key, id, std::move(parts), ctx);
  ++tally_.acknowledged;
  std::string found = oracle_.acknowledged(key, etag.text(), begun, ctx.loop->now());
  if (!found.empty()) blame(std::move(found));
  co_return ok;
}

Task<> World::remove(std::string key, Context ctx) {
  Time begun = ctx.loop->now();
  ++tally_.writes;
  co_await co_await node_->s3().remove(std::string(Node::kBucket), key, ctx);
  ++tally_.acknowledged;
  oracle_.acknowledged(key, begun, ctx.loop->now());
  co_return ok;
}

Task<> World::read_in_peace(Context ctx) {
  for (int round = 0; round < 4; ++round) {
    for (uint32_t i = 0; i < plan_.keys; ++i) {
      Seen seen;
      seen.key = "key" + std::to_string(i);
      client::Call call = get_of(seen.key);
      seen.started = ctx.loop->now();
      auto response = co_await co_await node_->exchange().send(std::move(call), ctx);
      seen.answered = ctx.loop->now();
      seen.status = response.status;
      seen.etag = response.header("etag").value_or("");
      seen.cache = response.header("x-cache").value_or("");
      seen.length = response.content_length;
      seen.whole = true;
      if (response.body.source != nullptr) {
        Result<> body = co_await read_body(std::move(response.body), seen, true, ctx);
        // A fill of before, or a head that was believed too long, may cut a body short; not for
        // ever.
        if (!body && round < 3) continue;
        co_await std::move(body);
      }
      if (seen.status != 200 && seen.status != 404) {
        blame("in peace " + seen.key + " answers " + std::to_string(seen.status) + " " + seen.body);
      }
      if (std::string found = oracle_.judge(seen); !found.empty()) blame(std::move(found));
    }
  }
  co_return ok;
}

}  // namespace forebay::simtest
