// S3Client: the S3 operations that the command line and tests need, over our own http. It speaks
// to Forebay and to any other S3 server, path style.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "base/range.h"
#include "client/exchange.h"
#include "io/body.h"

namespace forebay::client {

struct S3Options {
  http::Endpoint endpoint;
  std::optional<Credentials> credentials = std::nullopt;  ///< nothing: anonymous
  std::string region = "us-east-1";
};

struct ObjectInfo {
  uint64_t size = 0;  ///< of the whole object, also in the answer to a range
  ETag etag;
  WallTime modified;
  std::string cache;                           ///< X-Cache, as Forebay gives it; else empty
  std::map<std::string, std::string> headers;  ///< all of the answer, lower-case names
};

struct GetAnswer {
  ObjectInfo info;
  ByteRange range;  ///< what body holds
  io::Body body;    ///< ends early only with an error; its length may be http::kUnknownLength
};

struct GetOptions {
  /// "bytes=…" as RFC 9110 has it; empty: all.
  std::string range = {};
  /// Only this version: another one → Code::conflict, PreconditionFailed.
  ETag if_match = {};
};

struct PutOptions {
  std::map<std::string, std::string> headers = {};  ///< content-type, x-amz-meta-…
  /// Of the body, when it is known: then the signature covers it.
  std::optional<Digest256> sha256 = std::nullopt;
};

struct ListOptions {
  std::string prefix = {};
  std::string delimiter = {};
  std::string start_after = {};
  std::string continuation = {};
  uint32_t max_keys = 1000;
};

struct ListedObject {
  std::string key;
  uint64_t size = 0;
  ETag etag;
  WallTime modified;
};

struct ListPage {
  std::vector<ListedObject> objects;
  std::vector<std::string> prefixes;
  std::string continuation;  ///< of the next page; empty: this is the last one
};

struct BucketInfo {
  std::string name;
  WallTime created;
};

/// Errors carry S3's code in detail() when the answer has one: not_found NoSuchKey, denied
/// AccessDenied, conflict PreconditionFailed, busy SlowDown, …; unavailable when the server cannot
/// be reached or answers 5xx (for a write: the outcome is unknown); invalid NotS3 when it is the
/// admin address of a Forebay. Nothing is retried here. One loop.
class S3Client {
 public:
  /// `http` must outlive it and its bodies.
  S3Client(http::Client& http [[clang::lifetimebound]], S3Options options);

  Task<ObjectInfo> head(std::string bucket, std::string key, Context ctx);
  Task<GetAnswer> get(std::string bucket, std::string key, GetOptions options, Context ctx);
  /// `body` has a known length.
  Task<ETag> put(std::string bucket, std::string key, io::Body body, PutOptions options,
                 Context ctx);
  /// No error when it is not there.
  Task<> remove(std::string bucket, std::string key, Context ctx);
  /// List V2.
  Task<ListPage> list(std::string bucket, ListOptions options, Context ctx);

  /// The upload's id.
  Task<std::string> create_upload(std::string bucket, std::string key, PutOptions options,
                                  Context ctx);
  Task<ETag> put_part(std::string bucket, std::string key, std::string upload, uint32_t number,
                      io::Body body, PutOptions options, Context ctx);
  /// `parts`: the ETags of parts 1, 2, ….
  Task<ETag> complete_upload(std::string bucket, std::string key, std::string upload,
                             std::vector<ETag> parts, Context ctx);
  Task<> abort_upload(std::string bucket, std::string key, std::string upload, Context ctx);

  Task<std::vector<BucketInfo>> buckets(Context ctx);
  Task<> create_bucket(std::string bucket, Context ctx);
  Task<> remove_bucket(std::string bucket, Context ctx);

  /// A URL for `method` (GET or PUT) of one object, good for 1 s to 7 days; "" without credentials.
  std::string presign(std::string method, std::string_view bucket, std::string_view key,
                      WallTime now, Duration expires) const;

 private:
  Task<http::ClientResponse> send(Call call, Context ctx);
  Task<std::string> send_for_text(Call call, Context ctx);

  Exchange exchange_;
};

}  // namespace forebay::client
