// Any text as the url of a PostgreSQL: refused, or whole; and a refusal never quotes the password.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "meta/postgres/url.h"

using forebay::check;
using forebay::meta::PostgresUrl;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  auto url = PostgresUrl::parse(text);
  if (url) {
    check(!url->endpoints.empty() && url->endpoints.size() <= PostgresUrl::kMaxEndpoints,
          "servers that are none or too many");
    check(!url->user.empty() && !url->database.empty(), "nobody, or nowhere");
    check(url->ssl_mode.starts_with("verify") != url->root_cert.empty(), "a mode without its file");
    check(url->schema().size() <= 63 + 2 && url->schema().find('"', 1) + 1 == url->schema().size(),
          "a schema that is no identifier");
    for (const std::string* part : {&url->user, &url->database, &url->root_cert}) {
      check(!part->contains('\0'), "a text that libpq would cut");
    }
  }
  // The same with a secret where the password stands.
  constexpr std::string_view kSecret = "Hush_0123456789";
  std::string with = "postgres://u:" + std::string(kSecret) + text;
  auto refused = PostgresUrl::parse(with);
  bool elsewhere = text.contains(kSecret);
  if (!refused && !elsewhere) {
    check(!refused.error().text().contains(kSecret), "an error tells the password");
  }
  return 0;
}
