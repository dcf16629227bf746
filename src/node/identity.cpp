#include "node/identity.h"

#include <array>

#include "base/names.h"
#include "node/private_file.h"

namespace forebay::node {

namespace {

constexpr const char* kIdentityFile = "node";

}  // namespace

Result<std::string> load_identity(io::Directory& data, io::Loop& loop) {
  Result<std::string> text = read_private(data, kIdentityFile);
  if (text) {
    bool whole = text->size() == 33 && text->ends_with('\n');
    Result<UnitId> id = UnitId::parse(std::string_view(*text).substr(0, 32));
    if (!whole || !id) {
      return fail(Code::corrupt, "the file 'node' in the data folder is no node's identity");
    }
    return id->hex();
  }
  if (text.error().code() != Code::not_found) return text;
  UnitId id;
  loop.random_bytes(std::as_writable_bytes(std::span(id.bytes)));
  Result<> kept = write_private(data, kIdentityFile, id.hex() + "\n");
  if (!kept) return kept.error_in("keep the node's identity");
  return id.hex();
}

}  // namespace forebay::node
