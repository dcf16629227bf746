// Handles on the simulated disk: the File and Directory that production code sees. Internal to the
// simulated engine (io/sim.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/file.h"
#include "io/sim/disk.h"

namespace forebay::io::sim {

/// An open file. Dead (EIO, changes nothing) once its process has died.
class SimFile final : public File {
 public:
  SimFile(std::shared_ptr<Disk> disk, std::shared_ptr<Node> node, OpenMode mode,
          std::shared_ptr<Lane> lane);
  ~SimFile() override;

  Result<size_t> read_at(uint64_t offset, ByteSpan into) override;
  ssize_t try_read_at(uint64_t offset, ByteSpan into) override;
  Result<> write_at(uint64_t offset, ByteView bytes) override;
  Result<> allocate(uint64_t size) override;
  Result<> truncate(uint64_t size) override;
  Result<> sync() override;
  Result<> sync_all() override;
  Result<FileStat> stat() override;
  bool resident(uint64_t offset, uint64_t length) override;
  void read_ahead(uint64_t, uint64_t) override {}
  int descriptor() const override { return -1; }
  Lane* lane() const override { return lane_.get(); }
  Result<> make_private() override { return ok; }
  Result<std::string> attribute(const std::string& name) override;
  Result<> set_attribute(const std::string& name, const std::string& value) override;

 private:
  Result<> may_write(const char* what, uint64_t end);
  void changed();

  std::shared_ptr<Disk> disk_;
  std::shared_ptr<Node> node_;
  uint64_t epoch_;
  bool writable_;
  bool direct_;
  std::shared_ptr<Lane> lane_;
};

/// An open folder; dead like a file.
class SimDirectory final : public Directory {
 public:
  SimDirectory(std::shared_ptr<Disk> disk, std::shared_ptr<Node> node, std::shared_ptr<Lane> lane);

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<FileStat> stat(const std::string& path) override;
  Result<> visit(const std::string& path, const std::function<bool(DirectoryEntry&)>& see) override;
  Result<> make_directory(const std::string& path) override;
  Result<> remove(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to, bool keep_existing) override;
  Result<> sync(const std::string& path) override;
  Result<Space> space() override;
  Result<std::string> attribute(const std::string& path, const std::string& name) override;
  Result<> set_attribute(const std::string& path, const std::string& name,
                         const std::string& value) override;

 private:
  Result<> alive(const std::string& what);
  Result<Disk::Place> find_existing(const std::string& path);

  std::shared_ptr<Disk> disk_;
  std::shared_ptr<Node> node_;
  uint64_t epoch_;
  std::shared_ptr<Lane> lane_;
};

}  // namespace forebay::io::sim
