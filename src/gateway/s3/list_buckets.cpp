#include "base/encoding.h"
#include "gateway/s3/call.h"
#include "gateway/s3/document.h"

namespace forebay::gateway::s3 {

Task<http::Response> list_buckets(Call& call, Context) {
  uint32_t max = co_await call.number("max-buckets", 10'000, 10'000);
  if (max == 0) {
    co_return fail(Code::invalid, "Argument max-buckets must be an integer between 1 and 10000",
                   "InvalidArgument");
  }
  std::string_view region = call.parameter("bucket-region").value_or("");
  bool here = region.empty() || region == call.services.region;
  std::string_view prefix = call.parameter("prefix").value_or("");
  std::string_view after = call.parameter("continuation-token").value_or("");
  Xml xml("ListAllMyBucketsResult");
  xml.open("Owner").text("ID", kOwner).text("DisplayName", kOwner).close();
  xml.open("Buckets");
  uint32_t count = 0;
  std::string last;
  bool more = false;
  for (const object::BucketRef& bucket : call.services.buckets.list()) {
    const std::string& name = bucket->name.text();
    if (!here || name <= after || !name.starts_with(prefix)) continue;
    if (count == max) {
      more = true;
      break;
    }
    xml.open("Bucket").text("Name", name).text("CreationDate", iso8601(bucket->created)).close();
    last = name;
    ++count;
  }
  xml.close();
  if (more) xml.text("ContinuationToken", last);
  if (!prefix.empty()) xml.text("Prefix", prefix);
  co_return document(call, xml);
}

}  // namespace forebay::gateway::s3
