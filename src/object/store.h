// Store: objects as a gateway sees them. A read becomes a decision on the head and a body made of
// units; a write becomes a ticket around the origin's own write; lists and uploads are the
// origin's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "object/bucket.h"
#include "object/conditions.h"
#include "object/copy.h"
#include "object/heads.h"
#include "object/held_parts.h"
#include "object/native/native_expiry.h"
#include "object/stager.h"
#include "unit/cache.h"

namespace forebay::object {

struct ReadRequest {
  BucketRef bucket;
  ObjectKey key;
  /// As the client names it; empty: what is current. One that the origin keeps is read past the
  /// cache.
  std::string version_id = {};
  std::optional<RangeRequest> range = std::nullopt;
  uint32_t part_number = 0;  ///< 0: none; not together with range
  ReadConditions conditions = {};
  unit::Mode mode = unit::Mode::normal;
  bool body = true;    ///< false: HEAD
  bool check = false;  ///< ask the origin even if the head is believed
};

/// What the head decided.
enum class Decision { whole, partial, not_modified, precondition_failed, unsatisfiable };

struct ReadAnswer {
  Decision decision = Decision::whole;
  HeadRef head;
  ByteRange range;           ///< what the body holds
  uint32_t parts_count = 0;  ///< x-amz-mp-parts-count, in answers to a part number
  unit::Served served = unit::Served::hit;
  io::Body body;  ///< source null without bytes, and for HEAD
};

/// What came of an object that was to be staged.
struct StageAnswer {
  enum class State {
    nothing,  ///< the answer has no bytes, or its conditions do not hold: nothing was done
    here,     ///< all of it was here already
    coming,   ///< it is in the queue, or has come since
    past,     ///< it cannot be kept: no strong tag, or no room
  };
  ReadAnswer read;  ///< as of a HEAD
  State state = State::nothing;
  bool waited = false;  ///< it was waited for, and all of it is here
};

struct PartRequest {
  BucketRef bucket;
  ObjectKey key;
  std::string upload_id;
  uint32_t number = 0;
  origin::PutOptions options = {};
};

struct CompleteRequest {
  BucketRef bucket;
  ObjectKey key;
  std::string upload_id;
  std::vector<origin::CompletedPart> parts;
  origin::PutOptions options;
};

/// Whether a read failed for another version, or none: what is current is asked again then, and the
/// client sees neither.
bool moved(const Error& error);
/// Whether the origin has surely not done a write. Everything else may still happen.
bool surely_not_done(const Error& error);

/// All loops share one. Errors of the origin come as they are; a missing key is Code::not_found,
/// "NoSuchKey".
class Store {
 public:
  /// The crews have stopped before it goes.
  Store(Heads& heads, unit::Cache& cache, job::Crews& crews, obs::Registry& registry)
      : heads_(heads), cache_(cache), stager_(cache, heads, crews, registry) {}

  /// Nothing is sent before the version is sure: a version that changes until then is followed, a
  /// version that changes later ends the body with an error.
  Task<ReadAnswer> read(ReadRequest request, Context ctx);

  /// The warm road of a plain GET: head believed, one unit, on disk, in memory. Does not wait.
  /// Nothing → use read().
  std::optional<ReadAnswer> read_now(const ReadRequest& request, io::Loop& loop);

  /// Decides as read() does for a HEAD, then puts the whole object into the queue of those to be
  /// fetched; waits for it until `until`, if that is in the future. The queue is full → Code::busy,
  /// "SlowDown". Only with Mode::normal and without a version id.
  Task<StageAnswer> stage(ReadRequest request, Time until, Context ctx);
  /// Fetches what is missing of the current version, before anybody reads it; `listed` is the size
  /// that a list told. Code::invalid, "NotKept": it has no strong tag; Code::too_large, "NotKept":
  /// it is larger than the cache; Code::busy, "ENOSPC": there is no room for it now. Else as
  /// read().
  Task<> bring(BucketRef bucket, ObjectKey key, uint64_t listed,
               Brought& so_far [[clang::lifetimebound]], Context ctx);
  /// What the cache can hold at once, before the first of it is evicted for the last.
  using Room = disk::Room;
  Room room() const { return cache_.room(); }

  /// body.source must fail rather than end when its bytes do not verify: the origin commits only
  /// after its last byte.
  Task<origin::PutAnswer> put(BucketRef bucket, ObjectKey key, origin::PutOptions options,
                              io::Body body, Context ctx);
  /// Of the version of the source that a read would give now: conditions are decided on the very
  /// version whose bytes are copied, and a version that goes away meanwhile is followed. By the
  /// origin itself where it can, else by read() and put(). What is refused has written nothing.
  /// Code::conflict, "PreconditionFailed": a condition of the source or the target does not hold.
  Task<CopyAnswer> copy(CopyRequest request, Context ctx);
  Task<> remove(BucketRef bucket, ObjectKey key, Context ctx);
  /// Before many keys are removed: what would be durable one by one is so at once. For speed only,
  /// and so are its errors.
  Task<> begin_removal(BucketRef bucket, std::vector<ObjectKey> keys, Context ctx);
  /// Removes the version that the client names so (empty: as remove()) for good. A write like any
  /// other: it may change what is current. One that is not there is no error. `kept`: whether the
  /// origin has versions, where it was asked for that already.
  Task<origin::Removed> remove_version(BucketRef bucket, ObjectKey key, std::string version_id,
                                       std::optional<bool> kept, Context ctx);
  /// As remove_version() without an id, if what the origin has then has that ETag ("*": any).
  /// Code::conflict, "PreconditionFailed"; Code::not_found, "NoSuchKey"; Code::invalid,
  /// "NotImplemented": the origin cannot hold to it. Nothing was done then.
  Task<origin::Removed> remove_matching(BucketRef bucket, ObjectKey key, ETag wanted, Context ctx);
  /// What was `order.from` is `to` from then on, for every read after it. Errors as the origin's.
  Task<> rename(BucketRef bucket, ObjectKey to, origin::RenameOrder order, Context ctx);
  /// Ends what its time is over of, in a native bucket: a write like any other, but only where its
  /// row is the one that said so. Code::conflict: it is another now, and nothing is done.
  Task<> expire(BucketRef bucket, NativeDue due, Context ctx);
  /// Of the version that the client names so, or of what is current.
  Task<origin::TagSet> tags(BucketRef bucket, ObjectKey key, std::string version_id, Context ctx);
  /// Replaces an object's tags. A write like any other: every read after it sees their number.
  Task<> set_tags(BucketRef bucket, ObjectKey key, std::string version_id, origin::TagSet tags,
                  Context ctx);
  /// One part of an upload; body.source as of put(). Its bytes are copied as they pass, and are the
  /// object's without a fetch once the upload is complete.
  Task<origin::PartInfo> put_part(PartRequest request, io::Body body, Context ctx);
  Task<> abort(BucketRef bucket, ObjectKey key, std::string upload_id, Context ctx);
  Task<origin::PutAnswer> complete(CompleteRequest request, Context ctx);

 private:
  friend class Reader;
  Task<ReadAnswer> open(ReadRequest request, Heads::Current current, std::optional<ByteRange> part,
                        ReadAnswer answer, Context ctx);
  Task<ReadAnswer> open_untagged(ReadRequest request, std::optional<ByteRange> part,
                                 ReadAnswer answer, Context ctx);
  // upload.cpp
  Task<> drop_parts(BucketRef bucket, ObjectKey key, std::map<uint32_t, HeldParts::Part> parts,
                    Context ctx);
  Task<Layout> upload_layout(BucketRef bucket, ObjectKey key, std::string upload_id,
                             std::vector<origin::CompletedPart> parts, Context ctx);
  // copy.cpp; the request is copy()'s, which waits for the end
  struct CopyRound;
  Task<CopyAnswer> copy_once(const CopyRequest& request, CopyRound& round, Context ctx);
  Task<std::optional<CopyAnswer>> copy_by_origin(const CopyRequest& request, HeadRef head,
                                                 Context ctx);
  Task<CopyAnswer> copy_through(const CopyRequest& request, CopyRound& round, Context ctx);
  Task<CopyAnswer> put_copy(const CopyRequest& request, ReadAnswer from, CopyRound& round,
                            Context ctx);
  Task<CopyAnswer> put_part_copy(const CopyRequest& request, ReadAnswer from, CopyRound& round,
                                 Context ctx);
  Task<std::string> sum_of(const CopyRequest& request, CopyRound& round, Context ctx);
  Task<origin::TagSet> tags_of(const CopyRequest& request, HeadRef head, CopyRound& round,
                               Context ctx);
  Task<Heads::Current> ask_past(BucketRef bucket, ObjectKey key, std::string version_id,
                                Context ctx);
  /// The head of what was read is worth keeping, if bytes of it are here or about to be.
  void keep(const ReadRequest& request, const ReadAnswer& answer, io::Loop& loop);
  /// Whether it is a small object that is not here.
  bool is_cold(const Head& head) const;
  /// Counts cold reads in a row.
  static void note_cold(std::atomic<uint32_t>& in_a_row, bool cold);
  Task<> drop_units(HeadRef head, Context ctx);
  /// By the origin's own id; `wanted`: only what has that ETag, without an id.
  Task<origin::Removed> remove_now(BucketRef bucket, ObjectKey key, std::string version_id,
                                   ETag wanted, Context ctx);
  std::shared_ptr<unit::Tee> begin_tee(const Bucket& bucket, const ObjectKey& key, io::Body& body,
                                       Context ctx);

  Heads& heads_;
  unit::Cache& cache_;
  Stager stager_;
  HeldParts held_;
};

}  // namespace forebay::object
