// The part of Store that is about uploads in parts. They are the origin's; what passes is copied.
#include "object/store.h"

namespace forebay::object {

namespace {

UploadName name_of(const Bucket& bucket, const ObjectKey& key, std::string_view upload_id) {
  return {bucket.incarnation, std::string(key.text()), std::string(upload_id)};
}

std::vector<UnitId> units_of_part(const Bucket& bucket, const ObjectKey& key, origin::Piece piece) {
  auto layout = Layout::of_pieces(origin::Pieces({piece}), bucket.largest_unit());
  if (!layout) return {};
  return units_of(*layout, bucket.incarnation, key.text(), {});
}

}  // namespace

Task<origin::PartInfo> Store::put_part(PartRequest request, io::Body body, Context ctx) {
  const BucketRef& bucket = request.bucket;
  origin::Piece piece{.size = body.length};
  std::shared_ptr<unit::Tee> tee = begin_tee(*bucket, request.key, body, ctx);
  auto part =
      co_await co_await bucket->origin->put_part(request.key, request.upload_id, request.number,
                                                 std::move(request.options), std::move(body), ctx);
  if (tee == nullptr || !HeldParts::names_bytes(part.etag)) co_return part;
  ctx.loop->random_bytes(piece.id);
  co_await co_await tee->keep(units_of_part(*bucket, request.key, piece), ctx);
  auto before = held_.add(name_of(*bucket, request.key, request.upload_id), request.number,
                          {part.etag, piece});
  if (before) {
    for (const UnitId& id : units_of_part(*bucket, request.key, *before)) cache_.remove(id);
  }
  co_return part;
}

Task<> Store::abort(BucketRef bucket, ObjectKey key, std::string upload_id, Context ctx) {
  co_await co_await bucket->origin->abort_upload(key, upload_id, ctx);
  auto held = held_.take(name_of(*bucket, key, upload_id));
  co_return co_await drop_parts(std::move(bucket), std::move(key), std::move(held), ctx);
}

Task<> Store::drop_parts(BucketRef bucket, ObjectKey key, std::map<uint32_t, HeldParts::Part> parts,
                         Context ctx) {
  constexpr size_t kAtOnce = 1000;
  size_t dropped = 0;
  for (const auto& [number, part] : parts) {
    for (const UnitId& id : units_of_part(*bucket, key, part.piece)) {
      cache_.remove(id);
      if (++dropped % kAtOnce == 0 && !co_await io::yield(ctx)) co_return ok;
    }
  }
  co_return ok;
}

// Part sizes are what the origin kept, not what this process remembers: the upload may be older.
Task<Layout> Store::upload_layout(BucketRef bucket, ObjectKey key, std::string upload_id,
                                  std::vector<origin::CompletedPart> parts, Context ctx) {
  std::vector<uint64_t> sizes;
  uint32_t marker = 0;
  auto wanted = parts.begin();
  while (wanted != parts.end()) {
    auto page = co_await co_await bucket->origin->list_parts(key, upload_id, marker, 1000, ctx);
    for (const origin::PartInfo& part : page.parts) {
      // SeaweedFS lists those too that were replaced.
      bool chosen =
          wanted != parts.end() && wanted->number == part.number && wanted->etag == part.etag;
      if (!chosen) continue;
      sizes.push_back(part.size);
      ++wanted;
    }
    if (!page.truncated || page.next_marker <= marker) break;
    marker = page.next_marker;
  }
  if (wanted != parts.end()) co_return fail(Code::not_found, "a part is not listed");
  origin::Pieces pieces = held_.pieces(name_of(*bucket, key, upload_id), parts, sizes);
  auto layout = pieces.empty() ? Layout::of_parts(std::move(sizes), bucket->largest_unit())
                               : Layout::of_pieces(std::move(pieces), bucket->largest_unit());
  if (!layout) co_return fail(Code::corrupt, "the parts are larger than any object");
  co_return std::move(*layout);
}

Task<origin::PutAnswer> Store::complete(CompleteRequest request, Context ctx) {
  const BucketRef& bucket = request.bucket;
  Result<Layout> layout =
      co_await upload_layout(bucket, request.key, request.upload_id, request.parts, ctx);
  auto ticket = co_await co_await heads_.open_ticket(bucket, request.key, Leaves::nothing, ctx);
  Result<origin::PutAnswer> answer = co_await bucket->origin->complete_upload(
      request.key, request.upload_id, request.parts, request.options, ctx);
  if (!answer) {
    if (surely_not_done(answer.error())) ticket.close(nullptr);
    co_return std::move(answer.error());
  }
  // Fields were given when the upload was created, so only a check knows the whole head; what is
  // learned here is how the object is cut.
  if (layout && layout->telling() && answer->tag.strong() && answer->pieces.empty()) {
    origin::ObjectInfo made{.size = layout->size(), .etag = answer->etag, .tag = answer->tag};
    made.version_id = answer->version_id;
    // A hint: without it the layout is guessed.
    (void)co_await heads_.layouts().remember(*bucket, request.key, std::move(made), *layout, ctx);
  }
  ticket.close(nullptr);
  // What is in the object is found by its layout; the rest nobody reads.
  auto held = held_.take(name_of(*bucket, request.key, request.upload_id));
  for (const auto& chosen : request.parts) held.erase(chosen.number);
  co_await co_await drop_parts(bucket, request.key, std::move(held), ctx);
  co_return answer;
}

}  // namespace forebay::object
