#include "io/real/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "io/real/descriptor.h"
#include "io/stream.h"

namespace forebay::io::real {

namespace {

WallTime wall(const timespec& t) { return {t.tv_sec * 1'000'000'000 + t.tv_nsec}; }

FileStat convert(const struct stat& s) {
  FileStat out;
  out.kind = S_ISREG(s.st_mode)   ? FileStat::Kind::file
             : S_ISDIR(s.st_mode) ? FileStat::Kind::directory
                                  : FileStat::Kind::other;
  out.size = static_cast<uint64_t>(s.st_size);
  out.modified = wall(s.st_mtim);
  out.changed = wall(s.st_ctim);
  out.device = s.st_dev;
  out.inode = s.st_ino;
  out.allocated = static_cast<uint64_t>(s.st_blocks) * 512;
  return out;
}

// cachestat(2), Linux 6.5. Debian 12's own kernel lacks it; then one byte is read without waiting.
struct CachestatRange {
  uint64_t offset, length;
};
struct Cachestat {
  uint64_t cached, dirty, writeback, evicted, recently_evicted;
};
constexpr long kSysCachestat = 451;
std::atomic<bool> has_cachestat{true};

Result<std::string> read_attribute(int fd, const std::string& name, const std::string& path) {
  char small[4096];
  ssize_t n = ::fgetxattr(fd, name.c_str(), small, sizeof small);
  if (n >= 0) return std::string(small, static_cast<size_t>(n));
  if (errno != ERANGE) return last_error("attribute " + name + " of " + path);
  std::string value(64 << 10, '\0');  // the kernel's own bound (XATTR_SIZE_MAX)
  n = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
  if (n < 0) return last_error("attribute " + name + " of " + path);
  value.resize(static_cast<size_t>(n));
  return value;
}

Result<> write_attribute(int fd, const std::string& name, const std::string& value,
                         const std::string& path) {
  if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) return ok;
  return last_error("attribute " + name + " of " + path);
}

class RealFile final : public File {
 public:
  RealFile(Descriptor fd, std::string path, std::shared_ptr<Lane> lane)
      : fd_(std::move(fd)), path_(std::move(path)), lane_(std::move(lane)) {}

  Result<size_t> read_at(uint64_t offset, ByteSpan into) override {
    size_t done = 0;
    while (done < into.size()) {
      ssize_t n = ::pread(fd_.get(), into.data() + done, into.size() - done,
                          static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return last_error("read " + path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  ssize_t try_read_at(uint64_t offset, ByteSpan into) override {
    iovec part{into.data(), into.size()};
    ssize_t n = ::preadv2(fd_.get(), &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    if (n >= 0) return n;
    // Some filesystems (tmpfs) cannot say; what is in memory does not wait there either.
    if (errno == EOPNOTSUPP && has_cachestat.load(std::memory_order_relaxed) &&
        resident(offset, into.size())) {
      n = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
      if (n >= 0) return n;
    }
    return errno == EOPNOTSUPP ? -EAGAIN : -errno;
  }

  Result<> write_at(uint64_t offset, ByteView bytes) override {
    while (!bytes.empty()) {
      ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return last_error("write " + path_);
      bytes = bytes.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return ok;
  }

  Result<> allocate(uint64_t size) override {
    if (size == 0) return ok;
    int rc = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
    if (rc != 0) return error_from_errno(rc, "allocate " + path_);
    return ok;
  }

  Result<> truncate(uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return last_error("truncate");
    return ok;
  }

  Result<> sync() override {
    if (::fdatasync(fd_.get()) != 0) return last_error("sync " + path_);
    return ok;
  }

  Result<> sync_all() override {
    if (::fsync(fd_.get()) != 0) return last_error("sync " + path_);
    return ok;
  }

  Result<FileStat> stat() override {
    struct stat s;
    if (::fstat(fd_.get(), &s) != 0) return last_error("stat " + path_);
    return convert(s);
  }

  bool resident(uint64_t offset, uint64_t length) override {
    if (has_cachestat.load(std::memory_order_relaxed)) {
      CachestatRange range{offset, length};
      Cachestat found{};
      if (::syscall(kSysCachestat, fd_.get(), &range, &found, 0) == 0) {
        uint64_t first = offset / 4096;
        uint64_t last = (offset + length + 4095) / 4096;
        return found.cached >= last - first;
      }
      if (errno == ENOSYS) has_cachestat = false;
    }
    std::byte probe;
    iovec part{&probe, 1};
    return ::preadv2(fd_.get(), &part, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0 &&
           ::preadv2(fd_.get(), &part, 1, static_cast<off_t>(offset + length - 1), RWF_NOWAIT) >= 0;
  }

  void read_ahead(uint64_t offset, uint64_t length) override {
    // Read as a reader would, to nowhere: so the kernel brings large folios, which sendfile later
    // passes on at two thirds of the cost of the single pages that advice (WILLNEED) brings.
    static const Descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    auto at = static_cast<off_t>(offset);
    while (length > 0) {
      ssize_t n = ::sendfile(nowhere.get(), fd_.get(), &at, length);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) ::posix_fadvise(fd_.get(), at, static_cast<off_t>(length), POSIX_FADV_WILLNEED);
      if (n <= 0) return;
      length -= static_cast<uint64_t>(n);
    }
  }

  int descriptor() const override { return fd_.get(); }
  Lane* lane() const override { return lane_.get(); }

  Result<> make_private() override {
    if (::fchmod(fd_.get(), 0600) != 0) return last_error("make private " + path_);
    return ok;
  }

  Result<std::string> attribute(const std::string& name) override {
    return read_attribute(fd_.get(), name, path_);
  }
  Result<> set_attribute(const std::string& name, const std::string& value) override {
    return write_attribute(fd_.get(), name, value, path_);
  }

  Result<> copy_from(File& source, uint64_t from, uint64_t to, uint64_t length) override {
    while (length > 0) {
      auto in = static_cast<off64_t>(from), out = static_cast<off64_t>(to);
      ssize_t n = ::copy_file_range(source.descriptor(), &in, fd_.get(), &out, length, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno != ENOSPC && errno != EIO && errno != EDQUOT) {
        // Two filesystems, or one that cannot: by hand.
        return File::copy_from(source, from, to, length);
      }
      if (n < 0) return last_error("copy into " + path_);
      if (n == 0) return fail(Code::corrupt, "a file is shorter than what is copied of it");
      auto count = static_cast<uint64_t>(n);
      from += count, to += count, length -= count;
    }
    return ok;
  }

 private:
  Descriptor fd_;
  std::string path_;
  std::shared_ptr<Lane> lane_;
};

class RealDirectory final : public Directory {
 public:
  RealDirectory(Descriptor fd, std::string path, std::shared_ptr<Lane> lane)
      : fd_(std::move(fd)), path_(std::move(path)), lane_(std::move(lane)) {}

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;  // a pipe without a writer must not hold us
    switch (mode) {
      // A FIFO in place of a file would otherwise wait for its writer.
      case OpenMode::read: flags |= O_RDONLY | O_NONBLOCK; break;
      case OpenMode::read_write: flags |= O_RDWR; break;
      case OpenMode::create: flags |= O_RDWR | O_CREAT; break;
      case OpenMode::create_new: flags |= O_RDWR | O_CREAT | O_EXCL; break;
      case OpenMode::direct: flags |= O_RDWR | O_DIRECT; break;
    }
    auto fd = beneath(path, flags);
    if (!fd) return std::move(fd.error());
    struct stat s;
    if (::fstat(fd->get(), &s) != 0) return last_error("stat " + shown(path));
    if (S_ISDIR(s.st_mode)) return error_from_errno(EISDIR, "open " + shown(path));
    if (!S_ISREG(s.st_mode)) return fail(Code::denied, shown(path) + " is no regular file");
    return std::make_shared<RealFile>(std::move(*fd), shown(path), lane_);
  }

  Result<FileStat> stat(const std::string& path) override {
    auto fd = beneath(path, O_PATH | O_CLOEXEC);
    if (!fd) return std::move(fd.error());
    struct stat s;
    if (::fstat(fd->get(), &s) != 0) return last_error("stat " + shown(path));
    return convert(s);
  }

  Result<> visit(const std::string& path,
                 const std::function<bool(DirectoryEntry&)>& see) override {
    auto fd = beneath(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!fd) return std::move(fd.error());
    int copy = ::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return last_error("list " + shown(path));
    DIR* dir = ::fdopendir(copy);
    if (dir == nullptr) {
      Error error = last_error("list " + shown(path));
      ::close(copy);
      return error;
    }
    DirectoryEntry shown_one{"", FileStat::Kind::other};
    int error = 0;
    while (true) {
      errno = 0;
      dirent* entry = ::readdir(dir);
      if (entry == nullptr) {
        error = errno;
        break;
      }
      shown_one.name = entry->d_name;
      if (shown_one.name == "." || shown_one.name == "..") continue;
      shown_one.kind = entry->d_type == DT_REG   ? FileStat::Kind::file
                       : entry->d_type == DT_DIR ? FileStat::Kind::directory
                                                 : FileStat::Kind::other;
      if (!see(shown_one)) break;
    }
    ::closedir(dir);
    if (error != 0) return error_from_errno(error, "list " + shown(path));
    return ok;
  }

  Result<> make_directory(const std::string& path) override {
    for (size_t at = 0; at < path.size();) {
      size_t slash = path.find('/', at);
      if (slash == std::string::npos) slash = path.size();
      std::string part = path.substr(0, slash);
      at = slash + 1;
      if (part.empty()) continue;
      auto parent = parent_of(part);
      if (!parent) return std::move(parent.error());
      if (::mkdirat(parent->first.get(), parent->second.c_str(), 0755) != 0 && errno != EEXIST) {
        return last_error("make folder " + shown(part));
      }
    }
    auto made = stat(path);
    if (!made) return std::move(made.error());
    if (made->kind != FileStat::Kind::directory) {
      return fail(Code::exists, shown(path) + " is there and no folder");
    }
    return ok;
  }

  Result<> remove(const std::string& path) override {
    auto parent = parent_of(path);
    if (!parent) return std::move(parent.error());
    const char* name = parent->second.c_str();
    if (::unlinkat(parent->first.get(), name, 0) == 0) return ok;
    if (errno == EISDIR && ::unlinkat(parent->first.get(), name, AT_REMOVEDIR) == 0) return ok;
    return last_error("remove " + shown(path));
  }

  Result<> remove_folder(const std::string& path) override {
    auto parent = parent_of(path);
    if (!parent) return std::move(parent.error());
    if (::unlinkat(parent->first.get(), parent->second.c_str(), AT_REMOVEDIR) == 0) return ok;
    return last_error("remove folder " + shown(path));
  }

  Result<> rename(const std::string& from, const std::string& to, bool keep_existing) override {
    auto source = parent_of(from);
    if (!source) return std::move(source.error());
    auto target = parent_of(to);
    if (!target) return std::move(target.error());
    unsigned flags = keep_existing ? RENAME_NOREPLACE : 0;
    if (::renameat2(source->first.get(), source->second.c_str(), target->first.get(),
                    target->second.c_str(), flags) != 0) {
      return last_error("rename " + shown(from) + " to " + shown(to));
    }
    return ok;
  }

  Result<> sync(const std::string& path) override {
    auto fd = beneath(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!fd) return std::move(fd.error());
    if (::fsync(fd->get()) != 0) return last_error("sync " + shown(path));
    return ok;
  }

  Result<Space> space() override {
    struct statvfs s;
    if (::fstatvfs(fd_.get(), &s) != 0) return last_error("space of " + path_);
    return Space{s.f_blocks * s.f_frsize, s.f_bavail * s.f_frsize, s.f_files, s.f_favail};
  }

  Result<std::string> attribute(const std::string& path, const std::string& name) override {
    auto fd = beneath(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (!fd) return std::move(fd.error());
    return read_attribute(fd->get(), name, shown(path));
  }

  Result<> set_attribute(const std::string& path, const std::string& name,
                         const std::string& value) override {
    auto fd = beneath(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (!fd) return std::move(fd.error());
    return write_attribute(fd->get(), name, value, shown(path));
  }

 private:
  std::string shown(const std::string& path) const {
    return path.empty() ? path_ : (path_ == "/" ? "" : path_) + "/" + path;
  }

  Result<Descriptor> beneath(const std::string& path, int flags) const {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags);
    if (flags & O_CREAT) how.mode = 0644;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const char* name = path.empty() ? "." : path.c_str();
    while (true) {
      long fd = ::syscall(SYS_openat2, fd_.get(), name, &how, sizeof how);
      if (fd >= 0) return Descriptor(static_cast<int>(fd));
      // A concurrent rename makes a ".." walk undecided (EAGAIN): ask again.
      if (errno != EINTR && errno != EAGAIN) return last_error("open " + shown(path));
    }
  }

  // The folder that holds the last name of `path`, and that name.
  Result<std::pair<Descriptor, std::string>> parent_of(const std::string& path) const {
    if (path.starts_with('/')) return error_from_errno(EXDEV, path);
    size_t slash = path.rfind('/');
    std::string folder = slash == std::string::npos ? "" : path.substr(0, slash);
    std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..") {
      return fail(Code::denied, "'" + path + "' names no entry of a folder");
    }
    auto fd = beneath(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!fd) return std::move(fd.error());
    return std::pair(std::move(*fd), std::move(name));
  }

  Descriptor fd_;
  std::string path_;
  std::shared_ptr<Lane> lane_;
};

Result<> make_all(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) return last_error("make " + part);
    if (slash == std::string::npos) return ok;
  }
}

}  // namespace

Result<std::shared_ptr<Directory>> open_directory(const std::string& path, bool create,
                                                  std::shared_ptr<Lane> lane) {
  if (path.empty() || path.front() != '/') {
    return fail(Code::invalid, "'" + path + "' is not an absolute path");
  }
  if (create) {
    Result<> made = make_all(path);
    if (!made) return std::move(made.error());
  }
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return last_error("open folder " + path);
  return std::make_shared<RealDirectory>(std::move(fd), path, std::move(lane));
}

}  // namespace forebay::io::real
