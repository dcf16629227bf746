#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_object_tagging(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  object::BucketRef bucket = co_await call.bucket();
  ObjectKey key = co_await call.key();
  // Never from a cache: tags change without the ETag, and here they are all that is asked for.
  auto tags = co_await co_await bucket->origin->tags(std::move(key), ctx);
  Xml xml("Tagging");
  xml.open("TagSet");
  for (const auto& [name, value] : tags) {
    xml.open("Tag").text("Key", name).text("Value", value).close();
  }
  co_return xml.response();
}

}  // namespace forebay::gateway::s3
