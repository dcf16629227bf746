#include "cli/content_type.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace forebay::cli {

namespace {

/// In order.
constexpr auto kTypes = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"arrow", "application/vnd.apache.arrow.file"},
    {"bz2", "application/x-bzip2"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"h5", "application/x-hdf5"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ipynb", "application/x-ipynb+json"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"jsonl", "application/x-ndjson"},
    {"md", "text/markdown"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"ndjson", "application/x-ndjson"},
    {"parquet", "application/vnd.apache.parquet"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tgz", "application/gzip"},
    {"tsv", "text/tab-separated-values"},
    {"txt", "text/plain"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
});
static_assert(std::ranges::is_sorted(kTypes));

}  // namespace

std::string_view content_type(std::string_view path) {
  constexpr std::string_view kUnknown = "application/octet-stream";
  std::string_view name = path.substr(path.rfind('/') + 1);
  size_t dot = name.rfind('.');
  // ".json" is a name, not an extension.
  if (dot == name.npos || dot == 0) return kUnknown;
  std::string extension(name.substr(dot + 1));
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  auto found = std::ranges::lower_bound(kTypes, std::string_view(extension), {},
                                        &std::pair<std::string_view, std::string_view>::first);
  return found != kTypes.end() && found->first == extension ? found->second : kUnknown;
}

}  // namespace forebay::cli
