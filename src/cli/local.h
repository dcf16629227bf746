// Files of the machine the command runs on, by the path a person types.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/context.h"
#include "base/task.h"
#include "cli/shell.h"
#include "client/transfer.h"
#include "io/file.h"

namespace forebay::cli {

/// `path` from the environment's directory on, without "." and "..".
std::string absolute(const Environment& environment, std::string_view path);

/// Follows symbolic links, but not absolute ones (Code::denied).
struct LocalFile {
  std::shared_ptr<io::File> file;
  uint64_t size = 0;
};
Task<LocalFile> open_file(std::string path, Context ctx);

/// A small file as text; more than 1 MiB → Code::too_large.
Task<std::string> read_file(std::string path, Context ctx);

/// file, directory, or Code::not_found.
Task<io::FileStat::Kind> kind_of(std::string path, Context ctx);

/// A file that takes its name when it is whole. One that is not kept disappears.
class NewFile final : public client::Sink {
 public:
  static Task<std::unique_ptr<NewFile>> create(std::string path, Context ctx);
  ~NewFile() override;
  Task<> write(ByteView bytes, Context ctx) override;
  /// Gives it its name, in place of a file of that name.
  Task<> keep(Context ctx);

 private:
  NewFile() = default;
  std::shared_ptr<io::Directory> folder_;
  std::shared_ptr<io::File> file_;
  std::string name_;
  std::string draft_;
  uint64_t size_ = 0;
};

}  // namespace forebay::cli
