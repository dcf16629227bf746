// The simulated disk: a tree of names over simulated files, which of the names are durable, and
// handles that die with their process. Internal to the simulated engine (io/sim.h).
//
// Names change by operations (make, remove, rename). Each is atomic: after a power loss all of it
// is there or nothing. Those of one folder keep their order: none survives without the ones before
// it. Directory::sync makes durable the operations that touch its folder, and those they follow.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/sim/content.h"
#include "io/sim/host.h"

namespace forebay::io::sim {

/// A file or a folder, whatever its name is. Owned by the names and handles that lead to it.
struct Node {
  Node(Blocks& blocks, FileStat::Kind what, uint64_t number)
      : kind(what), inode(number), content(blocks) {}

  FileStat::Kind kind;
  uint64_t inode;
  WallTime modified{};
  WallTime changed{};
  std::map<std::string, std::string> attributes;
  std::map<std::string, std::string> durable_attributes;
  std::map<std::string, std::shared_ptr<Node>> entries;
  std::map<std::string, std::shared_ptr<Node>> durable_entries;
  Content content;
  int handles = 0;
  bool named = false;
  bool unreadable = false;  ///< reads of it fail
  uint64_t mark = 0;        ///< the last walk over operations that chose this folder

  bool is_directory() const { return kind == FileStat::Kind::directory; }
};

/// One machine's disk; outlives its handles. One thread.
class Disk : public std::enable_shared_from_this<Disk> {
 public:
  explicit Disk(std::shared_ptr<Host> host);
  ~Disk();

  Result<std::shared_ptr<Directory>> open_directory(const std::string& path, bool create,
                                                    std::shared_ptr<Lane> lane);
  void power_loss();
  void kill() { ++epoch_; }
  void spoil(const std::string& folder);

 private:
  friend class SimFile;
  friend class SimDirectory;

  /// One name that leads elsewhere (or nowhere) from now on.
  struct Change {
    std::shared_ptr<Node> folder;
    std::string name;
    std::shared_ptr<Node> to;
  };
  using Operation = std::vector<Change>;
  /// Where a path leads: `node` is null when the last name is free in `folder`.
  struct Place {
    std::shared_ptr<Node> folder;
    std::string name;
    std::shared_ptr<Node> node;
  };

  /// 0, or the errno of a call by a handle of `epoch`: of a dead process, or by bad luck.
  int trouble(uint64_t epoch);
  Result<Place> find(const std::shared_ptr<Node>& from, const std::string& path);
  Result<std::shared_ptr<Node>> find_directory(const std::shared_ptr<Node>& from,
                                               const std::string& path);
  std::shared_ptr<Node> make_node(FileStat::Kind kind);
  Result<> make_directories(const std::shared_ptr<Node>& from, const std::string& path);
  void apply(Operation operation);
  void sync_names(const std::shared_ptr<Node>& folder);
  void make_durable(const Operation& operation);
  bool marked(const Operation& operation) const;
  void mark(const Operation& operation);
  void recover(Node& folder);
  void release(Node& node);
  FileStat stat(const Node& node) const;
  /// Names at and below a folder.
  uint64_t count(const Node& folder) const;
  uint64_t free_inodes() const;
  /// The time on files moves in ticks, as in Linux: two writes within one look like one.
  WallTime file_time() const;
  Blocks& blocks();

  std::shared_ptr<Host> host_;
  Blocks blocks_;
  uint64_t next_inode_ = 2;
  uint64_t epoch_ = 1;
  uint64_t walk_ = 0;
  std::vector<Operation> unsynced_;  // in order
  std::shared_ptr<Node> root_;
};

}  // namespace forebay::io::sim
