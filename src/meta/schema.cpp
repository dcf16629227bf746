#include "meta/schema.h"

#include <array>
#include <charconv>
#include <optional>

#include "base/json.h"

namespace forebay::meta::schema {

namespace {

std::string joined(std::string_view prefix, std::string_view rest) {
  return std::string(prefix) + std::string(rest);
}

// Sixteen digits, so that rows sort as numbers do.
std::string numbered(std::string_view prefix, uint64_t number) {
  std::string out(prefix);
  for (int shift = 60; shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[(number >> shift) & 15];
  }
  return out;
}

std::string incarnated(std::string_view prefix, uint64_t incarnation) {
  return numbered(prefix, incarnation) + '/';
}

constexpr size_t kPartDigits = 5;

/// The incarnation behind `prefix`, which is taken off with it; nothing where none stands.
std::optional<uint64_t> take_incarnation(std::string_view prefix, std::string_view& row_key) {
  constexpr size_t kDigits = 16;
  if (!row_key.starts_with(prefix)) return std::nullopt;
  row_key.remove_prefix(prefix.size());
  if (row_key.size() <= kDigits || row_key[kDigits] != '/') return std::nullopt;
  uint64_t incarnation = 0;
  auto [end, error] = std::from_chars(row_key.data(), row_key.data() + kDigits, incarnation, 16);
  if (error != std::errc() || end != row_key.data() + kDigits) return std::nullopt;
  row_key.remove_prefix(kDigits + 1);
  return incarnation;
}

/// What stands behind `prefix` in a key that an upload has.
Result<UploadKey> parse_below(std::string_view prefix, std::string_view row_key, const char* what) {
  auto bad = [what] { return fail(Code::corrupt, what); };
  auto incarnation = take_incarnation(prefix, row_key);
  if (!incarnation) return bad();
  UploadKey out;
  out.incarnation = *incarnation;
  size_t nul = row_key.find('\0');
  if (nul == 0 || nul == std::string_view::npos || nul + 1 == row_key.size()) return bad();
  out.key = row_key.substr(0, nul);
  out.id = row_key.substr(nul + 1);
  return out;
}

}  // namespace

std::string bucket(const BucketName& name) { return joined(kBuckets, name.text()); }
std::string access_key(std::string_view id) { return joined(kAccessKeys, id); }
std::string job(std::string_view id) { return joined(kJobs, id); }
std::string map(uint64_t version) { return numbered(kMaps, version); }
std::string member(std::string_view disk) { return joined(kMembers, disk); }
std::string confirmation(std::string_view disk) { return joined(kConfirmations, disk); }

std::string heads(uint64_t incarnation) { return incarnated(kHeads, incarnation); }
std::string head(uint64_t incarnation, const ObjectKey& key) {
  return head(incarnation, key.text());
}
std::string head(uint64_t incarnation, std::string_view key) {
  return heads(incarnation) + std::string(key);
}
Result<HeadKey> parse_head(std::string_view row_key) {
  auto incarnation = take_incarnation(kHeads, row_key);
  if (!incarnation || row_key.empty()) return fail(Code::corrupt, "not the key of a head's row");
  return HeadKey{*incarnation, std::string(row_key)};
}

std::string uploads(uint64_t incarnation) { return incarnated(kUploads, incarnation); }
std::string uploads(uint64_t incarnation, const ObjectKey& key) {
  return uploads(incarnation) + key.text() + '\0';
}
std::string upload(uint64_t incarnation, const ObjectKey& key, std::string_view id) {
  return uploads(incarnation, key) + std::string(id);
}

std::string objects(uint64_t incarnation) { return incarnated(kObjects, incarnation); }
std::string object(uint64_t incarnation, const ObjectKey& key) {
  return objects(incarnation) + key.text();
}
std::string object_versions(uint64_t incarnation, const ObjectKey& key) {
  return object(incarnation, key) + '\0';
}
std::string object_version(uint64_t incarnation, const ObjectKey& key, std::string_view order) {
  return object_versions(incarnation, key) + std::string(order);
}
Result<VersionKey> parse_object(std::string_view row_key) {
  auto incarnation = take_incarnation(kObjects, row_key);
  size_t nul = row_key.find('\0');
  bool torn = nul == 0 || nul + 1 == row_key.size();  // what has no NUL is no version
  if (!incarnation || row_key.empty() || torn) {
    return fail(Code::corrupt, "not the key of an object's row");
  }
  VersionKey out{*incarnation, std::string(row_key.substr(0, nul)), {}};
  if (nul != std::string_view::npos) out.order = row_key.substr(nul + 1);
  return out;
}

std::string versioning(uint64_t incarnation) {
  std::string out = incarnated(kVersioning, incarnation);
  out.pop_back();  // nothing follows
  return out;
}

std::string renames(uint64_t incarnation) { return incarnated(kRenames, incarnation); }
std::string renamed(uint64_t incarnation, std::string_view token) {
  return renames(incarnation) + std::string(token);
}

std::string parts(uint64_t incarnation) { return incarnated(kParts, incarnation); }
std::string parts(uint64_t incarnation, const ObjectKey& key, std::string_view id) {
  return parts(incarnation) + key.text() + '\0' + std::string(id) + '/';
}
std::string part(uint64_t incarnation, const ObjectKey& key, std::string_view id, uint32_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kPartDigits) digits.insert(0, kPartDigits - digits.size(), '0');
  return parts(incarnation, key, id) + digits;
}

Result<UploadKey> parse_upload(std::string_view row_key) {
  return parse_below(kUploads, row_key, "not the key of an upload's row");
}

Result<PartKey> parse_part(std::string_view row_key) {
  constexpr const char* kBad = "not the key of a part's row";
  size_t slash = row_key.rfind('/');
  if (slash == std::string_view::npos || row_key.size() - slash - 1 != kPartDigits) {
    return fail(Code::corrupt, kBad);
  }
  std::string_view digits = row_key.substr(slash + 1);
  auto upload = parse_below(kParts, row_key.substr(0, slash), kBad);
  if (!upload) return std::move(upload.error());
  PartKey out{.upload = std::move(*upload)};
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return fail(Code::corrupt, kBad);
  }
  return out;
}

Task<> ensure_format(Store& store, Context ctx) {
  std::string key(kFormat);
  std::optional<std::string> row = co_await co_await store.get(key, ctx);
  if (!row) {
    Json json;
    json.set("version", kVersion);
    co_return co_await store.commit(Txn().require_absent(key).put(key, json.dump()), ctx);
  }
  Json json = co_await Json::parse(*row);
  int64_t version = co_await json.integer("version");
  if (version != kVersion) {
    co_return fail(Code::invalid, "the store's rows have version " + std::to_string(version) +
                                      ", this program reads " + std::to_string(kVersion));
  }
  co_return ok;
}

}  // namespace forebay::meta::schema
