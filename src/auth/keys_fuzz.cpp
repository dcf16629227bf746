// Rows of access keys and keys of upload rows, as a damaged disk may give them.
#include <cstddef>
#include <cstdint>

#include "auth/keys.h"
#include "base/check.h"
#include "meta/schema.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto key = forebay::auth::AccessKey::from_row("ID", text);
  if (key) {
    auto again = forebay::auth::AccessKey::from_row("ID", key->to_row().dump());
    forebay::check(again && again->secret.reveal() == key->secret.reveal(),
                   "another key came back");
  }
  (void)forebay::meta::schema::parse_upload(text);
  (void)forebay::meta::schema::parse_part(text);
  return 0;
}
