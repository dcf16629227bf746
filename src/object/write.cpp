// The writing half of Store: tickets around the origin's own writes.
#include <algorithm>

#include "object/native/native_origin.h"
#include "object/store.h"
#include "object/tee.h"
#include "object/versions.h"

namespace forebay::object {

namespace {

/// What the origin's answer and the request say of the new version; exists only when both together
/// are all that a check would tell.
std::optional<origin::ObjectInfo> info_of(const origin::PutAnswer& answer,
                                          const origin::PutOptions& options, uint64_t size) {
  if (!answer.tag.strong() || answer.modified.ns == 0) return std::nullopt;
  origin::ObjectInfo info;
  info.size = size;
  info.etag = answer.etag;
  info.tag = answer.tag;
  info.version_id = answer.version_id;
  info.modified = answer.modified;
  info.fields = options.fields;
  info.checksums = options.all_checksums();
  // No origin tells of the usual one.
  auto kept = info.fields.find("x-amz-storage-class");
  if (kept != info.fields.end() && kept->second == "STANDARD") info.fields.erase(kept);
  if (!options.tags.empty()) {
    info.fields[std::string(origin::kTaggingCount)] = std::to_string(options.tags.size());
  }
  return info;
}

}  // namespace

bool surely_not_done(const Error& error) {
  switch (error.code()) {
    case Code::not_found:
    case Code::exists:
    case Code::invalid:
    case Code::denied:
    case Code::conflict:
    case Code::too_large: return true;
    case Code::busy: return error.detail() == "InsufficientStorage";
    default: return false;
  }
}

std::shared_ptr<unit::Tee> Store::begin_tee(const Bucket& bucket, const ObjectKey& key,
                                            io::Body& body, Context ctx) {
  if (!bucket.cache_writes || body.source == nullptr || body.length == 0) return nullptr;
  ByteRange first = Layout::whole(body.length, bucket.largest_unit()).unit_at(0);
  auto tee = cache_.tee(body.length, first.length, bucket.owner(key), *ctx.loop);
  if (tee != nullptr) body.source = std::make_unique<TeeSource>(std::move(body.source), tee);
  return tee;
}

Task<origin::PutAnswer> Store::put(BucketRef bucket, ObjectKey key, origin::PutOptions options,
                                   io::Body body, Context ctx) {
  uint64_t length = body.length;
  std::shared_ptr<unit::Tee> tee = begin_tee(*bucket, key, body, ctx);
  Time started = ctx.loop->now();
  auto ticket = co_await co_await heads_.open_ticket(bucket, key, Leaves::nothing, ctx);
  Result<origin::PutAnswer> answer =
      co_await bucket->origin->put(key, options, std::move(body), ctx);
  if (!answer) {
    if (surely_not_done(answer.error())) ticket.close(nullptr);
    co_return std::move(answer.error());  // else the ticket dies uncertain
  }
  HeadRef head;
  if (answer->tag.strong()) {
    origin::ObjectInfo named;
    named.size = length;
    named.etag = answer->etag;
    named.tag = answer->tag;
    HeadRef naming = Heads::head_with(*bucket, key, std::move(named),
                                      Layout::whole(length, bucket->largest_unit()), started);
    if (tee != nullptr) {
      co_await co_await tee->keep(
          units_of(naming->layout, bucket->incarnation, key.text(), answer->tag.text()), ctx);
    }
    if (auto info = info_of(*answer, options, length)) {
      head = Heads::head_with(*bucket, key, std::move(*info), naming->layout, started);
    }
  }
  ticket.close(std::move(head));
  co_return answer;
}

Task<> Store::begin_removal(BucketRef bucket, std::vector<ObjectKey> keys, Context ctx) {
  if (bucket->native()) co_return ok;
  co_return co_await heads_.rows().forget_all(bucket->incarnation, std::move(keys), ctx);
}

Task<> Store::remove(BucketRef bucket, ObjectKey key, Context ctx) {
  co_await co_await remove_now(std::move(bucket), std::move(key), {}, {}, ctx);
  co_return ok;
}

Task<origin::Removed> Store::remove_version(BucketRef bucket, ObjectKey key, std::string version_id,
                                            std::optional<bool> kept, Context ctx) {
  bool ask = !kept && !version_id.empty();
  if (ask) kept = co_await co_await bucket->origin->has_versions(ctx);
  Result<std::string> own = own_version(version_id, kept.value_or(false));
  bool none = !own && own.error().detail() == "NoSuchVersion";
  if (none) co_return origin::Removed{.version_id = std::move(version_id)};
  if (!own) co_return std::move(own.error());
  auto done = co_await co_await remove_now(std::move(bucket), std::move(key), *own, {}, ctx);
  if (own->empty() && done.version_id.empty()) done.version_id = std::move(version_id);
  co_return done;
}

Task<origin::Removed> Store::remove_matching(BucketRef bucket, ObjectKey key, ETag wanted,
                                             Context ctx) {
  co_return co_await remove_now(std::move(bucket), std::move(key), {}, std::move(wanted), ctx);
}

Task<origin::Removed> Store::remove_now(BucketRef bucket, ObjectKey key, std::string version_id,
                                        ETag wanted, Context ctx) {
  HeadRef before = heads_.last_seen(*bucket, key);
  Leaves leaves = version_id.empty() ? Leaves::nothing : Leaves::layout;
  auto ticket = co_await co_await heads_.open_ticket(bucket, key, leaves, ctx);
  Result<origin::Removed> removed =
      wanted.empty() ? co_await bucket->origin->remove_version(key, version_id, ctx)
                     : co_await bucket->origin->remove_matching(key, wanted, ctx);
  if (!removed) {
    if (surely_not_done(removed.error())) ticket.close(nullptr);
    co_return std::move(removed.error());
  }
  // Of the units only those that are sure to be the removed version's.
  std::string_view seen = before == nullptr ? "" : std::string_view(before->info.version_id);
  bool mine = version_id.empty() || version_id == (seen.empty() ? origin::kNullVersion : seen);
  if (before != nullptr && mine) co_await co_await drop_units(before, ctx);
  if (mine && leaves == Leaves::layout && !bucket->native()) {
    // Of what is gone; where it stays it does no harm.
    (void)co_await heads_.rows().forget(bucket->incarnation, key, Leaves::nothing, ctx);
  }
  ticket.close(nullptr);
  co_return removed;
}

// A write of both keys: nothing is believed of either while it is under way.
Task<> Store::rename(BucketRef bucket, ObjectKey to, origin::RenameOrder order, Context ctx) {
  auto source = co_await co_await heads_.open_ticket(bucket, order.from, Leaves::nothing, ctx);
  auto opened = co_await heads_.open_ticket(bucket, to, Leaves::nothing, ctx);
  if (!opened) {
    source.close(nullptr);
    co_return std::move(opened.error());
  }
  Heads::Ticket target = std::move(*opened);
  Result<> done = co_await bucket->origin->rename(std::move(to), std::move(order), ctx);
  if (!done && !surely_not_done(done.error())) co_return done;  // both tickets die uncertain
  source.close(nullptr);
  target.close(nullptr);
  co_return done;
}

Task<> Store::expire(BucketRef bucket, NativeDue due, Context ctx) {
  auto* native = dynamic_cast<NativeOrigin*>(bucket->origin.get());
  if (native == nullptr) {
    co_return fail(Code::invalid, "only native buckets have rules that objects end by",
                   "NotImplemented");
  }
  // Of an upload nothing is believed.
  if (due.what == NativeDue::What::upload) {
    co_return co_await native->expire(std::move(due), ctx);
  }
  auto ticket = co_await co_await heads_.open_ticket(bucket, due.key, Leaves::nothing, ctx);
  Result<> done = co_await native->expire(std::move(due), ctx);
  if (done || surely_not_done(done.error())) ticket.close(nullptr);
  co_return done;
}

Task<origin::TagSet> Store::tags(BucketRef bucket, ObjectKey key, std::string version_id,
                                 Context ctx) {
  version_id = co_await co_await version_at_origin(bucket, std::move(version_id), ctx);
  // Never from a cache: tags change without the ETag, and here they are all that is asked for.
  co_return co_await bucket->origin->tags_of_version(std::move(key), std::move(version_id), ctx);
}

Task<> Store::set_tags(BucketRef bucket, ObjectKey key, std::string version_id, origin::TagSet tags,
                       Context ctx) {
  version_id = co_await co_await version_at_origin(bucket, std::move(version_id), ctx);
  auto ticket = co_await co_await heads_.open_ticket(bucket, key, Leaves::layout, ctx);
  Result<> done = co_await bucket->origin->set_tags_of_version(
      std::move(key), std::move(version_id), std::move(tags), ctx);
  if (done || surely_not_done(done.error())) ticket.close(nullptr);
  co_return done;
}

// Other requests go on meanwhile: a terabyte may be half a million units.
Task<> Store::drop_units(HeadRef head, Context ctx) {
  if (!head->exists || head->version == nullptr) co_return ok;
  constexpr uint64_t kAtOnce = 1000;
  uint64_t dropped = 0;
  for (uint64_t at = 0; at < head->info.size; ++dropped) {
    unit::Unit unit = head->unit_at(at);
    cache_.remove(unit.id);
    at = unit.range.end();
    bool pause = dropped % kAtOnce == kAtOnce - 1;
    if (pause && !co_await io::yield(ctx)) break;
  }
  co_return ok;
}

}  // namespace forebay::object
