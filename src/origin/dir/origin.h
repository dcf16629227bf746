// Between the files of the `dir` origin: its class. Users take origin/dir/dir.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/loop.h"
#include "origin/dir/dir.h"
#include "origin/dir/store.h"
#include "origin/metered.h"
#include "origin/upload_turns.h"
#include "origin/write_block.h"

namespace forebay::origin {

/// 32 hex digits that nobody can guess.
std::string dir_random_name(io::Loop& loop);

/// The fields that are kept with an object. There is one storage class here, S3's default, which S3
/// does not tell either; another is Code::invalid, "InvalidStorageClass".
Result<Fields> dir_fields(Fields fields);

/// Turns the blocking calls of DirStore into Tasks and streams bodies. Any loop.
class DirOrigin final : public Origin {
 public:
  explicit DirOrigin(DirOptions options)
      : options_(std::move(options)), store_(options_.path, options_.create, options_.allowed) {}

  [[clang::coro_wrapper]] Task<ObjectInfo> head(ObjectKey key, HeadOptions options,
                                                Context ctx) override {
    return metered(options_.meter, "head", head_now(std::move(key), options, ctx));
  }
  [[clang::coro_wrapper]] Task<GetAnswer> get(ObjectKey key, GetOptions options,
                                              Context ctx) override {
    return metered(options_.meter, "get", get_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<PutAnswer> put(ObjectKey key, PutOptions options, io::Body body,
                                              Context ctx) override {
    return metered(options_.meter, "put",
                   put_now(std::move(key), std::move(options), std::move(body), ctx));
  }
  [[clang::coro_wrapper]] Task<> remove(ObjectKey key, Context ctx) override {
    return metered(options_.meter, "remove", remove_now(std::move(key), ctx));
  }
  [[clang::coro_wrapper]] Task<Removed> remove_matching(ObjectKey key, ETag wanted,
                                                        Context ctx) override {
    return metered(options_.meter, "remove",
                   remove_matching_now(std::move(key), std::move(wanted), ctx));
  }
  [[clang::coro_wrapper]] Task<ListAnswer> list(ListOptions options, Context ctx) override {
    return metered(options_.meter, "list", list_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<TagSet> tags(ObjectKey key, Context ctx) override {
    return metered(options_.meter, "tags", tags_now(std::move(key), ctx));
  }
  [[clang::coro_wrapper]] Task<> set_tags(ObjectKey key, TagSet tags, Context ctx) override {
    return metered(options_.meter, "set_tags", set_tags_now(std::move(key), std::move(tags), ctx));
  }
  [[clang::coro_wrapper]] Task<std::string> create_upload(ObjectKey key, PutOptions options,
                                                          Context ctx) override {
    return metered(options_.meter, "create_upload",
                   create_upload_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<PartInfo> put_part(ObjectKey key, std::string upload_id,
                                                  uint32_t number, PutOptions options,
                                                  io::Body body, Context ctx) override {
    return metered(options_.meter, "put_part",
                   put_part_now(std::move(key), std::move(upload_id), number, std::move(options),
                                std::move(body), ctx));
  }
  [[clang::coro_wrapper]] Task<PutAnswer> complete_upload(ObjectKey key, std::string upload_id,
                                                          std::vector<CompletedPart> parts,
                                                          PutOptions options,
                                                          Context ctx) override {
    return metered(options_.meter, "complete_upload",
                   complete_upload_now(std::move(key), std::move(upload_id), std::move(parts),
                                       std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<> abort_upload(ObjectKey key, std::string upload_id,
                                              Context ctx) override {
    return metered(options_.meter, "abort_upload",
                   abort_upload_now(std::move(key), std::move(upload_id), ctx));
  }
  [[clang::coro_wrapper]] Task<ListPartsAnswer> list_parts(ObjectKey key, std::string upload_id,
                                                           uint32_t part_marker, uint32_t max_parts,
                                                           Context ctx) override {
    return metered(
        options_.meter, "list_parts",
        list_parts_now(std::move(key), std::move(upload_id), part_marker, max_parts, ctx));
  }
  [[clang::coro_wrapper]] Task<ListUploadsAnswer> list_uploads(ListUploadsOptions options,
                                                               Context ctx) override {
    return metered(options_.meter, "list_uploads", list_uploads_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<> drop_uploads(Context ctx) override {
    return metered(options_.meter, "drop_uploads", drop_uploads_now(ctx));
  }
  [[clang::coro_wrapper]] Task<Capabilities> probe(Context ctx) override {
    return metered(options_.meter, "probe", probe_now(ctx));
  }

 private:
  /// Runs `work` in a lane once the folder is open.
  template <class F>
  [[clang::coro_wrapper]] auto blocking_in(io::Lane* lane, Context ctx, F work) {
    return io::run_blocking(ctx, lane, [this, loop = ctx.loop, work = std::move(work)]() mutable {
      using R = std::invoke_result_t<F&>;
      Result<> opened = store_.open(*loop, options_.lane);
      if (!opened) return R(std::move(opened.error()));
      R done = work();
      if (done || done.error().code() != Code::not_found) return done;
      Result<> there = store_.look_again(*loop, options_.lane);
      return there ? std::move(done) : R(std::move(there.error()));
    });
  }
  /// A call that looks at a file or a few.
  template <class F>
  [[clang::coro_wrapper]] auto blocking(Context ctx, F work) {
    return blocking_in(options_.lane.get(), ctx, std::move(work));
  }
  /// A call that looks at as many as a folder holds.
  template <class F>
  [[clang::coro_wrapper]] auto walking(Context ctx, F work) {
    return blocking_in(options_.walks.get(), ctx, std::move(work));
  }
  /// A further step of a call: the folder is open.
  template <class F>
  [[clang::coro_wrapper]] auto step(Context ctx, F work) {
    return io::run_blocking(ctx, options_.lane.get(), std::move(work));
  }

  /// An open object and, of a small range, its bytes.
  struct Opened {
    DirObject object;
    ByteRange range;
    std::optional<Bytes> bytes;
  };

  Task<ObjectInfo> head_now(ObjectKey key, HeadOptions options, Context ctx);
  Result<Opened> open_for_get(const std::string& path, const GetOptions& options, WallTime now);
  Task<GetAnswer> get_now(ObjectKey key, GetOptions options, Context ctx);
  /// Streams `body` into a temporary file. On an error nothing is left of it.
  /// `other`: a checksum to reckon on the way, or null.
  Task<DirTemp> take(io::Body body, std::unique_ptr<Checksum> other, Context ctx);
  Task<> fill(DirTemp& temp, io::Body body, Context ctx);
  Task<> append(DirTemp& temp, ByteView bytes, Context ctx);
  Task<> drop(DirTemp& temp, Context ctx);
  Task<PutAnswer> put_now(ObjectKey key, PutOptions options, io::Body body, Context ctx);
  Task<PutAnswer> commit(DirTemp temp, std::string path, DirRecord record,
                         WriteConditions conditions, Context ctx);
  Task<> remove_now(ObjectKey key, Context ctx);
  Task<Removed> remove_matching_now(ObjectKey key, ETag wanted, Context ctx);
  Task<> remove_if(ObjectKey key, WriteConditions conditions, Context ctx);
  Task<ListAnswer> list_now(ListOptions options, Context ctx);
  Task<TagSet> tags_now(ObjectKey key, Context ctx);
  Task<> set_tags_now(ObjectKey key, TagSet tags, Context ctx);
  Task<Capabilities> probe_now(Context ctx);

  // --- uploads (dir_multipart.cpp)

  Task<std::string> create_upload_now(ObjectKey key, PutOptions options, Context ctx);
  Task<PartInfo> put_part_now(ObjectKey key, std::string upload_id, uint32_t number,
                              PutOptions options, io::Body body, Context ctx);
  /// Copies the parts one after the other into `temp`, a bounded piece per job.
  Task<> join(DirTemp& temp, const std::string& upload_id, const std::vector<PartInfo>& parts,
              Context ctx);
  Task<PutAnswer> complete_upload_now(ObjectKey key, std::string upload_id,
                                      std::vector<CompletedPart> asked, PutOptions options,
                                      Context ctx);
  Task<> abort_upload_now(ObjectKey key, std::string upload_id, Context ctx);
  Task<ListPartsAnswer> list_parts_now(ObjectKey key, std::string upload_id, uint32_t part_marker,
                                       uint32_t max_parts, Context ctx);
  Task<ListUploadsAnswer> list_uploads_now(ListUploadsOptions options, Context ctx);
  Task<> drop_uploads_now(Context ctx);

  const DirOptions options_;
  DirStore store_;
  UploadTurns turns_;
};

}  // namespace forebay::origin
