#include "object/native/rename_rows.h"

#include "base/json.h"

namespace forebay::object {

namespace {

constexpr uint64_t kRenameRow = 1;

Error bad_rename(std::string_view what) {
  return fail(Code::corrupt, "rename row : " + std::string(what), "InternalError");
}

}  // namespace

std::string encode(const NativeRename& rename) {
  Json json(Json::Object{});
  json.set("version", kRenameRow);
  json.set("done_ns", rename.done.ns);
  json.set("says", rename.says);
  return json.dump();
}

Result<NativeRename> parse_native_rename(std::string_view row) {
  auto json = Json::parse(row);
  if (!json || !json->is_object()) return bad_rename("it is no JSON object");
  auto version = json->unsigned_integer("version");
  if (!version) return bad_rename("it has no version");
  if (*version != kRenameRow) {
    return fail(Code::invalid, "rename row : version " + std::to_string(*version) +
                                   ", this program reads " + std::to_string(kRenameRow));
  }
  auto done = json->integer("done_ns");
  auto says = json->string("says");
  if (!done || !says) return bad_rename("it does not say what was renamed");
  return NativeRename{.done = {*done}, .says = std::move(*says)};
}

}  // namespace forebay::object
