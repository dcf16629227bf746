// Which file holds which key of a `dir` origin (docs/formats/dir-origin.md): the key is the path,
// and a key that ends with '/' is a file of a reserved name in that folder.
#pragma once

#include <string>
#include <string_view>

#include "base/names.h"

namespace forebay::origin {

/// Names that begin with this are Forebay's own, in every folder.
inline constexpr std::string_view kDirReserved = ".forebay";
/// The file that holds the key "folder/" inside that folder.
inline constexpr std::string_view kDirFolderFile = ".forebay-folder";
/// Temporary files; what is older than a day is swept.
inline constexpr std::string_view kDirTemporary = ".forebay-tmp";
/// Records that do not fit into extended attributes.
inline constexpr std::string_view kDirRecords = ".forebay-meta";
/// What uploads came to that completed lately.
inline constexpr std::string_view kDirCompleted = ".forebay-completed";
/// Uploads in parts.
inline constexpr std::string_view kDirUploads = ".forebay-uploads";

/// The path below the root. Keys that a directory cannot hold → Code::invalid, detail
/// "InvalidArgument" (empty segment, "." or "..", reserved name) or "KeyTooLongError" (a segment
/// above 255 bytes).
Result<std::string> dir_path(const ObjectKey& key);

/// Whether a name in a folder is hidden from lists.
inline bool dir_reserved(std::string_view name) { return name.starts_with(kDirReserved); }

/// The folder that holds `path`; "" for the root itself.
inline std::string dir_parent(std::string_view path) {
  size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? "" : path.substr(0, slash));
}

}  // namespace forebay::origin
