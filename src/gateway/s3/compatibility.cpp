#include "gateway/s3/compatibility.h"

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
  if (!row.marker.empty()) text += "?" + std::string(row.marker);
  text += "`";
  if (!row.header.empty()) text += " with `" + std::string(row.header) + "`";
  return text;
}

}  // namespace

std::string compatibility_page() {
  std::string page =
      "# S3 compatibility\n\n"
      "Made from the table in `src/gateway/s3/operation.cpp` by `forebay s3-compatibility`; do not "
      "edit.\n"
      "An operation that is not answered gets S3's `NotImplemented` (501) or, where S3 has no "
      "such\n"
      "method, `MethodNotAllowed` (405): never a wrong success.\n";
  for (Scope scope : {Scope::service, Scope::bucket, Scope::object}) {
    page += "\n## " + std::string(title(scope)) +
            "\n\n| operation | request | answered |\n|---|---|---|\n";
    for (const Operation& row : operations()) {
      if (row.scope != scope) continue;
      page += "| " + std::string(row.name) + " | " + request(row) + " | " +
              (row.answer != nullptr ? "yes" : "no") + " |\n";
    }
  }
  return page;
}

}  // namespace forebay::gateway::s3
