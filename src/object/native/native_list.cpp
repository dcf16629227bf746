// NativeOrigin: lists. The rows of a bucket's objects lie in the order of their keys, so a page is
// a scan that jumps over what common prefixes stand for, and over older versions.
#include "meta/schema.h"
#include "object/native/native_origin.h"
#include "object/native/native_page.h"

namespace forebay::object {

namespace {

/// What an entry takes in a document beside its name.
constexpr uint64_t kEntryFields = 400;

/// Builds one page out of rows that are shown to it in order.
class NativePage {
 public:
  NativePage(const origin::ListOptions& options, std::string base, Allowance::Share share)
      : options_(options),
        base_(std::move(base)),
        after_(options.continuation.empty() ? options.start_after : options.continuation),
        room_(options.max_keys, kEntryFields, std::move(share)) {}

  /// Where the first scan begins, and where the last one ends.
  meta::Range range() const {
    meta::Range all = meta::Range::prefix(base_ + options_.prefix);
    if (after_.empty()) return all;
    meta::Range rest = all.after(base_ + after_);
    return rest.from > all.from ? rest : all;
  }

  const PageRoom& room() const { return room_; }
  /// Shows it a row; false when the page ends before that. `skipped` counts rows that a common
  /// prefix stands for which is given already, and those of older versions.
  Result<bool> show(const meta::Row& row, uint32_t& skipped) {
    std::string_view key = std::string_view(row.key).substr(base_.size());
    if (key_in(key).size() != key.size()) {
      ++skipped;
      return true;
    }
    std::string common = rolled_up(key, options_.prefix, options_.delimiter);
    if (common.empty()) {
      auto told = parse_native_summary(row.value);
      if (!told) return told.error_in(key);
      return told->marker || give_object(key, std::move(*told));
    }
    bool given = common <= after_ || common == given_;
    if (!given && is_marker_row(row.value)) return true;
    last_common_ = common;
    if (!given) return give_prefix(std::move(common));
    ++skipped;
    return true;
  }
  /// What is left of `range` when this was the last row of a scan.
  meta::Range rest(const meta::Range& range, const std::string& row_key) const {
    meta::Range left = range.after(row_key);
    size_t nul = row_key.find('\0');
    if (nul != std::string::npos) jump(left, row_key.substr(0, nul + 1));
    std::string prefix = base_ + last_common_;
    if (!last_common_.empty() && row_key.starts_with(prefix)) jump(left, prefix);
    return left;
  }
  origin::ListAnswer finish() {
    out_.truncated = room_.ended();
    if (out_.truncated) out_.next = out_.last_name;
    out_.share = room_.share();
    return std::move(out_);
  }

 private:
  static void jump(meta::Range& left, std::string_view prefix) {
    std::string past = meta::Range::prefix(prefix).to;
    if (past > left.from) left.from = std::move(past);
  }
  bool give_prefix(std::string common) {
    if (!room_.take(common)) return false;
    given_ = common;
    out_.last_name = common;
    out_.prefixes.push_back(std::move(common));
    return true;
  }
  bool give_object(std::string_view key, NativeSummary told) {
    if (!room_.take(key)) return false;
    out_.last_name = key;
    origin::ListedObject listed{std::string(key), told.size, std::move(told.etag), told.modified};
    listed.checksum = told.checksum;
    out_.objects.push_back(std::move(listed));
    return true;
  }

  const origin::ListOptions& options_;
  const std::string base_;
  const std::string after_;
  PageRoom room_;
  origin::ListAnswer out_;
  std::string last_common_;  ///< of the last row shown that has one
  std::string given_;        ///< the last one given
};

}  // namespace

Task<origin::ListAnswer> NativeOrigin::list_now(origin::ListOptions options, Context ctx) {
  if (options.max_keys == 0) co_return origin::ListAnswer();
  NativePage page(options, meta::schema::objects(options_.incarnation), options_.documents->none());
  meta::Store& store = options_.meta.shard(options_.incarnation, options.prefix);
  PageReads reads(!options.delimiter.empty(), options_.documents->none());
  meta::Range range = page.range();
  while (true) {
    meta::Page read = co_await co_await store.scan(range, reads.next(page.room()), ctx);
    uint32_t skipped = 0;
    for (const meta::Row& row : read.rows) {
      if (!co_await page.show(row, skipped)) break;
    }
    if (page.room().ended() || !read.more || read.rows.empty()) break;
    range = page.rest(range, read.rows.back().key);
    if (!range.to.empty() && range.from >= range.to) break;
    reads.skipped(skipped, read.rows.size());
  }
  co_return page.finish();
}

}  // namespace forebay::object
