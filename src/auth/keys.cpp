#include "auth/keys.h"

#include <algorithm>

#include "base/encoding.h"
#include "meta/schema.h"

namespace forebay::auth {

namespace {

/// More keys than this are a mistake; each is held in memory.
constexpr size_t kMaxKeys = 100'000;

constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view kMixed =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

// Bytes that do not divide evenly are thrown away, so that every letter is as likely.
std::string random_text(io::Loop& loop, size_t length, std::string_view letters) {
  std::string out;
  size_t whole = 256 / letters.size() * letters.size();
  while (out.size() < length) {
    std::byte byte{};
    loop.random_bytes({&byte, 1});
    auto value = static_cast<size_t>(byte);
    if (value < whole) out += letters[value % letters.size()];
  }
  return out;
}

}  // namespace

Json AccessKey::to_row() const {
  Json row;
  row.set("v", 1)
      .set("secret", secret.reveal())
      .set("created", iso8601(created))
      .set("enabled", enabled);
  return row;
}

Result<AccessKey> AccessKey::from_row(std::string_view id, std::string_view row) {
  auto corrupt = [&](std::string_view why) {
    return fail(Code::corrupt, "access key " + std::string(id) + ": " + std::string(why));
  };
  Result<Json> json = Json::parse(row);
  if (!json) return corrupt(json.error().text());
  Result<int64_t> version = json->integer("v");
  if (!version || *version != 1) return corrupt("a row of another version");
  Result<std::string> secret = json->string("secret");
  Result<std::string> created = json->string("created");
  Result<bool> enabled = json->boolean("enabled");
  if (!secret || secret->empty()) return corrupt("no secret");
  if (!enabled) return corrupt("no 'enabled'");
  std::optional<WallTime> when = created ? parse_iso8601(*created) : std::nullopt;
  if (!when) return corrupt("no date");
  return AccessKey{std::string(id), Secret(std::move(*secret)), *when, *enabled, false};
}

AccessKey generate_key(io::Loop& loop) {
  // Rows keep milliseconds; so does what is shown before one is read back.
  WallTime now{loop.wall_now().ns / 1'000'000 * 1'000'000};
  return {"FB" + random_text(loop, 18, kUpper), Secret(random_text(loop, 40, kMixed)), now, true,
          false};
}

Result<> check_key_id(std::string_view id) {
  auto good = [](char c) {
    return kMixed.find(c) != kMixed.npos || c == '.' || c == '_' || c == '-';
  };
  if (id.size() < 3 || id.size() > 128 || !std::ranges::all_of(id, good)) {
    return fail(Code::invalid, "an access key id has 3–128 letters, digits, '.', '_' or '-'");
  }
  return ok;
}

Keys::Keys(meta::Store& control, AccessKey root) : control_(control), root_(std::move(root)) {
  root_.root = true;
  root_.enabled = true;
  Map map;
  map.emplace(root_.id, std::make_shared<const AccessKey>(root_));
  map_.set(std::move(map));
}

Task<> Keys::load(Context ctx) {
  std::vector<meta::Row> rows = co_await co_await meta::scan_all(
      control_, meta::Range::prefix(meta::schema::kAccessKeys), kMaxKeys, ctx);
  Map map;
  for (const meta::Row& row : rows) {
    std::string id = row.key.substr(meta::schema::kAccessKeys.size());
    AccessKey key = co_await AccessKey::from_row(id, row.value);
    map.emplace(id, std::make_shared<const AccessKey>(std::move(key)));
  }
  // Root wins over a row of the same id: whoever can set root's name owns the machine.
  map.insert_or_assign(root_.id, std::make_shared<const AccessKey>(root_));
  map_.set(std::move(map));
  co_return ok;
}

std::shared_ptr<const AccessKey> Keys::find(std::string_view id) const {
  std::shared_ptr<const Map> map = map_.get();
  auto found = map->find(id);
  return found == map->end() ? nullptr : found->second;
}

std::vector<AccessKey> Keys::list() const {
  std::vector<AccessKey> out;
  for (const auto& [id, key] : *map_.get()) out.push_back(*key);
  return out;
}

Task<AccessKey> Keys::create(Context ctx) {
  AccessKey key = generate_key(*ctx.loop);
  co_await co_await add(key, ctx);
  co_return key;
}

Task<> Keys::add(AccessKey key, Context ctx) {
  co_await check_key_id(key.id);
  if (key.secret.empty()) co_return fail(Code::invalid, "an access key needs a secret");
  if (key.id == root_.id) co_return fail(Code::exists, "this is the root key");
  std::string row = meta::schema::access_key(key.id);
  meta::Txn txn;
  txn.require_absent(row).put(row, key.to_row().dump());
  Result<> done = co_await change(key.id, std::move(txn), ctx);
  if (!done && done.error().code() == Code::conflict) {
    co_return fail(Code::exists, "access key " + key.id + " is there already");
  }
  co_return done;
}

Task<> Keys::set_enabled(std::string id, bool enabled, Context ctx) {
  if (id == root_.id) co_return fail(Code::denied, "the root key cannot be changed");
  std::string name = meta::schema::access_key(id);
  std::optional<std::string> row = co_await co_await control_.get(name, ctx);
  if (!row) co_return fail(Code::not_found, "no access key " + id);
  AccessKey key = co_await AccessKey::from_row(id, *row);
  key.enabled = enabled;
  meta::Txn txn;
  txn.require(name, *row).put(name, key.to_row().dump());
  co_return co_await change(id, std::move(txn), ctx);
}

Task<> Keys::remove(std::string id, Context ctx) {
  if (id == root_.id) co_return fail(Code::denied, "the root key cannot be removed");
  std::string name = meta::schema::access_key(id);
  std::optional<std::string> row = co_await co_await control_.get(name, ctx);
  if (!row) co_return fail(Code::not_found, "no access key " + id);
  meta::Txn txn;
  txn.require(name, *row).remove(name);
  co_return co_await change(id, std::move(txn), ctx);
}

// Commits, then takes over what the store says: also when the outcome is unknown.
Task<> Keys::change(std::string id, meta::Txn txn, Context ctx) {
  io::Semaphore::Permit permit = co_await co_await writing_.acquire(1, ctx);
  Result<> done = co_await control_.commit(std::move(txn), ctx);
  if (!done && done.error().code() != Code::unavailable) co_return done;
  Result<> fresh = co_await refresh(std::move(id), ctx);
  if (!done) co_return done;
  co_return fresh;
}

Task<> Keys::refresh(std::string id, Context ctx) {
  std::optional<std::string> row =
      co_await co_await control_.get(meta::schema::access_key(id), ctx);
  Map map = *map_.get();
  if (row) {
    AccessKey key = co_await AccessKey::from_row(id, *row);
    map.insert_or_assign(id, std::make_shared<const AccessKey>(std::move(key)));
  } else {
    map.erase(id);
  }
  map_.set(std::move(map));
  co_return ok;
}

}  // namespace forebay::auth
