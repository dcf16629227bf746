#include "node/credentials.h"

#include "node/private_file.h"
#include "sign/profile.h"

namespace forebay::node {

namespace {

constexpr const char* kFile = "credentials";

}  // namespace

Result<RootKey> load_root_key(const Settings& settings, io::Directory& data, io::Loop& loop) {
  RootKey root;
  root.key.root = true;
  if (!settings.root_access_key.empty()) {
    root.key.id = settings.root_access_key;
    root.key.secret = settings.root_secret_key;
    return root;
  }
  auto text = read_private(data, kFile);
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
  Result<> kept = write_private(data, kFile,
                                "[default]\naws_access_key_id = " + root.key.id +
                                    "\naws_secret_access_key = " + root.key.secret.reveal() + "\n");
  if (!kept) return kept.error_in("keep the generated credentials");
  return ok;
}

}  // namespace forebay::node
