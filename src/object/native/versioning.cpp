#include "object/native/versioning.h"

#include "base/json.h"
#include "meta/schema.h"
#include "object/native/native_rows.h"

namespace forebay::object {

namespace {

constexpr uint64_t kVersioningRow = 1;

/// The row that says whether versions are kept.
struct VersioningRow {
  origin::Versioning now = origin::Versioning::never;
  uint64_t change = 0;  ///< how often it was said
};

std::string encode(const VersioningRow& row) {
  Json json(Json::Object{});
  json.set("version", kVersioningRow);
  json.set("status", row.now == origin::Versioning::enabled ? "Enabled" : "Suspended");
  json.set("change", row.change);
  return json.dump();
}

Result<VersioningRow> parse_versioning_row(const std::optional<std::string>& text) {
  if (!text) return VersioningRow{};
  auto json = Json::parse(*text);
  auto version = json ? json->unsigned_integer("version") : Result<uint64_t>(json.error());
  if (version && *version != kVersioningRow) {
    return fail(Code::invalid, "versioning row : version " + std::to_string(*version) +
                                   ", this program reads " + std::to_string(kVersioningRow));
  }
  auto status = version ? json->string("status") : Result<std::string>(version.error());
  auto change = status ? json->unsigned_integer("change") : Result<uint64_t>(status.error());
  bool known = change && (*status == "Enabled" || *status == "Suspended");
  if (!known) return fail(Code::corrupt, "versioning row : it says nothing", "InternalError");
  bool enabled = *status == "Enabled";
  return VersioningRow{enabled ? origin::Versioning::enabled : origin::Versioning::suspended,
                       *change};
}

}  // namespace

// What was said last counts, whoever reads the row first.
void NativeVersioning::learn(origin::Versioning now, uint64_t change) {
  std::lock_guard lock(mutex_);
  if (now_ && change < change_) return;
  now_ = now;
  change_ = change;
}

Task<origin::Versioning> NativeVersioning::now(Context ctx) {
  {
    std::lock_guard lock(mutex_);
    if (now_) co_return *now_;
  }
  auto row = co_await co_await store_.get(meta::schema::versioning(incarnation_), ctx);
  VersioningRow said = co_await parse_versioning_row(row);
  learn(said.now, said.change);
  std::lock_guard lock(mutex_);
  co_return now_.value_or(said.now);
}

Task<> NativeVersioning::set(origin::Versioning to, Context ctx) {
  const std::string row_key = meta::schema::versioning(incarnation_);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    auto old = co_await co_await store_.get(row_key, ctx);
    VersioningRow said = co_await parse_versioning_row(old);
    said = {.now = to, .change = said.change + 1};
    meta::Txn txn;
    old ? txn.require(row_key, *old) : txn.require_absent(row_key);
    txn.put(row_key, encode(said));
    Result<> done = co_await store_.commit(std::move(txn), ctx);
    if (!done && done.error().code() == Code::unavailable) {
      auto now = co_await store_.get(row_key, ctx);
      if (now && *now == encode(said)) done = ok;
    }
    if (done) learn(said.now, said.change);
    if (done || done.error().code() != Code::conflict) co_return done;
  }
  co_return changes_too_fast();
}

}  // namespace forebay::object
