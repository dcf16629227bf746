#include "object/layouts.h"

namespace forebay::object {

namespace {

/// Whether `whole` can have the part that the origin tells of.
bool fits(const origin::ObjectInfo& told, uint32_t number, const origin::ObjectInfo& whole) {
  if (told.size > whole.size) return false;
  if (!told.part) return true;
  const ByteRange& part = *told.part;
  if (told.part_of != 0 && told.part_of != whole.size) return false;
  if (number == 1 && part.offset != 0) return false;
  return part.offset <= whole.size && part.length <= whole.size - part.offset;
}

}  // namespace

Result<Layout> Layouts::of_pieces(const Bucket& bucket, const origin::ObjectInfo& info) {
  auto layout = Layout::of_pieces(info.pieces, bucket.largest_unit());
  if (layout && layout->size() == info.size) return std::move(*layout);
  return fail(Code::corrupt, "the pieces of an object are not the object");
}

Task<std::optional<Layout>> Layouts::stored(const Bucket& bucket, const ObjectKey& key,
                                            const origin::ObjectInfo& info, Context ctx) {
  auto found = co_await rows_.find(bucket.incarnation, key, ctx);
  std::optional<std::string> row;
  if (found) row = std::move(*found);
  if (!row) co_return std::nullopt;
  auto kept = read_kept(*row, bucket.largest_unit());
  // A row is a hint: of one that does not fit nothing is believed.
  bool fits = kept && kept->info.tag == info.tag && kept->info.size == info.size;
  if (!fits) co_return std::nullopt;
  co_return std::move(kept->layout);
}

Task<Layouts::Learned> Layouts::learn(const Bucket& bucket, const ObjectKey& key,
                                      const origin::ObjectInfo& info, Context ctx) {
  if (!info.pieces.empty()) co_return Learned{co_await of_pieces(bucket, info)};
  const uint32_t parts = info.etag.part_count();
  if (parts == 0) co_return Learned{Layout::whole(info.size, bucket.largest_unit())};
  auto known = co_await co_await stored(bucket, key, info, ctx);
  if (known) co_return Learned{std::move(*known), true};
  uint64_t first_part = 0;
  if (parts > 1 && bucket.capabilities.part_number) {
    origin::HeadOptions options{.part_number = 1, .checksums = false};
    auto part = co_await bucket.origin->head(key, options, ctx);
    bool fits = part && part->etag == info.etag &&
                (part->part_of == 0 || part->part_of == info.size) && part->size <= info.size;
    if (fits) first_part = part->size;
  }
  co_return Learned{Layout::guess(info.size, info.etag, first_part, bucket.largest_unit())};
}

Task<std::optional<ByteRange>> Layouts::part(const Bucket& bucket, const ObjectKey& key,
                                             const Head& head, uint32_t number, Context ctx) {
  if (head.layout.known()) co_return head.layout.part(number);
  if (!head.info.pieces.empty()) {
    Layout layout = co_await of_pieces(bucket, head.info);
    co_return layout.part(number);
  }
  auto known = co_await co_await stored(bucket, key, head.info, ctx);
  if (known && known->known()) co_return known->part(number);
  auto cannot = [] {
    return fail(Code::invalid, "the origin does not tell where a part lies", "NotImplemented");
  };
  if (!bucket.capabilities.part_number) co_return cannot();
  origin::HeadOptions options{
      .part_number = number, .checksums = false, .version_id = head.info.version_id};
  auto told = co_await bucket.origin->head(key, options, ctx);
  if (!told && told.error().detail() == "InvalidPartNumber") co_return std::nullopt;
  origin::ObjectInfo info = co_await std::move(told);
  if (info.etag != head.info.etag) {
    co_return fail(Code::conflict, "the origin has another version", "PreconditionFailed");
  }
  if (!fits(info, number, head.info)) {
    co_return fail(Code::corrupt, "the origin tells a part that the object cannot have",
                   origin::kBadGateway);
  }
  bool other = info.tag.strong() && head.info.tag.strong() && info.tag != head.info.tag;
  if (info.part && other) {
    co_return fail(Code::conflict, "the origin has another version", "PreconditionFailed");
  }
  if (info.part) co_return info.part;
  // A size alone tells only where the first one lies: those before another may be of any size.
  if (number == 1) co_return ByteRange{0, info.size};
  co_return cannot();
}

Task<> Layouts::remember(const Bucket& bucket, const ObjectKey& key, origin::ObjectInfo info,
                         Layout layout, Context ctx) {
  auto row = write_kept({.kind = KeptKind::layout}, info, layout);
  if (!row) co_return ok;
  co_return co_await rows_.put_hint(bucket.incarnation, key, std::move(*row), ctx);
}

}  // namespace forebay::object
