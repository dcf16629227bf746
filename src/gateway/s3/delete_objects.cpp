#include <algorithm>

#include "gateway/s3/document.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/payload.h"
#include "io/sync.h"

namespace forebay::gateway::s3 {

namespace {

// Deletes of one request that run at once.
constexpr size_t kWorkers = 16;
// What the answer says of a key beside it: an error's words are longer than what was asked, and may
// hold it again. A byte of it may take five in XML ("&amp;", "&#13;").
constexpr uint64_t kAnswerTo = 512, kMostEscaped = 5;

struct Batch {
  Call& call;
  object::BucketRef bucket;
  DeleteRequest request;
  std::vector<std::optional<Error>> errors;
  size_t next = 0;
};

Task<> remove_one(Call& call, object::BucketRef bucket, std::string text, std::string version,
                  Context ctx) {
  if (!version.empty() && version != "null") {
    co_return not_implemented("Reading or deleting by version id");
  }
  ObjectKey key = co_await ObjectKey::parse(text);
  co_return co_await call.services.objects.remove(bucket, key, ctx);
}

Task<> work(Batch& batch, Context ctx) {
  while (batch.next < batch.request.items.size()) {
    size_t i = batch.next++;
    const DeleteRequest::Item& item = batch.request.items[i];
    Result<> done = co_await remove_one(batch.call, batch.bucket, item.key, item.version_id, ctx);
    if (!done) batch.errors[i] = std::move(done.error());
  }
  co_return ok;
}

}  // namespace

Task<http::Response> delete_objects(Call& call, Context ctx) {
  object::BucketRef bucket = co_await call.bucket();
  bool guarded = call.header("content-md5") || call.header("x-amz-trailer");
  for (ChecksumKind kind : kAllChecksumKinds) guarded |= call.header(header_name(kind)).has_value();
  if (!guarded) {
    co_return fail(Code::invalid, "Missing required header for this request: Content-MD5",
                   "InvalidRequest");
  }
  HeldText sent = co_await co_await read_payload(call, kMaxXmlBody, ctx);
  DeleteRequest asked = co_await parse_delete(sent.text);
  // The answer's room, before anything is deleted.
  uint64_t most = asked.items.size() * kAnswerTo;
  for (const DeleteRequest::Item& item : asked.items) most += 2 * item.key.size() * kMostEscaped;
  if (!sent.share.resize(HeldText::share_of(most))) {
    co_return fail(Code::busy, "too many documents are under way; try again", "SlowDown");
  }
  sent.text = {};
  Batch batch{call, bucket, std::move(asked), {}};
  batch.errors.resize(batch.request.items.size());
  io::Group group(ctx);
  for (size_t i = 0; i < std::min(kWorkers, batch.request.items.size()); ++i) {
    group.spawn(work(batch, ctx));
  }
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  Xml out("DeleteResult");
  for (size_t i = 0; i < batch.errors.size(); ++i) {
    const std::string& key = batch.request.items[i].key;
    const std::optional<Error>& error = batch.errors[i];
    if (error) {
      S3Error shown = describe(*error);
      if (shown.level) call.note_unseen(*shown.level, *error);
      out.open("Error").text("Key", key).text("Code", shown.code).text("Message", shown.message);
      out.close();
    } else if (!batch.request.quiet) {
      out.open("Deleted").text("Key", key).close();
    }
  }
  co_return document(call, out, std::move(sent.share));
}

}  // namespace forebay::gateway::s3
