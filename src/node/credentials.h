// The root key: given by the environment, or generated at the first start and kept in
// DATA/credentials, in the form of ~/.aws/credentials so that tools can be pointed at it.
#pragma once

#include "auth/keys.h"
#include "io/file.h"
#include "node/settings.h"

namespace forebay::node {

struct RootKey {
  auth::AccessKey key;
  bool fresh = false;  ///< just generated: to be shown once
};

/// Blocking. A credentials file that cannot be read is an error, never replaced. A fresh key is not
/// kept yet: a start that fails leaves none behind.
Result<RootKey> load_root_key(const Settings& settings, io::Directory& data, io::Loop& loop);

/// Writes a fresh key to the credentials file. Blocking.
Result<> keep_root_key(const RootKey& root, io::Directory& data);

}  // namespace forebay::node
