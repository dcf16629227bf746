#include "client/transfer.h"

#include <algorithm>

#include "base/bytes.h"
#include "http/message.h"
#include "io/sync.h"

namespace forebay::client {

namespace {

/// Bytes handed to the connection at once, so that progress is seen.
constexpr size_t kStep = 256 << 10;

// Gives bytes in memory in small chunks and tells of each.
class Stepped final : public io::Source {
 public:
  Stepped(Bytes bytes, const TransferOptions& transfer)
      : bytes_(std::move(bytes)), transfer_(transfer) {}
  Task<io::Chunk> next(Context) override {
    size_t step = std::min(kStep, bytes_.size() - at_);
    if (transfer_.moved && step > 0) transfer_.moved(static_cast<int64_t>(step));
    at_ += step;
    co_return bytes_.slice(at_ - step, step);
  }

 private:
  Bytes bytes_;
  const TransferOptions& transfer_;
  size_t at_ = 0;
};

// Cuts a body into parts in memory.
class Cutter {
 public:
  explicit Cutter(io::Body body) : body_(std::move(body)) {}

  // The next `size` bytes; fewer only at the end.
  Task<std::string> take(uint64_t size, Context ctx) {
    std::string out;
    out.resize(size);
    size_t filled = 0;
    while (filled < size) {
      if (offset_ == io::size(chunk_)) {
        if (body_.source == nullptr) break;
        chunk_ = co_await co_await body_.source->next(ctx);
        offset_ = 0;
        if (io::size(chunk_) == 0) {
          body_.source.reset();
          break;
        }
      }
      ByteSpan room{reinterpret_cast<std::byte*>(out.data()) + filled, size - filled};
      ByteView part = co_await co_await io::load(chunk_, offset_, room, ctx);
      size_t count = std::min(part.size(), room.size());
      if (part.data() != room.data()) std::memcpy(room.data(), part.data(), count);
      filled += count;
      offset_ += count;
    }
    out.resize(filled);
    co_return out;
  }

 private:
  io::Body body_;
  io::Chunk chunk_ = Bytes();
  uint64_t offset_ = 0;
};

// One object on its way up.
struct Upload {
  S3Client& client;
  std::string bucket, key;
  PutOptions options;
  TransferOptions transfer;
  io::Semaphore slots;
  std::string id = {};
  std::vector<ETag> etags = {};
  std::optional<Error> error = std::nullopt;
  CancelToken cancel = {};
};

Task<> pause_before(unsigned attempt, Duration pause, Context ctx) {
  if (attempt == 0) co_return ok;
  co_return co_await io::sleep_until(ctx.loop->now() + pause * (int64_t{1} << (attempt - 1)), ctx);
}

// Sends one part (0: the whole object), again when that may help.
Task<ETag> send_bytes(Upload& up, uint32_t number, Bytes bytes, Context ctx) {
  Digest256 sha256 = co_await co_await io::run_blocking(
      ctx, [&]() -> Result<Digest256> { return Sha256::of(bytes.view()); });
  for (unsigned attempt = 0;; ++attempt) {
    co_await co_await pause_before(attempt, up.transfer.pause, ctx);
    int64_t moved = 0;
    TransferOptions counted;
    counted.moved = [&](int64_t n) {
      moved += n;
      if (up.transfer.moved) up.transfer.moved(n);
    };
    io::Body body{bytes.size(), std::make_unique<Stepped>(bytes, counted)};
    PutOptions options;
    options.sha256 = sha256;
    Result<ETag> etag = ETag();
    if (number == 0) {
      options.headers = up.options.headers;
      etag = co_await up.client.put(up.bucket, up.key, std::move(body), std::move(options), ctx);
    } else {
      etag = co_await up.client.put_part(up.bucket, up.key, up.id, number, std::move(body),
                                         std::move(options), ctx);
    }
    if (etag || !retryable(etag.error().code()) || attempt + 1 >= up.transfer.attempts) {
      co_return etag;
    }
    counted.moved(-moved);
  }
}

Task<> send_part(Upload& up, uint32_t number, Bytes bytes, io::Semaphore::Permit, Context ctx) {
  Result<ETag> etag = co_await send_bytes(up, number, std::move(bytes), ctx);
  if (etag) {
    up.etags[number - 1] = std::move(*etag);
    co_return ok;
  }
  // What ends because others end is not the reason.
  if (!up.cancel.cancelled()) up.error = etag.error_in("part " + std::to_string(number));
  up.cancel.cancel();
  co_return ok;
}

// Cuts and sends until the body ends or a part has failed.
Task<> send_parts(Upload& up, Cutter& cutter, std::string first, uint64_t part_size,
                  io::Group& group, Context ctx) {
  Context under = ctx.under(up.cancel);
  std::string part = std::move(first);
  while (!part.empty()) {
    if (up.etags.size() == kMaxParts) {
      co_return fail(Code::too_large, "more than 10,000 parts: a larger part size is needed");
    }
    up.etags.emplace_back();
    io::Semaphore::Permit permit = co_await co_await up.slots.acquire(1, under);
    group.spawn(send_part(up, static_cast<uint32_t>(up.etags.size()), Bytes(std::move(part)),
                          std::move(permit), under));
    part = co_await co_await cutter.take(part_size, under);
  }
  co_return ok;
}

}  // namespace

uint64_t part_size_for(uint64_t length, uint64_t wanted) {
  uint64_t least = (length + kMaxParts - 1) / kMaxParts;
  if (least <= wanted) return wanted;
  return (least + kMiB - 1) / kMiB * kMiB;
}

Task<ETag> upload(S3Client& client, std::string bucket, std::string key, io::Body body,
                  PutOptions options, TransferOptions transfer, Context ctx) {
  bool known = body.length != http::kUnknownLength;
  uint64_t length = body.length;
  uint64_t part_size = known ? part_size_for(length, transfer.part_size) : transfer.part_size;
  uint32_t parallel = std::max(transfer.parallel, 1U);
  Upload up{client,
            std::move(bucket),
            std::move(key),
            std::move(options),
            std::move(transfer),
            io::Semaphore(parallel)};
  Cutter cutter(std::move(body));
  uint64_t ask = known ? std::min(length, part_size) : part_size;
  std::string first = co_await co_await cutter.take(ask, ctx);
  bool single = known ? length <= part_size : first.size() < part_size;
  if (single) {
    if (known && first.size() != length) co_return fail(Code::invalid, "the body ended early");
    co_return co_await send_bytes(up, 0, Bytes(std::move(first)), ctx);
  }

  up.id = co_await co_await client.create_upload(up.bucket, up.key, up.options, ctx);
  // Parts end when the upload does, and when the caller is cancelled.
  struct Forward final : CancelListener {
    explicit Forward(CancelToken& token) : to(token) {}
    void on_cancel() override { to.cancel(); }
    CancelToken& to;
  } forward(up.cancel);
  if (ctx.cancel != nullptr) ctx.cancel->add(forward);
  io::Group group(ctx);
  Result<> sent = co_await send_parts(up, cutter, std::move(first), part_size, group, ctx);
  if (!sent) up.cancel.cancel();
  (void)co_await group.join();
  if (ctx.cancel != nullptr) CancelToken::remove(forward);
  Result<ETag> done = ETag();
  if (up.error) {
    done = std::move(*up.error);
  } else if (!sent) {
    done = std::move(sent.error());
  } else if (up.cancel.cancelled()) {
    done = fail(Code::cancelled, "the upload was cancelled");
  } else {
    done = co_await client.complete_upload(up.bucket, up.key, up.id, std::move(up.etags), ctx);
    if (done) co_return done;
  }
  // Also when the caller has given up: parts that stay cost somebody money.
  Context last{.loop = ctx.loop, .deadline = ctx.loop->now() + seconds(10), .trace = ctx.trace};
  (void)co_await client.abort_upload(up.bucket, up.key, up.id, last);
  co_return done;
}

namespace {

// Passes one answer's body on; `at` counts what the sink has got, in whatever way it ends.
Task<> drain(io::Source& source, Sink& sink, const TransferOptions& transfer, uint64_t& at,
             Context ctx) {
  while (true) {
    io::Chunk chunk = co_await co_await source.next(ctx);
    auto* bytes = std::get_if<Bytes>(&chunk);
    if (bytes == nullptr) co_return fail(Code::internal, "a body from the network is no file");
    if (bytes->empty()) co_return ok;
    co_await co_await sink.write(bytes->view(), ctx);
    at += bytes->size();
    if (transfer.moved) transfer.moved(static_cast<int64_t>(bytes->size()));
  }
}

}  // namespace

Task<ObjectInfo> download(S3Client& client, std::string bucket, std::string key, Sink& sink,
                          TransferOptions transfer, Context ctx) {
  std::optional<ObjectInfo> info;
  uint64_t at = 0;
  for (unsigned attempt = 0;;) {
    uint64_t begin = at;
    GetOptions options;
    if (info) {
      options.if_match = info->etag;
      options.range = "bytes=" + std::to_string(at) + "-";
    }
    Result<GetAnswer> answer = co_await client.get(bucket, key, std::move(options), ctx);
    Result<> passed = ok;
    bool stated = answer && answer->body.length != http::kUnknownLength;
    if (answer && info && (answer->info.etag != info->etag || answer->range.offset != at)) {
      co_return fail(Code::conflict, "the object changed while it was read");
    }
    if (answer) {
      if (!info) info = answer->info;
      if (answer->body.source)
        passed = co_await drain(*answer->body.source, sink, transfer, at, ctx);
    } else {
      passed = std::move(answer.error());
    }
    if (passed && !stated) info->size = at;
    if (passed && at == info->size) co_return std::move(*info);
    if (passed) passed = fail(Code::unavailable, "the body ended early");
    attempt = at > begin ? 1 : attempt + 1;
    // Without an ETag nothing says that the rest is of the same version.
    bool resumable = at == 0 || (info && !info->etag.empty());
    if (!retryable(passed.error().code()) || attempt >= transfer.attempts || !resumable) {
      co_return std::move(passed.error());
    }
    co_await co_await pause_before(attempt, transfer.pause, ctx);
    if (at == 0) info.reset();
  }
}

}  // namespace forebay::client
