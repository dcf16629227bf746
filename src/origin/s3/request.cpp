#include "origin/s3/request.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/held_text.h"

namespace forebay::origin {

namespace {

constexpr uint64_t kMaxErrorText = 64 << 10;
/// What an entry of a list mostly takes at least, to judge how many there is room for.
constexpr uint64_t kUsualEntry = 1 << 10;
/// The detail of an error, until it becomes S3's.
constexpr std::string_view kNoRoom = "NoRoom";
/// Room for most targets.
constexpr size_t kUsualPath = 200;

/// How far an outgoing body came; outlives the request that carries it.
struct Progress {
  uint64_t moved = 0;
  bool failed = false;  ///< by its own source
};

class Outgoing final : public io::Source {
 public:
  Outgoing(std::unique_ptr<io::Source> inner, std::shared_ptr<Progress> progress,
           std::shared_ptr<Meter> meter)
      : inner_(std::move(inner)), progress_(std::move(progress)), meter_(std::move(meter)) {}

  Task<io::Chunk> next(Context ctx) override {
    Result<io::Chunk> chunk = co_await inner_->next(ctx);
    if (!chunk) {
      progress_->failed = true;
      co_return std::move(chunk.error());
    }
    progress_->moved += io::size(*chunk);
    if (meter_ != nullptr) meter_->body_bytes_out(io::size(*chunk));
    co_return std::move(*chunk);
  }

 private:
  std::unique_ptr<io::Source> inner_;
  std::shared_ptr<Progress> progress_;
  std::shared_ptr<Meter> meter_;
};

std::string encode(const std::vector<std::pair<std::string, std::string>>& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    append_percent_encoded(out, name);
    append_percent_encoded(out += '=', value);
  }
  return out;
}

/// Header fields of a request, beside those of its signature: sign::kMaxHeaders can be signed.
constexpr ptrdiff_t kMaxSentFields = 200;
static_assert(kMaxSentFields + 20 < sign::kMaxHeaders);

bool is_write(std::string_view method) { return method != "GET" && method != "HEAD"; }

/// Larger than `limit` → Code::too_large; no room → Code::busy, kNoRoom.
Task<HeldText> read_text(http::ClientResponse& response, std::shared_ptr<Allowance> all,
                         uint64_t limit, Context ctx) {
  HeldText out(all);
  auto too_large = [] { return fail(Code::too_large, "a document over the limit"); };
  if (response.content_length.value_or(0) > limit) co_return too_large();
  while (response.body.source != nullptr) {
    io::Chunk chunk = co_await co_await response.body.source->next(ctx);
    std::string_view piece = as_text(std::get<Bytes>(chunk).view());
    if (piece.empty()) break;
    if (piece.size() > limit - out.text.size()) co_return too_large();
    if (!out.append(piece)) {
      co_return fail(Code::busy, "too many documents are under way", std::string(kNoRoom));
    }
  }
  co_return out;
}

/// What the answer's document says; nothing when there is none.
Task<S3Fault> read_fault(http::ClientResponse& response, std::shared_ptr<Allowance> all,
                         Context ctx) {
  Result<HeldText> held = co_await read_text(response, std::move(all), kMaxErrorText, ctx);
  if (!held) co_return S3Fault{};
  S3Fault fault = parse_s3_fault(held->text).value_or(S3Fault{});
  auto region = response.header("x-amz-bucket-region");
  if (region && response.status < 400)
    fault.message += " (the bucket is in " + std::string(*region) + ")";
  co_return fault;
}

}  // namespace

S3Wire::S3Wire(S3Options options) : options_(std::move(options)), endpoint_(options_.url.endpoint) {
  const S3Url& url = options_.url;
  if (url.virtual_style) {
    endpoint_.host = url.bucket + '.' + endpoint_.host;
    root_ = "/";
  } else {
    root_ = '/' + percent_encode(url.bucket);
  }
  authority_ = endpoint_.authority();
  set_keys(options_.access_key, options_.secret);
}

void S3Wire::set_keys(std::string access_key, Secret secret) {
  S3Keys keys{.access_key = std::move(access_key), .secret = std::move(secret)};
  if (!keys.access_key.empty()) {
    keys.signer = std::make_shared<const sign::Signer>(
        sign::Credentials{keys.access_key, keys.secret}, options_.url.region);
  }
  keys_.set(std::move(keys));
}

S3Wire::Fate S3Wire::fate_of(int status) {
  if (status == 503 || status == 429) return Fate::slowed;
  return status >= 500 && status != 501 ? Fate::lost : Fate::good;
}

Result<std::string> S3Wire::stripped(std::string name) const {
  const std::string& prefix = options_.url.prefix;
  if (!name.starts_with(prefix)) {
    return fail(Code::corrupt, "the origin lists what was not asked for").in("'" + name + "'");
  }
  name.erase(0, prefix.size());
  return name;
}

http::ClientRequest S3Wire::request(const S3Call& call, http::HeadFields fields,
                                    WallTime now) const {
  http::ClientRequest out;
  out.method = call.method;
  out.slow_reader = call.slow_reader;
  out.endpoint = endpoint_;
  out.fields = std::move(fields);
  out.fields.add("host", authority_);
  std::string path;
  path.reserve(kUsualPath);
  path += root_;
  if (!call.key.empty()) {
    if (root_.size() > 1) path += '/';
    append_percent_encoded(path, options_.url.prefix, true);
    append_percent_encoded(path, call.key, true);
  }
  std::string query = encode(call.query);
  if (auto keys = keys_.get(); keys->signer != nullptr) {
    sign::Body body =
        !call.document.empty() ? sign::Body::hashed(Sha256::of(as_bytes(call.document)))
        : call.trailer         ? sign::Body::chunked(sign::PayloadKind::streaming_unsigned_trailer)
        : call.method == "PUT" ? sign::Body::not_signed()
                               : sign::Body::empty();
    std::vector<Header> to_sign = out.fields.list();
    sign::Signed made = keys->signer->sign({call.method, path, query, to_sign}, body, now);
    for (const auto& [name, value] : made.headers()) out.fields.add(name, value);
  }
  out.target = std::move(path);
  if (!query.empty()) out.target.append("?").append(query);
  return out;
}

Task<http::ClientResponse> S3Wire::send(S3Call call, Context ctx) const {
  // An object of another store, which is copied here, may have more.
  if (std::ranges::count(call.fields.text(), '\n') > kMaxSentFields) {
    co_return fail(Code::too_large, "more metadata than a request can carry", "MetadataTooLarge");
  }
  if (!options_.pace) {
    Fate fate = Fate::unknown;
    co_return co_await attempt(call, false, fate, ctx);
  }
  Pace& pace = options_.pace(*ctx.loop);
  // A body that streams may wait for other requests here, and one that is read slowly for its share
  // of the connections: they must not keep the places of others.
  const bool streams = call.body.source != nullptr;
  const bool beside = streams || call.slow_reader;
  const Hedging after =
      call.question && options_.hedge ? hedging_.load(std::memory_order_relaxed) : Hedging::off;
  Duration pause = kFirstPause;
  for (int tries = 1;; ++tries) {
    Asked asked;
    if (beside) {
      asked.place = pace.beside();
    } else {
      auto now = pace.try_enter();
      asked.place = now ? std::move(*now) : co_await co_await pace.enter(ctx);
    }
    Result<http::ClientResponse> answer =
        co_await (after == Hedging::off ? ask(call, pace, asked, ctx)
                                        : ask_hedged(call, after, pace, asked, ctx));
    const Fate fate = asked.fate;
    asked.place = {};
    // Of a write only S3's own words are sure: it was not begun.
    bool sure = !answer && answer.error().code() == Code::busy;
    bool again =
        fate == Fate::slowed ? sure && !streams : fate == Fate::lost && !is_write(call.method);
    if (!again || tries == kTries) co_return answer;
    // From half of it on, so that those who failed together do not come back together.
    Duration wait{pause.ns / 2 + static_cast<int64_t>(ctx.loop->random() % (pause.ns / 2))};
    pause = pause * 2;
    if (ctx.loop->now() + wait >= ctx.deadline) co_return answer;
    // What was told to slow down is held back by its place.
    if (fate == Fate::lost && !pace.may_retry()) co_return answer;
    if (Result<> slept = co_await io::sleep_until(ctx.loop->now() + wait, ctx); !slept) {
      co_return answer;
    }
    if (options_.meter != nullptr) options_.meter->sent_again();
  }
}

Task<http::ClientResponse> S3Wire::ask(S3Call& call, Pace& pace, Asked& asked, Context ctx) const {
  Result<http::ClientResponse> answer = co_await attempt(call, asked.spare, asked.fate, ctx);
  if (asked.fate == Fate::good) pace.good(asked.place, ctx.loop->now());
  if (asked.fate == Fate::slowed) {
    pace.slowed(asked.place, ctx.loop->now());
    if (options_.meter != nullptr) options_.meter->told_to_slow();
  }
  co_return answer;
}

Task<http::ClientResponse> S3Wire::attempt(S3Call& call, bool spare, Fate& fate,
                                           Context ctx) const {
  std::shared_ptr<Progress> progress;  // of a body
  bool write = is_write(call.method);
  http::ClientRequest out = request(call, call.fields, ctx.loop->wall_now());
  out.spare = spare;
  uint64_t length = call.document.empty() ? call.body.length : 0;
  if (!call.document.empty()) {
    out.body = io::Body::of(Bytes(call.document));
  } else if (call.body.source != nullptr) {
    progress = std::make_shared<Progress>();
    out.body = {length,
                std::make_unique<Outgoing>(std::move(call.body.source), progress, options_.meter)};
    // No Expect: 100-continue. The head must not travel without the body's first bytes: SeaweedFS
    // (4.48) takes a head whose connection then ends for an empty object, and puts it in the place
    // of the one that is there.
  }
  http::Client& client = options_.client(*ctx.loop);
  Result<http::ClientResponse> response = co_await client.send(std::move(out), ctx);
  if (!response) {
    Error error = response.error_in(call.method + " " + std::string(kAtOrigin));
    bool stalled = error.code() == Code::timeout && ctx.loop->now() < ctx.deadline;
    bool unclear = write && error.code() == Code::corrupt;
    bool own = progress != nullptr && progress->failed;
    fate = error.code() == Code::unavailable && !own ? Fate::lost : Fate::unknown;
    if (own || (!stalled && !unclear)) co_return error;
    co_return error.as(Code::unavailable);
  }
  fate = fate_of(response->status);
  if (response->status / 100 == 2) {
    if (progress != nullptr && progress->moved < length) {
      co_return fail(Code::unavailable, "the origin agreed to a body before it had it");
    }
    co_return std::move(*response);
  }
  S3Fault fault = co_await co_await read_fault(*response, options_.documents, ctx);
  if (fault.code == "SlowDown") fate = Fate::slowed;
  bool deleted = response->status == 404 && response->header("x-amz-delete-marker") == "true";
  Error error = s3_error(response->status, fault, {.write = write, .missing = call.missing});
  if (deleted && !write) co_return error.as(Code::not_found, std::string(kDeleteMarker));
  co_return error;
}

Task<S3Text> S3Wire::document(S3Call call, Context ctx) const {
  bool write = is_write(call.method);
  http::ClientResponse head = co_await co_await send(std::move(call), ctx);
  // S3 sends its documents with 200 and nothing else.
  if (head.status != 200) {
    if (write) co_return s3_unclear(head);
    co_return fail(Code::corrupt, std::string(kOriginAnswered) + ' ' + std::to_string(head.status));
  }
  Result<HeldText> held = co_await read_text(head, options_.documents, kMaxS3Document, ctx);
  if (!held) {
    if (write) co_return held.error().as(Code::unavailable);
    // Its answer is too large, not the client's question.
    if (held.error().code() == Code::too_large) {
      co_return fail(Code::corrupt, "the origin's document is larger than any of S3's");
    }
    co_return std::move(held.error());
  }
  co_return S3Text{std::move(head), std::move(held->text), std::move(held->share)};
}

Task<S3Text> S3Wire::send_for_text(S3Call call, Context ctx) const {
  Result<S3Text> text = co_await document(std::move(call), ctx);
  if (!text && text.error().detail() == kNoRoom) {
    co_return text.error().as(text.error().code(), "SlowDown");
  }
  co_return text;
}

Task<S3Text> S3Wire::send_for_page(S3Call call, std::string_view count, uint32_t most,
                                   Context ctx) const {
  uint64_t fit = options_.documents->left() / kUsualEntry;
  auto asked = static_cast<uint32_t>(std::min<uint64_t>(most, std::max<uint64_t>(fit, kShortPage)));
  S3Call again{.key = call.key, .query = call.query, .missing = call.missing};
  call.query.emplace_back(count, std::to_string(asked));
  Result<S3Text> text = co_await document(std::move(call), ctx);
  bool full = !text && text.error().detail() == kNoRoom;
  if (!full || asked <= kShortPage) {
    if (full) co_return text.error().as(Code::busy, "SlowDown");
    co_return text;
  }
  again.query.emplace_back(count, std::to_string(kShortPage));
  co_return co_await send_for_text(std::move(again), ctx);
}

}  // namespace forebay::origin
