// Transfers of whole objects: upload in parts side by side, download that goes on where a broken
// connection left it. Retries what may be retried, tells how far it is.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "client/s3.h"

namespace forebay::client {

struct TransferOptions {
  /// Objects above one part are uploaded in parts of this size; larger where 10,000 parts would
  /// not do. At least 5 MiB at most servers.
  uint64_t part_size = 16 << 20;
  /// Parts under way at once; each is held in memory.
  unsigned parallel = 4;
  /// How often one request is made before its error counts.
  unsigned attempts = 4;
  /// The pause after the first failed attempt; it doubles.
  Duration pause = milliseconds(500);
  /// Called with each number of bytes moved; negative when some are sent again. On the loop.
  std::function<void(int64_t)> moved = {};
};

/// As an io::Body's length: not known before its end.
inline constexpr uint64_t kUnknownLength = http::kUnknownLength;
inline constexpr uint32_t kMaxParts = 10'000;

/// Puts `body` (length may be http::kUnknownLength), in parts when it is long. A failed upload in
/// parts is aborted. Every part's hash is signed.
Task<ETag> upload(S3Client& client [[clang::lifetimebound]], std::string bucket, std::string key,
                  io::Body body, PutOptions options, TransferOptions transfer, Context ctx);

/// Where a download goes.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Takes all of `bytes`, which follow the ones before. They are good until it returns.
  virtual Task<> write(ByteView bytes, Context ctx) = 0;
};

/// Gets one version of an object, whole and in order. When the connection breaks it goes on with
/// the same version or fails.
Task<ObjectInfo> download(S3Client& client [[clang::lifetimebound]], std::string bucket,
                          std::string key, Sink& sink [[clang::lifetimebound]],
                          TransferOptions transfer, Context ctx);

/// The part size for an object of `length` bytes: `wanted`, or the least whole MiB with which
/// kMaxParts are enough.
uint64_t part_size_for(uint64_t length, uint64_t wanted);

}  // namespace forebay::client
