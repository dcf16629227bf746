// Origin: a store we do not own, behind one small interface. Each kind (dir, s3, …) is one file
// under one contract suite; cross-cutting behaviour is a decorator. An Origin is used from every
// loop at once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/allowance.h"
#include "base/context.h"
#include "base/hash.h"
#include "base/names.h"
#include "base/range.h"
#include "base/secret.h"
#include "base/task.h"
#include "base/time.h"
#include "io/body.h"
#include "origin/capabilities.h"
#include "origin/fields.h"
#include "origin/hedging.h"
#include "origin/lists.h"
#include "origin/meter.h"
#include "origin/pieces.h"
#include "origin/rename.h"
#include "origin/usage.h"

namespace forebay::origin {

/// Begins, in the text of an error, what a foreign store said. It is for operators: doors do not
/// pass it on to clients.
inline constexpr std::string_view kOriginAnswered = "the origin answered";

/// The word for an answer that cannot be one to what was asked.
inline constexpr const char* kBadGateway = "BadGateway";

/// No object is larger; an origin that claims one does not answer what was asked. S3's own limit is
/// 50 TiB (user guide, "Multipart upload limits", since 2025-12; 5 TiB before), and those of other
/// stores may lie higher. This is the last size that JSON's readers keep exactly, and far enough
/// below 2^64 that sums of places and lengths within one object cannot wrap.
inline constexpr uint64_t kMaxObjectBytes = 1ULL << 53;

/// Stands in the text of an error that a request to a foreign store ended with, answered or not.
inline constexpr std::string_view kAtOrigin = "at the origin";

/// What a HEAD or GET tells about the current version of a key.
struct ObjectInfo {
  uint64_t size = 0;
  ETag etag = {};  ///< as clients see it
  Tag tag = {};    ///< names the bytes; empty: not strong, do not cache
  WallTime modified = {};
  std::string version_id = {};  ///< empty when the origin has none
  Fields fields = {};
  /// Whole-object checksums the origin stated: header name → base64 (x-amz-checksum-…, and
  /// x-amz-checksum-type). Never sent with a part of the object.
  Fields checksums = {};
  uint32_t parts = 0;                  ///< x-amz-mp-parts-count, only in answers to a partNumber
  std::optional<ByteRange> part = {};  ///< that part's place, where the origin tells it
  uint64_t part_of = 0;                ///< and the size of what it is a part of; 0: not told
  Pieces pieces = {};                  ///< where its bytes are named piece by piece
  std::string named_by = {};           ///< the key that its bytes are named by, if another
  bool operator==(const ObjectInfo&) const = default;
};

struct HeadOptions {
  uint32_t part_number = 0;     ///< 0: the whole object; else size is that part's (capability)
  bool checksums = true;        ///< ask for stored checksums (x-amz-checksum-mode: ENABLED)
  std::string version_id = {};  ///< that version, where the origin has versions
};

struct GetOptions {
  std::optional<ByteRange> range = {};  ///< nothing: all
  /// Only this version: If-Match on the wire *and* tag, total size and Content-Range checked in
  /// the answer. Another version → Code::conflict, detail "PreconditionFailed".
  std::optional<Tag> tag = {};
  ETag etag = {};               ///< of that version, for If-Match
  std::string version_id = {};  ///< where the origin has versions
  /// The body is read as slowly as a client likes, and not by us.
  bool slow_reader = false;
};

struct GetAnswer {
  /// Of the whole object: info.size is the total. Of an answer to no range all that a HEAD tells.
  ObjectInfo info = {};
  /// What body holds: what was asked, as far as the object has it; or all of the object, from a
  /// server that knows no ranges.
  ByteRange range = {};
  bool whole = false;  ///< though a range was asked, the server sent all
  io::Body body = {};  ///< ends early only with an error
};

/// Whether an If-Match of `wanted` holds for what is there; "*": whatever it is.
inline bool matches(const ETag& wanted, const ETag& there) {
  return wanted.text() == "*" || wanted == there;
}

/// Conditions of a write; at most one is set. A failed one → Code::conflict,
/// "PreconditionFailed". An origin that lacks it → Code::invalid, "NotImplemented".
struct WriteConditions {
  bool if_none_match_any = false;
  ETag if_match = {};
};

struct PutOptions {
  Fields fields = {};     ///< see Fields
  TagSet tags = {};       ///< put, create_upload
  Fields checksums = {};  ///< verified by the gateway, to be kept and returned where the origin can
  /// Checksums that come after the body: complete when the body's source has ended well. May be
  /// null. They belong to `checksums` then.
  std::shared_ptr<const Fields> trailing = {};
  std::string trailing_name = {};  ///< of the checksum that comes so; empty: none does
  WriteConditions conditions = {};
  std::optional<ChecksumPlan> plan = {};  ///< create_upload: what was asked for
  /// complete_upload: what the client says the object's size is (its checksums are `checksums`,
  /// x-amz-checksum-type among them). All of it must be so, or nothing is done.
  std::optional<uint64_t> size = {};

  /// Both kinds of checksums together; after the body's source has ended.
  Fields all_checksums() const {
    Fields all = checksums;
    if (trailing != nullptr) all.insert(trailing->begin(), trailing->end());
    return all;
  }
};

struct PutAnswer {
  ETag etag = {};
  Tag tag = {};  ///< of the new version when the origin's answer determines it; else empty
  std::string version_id = {};
  WallTime modified = {};
  Fields checksums = {};  ///< complete_upload and copy: of the whole, as ObjectInfo's
  /// What the origin said of how it encrypts: x-amz-server-side-encryption and those like it.
  Fields encryption = {};
  Pieces pieces = {};  ///< complete_upload: as ObjectInfo's, with which each head tells them again
};

struct PartInfo {
  uint32_t number = 0;
  uint64_t size = 0;
  ETag etag = {};
  WallTime modified = {};
  Fields checksums = {};
};

struct CompletedPart {
  uint32_t number = 0;
  ETag etag = {};
  Fields checksums = {};
};

struct UploadInfo {
  std::string key = {};
  std::string upload_id = {};
  WallTime initiated = {};
  std::optional<ChecksumPlan> plan = {};
};

struct ListPartsAnswer {
  std::vector<PartInfo> parts = {};
  bool truncated = false;
  uint32_t next_marker = 0;
  std::optional<ChecksumPlan> plan = {};   ///< nothing: none, or the origin does not tell
  std::optional<WallTime> initiated = {};  ///< nothing: the origin does not tell
  Allowance::Share share = {};             ///< as ListAnswer::share
};

struct ListUploadsAnswer {
  std::vector<UploadInfo> uploads = {};
  std::vector<std::string> prefixes = {};
  bool truncated = false;
  std::string next_key, next_upload;
  Allowance::Share share = {};  ///< as ListAnswer::share
};

struct ListUploadsOptions {
  std::string prefix = {}, delimiter = {}, key_marker = {}, upload_id_marker = {};
  uint32_t max_uploads = 1000;
};

class Origin;

/// One copy that an origin makes by itself, of an object or (with an upload) of a part.
struct CopyOrder {
  const Origin* source = nullptr;  ///< where the bytes are; outlives the call
  ObjectKey from;
  ETag etag = {};               ///< of the version that is copied, and no other; strong
  std::string version_id = {};  ///< where there are versions
  uint64_t size = 0;            ///< of that version
  /// Else the source's fields go along, all but the storage class.
  bool replace_fields = false;
  /// Else its tags go along, where there are any.
  bool replace_tags = false;
  TagSet tags = {};    ///< with replace_tags all of the copy's
  Fields fields = {};  ///< with replace_fields all of the copy's; else its storage class at most
  std::optional<ChecksumKind> checksum = {};  ///< that it must have; nothing: the source's, if any
  WriteConditions conditions = {};

  std::string upload_id = {};  ///< of a part, and then also:
  uint32_t part_number = 0;
  std::optional<ByteRange> range = {};  ///< nothing: all of the source
};

/// All calls: not_found with detail "NoSuchKey"/"NoSuchUpload"/"NoSuchBucket", kDeleteMarker for a
/// read that meets one, "NoSuchVersion" for one by an id that is not there; denied when the
/// origin refuses us (403); unavailable when it cannot be reached, or answered 5xx (for a write:
/// the outcome is unknown); busy for SlowDown.
class Origin {
 public:
  virtual ~Origin() = default;

  virtual Task<ObjectInfo> head(ObjectKey key, HeadOptions options, Context ctx) = 0;
  virtual Task<GetAnswer> get(ObjectKey key, GetOptions options, Context ctx) = 0;
  /// Reads `body` to its end. When its source fails before the last byte, nothing is written.
  virtual Task<PutAnswer> put(ObjectKey key, PutOptions options, io::Body body, Context ctx) = 0;
  /// Copies within the store, without the bytes passing through here. Nothing: it cannot, or cannot
  /// all of what is ordered, and has done nothing. Another version than the ordered one →
  /// Code::conflict, "PreconditionFailed", or Code::not_found, "NoSuchKey"/"NoSuchVersion"; nothing
  /// is written then. Of a part the answer tells etag, date and checksums.
  virtual Task<std::optional<PutAnswer>> copy(ObjectKey key, CopyOrder order, Context ctx);
  /// No error when it is not there.
  virtual Task<> remove(ObjectKey key, Context ctx) = 0;
  virtual Task<ListAnswer> list(ListOptions options, Context ctx) = 0;

  /// What it does now; the base class has none.
  virtual Task<Versioning> versioning(Context ctx);
  /// Not `never`. Cannot → Code::invalid, "NotImplemented".
  virtual Task<> set_versioning(Versioning to, Context ctx);
  /// Whether versions were ever kept. Where not (the base class) a version id names nothing, and
  /// no call comes with one.
  virtual Task<bool> has_versions(Context ctx);
  /// By key, of each key the newest first. The base class makes it of list(): each object is one
  /// version, the latest.
  virtual Task<ListVersionsAnswer> list_versions(ListVersionsOptions options, Context ctx);
  /// Removes that version for good, which may make another one current; without an id as remove(),
  /// but told of. No error when it is not there.
  virtual Task<Removed> remove_version(ObjectKey key, std::string version_id, Context ctx);
  /// As remove_version() without an id, if what is there matches(); both are one step. Code::
  /// conflict, "PreconditionFailed": another is there; Code::not_found, "NoSuchKey": nothing is.
  /// Cannot (the base class) → Code::invalid, "NotImplemented".
  virtual Task<Removed> remove_matching(ObjectKey key, ETag wanted, Context ctx);
  /// One step: what was `order.from` is `to` then, and nothing else of it changes; what was `to` is
  /// gone. Code::not_found, "NoSuchKey". Cannot (the base class) → Code::invalid, "NotImplemented".
  virtual Task<> rename(ObjectKey to, RenameOrder order, Context ctx);
  /// Since when that delete marker is there; zero: it does not tell (the base class).
  virtual Task<WallTime> marker_date(ObjectKey key, std::string version_id, Context ctx);

  /// The tags of the current version. Without tags: an empty set.
  virtual Task<TagSet> tags(ObjectKey key, Context ctx);
  /// Replaces the tags of the current version, all of them; nothing else of it changes for clients
  /// (its Tag may). Cannot → Code::invalid, "NotImplemented".
  virtual Task<> set_tags(ObjectKey key, TagSet tags, Context ctx);
  /// The same of that version; without an id of the current one.
  virtual Task<TagSet> tags_of_version(ObjectKey key, std::string version_id, Context ctx);
  virtual Task<> set_tags_of_version(ObjectKey key, std::string version_id, TagSet tags,
                                     Context ctx);

  /// The upload's id. An origin that keeps no checksums takes a plan and does not tell it again.
  virtual Task<std::string> create_upload(ObjectKey key, PutOptions options, Context ctx) = 0;
  /// In an upload with a plan the part has a checksum of its algorithm, the client's or reckoned
  /// here; a part with another algorithm's → "InvalidRequest".
  virtual Task<PartInfo> put_part(ObjectKey key, std::string upload_id, uint32_t number,
                                  PutOptions options, io::Body body, Context ctx) = 0;
  virtual Task<PutAnswer> complete_upload(ObjectKey key, std::string upload_id,
                                          std::vector<CompletedPart> parts, PutOptions options,
                                          Context ctx) = 0;
  virtual Task<> abort_upload(ObjectKey key, std::string upload_id, Context ctx) = 0;
  virtual Task<ListPartsAnswer> list_parts(ObjectKey key, std::string upload_id,
                                           uint32_t part_marker, uint32_t max_parts,
                                           Context ctx) = 0;
  virtual Task<ListUploadsAnswer> list_uploads(ListUploadsOptions options, Context ctx) = 0;

  /// Ends every upload, and forgets those that have completed: their bucket is no more.
  virtual Task<> drop_uploads(Context ctx);

  /// What it holds of this bucket; nothing: it does not know, or not yet.
  virtual std::optional<Usage> usage() const { return std::nullopt; }
  /// From now on a write that would make it hold more is refused: Code::denied, "QuotaExceeded".
  /// Cannot → Code::invalid, "NotImplemented".
  virtual Result<> limit(Quota quota);
  /// From the next request on these are the keys; what is under way ends with the old ones. They
  /// are not tried. An origin without keys → Code::invalid, "NotImplemented".
  virtual Result<> set_keys(std::string access_key, Secret secret);
  /// From the next question on late answers are asked for again after this. An origin that cannot,
  /// of anything but `off` → Code::invalid, "NotImplemented".
  virtual Result<> set_hedging(Hedging hedging);

  /// Asks the origin what it can do and whether we may use it at all (a bucket that is missing or
  /// refused is an error here). Leaves nothing behind.
  virtual Task<Capabilities> probe(Context ctx) = 0;
};

}  // namespace forebay::origin
