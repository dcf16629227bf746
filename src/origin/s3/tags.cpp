// Object tagging: the header of writes, and the subresource.
#include "base/encoding.h"
#include "origin/s3/origin.h"

namespace forebay::origin {

void add_s3_tags(const TagSet& tags, http::HeadFields& out) {
  if (tags.empty()) return;
  std::string text;
  for (const auto& [name, value] : tags) {
    if (!text.empty()) text += '&';
    append_percent_encoded(text, name);
    append_percent_encoded(text += '=', value);
  }
  out.add("x-amz-tagging", text);
}

Task<TagSet> S3Origin::tags_now(ObjectKey key, std::string version_id, Context ctx) {
  S3Call call{.key = key.text(), .query = {{"tagging", ""}}};
  add_s3_version(version_id, call);
  Result<S3Text> text = co_await wire_.send_for_text(std::move(call), ctx);
  // Some servers have an error for an object without tags (MinIO before 2020, Ceph).
  bool none = !text && text.error().detail() == "NoSuchTagSet";
  if (none) co_return TagSet();
  if (!text) co_return std::move(text.error());
  co_return parse_s3_tagging(text->text);
}

Task<> S3Origin::set_tags_now(ObjectKey key, std::string version_id, TagSet tags, Context ctx) {
  S3Call call{
      .method = tags.empty() ? "DELETE" : "PUT", .key = key.text(), .query = {{"tagging", ""}}};
  add_s3_version(version_id, call);
  if (!tags.empty()) call.document = s3_tagging_document(tags);
  http::ClientResponse response = co_await co_await wire_.send(std::move(call), ctx);
  if (tags.empty()) co_return s3_removed(response);
  if (response.status != 200) co_return s3_unclear(response);
  co_return ok;
}

}  // namespace forebay::origin
