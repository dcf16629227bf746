// HeldParts: what the cache has of uploads that have not ended. The bytes of a part lie under a
// name of their own, so that the object it becomes part of finds them without a byte being moved.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "origin/origin.h"
#include "origin/pieces.h"

namespace forebay::object {

/// An upload, as buckets tell theirs apart.
struct UploadName {
  uint64_t incarnation = 0;  ///< the bucket's
  std::string key = {};
  std::string id = {};
  auto operator<=>(const UploadName&) const = default;
};

/// All loops share one. In memory only, and never more than it may be: what is forgotten costs a
/// fetch of the part when it is read.
class HeldParts {
 public:
  /// Memory of all uploads together, as it is reckoned. Then the upload is forgotten that got none
  /// for longest.
  static constexpr size_t kMostBytes = 16 << 20;
  /// Of a part, and of an upload beside its name, which is there twice.
  static constexpr size_t kPartBytes = 160, kUploadBytes = 300;

  struct Part {
    ETag etag;  ///< what the origin answered
    origin::Piece piece;
  };
  /// Whether parts with equal ETags have equal bytes: it is the MD5 of them.
  static bool names_bytes(const ETag& etag);

  /// The origin has this part now, instead of the one it had by this number. The piece of that one.
  std::optional<origin::Piece> add(const UploadName& upload, uint32_t number, Part part);
  /// The pieces of an object of these parts and sizes; one is named if it was the last to come by
  /// its number and was answered with the ETag that is chosen now. None if no part is.
  origin::Pieces pieces(const UploadName& upload, const std::vector<origin::CompletedPart>& chosen,
                        const std::vector<uint64_t>& sizes) const;
  /// The upload has ended. What there was of it, by number.
  std::map<uint32_t, Part> take(const UploadName& upload);

 private:
  struct Upload {
    std::map<uint32_t, Part> parts;
    std::list<UploadName>::iterator turn;
  };
  using Uploads = std::map<UploadName, Upload>;
  static size_t bytes_of(const UploadName& upload) {
    return kUploadBytes + 2 * (upload.key.size() + upload.id.size());
  }
  void forget(Uploads::iterator upload);

  mutable std::mutex mutex_;
  Uploads uploads_;
  std::list<UploadName> turns_;  ///< that got none for longest first
  size_t bytes_ = 0;
};

}  // namespace forebay::object
