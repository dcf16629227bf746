// NativeOrigin: lists of versions. The current version's row is followed by those of the older
// ones, the newest first, which is the order that is asked for.
#include "meta/schema.h"
#include "object/native/native_origin.h"
#include "object/native/native_page.h"
#include "object/native/native_rows.h"

namespace forebay::object {

namespace {

/// What an entry takes in a document beside its name.
constexpr uint64_t kVersionFields = 700;
/// Sorts before every version of a key.
constexpr std::string_view kBeforeAll = "0";

/// Where a scan begins.
struct VersionPlace {
  meta::Range range;
  std::string key, order;  ///< of scan_on(); empty: not among a key's versions
};

/// Builds one page out of rows that are shown to it in order.
class VersionPage {
 public:
  /// `order`: after which of the marker's versions it begins; empty: after all of them.
  VersionPage(const origin::ListVersionsOptions& options, std::string order, std::string base,
              Allowance::Share share)
      : options_(options),
        order_(std::move(order)),
        base_(std::move(base)),
        room_(options.max_keys, kVersionFields, std::move(share)) {}

  VersionPlace begin() const {
    VersionPlace out{meta::Range::prefix(base_ + options_.prefix), {}, {}};
    if (options_.key_marker.empty()) return out;
    std::string versions = base_ + options_.key_marker + '\0';
    std::string from =
        order_.empty() ? meta::Range::prefix(versions).to : out.range.after(versions + order_).from;
    if (from <= out.range.from) return out;
    out.range.from = std::move(from);
    if (order_.empty()) return out;
    out.key = options_.key_marker;
    out.order = order_;
    return out;
  }

  const PageRoom& room() const { return room_; }
  /// Shows it a row; false when the page ends before that. `skipped` counts rows that a common
  /// prefix stands for which is given already.
  Result<bool> show(const meta::Row& row, uint32_t& skipped) {
    std::string_view behind = std::string_view(row.key).substr(base_.size());
    std::string_view key = key_in(behind);
    common_ = rolled_up(key, options_.prefix, options_.delimiter);
    if (!common_.empty()) {
      bool given = common_ <= options_.key_marker || common_ == given_;
      if (!given) return give_prefix();
      ++skipped;
      return true;
    }
    auto told = parse_native_summary(row.value);
    if (!told) return told.error_in(key);
    return give_version(key, key.size() == behind.size(), std::move(*told));
  }
  /// What is left of `range` when this was the last row of a scan.
  VersionPlace rest(const meta::Range& range, const std::string& row_key) const {
    VersionPlace out{range.after(row_key), {}, {}};
    if (common_.empty()) {
      out.key = key_in(std::string_view(row_key).substr(base_.size()));
      out.order = out_.next_version;
      return out;
    }
    out.range.from = meta::Range::prefix(base_ + common_).to;
    return out;
  }
  origin::ListVersionsAnswer finish() {
    out_.truncated = room_.ended();
    out_.share = room_.share();
    return std::move(out_);
  }

 private:
  bool give_prefix() {
    if (!room_.take(common_)) return false;
    given_ = common_;
    out_.next_key = common_;
    out_.next_version.clear();
    out_.prefixes.push_back(common_);
    return true;
  }
  bool give_version(std::string_view key, bool latest, NativeSummary told) {
    if (!room_.take(key)) return false;
    out_.next_key = key;
    // Its place, also of the null version, which may be another one when the next page is asked
    // for.
    out_.next_version = told.order();
    origin::ListedVersion listed{.latest = latest, .marker = told.marker};
    listed.object = {std::string(key), told.size, std::move(told.etag), told.modified};
    listed.object.checksum = told.checksum;
    if (told.own_id) listed.version_id = out_.next_version;
    out_.versions.push_back(std::move(listed));
    return true;
  }

  const origin::ListVersionsOptions& options_;
  const std::string order_;
  const std::string base_;
  PageRoom room_;
  origin::ListVersionsAnswer out_;
  std::string common_;  ///< of the last row shown
  std::string given_;   ///< the last one given
};

Error bad_version_marker() {
  return fail(Code::invalid, "Invalid version id specified", "InvalidArgument");
}

}  // namespace

Task<meta::Page> NativeOrigin::scan_on(std::string key, std::string order, meta::Range range,
                                       uint32_t limit, Context ctx) {
  meta::Store& store = options_.meta.shard(options_.incarnation, key);
  if (key.empty()) co_return co_await store.scan(std::move(range), limit, ctx);
  const std::string top = meta::schema::objects(options_.incarnation) + key;
  auto before = co_await co_await store.get(top, ctx);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    meta::Page page = co_await co_await store.scan(range, limit, ctx);
    auto after = co_await co_await store.get(top, ctx);
    if (after != before) {
      before = std::move(after);
      continue;
    }
    if (!after) co_return page;
    auto told = parse_native_summary(*after);
    if (!told) co_return told.error_in(key);
    if (told->order() > order) page.rows.insert(page.rows.begin(), {top, std::move(*after)});
    co_return page;
  }
  co_return changes_too_fast();
}

Task<std::string> NativeOrigin::order_of_marker(std::string key, std::string id, Context ctx) {
  if (id.empty() || parse_sixteen(id)) co_return id;
  if (id != origin::kNullVersion) co_return bad_version_marker();
  auto name = ObjectKey::parse(key);
  if (!name) co_return std::string(kBeforeAll);
  auto found = co_await find_spot(std::move(*name), std::move(id), ctx);
  if (!found && found.error().code() != Code::not_found) co_return std::move(found.error());
  // Where it is gone, rather twice than not at all.
  co_return found ? found->head.order() : std::string(kBeforeAll);
}

Task<origin::ListVersionsAnswer> NativeOrigin::list_versions_now(
    origin::ListVersionsOptions options, Context ctx) {
  // No key has a NUL; behind one in a row's key stands what is told of versions.
  bool none = options.max_keys == 0 || options.prefix.contains('\0');
  if (none) co_return origin::ListVersionsAnswer();
  if (options.key_marker.contains('\0')) {
    options.key_marker = key_in(options.key_marker);
    options.version_marker.clear();
  }
  std::string order =
      co_await co_await order_of_marker(options.key_marker, options.version_marker, ctx);
  VersionPage page(options, std::move(order), meta::schema::objects(options_.incarnation),
                   options_.documents->none());
  PageReads reads(!options.delimiter.empty(), options_.documents->none());
  VersionPlace at = page.begin();
  while (at.range.to.empty() || at.range.from < at.range.to) {
    uint32_t rows = reads.next(page.room());
    meta::Page read = co_await co_await scan_on(at.key, at.order, at.range, rows, ctx);
    uint32_t skipped = 0;
    for (const meta::Row& row : read.rows) {
      if (!co_await page.show(row, skipped)) break;
    }
    if (page.room().ended() || !read.more || read.rows.empty()) break;
    at = page.rest(at.range, read.rows.back().key);
    reads.skipped(skipped, read.rows.size());
  }
  co_return page.finish();
}

}  // namespace forebay::object
