// NativeOrigin: the origin of a bucket that has none. An object's bytes are native units on this
// node's disks, and what it is stands in a row, as each of its older versions does
// (docs/adr/0022-native-versions.md). Because it is an Origin like others, heads, reads and doors
// need not know of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meta/store.h"
#include "object/native/loose_units.h"
#include "object/native/native_expiry.h"
#include "object/native/native_options.h"
#include "object/native/native_spots.h"
#include "object/native/rename_rows.h"
#include "object/native/upload_rows.h"
#include "object/native/usage.h"
#include "object/native/versioning.h"
#include "origin/metered.h"
#include "origin/origin.h"
#include "origin/parts.h"
#include "origin/upload_turns.h"

namespace forebay::object {

/// Any loop. A write is durable, bytes and row, before it is answered. What it replaces is removed
/// LooseUnits::kGrace later, so that readers of it come to their end.
class NativeOrigin final : public origin::Origin {
 public:
  explicit NativeOrigin(NativeOptions options)
      : options_(std::move(options)),
        loose_(options_.units, options_.max_retired),
        versioning_(options_.meta, options_.incarnation) {}

  [[clang::coro_wrapper]] Task<origin::ObjectInfo> head(ObjectKey key, origin::HeadOptions options,
                                                        Context ctx) override {
    return metered(options_.meter, "head", head_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::GetAnswer> get(ObjectKey key, origin::GetOptions options,
                                                      Context ctx) override {
    return metered(options_.meter, "get", get_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::PutAnswer> put(ObjectKey key, origin::PutOptions options,
                                                      io::Body body, Context ctx) override {
    return metered(options_.meter, "put",
                   put_now(std::move(key), std::move(options), std::move(body), ctx));
  }
  Task<> remove(ObjectKey key, Context ctx) override {
    co_await co_await remove_version(std::move(key), {}, ctx);
    co_return ok;
  }
  [[clang::coro_wrapper]] Task<origin::Removed> remove_version(ObjectKey key, std::string id,
                                                               Context ctx) override {
    return metered(options_.meter, "remove", remove_now(std::move(key), std::move(id), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::Removed> remove_matching(ObjectKey key, ETag wanted,
                                                                Context ctx) override {
    return metered(options_.meter, "remove",
                   remove_current(std::move(key), std::move(wanted), ctx));
  }
  [[clang::coro_wrapper]] Task<> rename(ObjectKey to, origin::RenameOrder order,
                                        Context ctx) override {
    return metered(options_.meter, "rename", rename_now(std::move(to), std::move(order), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::ListAnswer> list(origin::ListOptions options,
                                                        Context ctx) override {
    return metered(options_.meter, "list", list_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::ListVersionsAnswer> list_versions(
      origin::ListVersionsOptions options, Context ctx) override {
    return metered(options_.meter, "list_versions", list_versions_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::Versioning> versioning(Context ctx) override {
    return versioning_.now(ctx);
  }
  [[clang::coro_wrapper]] Task<> set_versioning(origin::Versioning to, Context ctx) override {
    return versioning_.set(to, ctx);
  }
  Task<bool> has_versions(Context ctx) override {
    co_return co_await co_await versioning(ctx) != origin::Versioning::never;
  }
  Task<WallTime> marker_date(ObjectKey key, std::string id, Context ctx) override;
  Task<origin::TagSet> tags(ObjectKey key, Context ctx) override {
    co_return co_await tags_of_version(std::move(key), {}, ctx);
  }
  [[clang::coro_wrapper]] Task<origin::TagSet> tags_of_version(ObjectKey key, std::string id,
                                                               Context ctx) override {
    return metered(options_.meter, "tags", tags_now(std::move(key), std::move(id), ctx));
  }
  Task<> set_tags(ObjectKey key, origin::TagSet tags, Context ctx) override {
    co_return co_await set_tags_of_version(std::move(key), {}, std::move(tags), ctx);
  }
  [[clang::coro_wrapper]] Task<> set_tags_of_version(ObjectKey key, std::string id,
                                                     origin::TagSet tags, Context ctx) override {
    return metered(options_.meter, "set_tags",
                   set_tags_now(std::move(key), std::move(id), std::move(tags), ctx));
  }
  [[clang::coro_wrapper]] Task<std::string> create_upload(ObjectKey key, origin::PutOptions options,
                                                          Context ctx) override {
    return metered(options_.meter, "create_upload",
                   create_upload_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::PartInfo> put_part(ObjectKey key, std::string upload_id,
                                                          uint32_t number,
                                                          origin::PutOptions options, io::Body body,
                                                          Context ctx) override {
    return metered(options_.meter, "put_part",
                   put_part_now(std::move(key), std::move(upload_id), number, std::move(options),
                                std::move(body), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::PutAnswer> complete_upload(
      ObjectKey key, std::string upload_id, std::vector<origin::CompletedPart> parts,
      origin::PutOptions options, Context ctx) override {
    return metered(options_.meter, "complete_upload",
                   complete_upload_now(std::move(key), std::move(upload_id), std::move(parts),
                                       std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<> abort_upload(ObjectKey key, std::string upload_id,
                                              Context ctx) override {
    return metered(options_.meter, "abort_upload",
                   abort_upload_now(std::move(key), std::move(upload_id), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::ListPartsAnswer> list_parts(ObjectKey key,
                                                                   std::string upload_id,
                                                                   uint32_t part_marker,
                                                                   uint32_t max_parts,
                                                                   Context ctx) override {
    return metered(
        options_.meter, "list_parts",
        list_parts_now(std::move(key), std::move(upload_id), part_marker, max_parts, ctx));
  }
  [[clang::coro_wrapper]] Task<origin::ListUploadsAnswer> list_uploads(
      origin::ListUploadsOptions options, Context ctx) override {
    return metered(options_.meter, "list_uploads", list_uploads_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<> drop_uploads(Context ctx) override {
    return metered(options_.meter, "drop_uploads", drop_uploads_now(ctx));
  }
  [[clang::coro_wrapper]] Task<origin::Capabilities> probe(Context ctx) override {
    return metered(options_.meter, "probe", probe_now(ctx));
  }

  /// Removes the units that nobody names and nobody is about to, and the rows of parts whose upload
  /// is gone. A row that cannot be read → Code::corrupt, and no unit is removed. Due once after a
  /// start, and now and then.
  Task<> sweep(Context ctx);
  /// Removes what has been replaced or deleted and has had its grace. Due every now and then; a
  /// bucket that is not written to has no other occasion.
  void remove_due(Time now) { (void)loose_.remove_due(now); }
  /// The same without its grace: for when there is no room.
  void remove_retired() { (void)loose_.remove_retired(); }
  const LooseUnits& loose() const { return loose_; }

  /// Ends what is over, if its row is still the one that said so; else Code::conflict.
  Task<> expire(NativeDue due, Context ctx);
  std::optional<origin::Usage> usage() const override { return usage_.usage(); }
  Result<> limit(origin::Quota quota) override {
    usage_.limit(quota);
    return ok;
  }
  /// Makes usage() known. Due once after a start, before anything that takes long; nothing to do
  /// after that.
  Task<> count(Context ctx);

 private:
  friend class NativeSweep;
  friend class NativeSource;
  /// A body that has become units, which no row names yet.
  struct Taken {
    Sixteen write{};
    Sixteen md5{};
    uint64_t size = 0;
    std::unique_ptr<Checksum> other = nullptr;  ///< as it was given to take()
    LooseUnits::Write units;
  };
  using Found = NativeFound;
  using Also = NativeAlso;
  using Spot = NativeSpot;
  using Beneath = NativeBeneath;

  meta::Store& rows(const ObjectKey& key) const {
    return options_.meta.shard(options_.incarnation, key.text());
  }
  std::vector<UnitId> units_of(const ObjectKey& key, const NativeHead& head) const;
  std::vector<UnitId> units_of(const ObjectKey& key, const NativePart& part) const;

  // native_origin.cpp
  Task<Found> find(ObjectKey key, Context ctx);
  Task<origin::ObjectInfo> head_now(ObjectKey key, origin::HeadOptions options, Context ctx);
  Task<origin::TagSet> tags_now(ObjectKey key, std::string id, Context ctx);
  Task<> set_tags_now(ObjectKey key, std::string id, origin::TagSet tags, Context ctx);
  Task<origin::Capabilities> probe_now(Context ctx);

  // native_versions.cpp
  /// A version, or what is current where no id is given. Code::not_found, "NoSuchKey" or
  /// "NoSuchVersion"; Code::invalid, "InvalidArgument": no id at all.
  Task<Spot> find_spot(ObjectKey key, std::string id, Context ctx);
  /// The same for a reader: a delete marker is an error.
  Task<Spot> find_object(ObjectKey key, std::string id, Context ctx);
  /// Whether that very write is there, current or older.
  Task<bool> is_written(ObjectKey key, NativeHead head, Context ctx);
  /// The id that clients are told.
  Task<std::string> told_id(NativeHead head, Context ctx);
  Task<Beneath> beneath(ObjectKey key, std::optional<NativeHead> current, bool keep, Context ctx);

  // native_remove.cpp
  Task<origin::Removed> remove_now(ObjectKey key, std::string id, Context ctx);
  /// `wanted` empty: whatever is there, and nothing too.
  Task<origin::Removed> remove_current(ObjectKey key, ETag wanted, Context ctx);
  /// False: nothing was done, since versions are kept. `only`: this row, no other.
  Task<bool> remove_only(ObjectKey key, ETag wanted, NativeOnly only, Context ctx);
  Task<origin::Removed> remove_spot(ObjectKey key, std::string id, NativeOnly only, Context ctx);
  Task<meta::Txn> uncover(ObjectKey key, Spot spot, NativeHeadSum& sum, Context ctx);

  // native_rename.cpp
  /// A rename and what it says; its row, where it has a token.
  struct Renaming;
  Task<> rename_now(ObjectKey to, origin::RenameOrder order, Context ctx);
  /// True: it is done. False: a row has changed meanwhile.
  Task<bool> rename_once(Renaming& renaming, NativeUsage::Change& change, Context ctx);
  /// Whether it was done before.
  Task<bool> remembered(Renaming& renaming, Context ctx);
  /// Removes a few rows of renames that are remembered no more.
  Task<> forget_renames(Context ctx);
  Task<> drop_renames(Context ctx);

  // native_read.cpp
  Task<origin::GetAnswer> get_now(ObjectKey key, origin::GetOptions options, Context ctx);
  /// Ends with the reason why a unit of that version cannot be had.
  Task<> explain(ObjectKey key, std::string id, Tag tag, Error error, Context ctx);

  // native_list.cpp, native_list_versions.cpp
  Task<origin::ListAnswer> list_now(origin::ListOptions options, Context ctx);
  Task<origin::ListVersionsAnswer> list_versions_now(origin::ListVersionsOptions options,
                                                     Context ctx);
  /// Behind which of a key's versions a page begins; empty: behind all of them.
  Task<std::string> order_of_marker(std::string key, std::string id, Context ctx);
  /// Rows of `range`, which begins among the older versions of a key, behind the one at `order`: a
  /// version behind it that has become the current one meanwhile is the first row.
  Task<meta::Page> scan_on(std::string key, std::string order, meta::Range range, uint32_t limit,
                           Context ctx);

  // native_write.cpp
  /// Reads `body` to its end into units. `other`: a checksum to reckon on the way, or null. On an
  /// error nothing is left of it.
  Task<Taken> take(ObjectKey key, io::Body body, std::unique_ptr<Checksum> other, Context ctx);
  Task<origin::PutAnswer> put_now(ObjectKey key, origin::PutOptions options, io::Body body,
                                  Context ctx);
  /// Makes `head` the key's row, in one step with `also`, and keeps what was there as an older
  /// version or lets go of it. What it has become: its date may be a later one, and whether it has
  /// an id of its own is decided here. Code::conflict, "PreconditionFailed": a condition does not
  /// hold. A conflict whose detail is a row's key: `also` requires another row there. Code::
  /// unavailable: nobody knows.
  Task<NativeHead> commit_head(ObjectKey key, NativeHead head, origin::WriteConditions conditions,
                               Also also, Context ctx);
  /// Writes a row of an older form anew, which says `head`.
  Task<> renew(ObjectKey key, std::string row, NativeHead head, Context ctx);
  /// Before the body comes: whether so much may replace what is there.
  Task<> allow_room(ObjectKey key, uint64_t bytes, Context ctx);

  // native_uploads.cpp
  Task<std::string> create_upload_now(ObjectKey key, origin::PutOptions options, Context ctx);
  /// The row of an upload. Code::not_found, "NoSuchUpload".
  Task<std::string> upload_row(ObjectKey key, std::string id, Context ctx);
  Task<origin::PartInfo> put_part_now(ObjectKey key, std::string upload_id, uint32_t number,
                                      origin::PutOptions options, io::Body body, Context ctx);
  Task<> allow_room_for_part(ObjectKey key, std::string id, uint32_t number, uint64_t bytes,
                             Context ctx);
  Task<> commit_part(ObjectKey key, std::string id, uint32_t number, NativePart part,
                     std::string upload, Context ctx);
  Task<> abort_upload_now(ObjectKey key, std::string upload_id, Context ctx);
  Task<origin::ListPartsAnswer> list_parts_now(ObjectKey key, std::string upload_id,
                                               uint32_t part_marker, uint32_t max_parts,
                                               Context ctx);
  Task<origin::ListUploadsAnswer> list_uploads_now(origin::ListUploadsOptions options, Context ctx);
  Task<> drop_uploads_now(Context ctx);

  // native_complete.cpp
  using Parts = std::map<uint32_t, NativePart>;
  Task<Parts> parts_of(ObjectKey key, std::string id, Context ctx);
  Task<origin::PutAnswer> complete_upload_now(ObjectKey key, std::string upload_id,
                                              std::vector<origin::CompletedPart> asked,
                                              origin::PutOptions options, Context ctx);
  /// What a completion came to that has been done before. Code::not_found, "NoSuchUpload".
  Task<origin::PutAnswer> completed(ObjectKey key, std::string id, std::string completion,
                                    Context ctx);
  Task<> drop_part_rows(ObjectKey key, std::string id, std::vector<uint32_t> numbers, Context ctx);

  const NativeOptions options_;
  LooseUnits loose_;
  NativeUsage usage_;
  NativeRenames renames_;
  origin::UploadTurns turns_;
  NativeVersioning versioning_;
};

}  // namespace forebay::object
