// Between the files of NativeOrigin: what its changes of rows share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "meta/store.h"
#include "object/native/head_row.h"
#include "origin/origin.h"

namespace forebay::object {

/// How often a change follows a row that others change meanwhile.
inline constexpr int kNativeAttempts = 64;

/// What is said to who asks for encryption at rest.
inline constexpr std::string_view kNativeUnencrypted =
    "The objects of this bucket are on this node's disks, which are encrypted by whoever runs it, "
    "or not at all: nothing else can be asked for";

/// Whether what is there allows a write: `row`, whether there is one, and what it says, if it can
/// be read. A delete marker is no object.
Result<> allow_native_write(const origin::WriteConditions& conditions, bool row,
                            const std::optional<NativeHead>& head);

inline Error no_such_native_key() {
  return fail(Code::not_found, "The specified key does not exist.", "NoSuchKey");
}
/// What a read by an id says of nothing.
inline Error no_such_native_version() {
  return fail(Code::not_found, "The specified version does not exist.", "NoSuchVersion");
}
inline Error damaged_native_row(std::string_view key) {
  return fail(Code::corrupt, "the row of " + std::string(key) + " is damaged", "InternalError");
}
inline Error no_such_native_upload() {
  return fail(Code::not_found, "The specified multipart upload does not exist.", "NoSuchUpload");
}
inline Error another_native_row() {
  return fail(Code::conflict, "it is another now", "PreconditionFailed");
}
inline Error changes_too_fast() {
  return fail(Code::busy, "a row changes faster than it can be replaced", "SlowDown");
}

/// Whether an upload is there, asked once for the rows of its parts, which lie together. One at a
/// time calls it.
class UploadThere {
 public:
  /// `row_key`: of the upload's row.
  Task<bool> ask(meta::Store& store, std::string row_key, Context ctx) {
    if (row_key != last_) {
      auto found = co_await co_await store.get(row_key, ctx);
      there_ = found.has_value();
      last_ = std::move(row_key);
    }
    co_return there_;
  }

 private:
  std::string last_;
  bool there_ = false;
};

}  // namespace forebay::object
