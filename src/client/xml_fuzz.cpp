// Answers of a server we do not trust: any bytes are a value or an error.
#include <cstddef>
#include <cstdint>

#include "client/admin.h"
#include "client/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)forebay::client::parse_list(text);
  (void)forebay::client::parse_buckets(text);
  (void)forebay::client::parse_upload_id(text);
  (void)forebay::client::parse_completed(text);
  (void)forebay::client::parse_error(400, text);
  (void)forebay::client::parse_problem(400, text);
  return 0;
}
