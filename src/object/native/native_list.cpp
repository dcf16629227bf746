// NativeOrigin: lists. The rows of a bucket's objects lie in the order of their keys, so a page is
// a scan that jumps over what common prefixes stand for.
#include <algorithm>

#include "base/held_text.h"
#include "meta/schema.h"
#include "object/native/native_origin.h"

namespace forebay::object {

namespace {

/// What an entry takes in a document: its fields, and a byte of its name where it is not plain.
constexpr uint64_t kEntryFields = 400;
constexpr uint64_t kEntryEscaped = 5;
/// What a row takes in memory until it is an entry, as a rule; and how few rows are read anyway.
constexpr uint64_t kRowBytes = 1024;
constexpr uint32_t kFewRows = 4;
/// Rows of the first scan below a delimiter: most of a folder's may be jumped over.
constexpr uint32_t kFirstRows = 16;

bool is_plain_in_list(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.~/").find(c) != std::string_view::npos;
}

/// Builds one page out of rows that are shown to it in order.
class NativePage {
 public:
  NativePage(const origin::ListOptions& options, std::string base, Allowance::Share share)
      : options_(options),
        base_(std::move(base)),
        after_(options.continuation.empty() ? options.start_after : options.continuation) {
    out_.share = std::move(share);
  }

  /// Where the first scan begins, and where the last one ends.
  meta::Range range() const {
    meta::Range all = meta::Range::prefix(base_ + options_.prefix);
    if (after_.empty()) return all;
    meta::Range rest = all.after(base_ + after_);
    return rest.from > all.from ? rest : all;
  }

  bool ended() const { return out_.truncated; }
  /// Shows it a row; false when the page ends before that. `skipped` counts rows that a common
  /// prefix stands for which is given already.
  Result<bool> show(const meta::Row& row, uint32_t& skipped) {
    std::string_view key = std::string_view(row.key).substr(base_.size());
    std::string common = rolled_up(key);
    if (common.empty()) {
      auto told = parse_native_summary(row.value);
      if (!told) return told.error_in(key);
      return give_object(key, std::move(*told));
    }
    last_common_ = common;
    if (common <= after_ || common == given_) {
      ++skipped;
      return true;
    }
    return give_prefix(std::move(common));
  }
  /// What is left of `range` when this was the last row of a scan.
  meta::Range rest(const meta::Range& range, const std::string& row_key) const {
    meta::Range left = range.after(row_key);
    std::string prefix = base_ + last_common_;
    if (last_common_.empty() || !row_key.starts_with(prefix)) return left;
    std::string past = meta::Range::prefix(prefix).to;
    if (past > left.from) left.from = std::move(past);
    return left;
  }
  size_t left() const { return options_.max_keys - (out_.objects.size() + out_.prefixes.size()); }
  origin::ListAnswer finish() {
    if (out_.truncated) out_.next = out_.last_name;
    return std::move(out_);
  }

 private:
  /// The common prefix that stands for `key`; empty when it is listed itself.
  std::string rolled_up(std::string_view key) const {
    if (options_.delimiter.empty()) return {};
    size_t at = key.find(options_.delimiter, options_.prefix.size());
    if (at == std::string_view::npos) return {};
    return std::string(key.substr(0, at + options_.delimiter.size()));
  }
  /// Whether the page has room for one more of that name; else it ends here.
  bool room(std::string_view name) {
    size_t entries = out_.objects.size() + out_.prefixes.size();
    told_ += kEntryFields;
    for (char c : name) told_ += is_plain_in_list(c) ? 1 : kEntryEscaped;
    out_.truncated = entries >= options_.max_keys ||
                     (!out_.share.resize(HeldText::share_of(told_)) && entries > 0);
    return !out_.truncated;
  }
  bool give_prefix(std::string common) {
    if (!room(common)) return false;
    given_ = common;
    out_.last_name = common;
    out_.prefixes.push_back(std::move(common));
    return true;
  }
  bool give_object(std::string_view key, NativeSummary told) {
    if (!room(key)) return false;
    out_.last_name = key;
    origin::ListedObject listed{std::string(key), told.size, std::move(told.etag), told.modified};
    listed.checksum = told.checksum;
    out_.objects.push_back(std::move(listed));
    return true;
  }

  const origin::ListOptions& options_;
  const std::string base_;
  const std::string after_;
  origin::ListAnswer out_;
  std::string last_common_;  ///< of the last row shown that has one
  std::string given_;        ///< the last one given
  uint64_t told_ = 0;        ///< bytes of the document that out_ becomes, at most
};

}  // namespace

Task<origin::ListAnswer> NativeOrigin::list_now(origin::ListOptions options, Context ctx) {
  if (options.max_keys == 0) co_return origin::ListAnswer();
  NativePage page(options, meta::schema::objects(options_.incarnation), options_.documents->none());
  meta::Store& store = options_.meta.shard(options_.incarnation, options.prefix);
  Allowance::Share reading = options_.documents->none();
  uint32_t most = options.delimiter.empty() ? meta::kMaxPageRows : kFirstRows;
  meta::Range range = page.range();
  while (true) {
    // One more than fits tells whether there are more.
    auto rows = static_cast<uint32_t>(std::min<uint64_t>(most, page.left() + 1));
    while (rows > kFewRows && !reading.resize(rows * kRowBytes)) rows /= 2;
    meta::Page read = co_await co_await store.scan(range, rows, ctx);
    uint32_t skipped = 0;
    for (const meta::Row& row : read.rows) {
      if (!co_await page.show(row, skipped)) break;
    }
    if (page.ended() || !read.more || read.rows.empty()) break;
    range = page.rest(range, read.rows.back().key);
    if (!range.to.empty() && range.from >= range.to) break;
    most = 2 * skipped > read.rows.size() ? kFirstRows : std::min(4 * most, meta::kMaxPageRows);
  }
  co_return page.finish();
}

}  // namespace forebay::object
