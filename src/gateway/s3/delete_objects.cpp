#include <algorithm>

#include "gateway/s3/document.h"
#include "gateway/s3/errors.h"
#include "gateway/s3/fields.h"
#include "gateway/s3/payload.h"
#include "io/sync.h"
#include "object/versions.h"

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
  std::optional<bool> kept;  ///< whether the origin has versions; asked once for all
  std::vector<Result<origin::Removed>> done;
  size_t next = 0;
};

Task<origin::Removed> remove_one(Batch& batch, DeleteRequest::Item item, Context ctx) {
  if (item.version_id && item.version_id->empty()) co_return object::empty_version();
  if (item.version_id && item.etag) co_return condition_with_version();
  ObjectKey key = co_await ObjectKey::parse(item.key);
  if (item.etag) {
    co_return co_await batch.call.services.objects.remove_matching(batch.bucket, std::move(key),
                                                                   wanted_etag(*item.etag), ctx);
  }
  co_return co_await batch.call.services.objects.remove_version(
      batch.bucket, std::move(key), item.version_id.value_or(""), batch.kept, ctx);
}

// A marker's id is told apart from the version's that was asked for.
void write_deleted(Xml& out, const DeleteRequest::Item& item, const origin::Removed& done) {
  out.open("Deleted").text("Key", item.key);
  if (item.version_id) out.text("VersionId", *item.version_id);
  if (done.marker) out.boolean("DeleteMarker", true);
  if (done.marker && !done.version_id.empty()) out.text("DeleteMarkerVersionId", done.version_id);
  out.close();
}

/// Those whose current version goes.
std::vector<ObjectKey> keys_of(const DeleteRequest& request) {
  std::vector<ObjectKey> keys;
  keys.reserve(request.items.size());
  for (const DeleteRequest::Item& item : request.items) {
    if (item.version_id) continue;
    auto key = ObjectKey::parse(item.key);
    if (key) keys.push_back(std::move(*key));
  }
  return keys;
}

Task<> work(Batch& batch, Context ctx) {
  while (batch.next < batch.request.items.size()) {
    size_t i = batch.next++;
    batch.done[i] = co_await remove_one(batch, batch.request.items[i], ctx);
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
  for (const DeleteRequest::Item& item : asked.items) {
    most += 2 * (item.key.size() + item.version_id.value_or("").size()) * kMostEscaped;
  }
  if (!sent.share.resize(HeldText::share_of(most))) {
    co_return fail(Code::busy, "too many documents are under way; try again", "SlowDown");
  }
  sent.text = {};
  Batch batch{call, bucket, std::move(asked), {}, {}};
  bool named = std::ranges::any_of(batch.request.items,
                                   [](const auto& item) { return item.version_id.has_value(); });
  if (named) batch.kept = co_await co_await bucket->origin->has_versions(ctx);
  batch.done.resize(batch.request.items.size(), origin::Removed());
  // Each delete looks after its own key; without this each might wait for the disk.
  (void)co_await call.services.objects.begin_removal(bucket, keys_of(batch.request), ctx);
  io::Group group(ctx);
  for (size_t i = 0; i < std::min(kWorkers, batch.request.items.size()); ++i) {
    group.spawn(work(batch, ctx));
  }
  Result<> joined = co_await group.join();
  co_await std::move(joined);
  Xml out("DeleteResult");
  for (size_t i = 0; i < batch.done.size(); ++i) {
    const DeleteRequest::Item& item = batch.request.items[i];
    const Result<origin::Removed>& done = batch.done[i];
    if (!done) {
      S3Error shown = describe(done.error());
      if (shown.level) call.note_unseen(*shown.level, done.error());
      out.open("Error").text("Key", item.key);
      if (item.version_id) out.text("VersionId", *item.version_id);
      out.text("Code", shown.code).text("Message", shown.message).close();
    } else if (!batch.request.quiet) {
      write_deleted(out, item, *done);
    }
  }
  co_return document(call, out, std::move(sent.share));
}

}  // namespace forebay::gateway::s3
