#include "node/folders.h"

#include <filesystem>

namespace forebay::node {

namespace fs = std::filesystem;

namespace {

// Where a path leads; as much of it as there is.
fs::path resolved(const std::string& path) {
  std::error_code error;
  fs::path found = fs::weakly_canonical(path, error);
  return error ? fs::path(path).lexically_normal() : found;
}

// By name and by what the system says is the same folder: a bind mount has another name.
bool lies_in(fs::path path, const fs::path& folder) {
  while (true) {
    std::error_code error;
    if (path == folder || fs::equivalent(path, folder, error)) return true;
    if (!path.has_relative_path()) return false;
    path = path.parent_path();
  }
}

}  // namespace

Result<> make_private_folder(const std::string& path) {
  std::error_code error;
  fs::path folder(path);
  if (!folder.has_filename()) folder = folder.parent_path();  // "data/"
  fs::create_directories(folder.parent_path(), error);
  if (!error && fs::create_directory(folder, error)) {
    fs::permissions(folder, fs::perms::owner_all, error);
  }
  if (error) return fail(Code::invalid, "make folder " + path + ": " + error.message());
  return ok;
}

bool others_may_read(const std::string& path) {
  std::error_code error;
  constexpr fs::perms kOthers = fs::perms::group_read | fs::perms::group_exec |
                                fs::perms::others_read | fs::perms::others_exec;
  return (fs::status(path, error).permissions() & kOthers) != fs::perms::none && !error;
}

std::string missing(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  return "folder " + path + ": " + (error ? error.message() : "it is none");
}

bool lies_right_in(const std::string& path, const std::string& folder) {
  fs::path asked = resolved(path);
  if (!asked.has_filename()) asked = asked.parent_path();  // "buckets/a/"
  return asked.has_filename() && asked.parent_path() == resolved(folder);
}

bool shows(const std::string& path, const std::vector<std::string>& own) {
  fs::path asked = resolved(path);
  for (const std::string& folder : own) {
    fs::path kept = resolved(folder);
    if (lies_in(asked, kept) || lies_in(kept, asked)) return true;
  }
  return false;
}

}  // namespace forebay::node
