// NativeOrigin: the origin of a bucket that has none. An object's bytes are native units on this
// node's disks, and what it is stands in a row. Because it is an Origin like others, heads, reads
// and doors need not know of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/allowance.h"
#include "meta/store.h"
#include "object/native/head_row.h"
#include "object/native/loose_units.h"
#include "object/native/upload_rows.h"
#include "object/native/usage.h"
#include "origin/metered.h"
#include "origin/origin.h"
#include "origin/parts.h"
#include "origin/upload_turns.h"
#include "unit/native.h"

namespace forebay::object {

struct NativeOptions {
  uint64_t incarnation = 0;
  uint64_t unit_max =
      128 << 20;          ///< the bucket's largest_unit(): here and there units are cut alike
  std::string self = {};  ///< this node, in the rows' `copies`: 32 hex digits
  unit::Native& units;    ///< outlives it
  meta::Meta& meta;       ///< outlives it
  std::shared_ptr<origin::Meter> meter = nullptr;
  uint64_t min_part = origin::kMinPart;       ///< smaller parts but the last are refused
  unit::Verify verify = unit::Verify::start;  ///< of reads that come here
  size_t max_retired = 1 << 16;               ///< units in their grace at once
  /// What documents may take, all together: a list that finds no more room ends its page there.
  std::shared_ptr<Allowance> documents = std::make_shared<Allowance>(64 << 20);
};

/// Any loop. A write is durable, bytes and row, before it is answered. What it replaces is removed
/// LooseUnits::kGrace later, so that readers of it come to their end.
class NativeOrigin final : public origin::Origin {
 public:
  explicit NativeOrigin(NativeOptions options)
      : options_(std::move(options)), loose_(options_.units, options_.max_retired) {}

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
  [[clang::coro_wrapper]] Task<> remove(ObjectKey key, Context ctx) override {
    return metered(options_.meter, "remove", remove_now(std::move(key), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::ListAnswer> list(origin::ListOptions options,
                                                        Context ctx) override {
    return metered(options_.meter, "list", list_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<origin::TagSet> tags(ObjectKey key, Context ctx) override {
    return metered(options_.meter, "tags", tags_now(std::move(key), ctx));
  }
  [[clang::coro_wrapper]] Task<> set_tags(ObjectKey key, origin::TagSet tags,
                                          Context ctx) override {
    return metered(options_.meter, "set_tags", set_tags_now(std::move(key), std::move(tags), ctx));
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

  /// Removes the units that nobody names and nobody is about to: what a process that died had
  /// written, and what it had let go. And the rows of parts whose upload is gone. A row that cannot
  /// be read → Code::corrupt, and no unit is removed. Due once after a start, and now and then.
  Task<> sweep(Context ctx);
  /// Removes what has been replaced or deleted and has had its grace. Due every now and then; a
  /// bucket that is not written to has no other occasion.
  void remove_due(Time now) { (void)loose_.remove_due(now); }
  /// The same without its grace: for when there is no room.
  void remove_retired() { (void)loose_.remove_retired(); }
  const LooseUnits& loose() const { return loose_; }

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
  /// What a body has become: units that no row names yet.
  struct Taken {
    Sixteen write{};
    Sixteen md5{};
    uint64_t size = 0;
    std::unique_ptr<Checksum> other = nullptr;  ///< as it was given to take()
    LooseUnits::Write units;
  };
  /// A row as it was read, and what it says; nothing where none is.
  struct Found {
    std::optional<std::string> row;
    std::optional<NativeHead> head;
  };
  /// What a commit changes beside the object's row, and the parts that are none any more with it.
  struct Also {
    meta::Txn txn = {};
    std::vector<std::pair<std::string, uint64_t>> parts = {};  ///< keys of rows, sizes
  };
  /// The same of a key that is there.
  struct There {
    std::string row;
    NativeHead head;
  };

  meta::Store& rows(const ObjectKey& key) const {
    return options_.meta.shard(options_.incarnation, key.text());
  }
  /// All units of an object, of a part.
  std::vector<UnitId> units_of(const ObjectKey& key, const NativeHead& head) const;
  std::vector<UnitId> units_of(const ObjectKey& key, const NativePart& part) const;
  std::vector<UnitId> units_of(const ObjectKey& key, const Layout& layout, const Sixteen& write,
                               std::vector<UnitId> out) const;

  // native_origin.cpp
  Task<Found> find(ObjectKey key, Context ctx);
  /// Code::not_found, "NoSuchKey".
  Task<There> find_there(ObjectKey key, Context ctx);
  Task<origin::ObjectInfo> head_now(ObjectKey key, origin::HeadOptions options, Context ctx);
  Task<> remove_now(ObjectKey key, Context ctx);
  Task<origin::TagSet> tags_now(ObjectKey key, Context ctx);
  Task<> set_tags_now(ObjectKey key, origin::TagSet tags, Context ctx);
  Task<origin::Capabilities> probe_now(Context ctx);

  // native_read.cpp
  Task<origin::GetAnswer> get_now(ObjectKey key, origin::GetOptions options, Context ctx);
  /// Ends with the reason why a unit of that version cannot be had.
  Task<> explain(ObjectKey key, Tag tag, Error error, Context ctx);

  // native_list.cpp
  Task<origin::ListAnswer> list_now(origin::ListOptions options, Context ctx);

  // native_write.cpp
  /// Reads `body` to its end into units. `other`: a checksum to reckon on the way, or null. On an
  /// error nothing is left of it.
  Task<Taken> take(ObjectKey key, io::Body body, std::unique_ptr<Checksum> other, Context ctx);
  Task<origin::PutAnswer> put_now(ObjectKey key, origin::PutOptions options, io::Body body,
                                  Context ctx);
  /// Makes `head` the key's row, in one step with `also`, and lets go of what it replaces. Code::
  /// conflict, "PreconditionFailed": a condition does not hold. A conflict whose detail is a row's
  /// key: `also` requires another row there. Code::unavailable: nobody knows.
  Task<> commit_head(ObjectKey key, NativeHead head, origin::WriteConditions conditions, Also also,
                     Context ctx);
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
  origin::UploadTurns turns_;
};

}  // namespace forebay::object
