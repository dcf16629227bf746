// The schema: every key prefix of the engine on one screen. Whoever stores a row adds a line here
// and a page in docs/formats first. Keys are readable: '/' separates, numbers that must sort are
// fixed-width hex.
//
//   prefix                            row                          owner   format
//   format                            version of this schema       node    meta.md
//   bucket/NAME                       a bucket: its origin, …      object  bucket.md
//   key/ACCESS_KEY_ID                 an access key                auth    access-key.md
//   head/INCARNATION/KEY              a key's last head            object  head.md
//   head-fence                        who may write heads          object  head.md
//   head-writes                       writes were begun            object  head.md
//   job/ID                            work over many keys          batch   job.md
//   object/INCARNATION/KEY            an object of a native bucket object  native-head.md
//   object/INCARNATION/KEY\0ORDER     an older version of it       object  native-head.md
//   versioning/INCARNATION            whether it keeps versions    object  native-head.md
//   renamed/INCARNATION/TOKEN         a rename that had a token    object  native-head.md
//   upload/INCARNATION/KEY\0ID        an upload of a native bucket object  native-head.md
//   part/INCARNATION/KEY\0ID/NNNNN    a part of an upload          object  native-head.md
//   member/DISK                       who is there, under a lease  cluster map.md
//   map/state, map/VERSION            the map in force, the next   cluster map.md
//   confirm/DISK                      what a member has confirmed  cluster map.md
//   term                              the fence of data rows       cluster map.md
//
// INCARNATION is 16 hex digits. An object's key is stored as it is; it holds no NUL, so \0 ends it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/names.h"
#include "meta/store.h"

namespace forebay::meta::schema {

/// The version of the rows as a whole, written into `format` when a store is first used.
inline constexpr int kVersion = 1;
inline constexpr std::string_view kFormat = "format";

inline constexpr std::string_view kBuckets = "bucket/";
inline constexpr std::string_view kAccessKeys = "key/";
inline constexpr std::string_view kHeads = "head/";
inline constexpr std::string_view kHeadFence = "head-fence";
inline constexpr std::string_view kHeadWrites = "head-writes";
inline constexpr std::string_view kJobs = "job/";
inline constexpr std::string_view kObjects = "object/";
inline constexpr std::string_view kVersioning = "versioning/";
inline constexpr std::string_view kRenames = "renamed/";
inline constexpr std::string_view kUploads = "upload/";
inline constexpr std::string_view kParts = "part/";
inline constexpr std::string_view kMembers = "member/";
inline constexpr std::string_view kMaps = "map/";
inline constexpr std::string_view kMapState = "map/state";
inline constexpr std::string_view kConfirmations = "confirm/";
inline constexpr std::string_view kTerm = "term";

std::string bucket(const BucketName& name);
std::string access_key(std::string_view id);
std::string job(std::string_view id);
std::string map(uint64_t version);
std::string member(std::string_view disk);
std::string confirmation(std::string_view disk);
/// All heads of one bucket; with `key` that key's.
std::string heads(uint64_t incarnation);
std::string head(uint64_t incarnation, const ObjectKey& key);
std::string head(uint64_t incarnation, std::string_view key);
/// All objects of one native bucket and their older versions; with `key` that key's.
std::string objects(uint64_t incarnation);
std::string object(uint64_t incarnation, const ObjectKey& key);
/// All older versions of one key, which follow its own row, and one of them.
std::string object_versions(uint64_t incarnation, const ObjectKey& key);
std::string object_version(uint64_t incarnation, const ObjectKey& key, std::string_view order);
/// Whether a native bucket keeps versions.
std::string versioning(uint64_t incarnation);
/// All renames of one native bucket that had a token, and one of them.
std::string renames(uint64_t incarnation);
std::string renamed(uint64_t incarnation, std::string_view token);
/// All uploads of one bucket, of one key, and one of them.
std::string uploads(uint64_t incarnation);
std::string uploads(uint64_t incarnation, const ObjectKey& key);
std::string upload(uint64_t incarnation, const ObjectKey& key, std::string_view id);

/// All parts of one bucket, of one upload, and one of them: a number up to 99,999.
std::string parts(uint64_t incarnation);
std::string parts(uint64_t incarnation, const ObjectKey& key, std::string_view id);
std::string part(uint64_t incarnation, const ObjectKey& key, std::string_view id, uint32_t number);

/// What a head's row key says. A key that is not one is Code::corrupt.
struct HeadKey {
  uint64_t incarnation = 0;
  std::string key;
};
Result<HeadKey> parse_head(std::string_view row_key);

/// What an object's row key says: of an older version also where it stands among them. A key that
/// is not one is Code::corrupt.
struct VersionKey {
  uint64_t incarnation = 0;
  std::string key;
  std::string order;  ///< empty: the current one
};
Result<VersionKey> parse_object(std::string_view row_key);

/// What an upload's row key says. A key that is not one is Code::corrupt.
struct UploadKey {
  uint64_t incarnation = 0;
  std::string key;
  std::string id;
};
Result<UploadKey> parse_upload(std::string_view row_key);
/// What a part's row key says; the same.
struct PartKey {
  UploadKey upload;
  uint32_t number = 0;
};
Result<PartKey> parse_part(std::string_view row_key);

/// Writes the version into a new store, and checks it in one that has been used: another version
/// than ours → Code::invalid. The first call on every store.
Task<> ensure_format(Store& store [[clang::lifetimebound]], Context ctx);

}  // namespace forebay::meta::schema
