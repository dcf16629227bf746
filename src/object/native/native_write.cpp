// NativeOrigin: a body becomes units, and a row says that they are an object.
#include <algorithm>

#include "base/encoding.h"
#include "io/loop.h"
#include "meta/schema.h"
#include "object/head.h"
#include "object/native/native_origin.h"
#include "object/native/native_rows.h"
#include "origin/kept.h"

namespace forebay::object {

namespace {

/// What is read of a file at once.
constexpr size_t kLoadAtOnce = 64 << 10;
/// From this size on a piece is summed outside the loop, which has others to serve.
constexpr size_t kSumOutside = 64 << 10;

Error wrong_length() {
  return fail(Code::invalid, "a body is not as long as it says", "IncompleteBody");
}

/// Takes one body's bytes in order and cuts them into units.
class Intake {
 public:
  Intake(const NativeOptions& options, NativeUsage& usage, LooseUnits::Write& written,
         Layout layout)
      : units_(options.units),
        lanes_(*options.md5),
        meter_(options.meter.get()),
        coming_(usage),
        written_(written),
        layout_(std::move(layout)) {}

  /// How units are called: of the write `write` to `key`, which outlives it.
  void name(uint64_t incarnation, std::string_view key, const Sixteen& write) {
    owner_ = {incarnation, key_slot(incarnation, key)};
    key_ = key;
    tag_ = to_hex(write);
  }
  /// Also reckons `other`, which may be null.
  void reckon(Checksum* other) { other_ = other; }

  Task<> read(io::Body& body, Context ctx) {
    while (body.source != nullptr) {
      io::Chunk chunk = co_await co_await body.source->next(ctx);
      uint64_t length = io::size(chunk);
      if (length == 0) break;
      // Given back before the source is waited for, which many copies may do at once.
      std::vector<std::byte> loaded;
      if (std::holds_alternative<io::FileSlice>(chunk)) loaded.resize(kLoadAtOnce);
      for (uint64_t done = 0; done < length;) {
        ByteView part = co_await co_await io::load(chunk, done, loaded, ctx);
        co_await co_await add(part, ctx);
        done += part.size();
      }
    }
    if (size_ != layout_.size()) co_return wrong_length();
    // Only now: a body that does not verify ends with an error.
    if (unit_) co_await co_await commit(ctx);
    co_return ok;
  }
  Sixteen md5() const { return md5_.digest(); }

 private:
  Task<> add(ByteView part, Context ctx) {
    if (part.size() > layout_.size() - size_) co_return wrong_length();
    co_await coming_.add(part.size());
    co_await co_await lanes_.update(md5_, part, ctx);
    if (other_ != nullptr) co_await co_await sum_other(part, ctx);
    while (!part.empty()) {
      if (!unit_) co_await co_await begin(ctx);
      ByteView now = part.first(std::min<uint64_t>(part.size(), unit_->left()));
      co_await co_await unit_->add(now, ctx);
      part = part.subspan(now.size());
      size_ += now.size();
      if (meter_ != nullptr) meter_->body_bytes_out(now.size());
      bool last = size_ == layout_.size();
      if (unit_->left() == 0 && !last) co_await co_await commit(ctx);
    }
    co_return ok;
  }
  Task<> sum_other(ByteView part, Context ctx) {
    auto sum = [this, part]() -> Result<> {
      other_->update(part);
      return ok;
    };
    if (part.size() < kSumOutside) co_return sum();
    co_return co_await io::run_blocking(ctx, sum);
  }
  Task<> begin(Context ctx) {
    unit::Unit unit = unit_of(layout_, owner_.incarnation, key_, tag_, size_);
    // Before it can be found: a sweep that finds it must know of it.
    written_.add(unit.id);
    unit_ = std::make_unique<unit::Native::Writing>(
        co_await co_await units_.begin(unit.id, owner_, unit.range.length, ctx));
    co_return ok;
  }
  Task<> commit(Context ctx) {
    Result<> done = co_await unit_->commit(ctx);
    unit_.reset();
    co_return done;
  }

  unit::Native& units_;
  io::Md5Lanes& lanes_;
  origin::Meter* meter_;
  NativeUsage::Coming coming_;
  LooseUnits::Write& written_;
  const Layout layout_;
  unit::UnitOwner owner_ = {};
  std::string_view key_;
  std::string tag_;
  Md5 md5_;
  Checksum* other_ = nullptr;
  uint64_t size_ = 0;
  std::unique_ptr<unit::Native::Writing> unit_;  ///< null: none is under way
};

}  // namespace

Result<> allow_native_write(const origin::WriteConditions& conditions, bool row,
                            const std::optional<NativeHead>& head) {
  std::optional<ETag> there;
  if (row && (!head || !head->marker)) there = head ? head->etag() : ETag();
  if (!conditions.if_match.empty() && !there) return no_such_native_key();
  bool holds = !conditions.if_none_match_any || !there;
  if (!conditions.if_match.empty()) holds = there && origin::matches(conditions.if_match, *there);
  if (holds) return ok;
  return fail(Code::conflict, "the condition does not hold", "PreconditionFailed");
}

Task<NativeOrigin::Taken> NativeOrigin::take(ObjectKey key, io::Body body,
                                             std::unique_ptr<Checksum> other, Context ctx) {
  if (body.length > origin::kMaxObjectBytes) {
    co_return fail(Code::too_large, "no object has so many bytes", "EntityTooLarge");
  }
  Taken taken{.units = LooseUnits::Write(loose_)};
  ctx.loop->random_bytes(taken.write);
  taken.size = body.length;
  taken.other = std::move(other);
  Intake intake(options_, usage_, taken.units, Layout::whole(body.length, options_.unit_max));
  intake.name(options_.incarnation, key.text(), taken.write);
  intake.reckon(taken.other.get());
  co_await co_await intake.read(body, ctx);
  taken.md5 = intake.md5();
  co_return std::move(taken);
}

Task<origin::PutAnswer> NativeOrigin::put_now(ObjectKey key, origin::PutOptions options,
                                              io::Body body, Context ctx) {
  NativeHead head;
  head.fields = co_await origin::fields_to_keep(std::move(options.fields), kNativeUnencrypted);
  co_await origin::allow_tags(options.tags);
  head.tags = std::move(options.tags);
  (void)co_await encode(head);  // what is too long is known before the body is read
  co_await co_await allow_room(key, body.length, ctx);
  Taken taken = co_await co_await take(key, std::move(body), nullptr, ctx);
  head.size = taken.size;
  head.modified = ctx.loop->wall_now();
  head.md5 = taken.md5;
  head.write = taken.write;
  head.checksums = options.all_checksums();
  auto done =
      co_await commit_head(std::move(key), std::move(head), std::move(options.conditions), {}, ctx);
  if (done) taken.units.named();
  if (!done && done.error().code() == Code::unavailable) taken.units.doubt();
  head = co_await std::move(done);
  origin::PutAnswer answer{.etag = head.etag(), .tag = head.tag(), .modified = head.modified};
  answer.version_id = co_await co_await told_id(std::move(head), ctx);
  co_return answer;
}

Task<> NativeOrigin::allow_room(ObjectKey key, uint64_t bytes, Context ctx) {
  if (usage_.allow(bytes, 0)) co_return ok;
  Found old = co_await co_await find(key, ctx);
  bool keep = co_await co_await versioning(ctx) == origin::Versioning::enabled;
  Beneath beneath = co_await co_await this->beneath(std::move(key), std::move(old.head), keep, ctx);
  co_return usage_.allow(bytes, beneath.gone ? beneath.gone->size : 0);
}

// Rows of the form before may be longer than what one transaction can hold thrice.
Task<> NativeOrigin::renew(ObjectKey key, std::string row, NativeHead head, Context ctx) {
  std::string row_key = meta::schema::object(options_.incarnation, key);
  meta::Txn txn;
  txn.require(row_key, std::move(row)).put(row_key, co_await encode(head));
  Result<> done = co_await rows(key).commit(std::move(txn), ctx);
  if (!done && done.error().code() == Code::conflict) co_return ok;
  co_return done;
}

Task<NativeHead> NativeOrigin::commit_head(ObjectKey key, NativeHead head,
                                           origin::WriteConditions conditions, Also also,
                                           Context ctx) {
  head.copies = {options_.self};
  const std::string row_key = meta::schema::object(options_.incarnation, key);
  NativeUsage::Change change = co_await co_await usage_.begin(ctx);
  int64_t parts = 0;
  for (const auto& [part, size] : also.parts) {
    if (change.counts(part)) parts += static_cast<int64_t>(size);
  }
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    Found old = co_await co_await find(key, ctx);
    if (also.over && old.row != also.over) co_return another_native_row();
    co_await allow_native_write(conditions, old.row.has_value(), old.head);
    if (old.row && old.head && old.row->size() > kMaxHeadRow) {
      co_await co_await renew(key, std::move(*old.row), std::move(*old.head), ctx);
      continue;
    }
    // After the row: what has an id of its own is never replaced, whatever is said here.
    const origin::Versioning state = co_await co_await versioning(ctx);
    head.own_id = state == origin::Versioning::enabled;
    NativeHeadSum sum(change);
    sum.delta.bytes = -parts;
    if (old.row) sum.less(row_key, old.said());
    // The order of versions is that of their dates, also where the clock was set back, and of what
    // replaces another too: there may be older ones behind it.
    if (state != origin::Versioning::never && old.head) {
      head.modified.ns = std::max(head.modified.ns, old.head->modified.ns + 1);
    }
    Beneath under = co_await co_await beneath(key, std::move(old.head), head.own_id, ctx);
    head.null_order = std::move(under.null_order);
    LooseUnits::Leaving leaving(loose_,
                                under.gone ? units_of(key, *under.gone) : std::vector<UnitId>());
    meta::Txn txn = also.txn;
    old.row ? txn.require(row_key, std::move(*old.row)) : txn.require_absent(row_key);
    txn.put(row_key, co_await encode(head));
    sum.more(row_key, &head);
    if (under.kept) {
      std::string kept =
          meta::schema::object_version(options_.incarnation, key, under.kept->order());
      sum.more(kept, &*under.kept);
      txn.put(std::move(kept), co_await encode(*under.kept));
    }
    if (!under.gone_row.empty()) {
      sum.less(under.gone_row, under.gone ? &*under.gone : nullptr);
      txn.remove(std::move(under.gone_row));
    }
    co_await change.plan(sum.delta);
    Result<> done = co_await rows(key).commit(std::move(txn), ctx);
    if (!done && done.error().code() == Code::unavailable) {
      // Another may have come on top of it meanwhile.
      auto there = co_await is_written(key, head, ctx);
      if (there && *there) done = ok;
    }
    if (done) {
      leaving.retire(ctx.loop->now());
      change.done();
      co_return head;
    }
    if (done.error().code() == Code::unavailable) change.doubt();
    if (done.error().code() != Code::conflict) co_return std::move(done.error());
    if (done.error().detail() != row_key) co_return std::move(done.error());
  }
  co_return changes_too_fast();
}

}  // namespace forebay::object
