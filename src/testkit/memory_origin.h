// MemoryOrigin: an Origin in memory whose unkindness comes from the simulation's seed: answers and
// chunks are late, requests fail, bodies break, a commit's answer is lost or the commit comes late.
// The world behind Forebay's back is change() and drop(). The heart of the system is tested
// against it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/loop.h"
#include "origin/origin.h"

namespace forebay::testkit {

/// How the store behaves. Probabilities are per request, 0…1, drawn from ctx.loop->random().
struct MemoryOriginOptions {
  /// What it can do; what is off is lacking as weak servers lack it: without conditional_get
  /// If-Match is *ignored* and the answer is the current version under its own name, without
  /// part_number the parameter is ignored, without conditional_put conditions are refused.
  origin::Capabilities capabilities = {.conditional_put = true,
                                       .conditional_get = true,
                                       .part_number = true,
                                       .versions = false,
                                       .start_after = true};
  bool strong = true;         ///< false: tags are empty, ETags weak
  bool opaque_etags = false;  ///< ETags are no MD5s (as with KMS)
  /// put and complete_upload name the new version's tag in their answer.
  bool tag_in_put = true;
  Duration delay{};        ///< before a request takes effect and again before its answer; at most
  Duration chunk_delay{};  ///< before each chunk of a body; at most
  uint64_t body_rate = 0;  ///< bytes per second of each body read; 0: no limit
  uint64_t link_rate = 0;  ///< bytes per second of all bodies together; 0: no limit
  uint64_t chunk = 64 << 10;  ///< bytes of a chunk; with vary_chunks at most
  bool vary_chunks = false;
  bool ranges = true;       ///< false: all of the object is the answer to any range
  bool reads_into = false;  ///< bodies can be read into given memory
  double error = 0;         ///< fails before it takes effect: unavailable or busy
  double broken_body = 0;   ///< a body read ends with `unavailable` before its last byte
  double lost_answer = 0;   ///< a write takes effect and answers `unavailable`
  /// A write answers `unavailable` and takes effect later, within late_by.
  double late_commit = 0;
  Duration late_by = seconds(5);
  bool copies = false;                   ///< copies by itself, from others of its kind too
  uint64_t min_part = 5 << 20;           ///< smaller parts but the last: EntityTooSmall
  std::shared_ptr<origin::Meter> meter;  ///< may be null
};

/// One request as it arrived.
struct MemoryRequest {
  std::string operation;  ///< "head", "get", "put", … as the member functions are called
  std::string key;
  std::optional<ByteRange> range;
  Time when;
  bool slow_reader = false;  ///< as GetOptions has it
};

/// One version as it was, for whoever judges what others were told.
struct MemoryVersion {
  Time since;  ///< when it became the current one
  bool deleted = false;
  std::shared_ptr<const std::string> bytes;
  origin::ObjectInfo info;
};

/// Requests and object bytes of one operation.
struct MemoryCounts {
  uint64_t requests = 0;
  uint64_t bytes = 0;  ///< of bodies, as far as they were given or read
};

/// Where a request is when the hook sees it.
enum class MemoryStep {
  arrive,  ///< nothing has happened
  effect,  ///< it is about to read or change the state
  answer,  ///< it has; the answer is about to be given
};

/// Sees each step of each request; may wait there, and its error is the request's answer (after
/// `effect` the change stays).
class MemoryHook {
 public:
  virtual ~MemoryHook() = default;
  virtual Task<> at(MemoryStep step, MemoryRequest request, Context ctx) = 0;
};

/// See the top of this file. The members beside Origin's may be called from any thread.
class MemoryOrigin final : public origin::Origin {
 public:
  /// `loop` gives the clocks; any loop may call the origin.
  explicit MemoryOrigin(io::Loop& loop, MemoryOriginOptions options = {});
  ~MemoryOrigin() override;

  /// May be changed while it runs, by the simulation's thread.
  MemoryOriginOptions& options() { return options_; }

  // --- the world behind Forebay's back

  /// Gives `key` a new version with these bytes. Returns its info.
  origin::ObjectInfo change(const std::string& key, std::string bytes,
                            origin::Fields fields = {{"content-type", "binary/octet-stream"}});
  /// The same, as if uploaded in these parts.
  origin::ObjectInfo change_parts(const std::string& key, std::vector<std::string> parts);
  /// Deletes it.
  void drop(const std::string& key);
  /// The current version's bytes; nullopt when there is none.
  std::optional<std::string> bytes(const std::string& key) const;
  /// Bytes of every version `key` ever had, oldest first; a deletion is nullopt.
  std::vector<std::optional<std::string>> history(const std::string& key) const;
  /// All of them, oldest first. A key that never was has none.
  std::vector<MemoryVersion> versions(const std::string& key) const;
  std::vector<std::string> keys() const;
  size_t uploads() const;
  /// Of everything a client could have put here: what is current under each key, and the open
  /// uploads with their parts. The same content, the same fingerprint.
  std::string fingerprint() const;
  /// Lets late commits take effect now.
  void settle();

  // --- scripted faults and measuring

  /// The next request of `operation` fails with `error` before it takes effect; queued in order.
  void fail_next(std::string operation, Error error);
  /// Null: none. It must outlive the requests.
  void set_hook(MemoryHook* hook) { hook_ = hook; }

  MemoryCounts counts(const std::string& operation) const;
  std::vector<MemoryRequest> requests() const;
  void reset_counts();

  // --- origin::Origin

  Task<origin::ObjectInfo> head(ObjectKey key, origin::HeadOptions options, Context ctx) override;
  Task<origin::GetAnswer> get(ObjectKey key, origin::GetOptions options, Context ctx) override;
  Task<origin::PutAnswer> put(ObjectKey key, origin::PutOptions options, io::Body body,
                              Context ctx) override;
  Task<std::optional<origin::PutAnswer>> copy(ObjectKey key, origin::CopyOrder order,
                                              Context ctx) override;
  Task<> remove(ObjectKey key, Context ctx) override;
  Task<origin::ListAnswer> list(origin::ListOptions options, Context ctx) override;
  Task<origin::Versioning> versioning(Context ctx) override;
  Task<> set_versioning(origin::Versioning to, Context ctx) override;
  Task<bool> has_versions(Context ctx) override;
  Task<origin::ListVersionsAnswer> list_versions(origin::ListVersionsOptions options,
                                                 Context ctx) override;
  [[clang::coro_wrapper]] Task<origin::Removed> remove_version(ObjectKey key,
                                                               std::string version_id,
                                                               Context ctx) override;
  /// Without a memory of tokens.
  Task<> rename(ObjectKey to, origin::RenameOrder order, Context ctx) override;
  [[clang::coro_wrapper]] Task<origin::Removed> remove_matching(ObjectKey key, ETag wanted,
                                                                Context ctx) override;
  Task<WallTime> marker_date(ObjectKey key, std::string version_id, Context ctx) override;
  Task<origin::TagSet> tags_of_version(ObjectKey key, std::string version_id, Context ctx) override;
  Task<> set_tags_of_version(ObjectKey key, std::string version_id, origin::TagSet tags,
                             Context ctx) override;
  Task<origin::TagSet> tags(ObjectKey key, Context ctx) override;
  Task<> set_tags(ObjectKey key, origin::TagSet tags, Context ctx) override;
  Task<std::string> create_upload(ObjectKey key, origin::PutOptions options, Context ctx) override;
  Task<origin::PartInfo> put_part(ObjectKey key, std::string upload_id, uint32_t number,
                                  origin::PutOptions options, io::Body body, Context ctx) override;
  Task<origin::PutAnswer> complete_upload(ObjectKey key, std::string upload_id,
                                          std::vector<origin::CompletedPart> parts,
                                          origin::PutOptions options, Context ctx) override;
  Task<> abort_upload(ObjectKey key, std::string upload_id, Context ctx) override;
  Task<origin::ListPartsAnswer> list_parts(ObjectKey key, std::string upload_id,
                                           uint32_t part_marker, uint32_t max_parts,
                                           Context ctx) override;
  Task<origin::ListUploadsAnswer> list_uploads(origin::ListUploadsOptions options,
                                               Context ctx) override;
  Task<> drop_uploads(Context ctx) override;
  Task<origin::Capabilities> probe(Context ctx) override;

 private:
  struct Version : MemoryVersion {
    std::vector<uint64_t> parts;  ///< their sizes; empty when not uploaded in parts
    origin::TagSet tags;

    void set_tags(origin::TagSet set);
  };
  struct Part {
    std::string bytes;
    origin::PartInfo info;
  };
  struct Upload {
    std::string key;
    WallTime initiated;
    origin::PutOptions options;
    std::map<uint32_t, Part> parts;
  };
  class BodySource;

  Task<> arrive(MemoryRequest request, Context ctx);
  Task<> before_effect(MemoryRequest request, Context ctx);
  Task<> answer(MemoryRequest request, Context ctx);
  Task<std::string> take_body(MemoryRequest request, io::Body body, Context ctx);
  /// Runs `effect` now, or later when the draw says so; lost answers become errors here.
  Task<origin::PutAnswer> commit(MemoryRequest request,
                                 std::function<Result<origin::PutAnswer>()> effect, Context ctx);

  static Error missing_key(const std::string& key);
  const Version* current(const std::string& key) const;
  const Version* find(const std::string& key, const std::string& version_id) const;
  /// The same, or why there is none.
  Result<const Version*> wanted(const std::string& key, const std::string& version_id) const;
  /// What a plain delete leaves behind.
  Version make_marker();
  static void add_versions(const std::string& key, const std::vector<Version>& versions,
                           const origin::ListVersionsOptions& options,
                           origin::ListVersionsAnswer& out);
  origin::Removed remove_now(const std::string& key, const std::string& version_id);
  Task<origin::Removed> remove_if(ObjectKey key, std::string version_id,
                                  origin::WriteConditions conditions, Context ctx);
  Result<> check_conditions(const std::string& key, const origin::WriteConditions&) const;
  origin::PutAnswer install(const std::string& key, Version version);
  Version make_version(std::string bytes, std::string etag_hex, origin::Fields fields,
                       origin::Fields checksums);
  Result<origin::PutAnswer> assemble(const std::string& key, const std::string& upload_id,
                                     const std::vector<origin::CompletedPart>& parts,
                                     const origin::PutOptions& options);
  /// What an order names, if it is there and current.
  Result<Version> ordered(const origin::CopyOrder& order) const;
  Result<origin::PutAnswer> copy_part(const std::string& key, const origin::CopyOrder& order,
                                      const Version& from);
  Result<Upload*> upload(const std::string& key, const std::string& upload_id);
  void apply_late(Time until);
  /// Waits for the link that all bodies share.
  Task<> pass(uint64_t bytes, Context ctx);
  void count_bytes(const std::string& operation, uint64_t bytes);

  io::Loop& loop_;
  MemoryOriginOptions options_;
  MemoryHook* hook_ = nullptr;
  /// Never held across an await.
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<Version>> objects_;
  std::map<std::string, Upload> uploads_;
  origin::Versioning versioning_ = origin::Versioning::never;  ///< as it was set
  std::multimap<Time, std::function<void()>> late_;
  std::map<std::string, std::deque<Error>> scripted_;
  std::map<std::string, MemoryCounts> counts_;
  std::vector<MemoryRequest> requests_;
  uint64_t next_id_ = 1;
  Time link_free_{};  ///< when all that is on the link has passed
};

}  // namespace forebay::testkit
