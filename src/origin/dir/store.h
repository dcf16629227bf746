// DirStore: everything a `dir` origin does that blocks, as plain functions for any thread of the
// pool. dir.cpp turns them into Tasks. Docs: docs/formats/dir-origin.md.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "base/md5.h"
#include "io/file.h"
#include "io/loop.h"
#include "origin/dir/record.h"
#include "origin/origin.h"

namespace forebay::origin {

/// Tags of files that this process has just put in place: strong at once, though their clock tick
/// is not over. Bounded; a forgotten one is merely weak until it settles. Any thread.
class RecentTags {
 public:
  explicit RecentTags(size_t limit) : limit_(limit) {}
  void add(const std::string& tag, WallTime now);
  bool contains(const std::string& tag) const;

 private:
  const size_t limit_;
  mutable std::mutex mutex_;
  std::unordered_set<std::string> tags_;
  std::deque<std::pair<WallTime, std::string>> order_;
};

/// An open object.
struct DirObject {
  std::shared_ptr<io::File> file;
  io::FileStat stat;
  ObjectInfo info;
  TagSet tags;
  std::vector<PartRun> parts;
};

/// A file being written; dropped by DirStore::drop unless it was committed.
struct DirTemp {
  std::string path;
  std::shared_ptr<io::File> file;
  uint64_t size = 0;
  Md5 md5;  ///< whoever appends sees to it
  /// Beside it, where a part needs one that its client does not give; may be null.
  std::unique_ptr<Checksum> other = nullptr;
  Result<> append(ByteView bytes);
};

/// Ids come from clients: only what create_upload makes is let near a path.
bool is_dir_upload_id(std::string_view id);

class DirStore {
 public:
  /// `allowed`: DirOptions::allowed.
  DirStore(std::string path, bool create, std::function<Result<>()> allowed = nullptr)
      : path_(std::move(path)), create_(create), allowed_(std::move(allowed)) {}

  /// Opens the folder, if it may; every other call comes after it. One that was removed, and
  /// perhaps made again, since it was opened is noticed within kLook. Missing → not_found,
  /// NoSuchBucket.
  /// Who reads its files blocks in `lane`.
  Result<> open(io::Loop& loop, const std::shared_ptr<io::Lane>& lane);
  /// The same for who has found nothing, at once: in a folder that was removed a moment ago there
  /// is nothing to find either. Made again meanwhile → unavailable.
  Result<> look_again(io::Loop& loop, const std::shared_ptr<io::Lane>& lane);

  // --- objects; `path` as dir_path() gives it

  /// Not there, or no file → not_found, NoSuchKey. `now` decides whether the tag is strong.
  Result<DirObject> find(const std::string& path, WallTime now);
  /// The stat and record of an open file as ObjectInfo.
  DirObject describe(std::shared_ptr<io::File> file, const io::FileStat& stat, WallTime now);
  /// A new file in the folder of temporary files; `name` is random.
  Result<DirTemp> begin(const std::string& name, WallTime now);
  /// Makes the temporary file the object, durably, if the conditions hold. record.size and
  /// .modified are filled in here.
  Result<PutAnswer> commit(DirTemp& temp, const std::string& path, DirRecord record,
                           const WriteConditions& conditions, WallTime now);
  /// Removes a temporary file that was not committed; errors are nobody's.
  void drop(const DirTemp& temp);
  /// Durable. No error when it is not there and nothing else is asked for. Folders that become
  /// empty go too.
  Result<> remove(const std::string& path, const WriteConditions& conditions, WallTime now);
  /// `share` grows with the page, which ends where it cannot.
  Result<ListAnswer> list(const ListOptions& options, Allowance::Share share, WallTime now);
  /// Durable. The file gets another tag, its bytes and ETag stay.
  Result<> set_tags(const std::string& path, TagSet tags, WallTime now);

  // --- uploads; `id` is checked here

  Result<> create_upload(const std::string& id, const DirUpload& upload, WallTime now);
  /// Another key's, or none → not_found, NoSuchUpload.
  Result<DirUpload> upload(const std::string& id, const std::string& key);
  Result<PartInfo> commit_part(DirTemp& temp, const std::string& id, uint32_t number,
                               Fields checksums);
  Result<std::map<uint32_t, PartInfo>> parts(const std::string& id);
  /// An open part, if it still has that ETag; else InvalidPart.
  Result<std::shared_ptr<io::File>> open_part(const std::string& id, const PartInfo& part);
  /// Makes it disappear at once, then deletes its parts.
  Result<> drop_upload(const std::string& id);
  /// All uploads, and the memory of those that completed.
  Result<> drop_uploads(const std::string& name);
  /// commit(), and keeps what it came to durably before, so that it is known after a crash too.
  Result<PutAnswer> commit_upload(const std::string& id, DirTemp& temp, const std::string& path,
                                  DirRecord record, DirCompleted completed,
                                  const WriteConditions& conditions);
  /// What an upload came to that completed less than an hour ago; nothing when it has not.
  std::optional<DirCompleted> completed(const std::string& id, const std::string& key,
                                        WallTime now);
  /// Shows all, in no order.
  Result<> visit_uploads(const std::function<void(UploadInfo)>& see);

  /// Removes the folder itself, if it holds no key.
  Result<> discard(io::Loop& loop);
  /// Whether a file can be made here.
  Result<> try_to_write(const std::string& name);

  /// The folder, once it is open.
  std::shared_ptr<io::Directory> root() const {
    std::lock_guard lock(root_mutex_);
    return root_;
  }

  static constexpr Duration kLook = seconds(1);

 private:
  /// Whether its path leads elsewhere now, or nowhere.
  bool replaced(io::Loop& loop) const;
  void set_root(std::shared_ptr<io::Directory> root);
  std::mutex& lock_of(const std::string& path);
  Result<> check_conditions(const std::string& path, const WriteConditions& conditions,
                            WallTime now);
  /// `aside` is what is made first; after an error the caller's to drop.
  Result<> make_upload(const std::string& aside, const std::string& id, const DirUpload& upload);
  /// Renames into place, making folders, and again when a folder was pruned meanwhile.
  Result<> place(const std::string& from, const std::string& path, bool keep_existing);
  Result<> place_over_folder(const std::string& path);
  std::optional<std::string> file_above(const std::string& path);
  /// Durable once the file itself is synced.
  Result<> write_record(io::File& file, const io::FileStat& stat, const std::string& text);
  Result<> write_outside(const io::FileStat& stat, const std::string& text);
  std::optional<DirRecord> read_record(io::File& file, const io::FileStat& stat);
  void drop_record(const io::FileStat& stat);
  /// Makes the names of all folders above `path` durable.
  Result<> sync_above(const std::string& path);
  void prune_above(const std::string& path);
  void drop_tree(const std::string& path, int depth);
  void sweep(WallTime now);
  void sweep_completed(WallTime now);

  const std::string path_;
  const bool create_;
  const std::function<Result<>()> allowed_;
  std::mutex open_mutex_;
  Time next_look_ = {};  ///< under open_mutex_
  mutable std::mutex root_mutex_;
  std::shared_ptr<io::Directory> root_;
  /// Conditions and renames of one key are one step under its stripe; held within one job only.
  std::array<std::mutex, 64> stripes_;
  RecentTags own_{64 << 10};
  std::atomic<bool> swept_ = false;
  std::atomic<uint32_t> completions_ = 0;
  /// Whether any record was ever kept outside attributes; then removals look there too.
  std::atomic<bool> outside_records_ = false;
};

}  // namespace forebay::origin
