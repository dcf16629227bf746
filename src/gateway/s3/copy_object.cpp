#include "gateway/s3/copy_source.h"
#include "gateway/s3/fields.h"
#include "origin/checksums.h"

namespace forebay::gateway::s3 {

namespace {

constexpr std::string_view kStorageClass = "x-amz-storage-class";

// A copy onto itself is there to change something.
Result<> check_change(const object::CopyRequest& request) {
  // An earlier version is made the current one so.
  bool itself = request.source->name == request.bucket->name && request.source_key == request.key &&
                request.version_id.empty();
  bool changes = request.replace_fields || request.checksum ||
                 request.options.fields.contains(std::string(kStorageClass)) ||
                 request.options.fields.contains(std::string(origin::kEncryptionField));
  if (!itself || changes) return ok;
  return fail(
      Code::invalid,
      "A copy of an object onto itself must replace its metadata or give it another storage "
      "class, encryption or checksum; this one would change nothing",
      "InvalidRequest");
}

}  // namespace

Task<http::Response> copy_object(Call& call, Context ctx) {
  object::CopyRequest request = co_await read_copy_request(call);
  constexpr std::string_view kMetadata = "x-amz-metadata-directive";
  constexpr std::string_view kTagging = "x-amz-tagging-directive";
  request.replace_fields = co_await replaces(call.header(kMetadata), kMetadata);
  request.replace_tags = co_await replaces(call.header(kTagging), kTagging);
  request.options = co_await read_put_options(call, *request.bucket);
  if (!request.replace_fields) {
    // What a request says of metadata counts only where it replaces; so S3 has it, of tags too.
    std::erase_if(request.options.fields, [](auto& one) {
      return one.first != kStorageClass && one.first != origin::kEncryptionField;
    });
  }
  if (!request.replace_tags) request.options.tags.clear();
  auto plan =
      co_await origin::plan_checksums(call.header("x-amz-checksum-algorithm"), std::nullopt);
  if (plan) request.checksum = plan->kind;
  co_await check_change(request);
  auto copied = co_await co_await call.services.objects.copy(std::move(request), ctx);
  co_return copy_response("CopyObjectResult", copied);
}

}  // namespace forebay::gateway::s3
