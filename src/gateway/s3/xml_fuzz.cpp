// Request bodies in XML: whatever comes gives a value within the limits or MalformedXML.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "gateway/s3/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace forebay;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto removal = gateway::s3::parse_delete(text);
  if (removal) {
    check(!removal->items.empty() && removal->items.size() <= 1000, "a list within its limits");
    for (auto& item : removal->items) check(!item.key.empty(), "every item has a key");
  }
  (void)gateway::s3::parse_create_bucket(text);
  (void)gateway::s3::parse_versioning(text);
  auto complete = gateway::s3::parse_complete(text);
  if (complete) {
    uint32_t last = 0;
    for (auto& part : *complete) {
      check(part.number > last && part.number <= 10'000, "parts in order");
      last = part.number;
    }
  }
  return 0;
}
