#include "origin/dir/record.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/json.h"
#include "origin/dir/key.h"
#include "origin/kept.h"

namespace forebay::origin {

namespace {

constexpr uint64_t kVersion = 1;
constexpr Duration kSettled = seconds(2);

std::string hex(uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  do {
    out.insert(out.begin(), kDigits[value & 15]);
    value >>= 4;
  } while (value != 0);
  return out;
}

Result<std::vector<PartRun>> read_parts(const Json& json, uint64_t size) {
  std::vector<PartRun> out;
  const Json* found = json.find("parts");
  if (found == nullptr) return out;
  if (found->as_array() == nullptr) return fail(Code::corrupt, "parts are no list");
  uint64_t sum = 0;
  for (const Json& run : *found->as_array()) {
    const Json::Array* pair = run.as_array();
    if (pair == nullptr || pair->size() != 2) return fail(Code::corrupt, "a run is no pair");
    auto bytes = (*pair)[0].as_uint(), count = (*pair)[1].as_uint();
    if (!bytes || !count || *count == 0 || *count > 10'000 || *bytes > size) {
      return fail(Code::corrupt, "a run of parts is impossible");
    }
    if (*bytes > 0 && *count > (size - sum) / *bytes) {
      return fail(Code::corrupt, "the parts are larger than the file");
    }
    sum += *bytes * *count;
    out.push_back({*bytes, static_cast<uint32_t>(*count)});
  }
  if (!out.empty() && sum != size) return fail(Code::corrupt, "the parts are not the file");
  return out;
}

Result<Json> read_version(std::string_view text) {
  Result<Json> json = Json::parse(text);
  if (!json) return fail(Code::corrupt, "no JSON");
  Result<uint64_t> version = json->unsigned_integer("v");
  if (!version || *version != kVersion) return fail(Code::corrupt, "unknown version");
  return json;
}

}  // namespace

std::string encode(const DirRecord& record) {
  Json json(Json::Object{});
  json.set("v", kVersion);
  json.set("size", record.size);
  json.set("mtime", record.modified.ns);
  json.set("etag", record.etag.text());
  if (!record.fields.empty()) json.set("fields", to_json(record.fields));
  if (!record.tags.empty()) json.set("tags", to_json(record.tags));
  if (!record.checksums.empty()) json.set("checksums", to_json(record.checksums));
  if (!record.parts.empty()) {
    Json::Array runs;
    for (const PartRun& run : record.parts) runs.push_back(Json::Array{run.size, run.count});
    json.set("parts", std::move(runs));
  }
  return json.dump();
}

Result<DirRecord> parse_dir_record(std::string_view text) {
  Result<Json> json = read_version(text);
  if (!json) return json.error_in("record of a file");
  DirRecord out;
  Result<uint64_t> size = json->unsigned_integer("size");
  Result<int64_t> mtime = json->integer("mtime");
  Result<std::string> etag = json->string("etag");
  if (!size || !mtime || !etag || etag->empty()) {
    return fail(Code::corrupt, "record of a file : a member is missing");
  }
  out.size = *size;
  out.modified = {*mtime};
  out.etag = ETag(std::move(*etag));
  Result<Fields> fields = read_fields(*json, "fields");
  if (!fields) return fields.error_in("record of a file");
  out.fields = std::move(*fields);
  Result<TagSet> tags = read_tags(*json);
  if (!tags) return tags.error_in("record of a file");
  out.tags = std::move(*tags);
  Result<Fields> checksums = read_fields(*json, "checksums");
  if (!checksums) return checksums.error_in("record of a file");
  out.checksums = std::move(*checksums);
  Result<std::vector<PartRun>> parts = read_parts(*json, out.size);
  if (!parts) return parts.error_in("record of a file");
  out.parts = std::move(*parts);
  return out;
}

std::string encode(const DirUpload& upload) {
  Json json(Json::Object{});
  json.set("v", kVersion);
  json.set("key", upload.key);
  json.set("initiated", upload.initiated.ns);
  if (!upload.fields.empty()) json.set("fields", to_json(upload.fields));
  if (!upload.tags.empty()) json.set("tags", to_json(upload.tags));
  write_plan(json, upload.plan);
  return json.dump();
}

Result<DirUpload> parse_dir_upload(std::string_view text) {
  Result<Json> json = read_version(text);
  if (!json) return json.error_in("record of an upload");
  Result<std::string> key = json->string("key");
  Result<int64_t> initiated = json->integer("initiated");
  if (!key || !initiated) return fail(Code::corrupt, "record of an upload : a member is missing");
  Result<Fields> fields = read_fields(*json, "fields");
  if (!fields) return fields.error_in("record of an upload");
  Result<TagSet> tags = read_tags(*json);
  if (!tags) return tags.error_in("record of an upload");
  auto plan = read_plan(*json);
  if (!plan) return plan.error_in("record of an upload");
  return DirUpload{std::move(*key), {*initiated}, std::move(*fields), std::move(*tags), *plan};
}

std::string encode(const DirCompleted& completed) {
  Json json(Json::Object{});
  json.set("v", kVersion);
  json.set("key", completed.key);
  json.set("asked", completed.asked);
  json.set("temp", completed.temp);
  json.set("etag", completed.etag.text());
  json.set("at", completed.at.ns);
  if (!completed.checksums.empty()) json.set("checksums", to_json(completed.checksums));
  return json.dump();
}

Result<DirCompleted> parse_dir_completed(std::string_view text) {
  Result<Json> json = read_version(text);
  if (!json) return json.error_in("record of a completed upload");
  auto key = json->string("key"), asked = json->string("asked"), temp = json->string("temp");
  auto etag = json->string("etag");
  auto at = json->integer("at");
  if (!key || !asked || !temp || !etag || !at) {
    return fail(Code::corrupt, "record of a completed upload : a member is missing");
  }
  Result<Fields> checksums = read_fields(*json, "checksums");
  if (!checksums) return checksums.error_in("record of a completed upload");
  return DirCompleted{std::move(*key),        std::move(*asked),     std::move(*temp),
                      ETag(std::move(*etag)), std::move(*checksums), {*at}};
}

std::string dir_identity(const io::FileStat& stat) {
  return hex(stat.device) + "." + hex(stat.inode) + "." + hex(stat.size) + "." +
         hex(static_cast<uint64_t>(stat.modified.ns)) + "." +
         hex(static_cast<uint64_t>(stat.changed.ns));
}

bool dir_unsettled(const io::FileStat& stat, WallTime now) {
  return now.ns - stat.modified.ns < kSettled.ns;
}

ETag dir_etag(const io::FileStat& stat) {
  // Without device and ctime: a remount or a chmod must not look like new bytes to a client.
  std::string of =
      hex(stat.inode) + "." + hex(stat.size) + "." + hex(static_cast<uint64_t>(stat.modified.ns));
  Digest256 digest = Sha256::of(as_bytes(of));
  return ETag("\"file" + to_hex(ByteView(digest).first(16)) + "\"");
}

std::string dir_record_path(const io::FileStat& stat) {
  return std::string(kDirRecords) + "/" + hex(stat.inode) + "." + hex(stat.size) + "." +
         hex(static_cast<uint64_t>(stat.modified.ns));
}

}  // namespace forebay::origin
