#include "io/sim/files.h"

#include <algorithm>

#include "io/stream.h"

namespace forebay::io::sim {

namespace {

constexpr uint64_t kLargestFile = 64ULL << 30;

}  // namespace

SimFile::SimFile(std::shared_ptr<Disk> disk, std::shared_ptr<Node> node, OpenMode mode,
                 std::shared_ptr<Lane> lane)
    : disk_(std::move(disk)),
      node_(std::move(node)),
      epoch_(disk_->epoch_),
      writable_(mode != OpenMode::read),
      direct_(mode == OpenMode::direct),
      lane_(std::move(lane)) {
  ++node_->handles;
}

SimFile::~SimFile() {
  --node_->handles;
  disk_->release(*node_);
}

Result<size_t> SimFile::read_at(uint64_t offset, ByteSpan into) {
  if (int number = disk_->trouble(epoch_)) return error_from_errno(number, "read a file");
  if (node_->unreadable) return error_from_errno(EIO, "read a file");
  return node_->content.read(offset, into);
}

ssize_t SimFile::try_read_at(uint64_t offset, ByteSpan into) {
  Dice& dice = disk_->host_->dice;
  double short_io = disk_->host_->options.short_io;
  if (dice.chance(short_io)) return -EAGAIN;
  if (into.size() > 1 && dice.chance(short_io)) into = into.first(dice.part_of(into.size()));
  Result<size_t> count = read_at(offset, into);
  return count ? static_cast<ssize_t>(*count) : -EIO;
}

Result<> SimFile::may_write(const char* what, uint64_t end) {
  if (!writable_) return error_from_errno(EBADF, what);
  if (end > kLargestFile) return error_from_errno(EFBIG, what);
  if (int number = disk_->trouble(epoch_)) return error_from_errno(number, what);
  return ok;
}

void SimFile::changed() { node_->modified = node_->changed = disk_->file_time(); }

Result<> SimFile::write_at(uint64_t offset, ByteView bytes) {
  bool aligned =
      (offset | bytes.size() | reinterpret_cast<uintptr_t>(bytes.data())) % kDirectAlign == 0;
  if (direct_ && !aligned) return error_from_errno(EINVAL, "write a file");
  Result<> may = may_write("write a file", offset + bytes.size());
  if (!may) {
    // A failed write may have got somewhere.
    if (writable_ && epoch_ == disk_->epoch_ && !bytes.empty() && offset < kLargestFile) {
      node_->content.write(offset, bytes.first(disk_->host_->dice.below(bytes.size())));
    }
    return may;
  }
  size_t done = node_->content.write(offset, bytes);
  changed();
  if (done < bytes.size()) return error_from_errno(ENOSPC, "write a file");
  return ok;
}

Result<> SimFile::allocate(uint64_t size) {
  Result<> may = may_write("allocate a file", size);
  if (!may) return may;
  if (!node_->content.allocate(size)) return error_from_errno(ENOSPC, "allocate a file");
  changed();
  return ok;
}

Result<> SimFile::truncate(uint64_t size) {
  Result<> may = may_write("truncate a file", size);
  if (!may) return may;
  node_->content.resize(size);
  changed();
  return ok;
}

Result<> SimFile::sync() {
  if (epoch_ != disk_->epoch_) return error_from_errno(EIO, "sync a file");
  if (int number = disk_->trouble(epoch_)) {
    node_->content.fail_sync(disk_->host_->dice);
    return error_from_errno(number, "sync a file");
  }
  node_->content.sync();
  return ok;
}

Result<> SimFile::sync_all() {
  Result<> synced = sync();
  if (synced) node_->durable_attributes = node_->attributes;
  return synced;
}

Result<FileStat> SimFile::stat() {
  if (int number = disk_->trouble(epoch_)) return error_from_errno(number, "stat a file");
  return disk_->stat(*node_);
}

bool SimFile::resident(uint64_t, uint64_t) {
  return !disk_->host_->dice.chance(disk_->host_->options.short_io);
}

Result<std::string> SimFile::attribute(const std::string& name) {
  if (int number = disk_->trouble(epoch_)) return error_from_errno(number, name);
  auto found = node_->attributes.find(name);
  if (found == node_->attributes.end()) return error_from_errno(ENODATA, name);
  return found->second;
}

Result<> SimFile::set_attribute(const std::string& name, const std::string& value) {
  if (int number = disk_->trouble(epoch_)) return error_from_errno(number, "set an attribute");
  node_->attributes[name] = value;
  node_->changed = disk_->file_time();
  return ok;
}

SimDirectory::SimDirectory(std::shared_ptr<Disk> disk, std::shared_ptr<Node> node,
                           std::shared_ptr<Lane> lane)
    : disk_(std::move(disk)),
      node_(std::move(node)),
      epoch_(disk_->epoch_),
      lane_(std::move(lane)) {}

Result<> SimDirectory::alive(const std::string& what) {
  if (int number = disk_->trouble(epoch_)) return error_from_errno(number, what);
  return ok;
}

Result<Disk::Place> SimDirectory::find_existing(const std::string& path) {
  if (int number = disk_->trouble(epoch_)) return error_from_errno(number, path);
  Result<Disk::Place> place = disk_->find(node_, path);
  if (place && place->node == nullptr) return error_from_errno(ENOENT, path);
  return place;
}

Result<std::shared_ptr<File>> SimDirectory::open(const std::string& path, OpenMode mode) {
  Result<> lives = alive(path);
  if (!lives) return std::move(lives.error());
  Result<Disk::Place> place = disk_->find(node_, path);
  if (!place) return std::move(place.error());
  bool may_make = mode == OpenMode::create || mode == OpenMode::create_new;
  if (place->node == nullptr && !may_make) return error_from_errno(ENOENT, path);
  if (place->node != nullptr) {
    if (mode == OpenMode::create_new) return error_from_errno(EEXIST, path);
    if (place->node->is_directory()) return error_from_errno(EISDIR, path);
  } else {
    if (disk_->free_inodes() == 0) return error_from_errno(ENOSPC, path);
    place->node = disk_->make_node(FileStat::Kind::file);
    disk_->apply({{place->folder, place->name, place->node}});
  }
  return std::make_shared<SimFile>(disk_, place->node, mode, lane_);
}

Result<FileStat> SimDirectory::stat(const std::string& path) {
  Result<Disk::Place> place = find_existing(path);
  if (!place) return std::move(place.error());
  return disk_->stat(*place->node);
}

Result<> SimDirectory::visit(const std::string& path,
                             const std::function<bool(DirectoryEntry&)>& see) {
  Result<> lives = alive(path);
  if (!lives) return lives;
  auto folder = disk_->find_directory(node_, path);
  if (!folder) return std::move(folder.error());
  std::vector<DirectoryEntry> out;
  for (auto& [name, node] : (*folder)->entries) out.push_back({name, node->kind});
  // In no order, so that nobody relies on one.
  Dice& dice = disk_->host_->dice;
  for (size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[dice.below(i)]);
  for (DirectoryEntry& entry : out) {
    if (!see(entry)) break;
  }
  return ok;
}

Result<> SimDirectory::make_directory(const std::string& path) {
  Result<> lives = alive(path);
  if (!lives) return lives;
  return disk_->make_directories(node_, path);
}

Result<> SimDirectory::remove(const std::string& path) {
  Result<Disk::Place> place = find_existing(path);
  if (!place) return std::move(place.error());
  if (place->folder == nullptr) return error_from_errno(EACCES, path);
  if (!place->node->entries.empty()) return error_from_errno(ENOTEMPTY, path);
  disk_->apply({{place->folder, place->name, nullptr}});
  return ok;
}

Result<> SimDirectory::rename(const std::string& from, const std::string& to, bool keep_existing) {
  Result<Disk::Place> source = find_existing(from);
  if (!source) return std::move(source.error());
  Result<Disk::Place> target = disk_->find(node_, to);
  if (!target) return std::move(target.error());
  if (source->folder == nullptr || target->folder == nullptr) return error_from_errno(EACCES, to);
  Node* old = target->node.get();
  if (old != nullptr && keep_existing) return error_from_errno(EEXIST, to);
  if (old == source->node.get()) return ok;
  if (old != nullptr && old->is_directory() != source->node->is_directory()) {
    return error_from_errno(old->is_directory() ? EISDIR : ENOTDIR, to);
  }
  if (old != nullptr && !old->entries.empty()) return error_from_errno(ENOTEMPTY, to);
  if (source->node->is_directory() && to.starts_with(from + "/")) {
    return error_from_errno(EINVAL, to);
  }
  disk_->apply(
      {{source->folder, source->name, nullptr}, {target->folder, target->name, source->node}});
  return ok;
}

Result<> SimDirectory::sync(const std::string& path) {
  Result<> lives = alive(path);
  if (!lives) return lives;
  auto folder = disk_->find_directory(node_, path);
  if (!folder) return std::move(folder.error());
  disk_->sync_names(*folder);
  return ok;
}

Result<Directory::Space> SimDirectory::space() {
  Result<> lives = alive("space");
  if (!lives) return std::move(lives.error());
  const Blocks& blocks = disk_->blocks();
  uint64_t inodes = disk_->host_->options.disk_inodes;
  return Space{disk_->host_->options.disk_bytes, blocks.total - std::min(blocks.total, blocks.used),
               inodes, inodes == 0 ? 0 : disk_->free_inodes()};
}

Result<std::string> SimDirectory::attribute(const std::string& path, const std::string& name) {
  Result<Disk::Place> place = find_existing(path);
  if (!place) return std::move(place.error());
  auto found = place->node->attributes.find(name);
  if (found == place->node->attributes.end()) return error_from_errno(ENODATA, path);
  return found->second;
}

Result<> SimDirectory::set_attribute(const std::string& path, const std::string& name,
                                     const std::string& value) {
  Result<Disk::Place> place = find_existing(path);
  if (!place) return std::move(place.error());
  place->node->attributes[name] = value;
  place->node->changed = disk_->file_time();
  return ok;
}

}  // namespace forebay::io::sim
