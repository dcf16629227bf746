// Credentials files as people edit them: any bytes are a profile or an error, and a profile that
// was written is read back.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "sign/profile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forebay::sign;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_region(text, "x");
  auto profile = parse_profile(text);
  if (!profile) return 0;
  auto again = parse_profile(format_profile(*profile));
  forebay::check(again.has_value(), "a written profile cannot be read");
  forebay::check(again->credentials.access_key == profile->credentials.access_key &&
                     again->credentials.secret.reveal() == profile->credentials.secret.reveal(),
                 "another profile came back");
  return 0;
}
