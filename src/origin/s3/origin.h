// Between the files of the `s3` origin: its class. Users take origin/s3/s3.h.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "origin/metered.h"
#include "origin/s3/probe.h"
#include "origin/s3/request.h"

namespace forebay::origin {

/// How a server wants the ETag in If-Match of a write.
enum class S3MatchForm : uint8_t {
  unknown,  ///< not asked yet
  quoted,   ///< as HTTP has it
  bare,     ///< without quotes (radosgw 16)
  none,     ///< it does not judge the condition
};

/// Which checksums the server keeps for an upload, as far as it was asked. Bounded; what is
/// forgotten is asked again. Any thread.
class S3Plans {
 public:
  void add(const std::string& upload_id, std::optional<ChecksumPlan> plan);
  /// Outer: whether it is known.
  std::optional<std::optional<ChecksumPlan>> find(const std::string& upload_id) const;

 private:
  static constexpr size_t kLimit = 10'000;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::optional<ChecksumPlan>> plans_;
  std::deque<std::string> order_;
};

/// What a server does of what S3 says of copies. One that copies and does not heed the version it
/// is told to copy must not be asked to.
struct S3Copies {
  bool asked = false;
  bool pinned = false;        ///< heeds x-amz-copy-source-if-match
  bool pinned_parts = false;  ///< of parts too
  bool sums = false;          ///< reckons the checksum that is asked for, and tells it
};

/// Says each operation in S3's words over S3Wire. Between calls it keeps only what it has learned
/// of the server's manners. Any loop.
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
  [[clang::coro_wrapper]] Task<std::optional<PutAnswer>> copy(ObjectKey key, CopyOrder order,
                                                              Context ctx) override {
    return metered(meter_, "copy", copy_now(std::move(key), std::move(order), ctx));
  }
  [[clang::coro_wrapper]] Task<> remove(ObjectKey key, Context ctx) override {
    return metered(meter_, "remove", remove_now(std::move(key), {}, ctx));
  }
  [[clang::coro_wrapper]] Task<ListAnswer> list(ListOptions options, Context ctx) override {
    return metered(meter_, "list", list_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<Versioning> versioning(Context ctx) override {
    return metered(meter_, "versioning", versioning_now(ctx));
  }
  [[clang::coro_wrapper]] Task<> set_versioning(Versioning to, Context ctx) override {
    return metered(meter_, "set_versioning", set_versioning_now(to, ctx));
  }
  Task<bool> has_versions(Context ctx) override;  // s3_versions.cpp
  [[clang::coro_wrapper]] Task<ListVersionsAnswer> list_versions(ListVersionsOptions options,
                                                                 Context ctx) override {
    return metered(meter_, "list_versions", list_versions_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<Removed> remove_version(ObjectKey key, std::string version_id,
                                                       Context ctx) override {
    return metered(meter_, "remove",
                   remove_version_now(std::move(key), std::move(version_id), ctx));
  }
  [[clang::coro_wrapper]] Task<Removed> remove_matching(ObjectKey key, ETag wanted,
                                                        Context ctx) override {
    return metered(meter_, "remove", remove_matching_now(std::move(key), std::move(wanted), ctx));
  }
  [[clang::coro_wrapper]] Task<TagSet> tags(ObjectKey key, Context ctx) override {
    return metered(meter_, "tags", tags_now(std::move(key), {}, ctx));
  }
  [[clang::coro_wrapper]] Task<> set_tags(ObjectKey key, TagSet tags, Context ctx) override {
    return metered(meter_, "set_tags", set_tags_now(std::move(key), {}, std::move(tags), ctx));
  }
  [[clang::coro_wrapper]] Task<TagSet> tags_of_version(ObjectKey key, std::string version_id,
                                                       Context ctx) override {
    return metered(meter_, "tags", tags_now(std::move(key), std::move(version_id), ctx));
  }
  [[clang::coro_wrapper]] Task<> set_tags_of_version(ObjectKey key, std::string version_id,
                                                     TagSet tags, Context ctx) override {
    return metered(meter_, "set_tags",
                   set_tags_now(std::move(key), std::move(version_id), std::move(tags), ctx));
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
  Result<> set_keys(std::string access_key, Secret secret) override {
    wire_.set_keys(std::move(access_key), std::move(secret));
    // They may read by version though the others did not.
    version_denied_until_.store(Time{}, std::memory_order_relaxed);
    return ok;
  }
  Result<> set_hedging(Hedging hedging) override {
    wire_.set_hedging(hedging);
    return ok;
  }
  [[clang::coro_wrapper]] Task<Capabilities> probe(Context ctx) override {
    return metered(meter_, "probe", probe_now(ctx));
  }

 private:
  // --- s3_read.cpp
  Task<ObjectInfo> head_now(ObjectKey key, HeadOptions options, Context ctx);
  Task<GetAnswer> get_now(ObjectKey key, GetOptions options, Context ctx);
  /// By the version id that `options` have, or without.
  Task<GetAnswer> get_by(ObjectKey key, GetOptions options, Context ctx);

  // --- s3_write.cpp
  Task<PutAnswer> put_now(ObjectKey key, PutOptions options, io::Body body, Context ctx);
  Task<PutAnswer> put_as(ObjectKey key, PutOptions options, io::Body body, S3MatchForm form,
                         Context ctx);
  /// With a version id: that version for good.
  Task<> remove_now(ObjectKey key, std::string version_id, Context ctx);

  // --- s3_tags.cpp
  Task<TagSet> tags_now(ObjectKey key, std::string version_id, Context ctx);
  Task<> set_tags_now(ObjectKey key, std::string version_id, TagSet tags, Context ctx);

  // --- s3_copy.cpp
  Task<std::optional<PutAnswer>> copy_now(ObjectKey key, CopyOrder order, Context ctx);
  /// Without a look at what the server can do. `bucket` and `from` as the server knows them.
  Task<PutAnswer> copy_as(ObjectKey key, std::string bucket, std::string from, CopyOrder order,
                          Context ctx);
  /// What the server was seen to do when it copies; asked once, by objects of our own.
  Task<S3Copies> copies(Context ctx);
  /// The versions that it leaves behind.
  struct Probed {
    std::vector<std::string> from, to;
    static void note(std::vector<std::string>& versions, const PutAnswer& made) {
      if (!made.version_id.empty()) versions.push_back(made.version_id);
    }
  };
  Task<S3Copies> try_copies(ObjectKey from, ObjectKey to, Probed& probed, Context ctx);
  Task<bool> pins_parts(ObjectKey key, CopyOrder order, Context ctx);
  /// Whether a copy from there can be made by this server with our keys.
  bool same_place(const S3Origin& other) const;

  // --- s3_list.cpp
  Task<ListAnswer> list_now(ListOptions options, Context ctx);

  // --- s3_versions.cpp
  Task<Versioning> versioning_now(Context ctx);
  Task<> set_versioning_now(Versioning to, Context ctx);
  Task<ListVersionsAnswer> list_versions_now(ListVersionsOptions options, Context ctx);
  /// In the server's own names.
  Task<ListVersionsAnswer> list_page_of_versions(ListVersionsOptions options, Context ctx);
  Task<Removed> remove_version_now(ObjectKey key, std::string version_id, Context ctx);
  Task<Removed> remove_matching_now(ObjectKey key, ETag wanted, Context ctx);
  /// Without a look at whether the server judges the condition.
  Task<Removed> remove_as(ObjectKey key, ETag wanted, S3MatchForm form, Context ctx);

  // --- s3_uploads.cpp
  Task<std::string> create_upload_now(ObjectKey key, PutOptions options, Context ctx);
  Task<PartInfo> put_part_now(ObjectKey key, std::string upload_id, uint32_t number,
                              PutOptions options, io::Body body, Context ctx);
  /// What the server says that an upload's parts carry; asked once, for uploads seen lately.
  Task<std::optional<ChecksumPlan>> plan_of_upload(ObjectKey key, std::string upload_id,
                                                   Context ctx);
  /// Whether what the client says of size and checksums of the whole is so.
  Task<> check_whole(ObjectKey key, std::string upload_id, std::vector<CompletedPart> parts,
                     PutOptions options, Context ctx);
  /// Asks for the new object's head and completes `answer` from it, when it is surely the one.
  /// Without an ETag from either side nobody knows whether the upload has completed.
  Task<PutAnswer> learn(ObjectKey key, PutAnswer answer, std::vector<CompletedPart> parts,
                        Error unclear, Context ctx);
  Task<PutAnswer> complete_upload_now(ObjectKey key, std::string upload_id,
                                      std::vector<CompletedPart> parts, PutOptions options,
                                      Context ctx);
  /// Without a look at whether the server judges conditions here.
  Task<PutAnswer> finish_upload(ObjectKey key, std::string upload_id,
                                std::vector<CompletedPart> parts, PutOptions options, Context ctx);
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

  // --- s3_manners.cpp: found when first needed, by objects of our own
  Task<S3MatchForm> match_form(Context ctx);
  /// The form in which `key`, whose ETag is `etag`, can be replaced.
  Task<S3MatchForm> try_forms(ObjectKey key, ETag etag, std::vector<std::string>& versions,
                              Context ctx);
  /// Whether CompleteMultipartUpload heeds conditions.
  Task<bool> judges_completions(Context ctx);
  Task<bool> try_completion(ObjectKey key, std::vector<std::string>& versions, Context ctx);
  /// The form of If-Match that deletes heed, also where nothing is.
  Task<S3MatchForm> removal_form(Context ctx);
  Task<S3MatchForm> try_removals(ObjectKey key, std::vector<std::string>& versions, Context ctx);
  /// Whether a checksum behind a body is kept with the object, and the body kept without framing.
  Task<bool> takes_trailers(Context ctx);
  Task<bool> try_trailer(ObjectKey key, std::vector<std::string>& versions, Context ctx);
  Task<> clean_up(ObjectKey key, std::vector<std::string> versions, Context ctx);

  const std::shared_ptr<Meter> meter_;
  S3Wire wire_;
  S3Plans plans_;
  std::atomic<S3MatchForm> match_form_ = S3MatchForm::unknown;
  std::atomic<S3MatchForm> removal_form_ = S3MatchForm::unknown;
  enum class Judges : uint8_t { unknown, yes, no };
  std::atomic<Judges> judges_completions_ = Judges::unknown;
  std::atomic<Judges> takes_trailers_ = Judges::unknown;
  std::atomic<bool> versioned_ = false;  ///< the bucket was seen to keep versions
  /// How long reads by version id are not tried again that were denied.
  static constexpr Duration kVersionDenied = seconds(60);
  std::atomic<Time> version_denied_until_ = Time{};
  std::atomic<S3Copies> copies_ = S3Copies();
};

/// Whether a condition says the same without quotes: "*" in quotes would be any, and nothing none.
/// Else it holds nowhere → Code::conflict, "PreconditionFailed".
Result<> allow_s3_match(const ETag& wanted, S3MatchForm form);
/// Adds If-Match or If-None-Match.
void add_s3_conditions(const WriteConditions& conditions, S3MatchForm form, http::HeadFields& out);
/// Makes it a question about that version; without an id about the current one.
void add_s3_version(const std::string& version_id, S3Call& call);
/// Adds x-amz-tagging, if there are tags.
void add_s3_tags(const TagSet& tags, http::HeadFields& out);
/// Refuses what S3 cannot take (a body of unknown length), and reads a body without bytes to its
/// end: nobody else would hear its error.
Task<io::Body> s3_body(io::Body body, Context ctx);

}  // namespace forebay::origin
