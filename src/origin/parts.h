// Which parts make an object: the rules of CompleteMultipartUpload that every store with parts of
// its own must apply, as a pure function.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "origin/origin.h"

namespace forebay::origin {

/// S3's smallest part, but for the last one.
inline constexpr uint64_t kMinPart = 5 << 20;
/// S3's largest part number.
inline constexpr uint32_t kMaxPartNumber = 10'000;

/// The parts of `there` that `asked` names, in order. Errors, all Code::invalid, in this order:
/// MalformedXML (none asked), InvalidPartOrder, InvalidPart (not there, or another ETag),
/// EntityTooSmall (below `min_part`, the last excepted).
Result<std::vector<PartInfo>> choose_parts(const std::map<uint32_t, PartInfo>& there,
                                           const std::vector<CompletedPart>& asked,
                                           uint64_t min_part);

/// One page of any number of uploads that come in any order: of them it keeps what the page needs.
class LeastUploads {
 public:
  explicit LeastUploads(ListUploadsOptions options) : options_(std::move(options)) {}
  void offer(UploadInfo info);
  /// Whether it has all that the page needs, where what is offered comes by key, then id.
  bool full() const { return least_.size() > options_.max_uploads; }
  /// By key, then id. Once.
  ListUploadsAnswer page();

 private:
  using Name = std::pair<std::string, std::string>;  ///< key and id, or common prefix
  const ListUploadsOptions options_;
  std::map<Name, std::optional<UploadInfo>> least_;  ///< nothing: a common prefix
};
/// One page of an upload's parts.
ListPartsAnswer page_parts(const std::map<uint32_t, PartInfo>& there, uint32_t part_marker,
                           uint32_t max_parts);

/// The ETag of the object that these parts make. One whose ETag is no MD5 → Code::corrupt,
/// "InvalidPart".
Result<ETag> etag_of_parts(const std::vector<PartInfo>& parts);
/// Tells two completions of one upload apart: by all that they state.
std::string completion_fingerprint(const std::vector<CompletedPart>& asked,
                                   const PutOptions& options);

}  // namespace forebay::origin
