#include "origin/dir/key.h"

namespace forebay::origin {

namespace {

constexpr size_t kLongestName = 255;  // NAME_MAX of every filesystem that matters

Error refused(std::string_view why) {
  return fail(Code::invalid, "a directory cannot hold this key: " + std::string(why),
              "InvalidArgument");
}

}  // namespace

Result<std::string> dir_path(const ObjectKey& key) {
  std::string_view text = key.text();
  bool folder = text.ends_with('/');
  std::string_view left = folder ? text.substr(0, text.size() - 1) : text;
  while (true) {
    size_t slash = left.find('/');
    std::string_view segment = left.substr(0, slash);
    if (segment.empty()) return refused("it has an empty segment");
    if (segment == "." || segment == "..") return refused("a segment is '.' or '..'");
    if (dir_reserved(segment)) return refused("names beginning with '.forebay' are reserved");
    if (segment.size() > kLongestName) {
      return fail(Code::invalid, "a directory cannot hold this key: a segment is above 255 bytes",
                  "KeyTooLongError");
    }
    if (slash == std::string_view::npos) break;
    left.remove_prefix(slash + 1);
  }
  std::string path(text);
  if (folder) path += kDirFolderFile;
  return path;
}

}  // namespace forebay::origin
