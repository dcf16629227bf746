#include "gateway/s3/copy_source.h"
#include "gateway/s3/errors.h"

namespace forebay::gateway::s3 {

Task<http::Response> upload_part_copy(Call& call, Context ctx) {
  object::CopyRequest request = co_await read_copy_request(call);
  request.upload_id = call.parameter("uploadId").value_or("");
  if (request.upload_id.empty()) {
    co_return fail(Code::not_found, "The specified multipart upload does not exist.",
                   "NoSuchUpload");
  }
  request.part_number = co_await call.number("partNumber", 0, 10'000);
  if (request.part_number == 0) {
    co_return fail(Code::invalid, "Part number must be an integer between 1 and 10000, inclusive",
                   "InvalidArgument");
  }
  if (auto range = call.header("x-amz-copy-source-range")) {
    request.range = co_await parse_copy_range(*range);
  }
  auto copied = co_await co_await call.services.objects.copy(std::move(request), ctx);
  co_return copy_response("CopyPartResult", copied);
}

}  // namespace forebay::gateway::s3
