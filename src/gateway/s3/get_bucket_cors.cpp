#include "gateway/s3/document.h"

namespace forebay::gateway::s3 {

Task<http::Response> get_bucket_cors(Call& call, Context) {
  object::BucketRef bucket = co_await call.bucket();
  if (bucket->settings.cors.empty()) {
    co_return fail(Code::not_found, "The CORS configuration does not exist",
                   "NoSuchCORSConfiguration");
  }
  Xml xml("CORSConfiguration");
  for (const object::CorsRule& rule : bucket->settings.cors) {
    xml.open("CORSRule");
    if (!rule.id.empty()) xml.text("ID", rule.id);
    for (const std::string& header : rule.headers) xml.text("AllowedHeader", header);
    for (const std::string& method : rule.methods) xml.text("AllowedMethod", method);
    for (const std::string& origin : rule.origins) xml.text("AllowedOrigin", origin);
    for (const std::string& header : rule.exposed) xml.text("ExposeHeader", header);
    if (rule.max_age) xml.number("MaxAgeSeconds", *rule.max_age);
    xml.close();
  }
  co_return document(call, xml);
}

}  // namespace forebay::gateway::s3
