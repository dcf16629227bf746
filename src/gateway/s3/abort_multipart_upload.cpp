#include "gateway/s3/upload.h"

namespace forebay::gateway::s3 {

Task<http::Response> abort_multipart_upload(Call& call, Context ctx) {
  UploadTarget target = co_await read_upload_target(call);
  co_await co_await call.services.objects.abort(target.bucket, target.key, target.upload_id, ctx);
  co_return http::Response::make(204);
}

}  // namespace forebay::gateway::s3
