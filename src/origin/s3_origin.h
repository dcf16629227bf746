// Between the files of the `s3` origin: its class. Users take origin/s3.h.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "origin/metered.h"
#include "origin/s3_request.h"

namespace forebay::origin {

/// Says each operation in S3's words over S3Wire. Keeps nothing between calls; any loop.
class S3Origin final : public Origin {
 public:
  explicit S3Origin(S3Options options) : meter_(options.meter), wire_(std::move(options)) {}

  [[clang::coro_wrapper]] Task<ObjectInfo> head(ObjectKey key, HeadOptions options,
                                                Context ctx) override {
    return metered(meter_, "head", head_now(std::move(key), options, ctx));
  }
  [[clang::coro_wrapper]] Task<GetAnswer> get(ObjectKey key, GetOptions options,
                                              Context ctx) override {
    return metered(meter_, "get", get_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<PutAnswer> put(ObjectKey key, PutOptions options, io::Body body,
                                              Context ctx) override {
    return metered(meter_, "put",
                   put_now(std::move(key), std::move(options), std::move(body), ctx));
  }
  [[clang::coro_wrapper]] Task<> remove(ObjectKey key, Context ctx) override {
    return metered(meter_, "remove", remove_now(std::move(key), {}, ctx));
  }
  [[clang::coro_wrapper]] Task<ListAnswer> list(ListOptions options, Context ctx) override {
    return metered(meter_, "list", list_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<std::string> create_upload(ObjectKey key, PutOptions options,
                                                          Context ctx) override {
    return metered(meter_, "create_upload",
                   create_upload_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<PartInfo> put_part(ObjectKey key, std::string upload_id,
                                                  uint32_t number, PutOptions options,
                                                  io::Body body, Context ctx) override {
    return metered(meter_, "put_part",
                   put_part_now(std::move(key), std::move(upload_id), number, std::move(options),
                                std::move(body), ctx));
  }
  [[clang::coro_wrapper]] Task<PutAnswer> complete_upload(ObjectKey key, std::string upload_id,
                                                          std::vector<CompletedPart> parts,
                                                          PutOptions options,
                                                          Context ctx) override {
    return metered(meter_, "complete_upload",
                   complete_upload_now(std::move(key), std::move(upload_id), std::move(parts),
                                       std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<> abort_upload(ObjectKey key, std::string upload_id,
                                              Context ctx) override {
    return metered(meter_, "abort_upload",
                   abort_upload_now(std::move(key), std::move(upload_id), ctx));
  }
  [[clang::coro_wrapper]] Task<ListPartsAnswer> list_parts(ObjectKey key, std::string upload_id,
                                                           uint32_t part_marker, uint32_t max_parts,
                                                           Context ctx) override {
    return metered(
        meter_, "list_parts",
        list_parts_now(std::move(key), std::move(upload_id), part_marker, max_parts, ctx));
  }
  [[clang::coro_wrapper]] Task<ListUploadsAnswer> list_uploads(ListUploadsOptions options,
                                                               Context ctx) override {
    return metered(meter_, "list_uploads", list_uploads_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<Capabilities> probe(Context ctx) override {
    return metered(meter_, "probe", probe_now(ctx));
  }

 private:
  // --- s3_read.cpp
  Task<ObjectInfo> head_now(ObjectKey key, HeadOptions options, Context ctx);
  Task<GetAnswer> get_now(ObjectKey key, GetOptions options, Context ctx);

  // --- s3_write.cpp
  Task<PutAnswer> put_now(ObjectKey key, PutOptions options, io::Body body, Context ctx);
  /// With a version id: that version for good.
  Task<> remove_now(ObjectKey key, std::string version_id, Context ctx);

  // --- s3_list.cpp
  Task<ListAnswer> list_now(ListOptions options, Context ctx);

  // --- s3_uploads.cpp
  Task<std::string> create_upload_now(ObjectKey key, PutOptions options, Context ctx);
  Task<PartInfo> put_part_now(ObjectKey key, std::string upload_id, uint32_t number,
                              PutOptions options, io::Body body, Context ctx);
  /// Asks for the new object's head and completes `answer` from it, when it is surely the one.
  Task<PutAnswer> learn(ObjectKey key, PutAnswer answer, std::vector<CompletedPart> parts,
                        Context ctx);
  Task<PutAnswer> complete_upload_now(ObjectKey key, std::string upload_id,
                                      std::vector<CompletedPart> parts, PutOptions options,
                                      Context ctx);
  Task<> abort_upload_now(ObjectKey key, std::string upload_id, Context ctx);
  Task<ListPartsAnswer> list_parts_now(ObjectKey key, std::string upload_id, uint32_t part_marker,
                                       uint32_t max_parts, Context ctx);
  Task<ListUploadsAnswer> list_uploads_now(ListUploadsOptions options, Context ctx);

  // --- s3_probe.cpp
  Task<Capabilities> probe_now(Context ctx);
  /// What can be seen by writing `key`; false when the origin takes no writes.
  Task<bool> probe_writes(ObjectKey key, std::vector<std::string>& versions, Capabilities& out,
                          Context ctx);
  /// What can be seen by reading `key`, which is there.
  Task<> probe_reads(ObjectKey key, Capabilities& out, Context ctx);
  Task<bool> probe_versions(Context ctx);
  Task<> clean_up(ObjectKey key, std::vector<std::string> versions, Context ctx);

  const std::shared_ptr<Meter> meter_;
  const S3Wire wire_;
};

/// Adds If-Match or If-None-Match.
void add_s3_conditions(const WriteConditions& conditions, http::HeadFields& out);
/// Refuses what S3 cannot take (a body of unknown length), and reads a body without bytes to its
/// end: nobody else would hear its error.
Task<io::Body> s3_body(io::Body body, Context ctx);

}  // namespace forebay::origin
