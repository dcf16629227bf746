// Between the files of NativeOrigin: what its changes of rows share.
#pragma once

#include <string_view>

#include "base/result.h"

namespace forebay::object {

/// How often a change follows a row that others change meanwhile.
inline constexpr int kNativeAttempts = 64;

/// What is said to who asks for encryption at rest.
inline constexpr std::string_view kNativeUnencrypted =
    "The objects of this bucket are on this node's disks, which are encrypted by whoever runs it, "
    "or not at all: nothing else can be asked for";

inline Error no_such_native_key() {
  return fail(Code::not_found, "The specified key does not exist.", "NoSuchKey");
}
inline Error no_such_native_upload() {
  return fail(Code::not_found, "The specified multipart upload does not exist.", "NoSuchUpload");
}
inline Error changes_too_fast() {
  return fail(Code::busy, "a row changes faster than it can be replaced", "SlowDown");
}

}  // namespace forebay::object
