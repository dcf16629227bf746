// NativeOrigin: reads. The doors read units through the cache, which finds them by their names;
// here is what an Origin must be able to do, and who tells why a unit is not there.
#include <algorithm>

#include "base/encoding.h"
#include "object/head.h"
#include "object/native/native_origin.h"
#include "object/native/native_rows.h"

namespace forebay::object {

/// Gives a stretch of one version, unit by unit, from their files.
class NativeSource final : public io::Source {
 public:
  NativeSource(NativeOrigin& owner, ObjectKey key, std::string id, const NativeHead& head,
               Layout layout, ByteRange range)
      : owner_(owner),
        key_(std::move(key)),
        id_(std::move(id)),
        name_(head.named_by.empty() ? key_.text() : head.named_by),
        tag_(head.tag()),
        layout_(std::move(layout)),
        at_(range.offset),
        end_(range.end()) {}

  /// Opens the first unit, so that a version that is gone is known before anything is sent.
  Task<> open(Context ctx) {
    if (at_ == end_) co_return ok;
    opened_ = co_await co_await open_unit(ctx);
    co_return ok;
  }

  Task<io::Chunk> next(Context ctx) override {
    if (at_ == end_) co_return Bytes();
    if (!opened_) opened_ = co_await co_await open_unit(ctx);
    io::FileSlice slice = std::move(*opened_);
    opened_.reset();
    at_ += slice.length;
    if (owner_.options_.meter != nullptr) owner_.options_.meter->body_bytes_in(slice.length);
    co_return slice;
  }

 private:
  /// From at_ on, as far as the unit goes.
  Task<io::FileSlice> open_unit(Context ctx) {
    unit::Unit unit = unit_of(layout_, owner_.options_.incarnation, name_, tag_.text(), at_);
    uint64_t length = std::min(unit.range.end(), end_) - at_;
    auto slice = co_await owner_.options_.units.open(unit.id, {at_ - unit.range.offset, length},
                                                     owner_.options_.verify, ctx);
    if (slice) co_return slice;
    co_await co_await owner_.explain(key_, id_, tag_, std::move(slice.error()), ctx);
    co_return fail(Code::internal, "a unit that cannot be opened has no reason");
  }

  NativeOrigin& owner_;
  const ObjectKey key_;
  const std::string id_;    ///< by which it was asked for
  const std::string name_;  ///< the key in the names of its units
  const Tag tag_;
  const Layout layout_;
  uint64_t at_;
  const uint64_t end_;
  std::optional<io::FileSlice> opened_;
};

Task<> NativeOrigin::explain(ObjectKey key, std::string id, Tag tag, Error error, Context ctx) {
  bool bytes = error.code() == Code::not_found || error.code() == Code::corrupt;
  if (!bytes) co_return error;
  // Who began before it was replaced or removed may have come too late.
  auto now = co_await find_object(key, std::move(id), ctx);
  if (!now && now.error().code() != Code::corrupt) co_return std::move(now.error());
  if (now && now->head.tag() != tag) {
    co_return fail(Code::conflict, "the object has another version", "PreconditionFailed");
  }
  co_return fail(Code::corrupt,
                 "bytes of this object are lost on this node: " + key.text() + " : " + error.text(),
                 "InternalError");
}

Task<origin::GetAnswer> NativeOrigin::get_now(ObjectKey key, origin::GetOptions options,
                                              Context ctx) {
  Spot found = co_await co_await find_object(key, options.version_id, ctx);
  const NativeHead& head = found.head;
  bool other = (options.tag && *options.tag != head.tag()) ||
               (!options.etag.empty() && options.etag != head.etag());
  if (other) {
    co_return fail(Code::conflict, "the object has another version", "PreconditionFailed");
  }
  ByteRange range = options.range.value_or(ByteRange{0, head.size});
  if (options.range && range.offset >= head.size) {
    co_return fail(Code::invalid, "the range starts beyond the object", "InvalidRange");
  }
  range.length = std::min(range.length, head.size - range.offset);
  auto layout = head.layout(options_.unit_max);
  if (!layout) co_return fail(Code::corrupt, "pieces are not the object", "InternalError");
  origin::GetAnswer answer;
  answer.info = head.info();
  answer.info.version_id = co_await co_await told_id(head, ctx);
  if (options.range) answer.info.checksums.clear();
  answer.range = range;
  answer.body.length = range.length;
  auto source = std::make_unique<NativeSource>(*this, std::move(key), std::move(options.version_id),
                                               head, std::move(*layout), range);
  co_await co_await source->open(ctx);
  answer.body.source = std::move(source);
  co_return answer;
}

}  // namespace forebay::object
