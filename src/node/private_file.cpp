#include "node/private_file.h"

#include <array>

namespace forebay::node {

Result<std::string> read_private(io::Directory& data, const std::string& name) {
  auto file = data.open(name, io::OpenMode::read);
  if (!file) return std::move(file.error());
  std::array<std::byte, 4096> buffer;
  auto count = (*file)->read_at(0, buffer);
  if (!count) return std::move(count.error());
  return std::string(as_text(ByteView(buffer).first(*count)));
}

Result<> write_private(io::Directory& data, const std::string& name, std::string_view text) {
  std::string temporary = name + ".new";
  auto file = data.open(temporary, io::OpenMode::create);
  if (!file) return std::move(file.error());
  io::File& f = **file;
  for (Result<> step : {f.make_private(), f.truncate(0), f.write_at(0, as_bytes(text)), f.sync(),
                        data.rename(temporary, name, false), data.sync("")}) {
    if (!step) return step;
  }
  return ok;
}

}  // namespace forebay::node
