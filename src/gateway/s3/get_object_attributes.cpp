#include <algorithm>
#include <array>

#include "gateway/s3/call.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/xml.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

namespace {

constexpr auto kAttributes = std::to_array<std::string_view>(
    {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"});

// x-amz-object-attributes, which may come more than once: names with commas between them.
Result<std::vector<std::string_view>> asked_attributes(const Call& call) {
  std::vector<std::string_view> out;
  for (const Header& header : call.request.headers) {
    if (!http::same_name(header.name, "x-amz-object-attributes")) continue;
    std::string_view value = header.value;
    while (!value.empty()) {
      std::string_view one = value.substr(0, value.find(','));
      value.remove_prefix(std::min(value.size(), one.size() + 1));
      one = trim(one);
      if (std::ranges::find(kAttributes, one) == kAttributes.end()) {
        return fail(Code::invalid, "Invalid attribute name specified.", "InvalidArgument");
      }
      out.push_back(one);
    }
  }
  if (out.empty()) {
    return fail(Code::invalid,
                "The x-amz-object-attributes header specifying the attributes to be retrieved is "
                "either missing or empty",
                "InvalidRequest");
  }
  return out;
}

}  // namespace

Task<http::Response> get_object_attributes(Call& call, Context ctx) {
  co_await refuse_unsupported(call);
  auto asked = co_await asked_attributes(call);
  auto wanted = [&](std::string_view name) {
    return std::ranges::find(asked, name) != asked.end();
  };
  std::string version = co_await read_version(call);
  object::ReadRequest request{.bucket = co_await call.bucket(),
                              .key = co_await call.key(),
                              .version_id = std::move(version)};
  request.body = false;
  auto answer = co_await co_await call.services.objects.read(std::move(request), ctx);
  const origin::ObjectInfo& info = answer.head->info;
  Xml xml("GetObjectAttributesResponse");
  std::string_view etag = info.etag.text();
  bool quoted = etag.size() > 1 && etag.starts_with('"') && etag.ends_with('"');
  if (wanted("ETag")) xml.text("ETag", quoted ? etag.substr(1, etag.size() - 2) : etag);
  auto plan = origin::plan_of(info.checksums);
  if (wanted("Checksum") && plan) {
    xml.open("Checksum");
    write_checksums(xml, info.checksums);
    xml.text("ChecksumType", name(plan->type)).close();
  }
  // S3 lists parts only where they have checksums of their own, which no origin here tells.
  uint32_t parts = info.etag.part_count();
  if (wanted("ObjectParts") && parts > 0) {
    xml.open("ObjectParts").number("PartsCount", parts).close();
  }
  if (wanted("StorageClass")) {
    auto kept = info.fields.find("x-amz-storage-class");
    xml.text("StorageClass", kept == info.fields.end() ? "STANDARD" : kept->second);
  }
  if (wanted("ObjectSize")) xml.number("ObjectSize", info.size);
  http::Response response = xml.response();
  response.fields.add("Last-Modified", answer.head->last_modified);
  write_version(response.fields, info.version_id);
  co_return response;
}

}  // namespace forebay::gateway::s3
