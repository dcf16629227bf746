// Copies: by the origin itself where source and target are one store to it, else a read that feeds
// a put. Either way one version of the source is decided on and nothing else is written.
#include "object/copy.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "object/store.h"
#include "origin/checksums.h"

namespace forebay::object {

namespace {

// How often a copy follows a source that changes before it is done.
constexpr int kRounds = 5;

constexpr size_t kLoadForSum = 64 << 10;

constexpr std::string_view kMeta = "x-amz-meta-";
// With metadata, what a copy takes along. S3 does not copy class, ACL, encryption and redirect.
constexpr auto kCopied =
    std::to_array<std::string_view>({"cache-control", "content-disposition", "content-encoding",
                                     "content-language", "content-type", "expires"});

bool is_copied(std::string_view name) {
  return name.starts_with(kMeta) || std::ranges::find(kCopied, name) != kCopied.end();
}

Error refused(std::string text, std::string detail) {
  return fail(Code::invalid, std::move(text), std::move(detail));
}

bool conditional(const origin::WriteConditions& conditions) {
  return conditions.if_none_match_any || !conditions.if_match.empty();
}

/// S3's words for a source that is a delete marker.
Error of_source(Error error) {
  if (error.detail() != origin::kDeleteMarker) return error;
  if (error.code() == Code::not_found) return error.as(Code::not_found, "NoSuchKey");
  return refused(
      "The source of a copy request may not specifically refer to a delete marker by "
      "version id.",
      "InvalidRequest");
}

/// Whether this version of the source may be copied; all that can be said before a byte is read.
Result<> examine(const CopyRequest& request, const origin::ObjectInfo& info) {
  Result<> holds = decide(request.conditions, info.etag, info.modified);
  if (!holds) {
    // A read would be told that nothing has changed; a copy is refused.
    return fail(Code::conflict, "At least one of the pre-conditions you specified did not hold",
                "PreconditionFailed");
  }
  if (request.range && !ByteRange{0, info.size}.covers(*request.range)) {
    return refused("The range to copy is not within the source, which has " +
                       std::to_string(info.size) + " bytes.",
                   "InvalidRange");
  }
  uint64_t length = request.range ? request.range->length : info.size;
  if (length > request.limit) {
    return refused(
        "What is to be copied is larger than one copy may be: " + std::to_string(request.limit) +
            " bytes. Larger objects are copied in parts.",
        "InvalidRequest");
  }
  return ok;
}

ReadRequest reading(const CopyRequest& request, bool check, bool body) {
  ReadRequest out{
      .bucket = request.source, .key = request.source_key, .version_id = request.version_id};
  out.check = check;
  out.body = body;
  if (body && request.range) {
    out.range = RangeRequest{request.range->offset, request.range->end() - 1, {}};
  }
  return out;
}

/// The checksum of all bytes that the source's origin stated, if it did: its kind and value.
std::optional<std::pair<ChecksumKind, std::string>> stated_sum(const origin::ObjectInfo& info) {
  auto plan = origin::plan_of(info.checksums);
  if (!plan || plan->type != origin::ChecksumType::full_object) return std::nullopt;
  auto found = info.checksums.find(std::string(header_name(plan->kind)));
  if (found == info.checksums.end()) return std::nullopt;
  return std::pair(plan->kind, found->second);
}

/// What is known of a source when its bytes have passed.
struct Watched {
  std::optional<Error> error;  ///< why they ended early; a writer may say it in its own words
  std::unique_ptr<Checksum> sum;
  std::string expected;                   ///< what `sum` must come to; empty: anything
  std::shared_ptr<origin::Fields> found;  ///< gets it; may be null
  std::string header;                     ///< under this name
};

/// Passes the bytes on. The last ones only when the checksum is right.
class WatchedSource final : public io::Source {
 public:
  WatchedSource(io::Body body, std::shared_ptr<Watched> watched)
      : left_(body.length), inner_(std::move(body.source)), watched_(std::move(watched)) {}

  Task<io::Chunk> next(Context ctx) override {
    Result<io::Chunk> chunk = co_await pass(ctx);
    if (!chunk) watched_->error = chunk.error();
    co_return chunk;
  }

 private:
  Task<io::Chunk> pass(Context ctx) {
    io::Chunk chunk = co_await co_await inner_->next(ctx);
    uint64_t length = io::size(chunk);
    if (watched_->sum == nullptr) co_return chunk;
    // Given back before the target is waited for, which many copies may do at once.
    std::vector<std::byte> loaded;
    if (std::holds_alternative<io::FileSlice>(chunk)) loaded.resize(kLoadForSum);
    for (uint64_t done = 0; done < length;) {
      ByteView part = co_await co_await io::load(chunk, done, loaded, ctx);
      watched_->sum->update(part);
      done += part.size();
    }
    left_ -= std::min(left_, length);
    if (left_ > 0) co_return chunk;
    co_await finish();
    co_return chunk;
  }
  Result<> finish() {
    if (finished_) return ok;
    finished_ = true;
    std::string sum = to_base64(as_bytes(watched_->sum->digest()));
    if (!watched_->expected.empty() && sum != watched_->expected) {
      return fail(Code::corrupt, "the bytes of a copy's source have another checksum than it says");
    }
    if (watched_->found != nullptr) (*watched_->found)[watched_->header] = std::move(sum);
    return ok;
  }

  uint64_t left_;
  std::unique_ptr<io::Source> inner_;
  std::shared_ptr<Watched> watched_;
  bool finished_ = false;
};

io::Body watch(io::Body body, std::shared_ptr<Watched> watched) {
  if (body.source == nullptr) {
    bool wanted = watched->sum != nullptr && watched->found != nullptr;
    if (wanted) (*watched->found)[watched->header] = to_base64(as_bytes(watched->sum->digest()));
    return body;
  }
  uint64_t length = body.length;
  return {length, std::make_unique<WatchedSource>(std::move(body), std::move(watched))};
}

}  // namespace

/// One try.
struct Store::CopyRound {
  bool check = false;  ///< ask the source's origin even if its head is believed
  bool moved = false;  ///< failed because the source became another: worth a new try
};

Task<CopyAnswer> Store::copy(CopyRequest request, Context ctx) {
  for (int i = 0; i < kRounds; ++i) {
    CopyRound round{.check = i > 0};
    Result<CopyAnswer> done = co_await copy_once(request, round, ctx);
    if (done || !round.moved) co_return done;
  }
  co_return fail(Code::unavailable, "the object changes faster than it can be copied", "SlowDown");
}

Task<CopyAnswer> Store::copy_once(const CopyRequest& request, CopyRound& round, Context ctx) {
  Result<ReadAnswer> first = co_await read(reading(request, round.check, false), ctx);
  if (!first) co_return of_source(std::move(first.error()));
  ReadAnswer seen = std::move(*first);
  co_await examine(request, seen.head->info);
  auto made = co_await copy_by_origin(request, seen.head, ctx);
  if (!made) {
    // With conditions of the target nobody could tell which of them did not hold.
    const std::string& why = made.error().detail();
    round.moved = !conditional(request.options.conditions) &&
                  (why == "PreconditionFailed" || why == "NoSuchKey" || why == "NoSuchVersion");
    co_return std::move(made.error());
  }
  std::optional<CopyAnswer> copied = std::move(*made);
  if (copied) co_return std::move(*copied);
  co_return co_await copy_through(request, round, ctx);
}

Task<std::optional<CopyAnswer>> Store::copy_by_origin(const CopyRequest& request, HeadRef head,
                                                      Context ctx) {
  const origin::ObjectInfo& info = head->info;
  origin::CopyOrder order{.source = request.source->origin.get(), .from = request.source_key};
  order.etag = info.etag;
  order.version_id = info.version_id;
  order.size = info.size;
  order.replace_fields = request.replace_fields;
  order.replace_tags = request.replace_tags;
  order.tags = request.options.tags;
  order.fields = request.options.fields;
  order.checksum = request.checksum;
  order.conditions = request.options.conditions;
  order.upload_id = request.upload_id;
  order.part_number = request.part_number;
  order.range = request.range;
  // Without a strong tag nothing says that it is still this version.
  if (!info.tag.strong()) co_return std::optional<CopyAnswer>();
  std::optional<Heads::Ticket> ticket;  // a part changes nothing that can be read
  if (request.part_number == 0) {
    ticket.emplace(
        co_await co_await heads_.open_ticket(request.bucket, request.key, Leaves::nothing, ctx));
  }
  auto made = co_await request.bucket->origin->copy(request.key, std::move(order), ctx);
  bool sure = made || surely_not_done(made.error());
  if (ticket && sure) ticket->close(nullptr);  // else it dies uncertain
  if (!made) co_return std::move(made.error());
  std::optional<origin::PutAnswer> copied = std::move(*made);
  if (!copied) co_return std::optional<CopyAnswer>();
  co_return CopyAnswer{.etag = copied->etag,
                       .modified = copied->modified,
                       .version_id = copied->version_id,
                       .source_version_id = info.version_id,
                       .checksums = std::move(copied->checksums),
                       .encryption = std::move(copied->encryption)};
}

Task<CopyAnswer> Store::copy_through(const CopyRequest& request, CopyRound& round, Context ctx) {
  Result<ReadAnswer> from = co_await read(reading(request, false, true), ctx);
  if (!from) co_return of_source(std::move(from.error()));
  // Between the two looks it may have become another version: this one is copied.
  co_await examine(request, from->head->info);
  if (from->decision != Decision::whole && from->decision != Decision::partial) {
    co_return fail(Code::internal, "a copy's source was read in a way that was not asked for");
  }
  if (request.part_number > 0) {
    co_return co_await put_part_copy(request, std::move(*from), round, ctx);
  }
  co_return co_await put_copy(request, std::move(*from), round, ctx);
}

// An origin may want a checksum before the body. What is read for it is in the cache when it is
// read for the copy, or is read twice.
Task<std::string> Store::sum_of(const CopyRequest& request, CopyRound& round, Context ctx) {
  std::optional<ChecksumKind> kind = request.checksum;
  if (!kind) co_return fail(Code::internal, "a copy without a checksum to reckon");
  ReadAnswer from = co_await co_await read(reading(request, false, true), ctx);
  auto watched = std::make_shared<Watched>();
  watched->sum = Checksum::make(*kind);
  io::Body body = watch(std::move(from.body), watched);
  while (body.source != nullptr) {
    Result<io::Chunk> chunk = co_await body.source->next(ctx);
    if (!chunk) {
      round.moved = moved(chunk.error());
      co_return std::move(chunk.error());
    }
    if (io::size(*chunk) == 0) break;
  }
  co_return to_base64(as_bytes(watched->sum->digest()));
}

// Not every origin's head tells whether there are tags. They are asked for by key: they are the
// copied version's if that is current afterwards too.
Task<origin::TagSet> Store::tags_of(const CopyRequest& request, HeadRef head, CopyRound& round,
                                    Context ctx) {
  auto tags = co_await this->tags(request.source, request.source_key, request.version_id, ctx);
  if (!tags && tags.error().detail() == "NotImplemented") co_return origin::TagSet();
  auto told = head->info.fields.find(std::string(origin::kTaggingCount));
  bool none = told == head->info.fields.end();
  if (tags && tags->empty() && none) co_return tags;
  ReadAnswer now = co_await co_await read(reading(request, true, false), ctx);
  round.moved = now.head->info.tag != head->info.tag || now.head->info.etag != head->info.etag;
  if (round.moved) co_return fail(Code::conflict, "the source has changed", "PreconditionFailed");
  co_return tags;
}

Task<CopyAnswer> Store::put_copy(const CopyRequest& request, ReadAnswer from, CopyRound& round,
                                 Context ctx) {
  const origin::ObjectInfo& info = from.head->info;
  origin::PutOptions options = request.options;
  if (!request.replace_tags) {
    options.tags = co_await co_await tags_of(request, from.head, round, ctx);
  }
  if (!request.replace_fields) {
    for (const auto& [name, value] : info.fields) {
      if (is_copied(name)) options.fields.try_emplace(name, value);
    }
  }
  auto watched = std::make_shared<Watched>();
  auto sum = stated_sum(info);
  bool reckoned = request.checksum && (!sum || sum->first != *request.checksum);
  if (reckoned) sum.emplace(*request.checksum, co_await co_await sum_of(request, round, ctx));
  if (sum) {
    watched->sum = Checksum::make(sum->first);
    watched->expected = sum->second;
    options.checksums[std::string(header_name(sum->first))] = sum->second;
  }
  CopyAnswer answer{.source_version_id = info.version_id, .checksums = options.checksums};
  if (sum) answer.checksums[std::string(origin::kChecksumTypeHeader)] = "FULL_OBJECT";
  auto put_answer = co_await put(request.bucket, request.key, std::move(options),
                                 watch(std::move(from.body), watched), ctx);
  if (!put_answer) {
    // A sum that was reckoned here is another version's when it does not fit.
    const std::optional<Error>& why = watched->error;
    round.moved = why && (moved(*why) || (reckoned && why->code() == Code::corrupt));
    co_return std::move(put_answer.error());
  }
  answer.etag = put_answer->etag;
  answer.encryption = std::move(put_answer->encryption);
  answer.version_id = put_answer->version_id;
  answer.modified = put_answer->modified;
  if (answer.modified.ns == 0) {
    answer.modified = ctx.loop->wall_now();
    // The next read would have to ask anyway.
    auto head = co_await heads_.current(request.bucket, request.key, false, ctx);
    if (head && (*head)->info.etag == answer.etag) answer.modified = (*head)->info.modified;
  }
  co_return answer;
}

Task<CopyAnswer> Store::put_part_copy(const CopyRequest& request, ReadAnswer from, CopyRound& round,
                                      Context ctx) {
  origin::Origin& origin = *request.bucket->origin;
  // An upload that has an algorithm has a checksum of each part.
  auto upload = co_await co_await origin.list_parts(request.key, request.upload_id, 0, 1, ctx);
  origin::PutOptions options;
  auto watched = std::make_shared<Watched>();
  if (upload.plan) {
    watched->sum = Checksum::make(upload.plan->kind);
    watched->header = header_name(upload.plan->kind);
    watched->found = std::make_shared<origin::Fields>();
    options.trailing = watched->found;
    options.trailing_name = watched->header;
  }
  std::string version = from.head->info.version_id;
  auto part = co_await put_part({.bucket = request.bucket,
                                 .key = request.key,
                                 .upload_id = request.upload_id,
                                 .number = request.part_number,
                                 .options = std::move(options)},
                                watch(std::move(from.body), watched), ctx);
  if (!part) {
    const std::optional<Error>& why = watched->error;
    round.moved = why && moved(*why);
    co_return std::move(part.error());
  }
  co_return CopyAnswer{.etag = part->etag,
                       .modified = part->modified.ns == 0 ? ctx.loop->wall_now() : part->modified,
                       .source_version_id = std::move(version),
                       .checksums = std::move(part->checksums)};
}

}  // namespace forebay::object
