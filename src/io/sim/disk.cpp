#include "io/sim/disk.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "io/sim/files.h"
#include "io/stream.h"

namespace forebay::io::sim {

namespace {

constexpr int64_t kFileTick = milliseconds(4).ns;
/// Kernels write names back after a while, asked or not; so the oldest become durable.
constexpr size_t kMostUnsynced = 4096;

}  // namespace

Disk::Disk(std::shared_ptr<Host> host)
    : host_(std::move(host)), root_(make_node(FileStat::Kind::directory)) {}

Disk::~Disk() = default;

Blocks& Disk::blocks() {
  const SimOptions& options = host_->options;
  blocks_.total = options.disk_bytes - std::min(options.disk_bytes, options.disk_taken);
  return blocks_;
}

uint64_t Disk::count(const Node& folder) const {
  uint64_t found = 1;
  for (auto& [name, node] : folder.entries) found += node->is_directory() ? count(*node) : 1;
  return found;
}

uint64_t Disk::free_inodes() const {
  uint64_t total = host_->options.disk_inodes;
  if (total == 0) return UINT64_MAX;
  return total - std::min(total, count(*root_));
}

WallTime Disk::file_time() const {
  int64_t ns = host_->wall_now().ns;
  return {ns - ns % kFileTick};
}

int Disk::trouble(uint64_t epoch) {
  if (epoch != epoch_) return EIO;
  blocks();  // the size may have been changed
  return host_->dice.chance(host_->options.disk_error) ? EIO : 0;
}

std::shared_ptr<Node> Disk::make_node(FileStat::Kind kind) {
  auto node = std::make_shared<Node>(blocks(), kind, next_inode_++);
  node->modified = node->changed = file_time();
  return node;
}

Result<Disk::Place> Disk::find(const std::shared_ptr<Node>& from, const std::string& path) {
  if (path.starts_with('/')) return error_from_errno(EXDEV, path);
  std::vector<std::shared_ptr<Node>> way{from};  // the folders passed, for ".."
  Place place{nullptr, "", from};
  for (std::string_view rest = path; !rest.empty();) {
    size_t slash = std::min(rest.find('/'), rest.size());
    std::string name(rest.substr(0, slash));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (place.node == nullptr) return error_from_errno(ENOENT, path);
    if (!place.node->is_directory()) return error_from_errno(ENOTDIR, path);
    if (name.empty() || name == ".") continue;
    if (name.size() > 255) return error_from_errno(ENAMETOOLONG, path);
    if (name == "..") {
      way.pop_back();
      if (way.empty()) return error_from_errno(EXDEV, path);
      place = {nullptr, "", way.back()};
      continue;
    }
    auto found = place.node->entries.find(name);
    place.folder = place.node;
    place.node = found == place.folder->entries.end() ? nullptr : found->second;
    place.name = std::move(name);
    if (place.node != nullptr) way.push_back(place.node);
  }
  return place;
}

Result<std::shared_ptr<Node>> Disk::find_directory(const std::shared_ptr<Node>& from,
                                                   const std::string& path) {
  Result<Place> place = find(from, path);
  if (!place) return std::move(place.error());
  if (place->node == nullptr) return error_from_errno(ENOENT, path);
  if (!place->node->is_directory()) return error_from_errno(ENOTDIR, path);
  return place->node;
}

// Names take effect at once; power_loss() decides about those in unsynced_.
void Disk::apply(Operation operation) {
  std::vector<std::shared_ptr<Node>> displaced;
  for (Change& change : operation) {
    auto& entries = change.folder->entries;
    if (auto found = entries.find(change.name); found != entries.end()) {
      displaced.push_back(std::move(found->second));
      entries.erase(found);
    }
    if (change.to != nullptr) entries[change.name] = change.to;
    change.folder->modified = change.folder->changed = file_time();
  }
  for (auto& node : displaced) node->named = false;
  for (Change& change : operation) {
    if (change.to == nullptr) continue;
    change.to->named = true;
    change.to->changed = file_time();
  }
  for (auto& node : displaced) {
    if (!node->named) node->changed = file_time();
    release(*node);
  }
  unsynced_.push_back(std::move(operation));
  if (unsynced_.size() <= kMostUnsynced) return;
  auto middle = unsynced_.begin() + kMostUnsynced / 2;
  std::for_each(unsynced_.begin(), middle, [this](auto& old) { make_durable(old); });
  unsynced_.erase(unsynced_.begin(), middle);
}

void Disk::release(Node& node) {
  if (!node.named && node.handles == 0) node.content.abandon();
}

void Disk::make_durable(const Operation& operation) {
  for (const Change& change : operation) {
    if (change.to == nullptr) {
      change.folder->durable_entries.erase(change.name);
    } else {
      change.folder->durable_entries[change.name] = change.to;
    }
  }
}

bool Disk::marked(const Operation& operation) const {
  return std::any_of(operation.begin(), operation.end(),
                     [this](const Change& change) { return change.folder->mark == walk_; });
}

void Disk::mark(const Operation& operation) {
  for (const Change& change : operation) change.folder->mark = walk_;
}

void Disk::sync_names(const std::shared_ptr<Node>& folder) {
  folder->mark = ++walk_;
  std::vector<bool> chosen(unsynced_.size());
  for (size_t i = unsynced_.size(); i-- > 0;) {
    chosen[i] = marked(unsynced_[i]);
    if (chosen[i]) mark(unsynced_[i]);
  }
  std::vector<Operation> left;
  for (size_t i = 0; i < unsynced_.size(); ++i) {
    if (chosen[i]) {
      make_durable(unsynced_[i]);
    } else {
      left.push_back(std::move(unsynced_[i]));
    }
  }
  unsynced_ = std::move(left);
}

Result<> Disk::make_directories(const std::shared_ptr<Node>& from, const std::string& path) {
  for (size_t end = 0; end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    Result<Place> place = find(from, path.substr(0, end));
    if (!place) return std::move(place.error());
    if (place->node != nullptr) {
      if (place->node->is_directory()) continue;
      return error_from_errno(end == path.size() ? EEXIST : ENOTDIR, path);
    }
    if (free_inodes() == 0) return error_from_errno(ENOSPC, path);
    apply({{place->folder, place->name, make_node(FileStat::Kind::directory)}});
  }
  return ok;
}

Result<std::shared_ptr<Directory>> Disk::open_directory(const std::string& path, bool create,
                                                        std::shared_ptr<Lane> lane) {
  if (int number = trouble(epoch_); number != 0) return error_from_errno(number, path);
  if (!path.starts_with('/')) return error_from_errno(EINVAL, path);
  std::string below = path.substr(std::min(path.find_first_not_of('/'), path.size()));
  if (create) {
    Result<> made = make_directories(root_, below);
    if (!made) return std::move(made.error());
    for (size_t end = 0; end < below.size(); ++end) {
      if (below[end] != '/' && end != 0) continue;
      auto parent = find_directory(root_, below.substr(0, end));
      if (parent) sync_names(*parent);
    }
  }
  auto node = find_directory(root_, below);
  if (!node) return std::move(node.error());
  return std::make_shared<SimDirectory>(shared_from_this(), *node, std::move(lane));
}

void Disk::spoil(const std::string& folder) {
  auto found = find_directory(root_, folder.substr(1));
  check(found.has_value(), "only what is there rots");
  std::vector<std::shared_ptr<Node>> left{*found};
  while (!left.empty()) {
    std::shared_ptr<Node> node = std::move(left.back());
    left.pop_back();
    node->unreadable = !node->is_directory();
    for (const auto& [name, below] : node->entries) left.push_back(below);
  }
}

void Disk::power_loss() {
  ++epoch_;
  Dice& dice = host_->dice;
  constexpr double kLosses[] = {0, 0.1, 0.5, 1};
  double loss = kLosses[dice.below(std::size(kLosses))];
  ++walk_;
  for (Operation& operation : unsynced_) {
    if (!marked(operation) && !dice.chance(loss)) {
      make_durable(operation);
    } else {
      mark(operation);  // folders that have lost an operation lose all that follow
    }
  }
  unsynced_.clear();
  recover(*root_);
}

// The folder and all below become what the disk holds, in the order of names.
void Disk::recover(Node& folder) {
  folder.entries = folder.durable_entries;
  for (auto& [name, node] : folder.entries) {
    node->named = true;
    if (node->attributes != node->durable_attributes) {
      if (host_->dice.chance(0.5)) node->durable_attributes = node->attributes;
      node->attributes = node->durable_attributes;
    }
    if (node->is_directory()) {
      recover(*node);
    } else {
      node->content.lose_power(host_->dice);
    }
  }
}

FileStat Disk::stat(const Node& node) const {
  FileStat out;
  out.kind = node.kind;
  out.size = node.content.size();
  out.modified = node.modified;
  out.changed = node.changed;
  out.device = 1;
  out.inode = node.inode;
  out.allocated = node.content.allocated();
  return out;
}

}  // namespace forebay::io::sim
