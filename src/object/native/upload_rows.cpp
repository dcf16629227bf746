#include "object/native/upload_rows.h"

#include "base/encoding.h"
#include "base/json.h"
#include "origin/kept.h"

namespace forebay::object {

namespace {

constexpr uint64_t kUploadVersion = 1;

Error bad_row(std::string what) { return fail(Code::corrupt, std::move(what), "InternalError"); }

Result<Json> read_row(std::string_view row, const char* what) {
  Result<Json> json = Json::parse(row);
  Result<uint64_t> version =
      json ? json->unsigned_integer("version") : Result<uint64_t>(json.error());
  if (!version) return bad_row(std::string(what) + " : no JSON with a version");
  if (*version != kUploadVersion) {
    return fail(Code::invalid, std::string(what) + " : version " + std::to_string(*version) +
                                   ", this program reads " + std::to_string(kUploadVersion));
  }
  return json;
}

}  // namespace

ETag NativePart::etag() const { return ETag("\"" + to_hex(md5) + "\""); }

origin::PartInfo NativePart::info(uint32_t number) const {
  return {number, size, etag(), modified, checksums};
}

Result<std::string> encode(const NativeUpload& upload) {
  Json json(Json::Object{});
  json.set("version", kUploadVersion);
  json.set("initiated_ns", upload.initiated.ns);
  json.set("fields", origin::to_json(upload.fields));
  json.set("tags", origin::to_json(upload.tags));
  origin::write_plan(json, upload.plan);
  std::string row = json.dump();
  if (row.size() <= kMaxUploadRow) return row;
  return fail(Code::too_large,
              "The metadata of this upload takes " + std::to_string(row.size()) +
                  " bytes; at most " + std::to_string(kMaxUploadRow) + " are kept",
              "MetadataTooLarge");
}

Result<NativeUpload> parse_native_upload(std::string_view row) {
  constexpr const char* kWhat = "upload row";
  Result<Json> json = read_row(row, kWhat);
  if (!json) return std::move(json.error());
  auto initiated = json->integer("initiated_ns");
  auto fields = origin::read_fields(*json, "fields");
  auto tags = origin::read_tags(*json);
  auto plan = origin::read_plan(*json);
  if (!initiated || !fields || !tags || !plan) {
    return bad_row(std::string(kWhat) + " : a member is missing, or not of its kind");
  }
  return NativeUpload{{*initiated}, std::move(*fields), std::move(*tags), *plan};
}

std::string encode(const NativePart& part) {
  Json json(Json::Object{});
  json.set("version", kUploadVersion);
  json.set("size", part.size);
  json.set("etag", to_hex(part.md5));
  json.set("modified_ns", part.modified.ns);
  json.set("write", to_hex(part.write));
  json.set("checksums", origin::to_json(part.checksums));
  return json.dump();
}

Result<NativePart> parse_native_part(std::string_view row) {
  constexpr const char* kWhat = "part row";
  Result<Json> json = read_row(row, kWhat);
  if (!json) return std::move(json.error());
  auto size = json->unsigned_integer("size");
  auto etag = json->string("etag"), write = json->string("write");
  auto modified = json->integer("modified_ns");
  auto checksums = origin::read_fields(*json, "checksums");
  if (!size || !etag || !write || !modified || !checksums) {
    return bad_row(std::string(kWhat) + " : a member is missing, or not of its kind");
  }
  auto digest = parse_sixteen(*etag), id = parse_sixteen(*write);
  if (!digest || !id || *size > origin::kMaxObjectBytes) {
    return bad_row(std::string(kWhat) + " : a member is impossible");
  }
  return NativePart{*size, *digest, {*modified}, *id, std::move(*checksums)};
}

}  // namespace forebay::object
