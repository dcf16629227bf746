#include "node/credentials.h"

#include <array>

#include "sign/profile.h"

namespace forebay::node {

namespace {

constexpr const char* kFile = "credentials";
constexpr const char* kTemporary = "credentials.new";

Result<std::string> read_text(io::Directory& data) {
  auto file = data.open(kFile, io::OpenMode::read);
  if (!file) return std::move(file.error());
  std::array<std::byte, 4096> buffer;
  auto count = (*file)->read_at(0, buffer);
  if (!count) return std::move(count.error());
  return std::string(as_text(ByteView(buffer).first(*count)));
}

Result<> write_text(io::Directory& data, std::string_view text) {
  auto file = data.open(kTemporary, io::OpenMode::create);
  if (!file) return std::move(file.error());
  io::File& f = **file;
  for (Result<> step : {f.make_private(), f.truncate(0), f.write_at(0, as_bytes(text)), f.sync(),
                        data.rename(kTemporary, kFile, false), data.sync("")}) {
    if (!step) return step;
  }
  return ok;
}

}  // namespace

Result<RootKey> load_root_key(const Settings& settings, io::Directory& data, io::Loop& loop) {
  RootKey root;
  root.key.root = true;
  if (!settings.root_access_key.empty()) {
    root.key.id = settings.root_access_key;
    root.key.secret = settings.root_secret_key;
    return root;
  }
  auto text = read_text(data);
  if (text) {
    auto profile = sign::parse_profile(*text, "default");
    if (!profile) return profile.error_in(settings.data + "/credentials");
    root.key.id = profile->credentials.access_key;
    root.key.secret = profile->credentials.secret;
    return root;
  }
  if (text.error().code() != Code::not_found) return std::move(text.error());
  root.key = auth::generate_key(loop);
  root.key.root = true;
  root.fresh = true;
  return root;
}

Result<> keep_root_key(const RootKey& root, io::Directory& data) {
  Result<> kept =
      write_text(data, "[default]\naws_access_key_id = " + root.key.id +
                           "\naws_secret_access_key = " + root.key.secret.reveal() + "\n");
  if (!kept) return kept.error_in("keep the generated credentials");
  return ok;
}

}  // namespace forebay::node
