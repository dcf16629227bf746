#include "object/native/native_expiry.h"

#include <algorithm>
#include <utility>

#include "object/native/upload_rows.h"

namespace forebay::object {

NativeExpiry::NativeExpiry(meta::Meta& meta, uint64_t incarnation, LifecycleRef rules)
    : store_(meta.shard(incarnation, "")),
      incarnation_(incarnation),
      rules_(std::move(rules)),
      tags_(looks_at_tags(*rules_)),
      counts_newer_(std::ranges::any_of(rules_->rules, [](const LifecycleRule& rule) {
        return rule.enabled && rule.newer_noncurrent.has_value();
      })) {
  for (const std::string& prefix : upload_prefixes(*rules_)) {
    std::string begin = meta::schema::uploads(incarnation_) + prefix;
    left_.push_back({meta::Range::prefix(begin), true});
  }
  for (const std::string& prefix : object_prefixes(*rules_)) {
    std::string begin = meta::schema::objects(incarnation_) + prefix;
    left_.push_back({meta::Range::prefix(begin), false});
  }
}

Task<NativeExpiry::Page> NativeExpiry::next(Day today, Context ctx) {
  Page page;
  if (left_.empty()) co_return page;
  Part& part = left_.back();
  meta::Page read = co_await co_await store_.scan(part.range, kRows, ctx);
  today_ = today;
  page.rows = read.rows.size();
  std::string last = read.rows.empty() ? "" : read.rows.back().key;
  if (part.uploads) {
    for (meta::Row& row : read.rows) look_at_upload(row, page);
  } else {
    if (!read.rows.empty()) co_await co_await recount(read.rows.front().key, ctx);
    for (size_t i = 0; i < read.rows.size(); ++i) {
      // Of the last one of a page that is found when it is about to go.
      bool covers =
          i + 1 < read.rows.size() && read.rows[i + 1].key.starts_with(read.rows[i].key + '\0');
      look(read.rows[i], !covers, page);
    }
  }
  if (read.more && !read.rows.empty()) {
    part.range = part.range.after(last);
  } else {
    left_.pop_back();
  }
  co_return page;
}

// Versions may have gone since the last page was read. Where there are too many to look through
// what was seen of them counts.
Task<> NativeExpiry::recount(std::string row_key, Context ctx) {
  auto named = meta::schema::parse_object(row_key);
  bool within = named && !named->order.empty() && named->key == key_;
  if (!within || !counts_newer_ || newer_ == 0) co_return ok;
  meta::Range above{meta::schema::objects(incarnation_) + key_ + '\0', std::move(row_key)};
  meta::Page page = co_await co_await store_.scan(std::move(above), kRecount, ctx);
  if (page.more) co_return ok;
  auto count = std::ranges::count_if(
      page.rows, [](const meta::Row& row) { return !is_marker_row(row.value); });
  newer_ = std::min(newer_, static_cast<uint32_t>(count));
  co_return ok;
}

std::optional<NativeExpiry::Seen> NativeExpiry::see(const meta::Row& row) const {
  auto named = meta::schema::parse_object(row.key);
  auto told = parse_native_summary(row.value);
  if (!named || !told) return std::nullopt;
  Seen seen{std::move(*named), std::move(*told)};
  if (!tags_ || seen.told.marker) return seen;
  auto head = parse_native_head(row.value);
  if (!head) return std::nullopt;
  seen.tags = std::move(head->tags);
  return seen;
}

void NativeExpiry::look(meta::Row& row, bool alone, Page& page) {
  auto seen = see(row);
  auto key = ObjectKey::parse(seen ? seen->named.key : "");
  if (!seen || !key) {
    ++page.damaged;
    above_.reset();  // since when the next one is no more current is not known
    return;
  }
  auto what = judge(*seen, alone);
  if (!what) return;
  std::string id(seen->told.own_id ? seen->told.order() : origin::kNullVersion);
  page.due.push_back(
      {*what, std::move(*key), std::move(id), std::move(row.key), std::move(row.value)});
}

std::optional<NativeDue::What> NativeExpiry::judge(const Seen& seen, bool alone) {
  const NativeSummary& told = seen.told;
  Aging version{.key = seen.named.key,
                .size = told.size,
                .tags = &seen.tags,
                .marker = told.marker,
                .modified = told.modified};
  bool current = seen.named.order.empty();
  if (current || seen.named.key != key_) above_.reset();
  if (current) {
    key_ = seen.named.key;
    newer_ = 0;
  }
  auto replaced = std::exchange(above_, told.modified);
  std::optional<Ending> ending;
  if (!current) {
    if (replaced) ending = ending_of_older(*rules_, version, *replaced, newer_);
    if (!told.marker) ++newer_;
  } else if (!told.marker) {
    ending = ending_of(*rules_, version);
  } else if (alone) {
    ending = ending_of_marker(*rules_, version);
  }
  if (!ending || ending->day > today_) return std::nullopt;
  if (!current) return NativeDue::What::older;
  return told.marker ? NativeDue::What::marker : NativeDue::What::object;
}

void NativeExpiry::look_at_upload(meta::Row& row, Page& page) const {
  auto named = meta::schema::parse_upload(row.key);
  auto upload = parse_native_upload(row.value);
  auto key = ObjectKey::parse(named ? named->key : "");
  if (!named || !upload || !key) {
    ++page.damaged;
    return;
  }
  auto ending = ending_of_upload(*rules_, named->key, upload->initiated);
  if (!ending || ending->day > today_) return;
  page.due.push_back({NativeDue::What::upload, std::move(*key), std::move(named->id),
                      std::move(row.key), std::move(row.value)});
}

}  // namespace forebay::object
