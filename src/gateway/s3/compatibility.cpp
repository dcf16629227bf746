#include "gateway/s3/compatibility.h"

#include <algorithm>

#include "gateway/s3/operation.h"

namespace forebay::gateway::s3 {

namespace {

std::string_view title(Scope scope) {
  switch (scope) {
    case Scope::service: return "Service";
    case Scope::bucket: return "Buckets";
    case Scope::object: return "Objects";
  }
  return "";
}

std::string request(const Operation& row) {
  std::string text = "`" + std::string(row.method);
  text += row.scope == Scope::service ? " /" : row.scope == Scope::bucket ? " /b" : " /b/k";
  if (!row.markers.empty()) {
    std::string markers(row.markers);
    std::ranges::replace(markers, ' ', '&');
    text += "?" + markers;
  }
  text += "`";
  if (!row.header.empty()) text += " with `" + std::string(row.header) + "`";
  return text;
}

// "a b" → "`a` `b`".
std::string quoted(std::string_view words) {
  std::string text(words);
  for (size_t at = 0; (at = text.find(' ', at)) != std::string::npos; at += 3) {
    text.replace(at, 1, "` `");
  }
  return text.empty() ? text : "`" + text + "`";
}

}  // namespace

std::string compatibility_page() {
  std::string page =
      "# S3 compatibility\n\n"
      "Made from the table in `src/gateway/s3/operation.cpp` by `forebay s3-compatibility`; do not "
      "edit.\n"
      "An operation that is not answered gets S3's `NotImplemented` (501) or, where S3 has no "
      "such\n"
      "method, `MethodNotAllowed` (405): never a wrong success. Who has not signed, or may not do "
      "it, gets\n"
      "`AccessDenied` (403) before that. A browser's form (PostObject) is signed in its own "
      "fields: "
      "it takes those\n"
      "that are a PutObject's headers, and refuses what that would refuse.\n\n"
      "A request is an operation only if that operation takes all of its query parameters; a GET "
      "or HEAD\n"
      "ignores names that S3 does not have. Names beginning with `x-` always pass; `x-amz-` "
      "headers that a\n"
      "presigned URL carries in its query count as headers. A write is refused (501) when it has "
      "an `x-amz-`\n"
      "or `If-` header that stands neither in its row nor among those that change nothing "
      "(signature, framing,\n"
      "`x-amz-expected-bucket-owner`, which is checked, `x-amz-request-payer`, "
      "`x-amz-user-agent`, `x-amz-sdk-*`).\n\n"
      "Some operations that are answered ask something of the bucket, and are 501 in any other: "
      "PutBucketLifecycleConfiguration\n"
      "a native one, RenameObject a native one that keeps no versions, PutBucketVersioning a "
      "native one or an S3 origin.\n";
  for (Scope scope : {Scope::service, Scope::bucket, Scope::object}) {
    page += "\n## " + std::string(title(scope)) +
            "\n\n| operation | request | further query parameters | headers of a write | answered "
            "|\n|---|---|---|---|---|\n";
    for (const Operation& row : operations()) {
      if (row.scope != scope) continue;
      page += "| " + std::string(row.name) + " | " + request(row) + " | " + quoted(row.names) +
              " | " + quoted(row.headers) + " | " + (row.answer != nullptr ? "yes" : "no") + " |\n";
    }
  }
  return page;
}

}  // namespace forebay::gateway::s3
