// Keys: who may knock. Access keys are rows of the control store; the root key comes from node's
// options and is no row. Requests resolve keys in an immutable snapshot in memory, so a lookup
// never waits.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "base/shared.h"
#include "base/task.h"
#include "base/time.h"
#include "io/sync.h"
#include "meta/store.h"

namespace forebay::auth {

/// One access key. Its row is docs/formats/access-key.md.
struct AccessKey {
  std::string id;
  Secret secret;
  WallTime created;
  bool enabled = true;
  bool root = false;

  Json to_row() const;
  /// A row that cannot be read is Code::corrupt.
  static Result<AccessKey> from_row(std::string_view id, std::string_view row);
};

/// A new key: an id of 20 and a secret of 40 letters and digits (93 bits of the id are
/// random, 238 of the secret). On the loop's thread.
AccessKey generate_key(io::Loop& loop);
/// 3–128 characters of A–Z a–z 0–9 . _ -, as tools take them.
Result<> check_key_id(std::string_view id);

/// See the top of this file. find() and list() from any thread; everything else on one loop.
class Keys {
 public:
  /// `control` must outlive it.
  Keys(meta::Store& control [[clang::lifetimebound]], AccessKey root);

  /// Reads all rows; once, before the first request.
  Task<> load(Context ctx);

  /// The key, enabled or not; null when there is none.
  std::shared_ptr<const AccessKey> find(std::string_view id) const;
  /// All keys by id, root too.
  std::vector<AccessKey> list() const;

  /// Makes and stores a new key.
  Task<AccessKey> create(Context ctx);
  /// Stores a given key; an id that is there → Code::exists.
  Task<> add(AccessKey key, Context ctx);
  /// Not there → Code::not_found; root → Code::denied. In force at the next request.
  Task<> set_enabled(std::string id, bool enabled, Context ctx);
  Task<> remove(std::string id, Context ctx);

 private:
  using Map = std::map<std::string, std::shared_ptr<const AccessKey>, std::less<>>;
  Task<> change(std::string id, meta::Txn txn, Context ctx);
  Task<> refresh(std::string id, Context ctx);

  meta::Store& control_;
  AccessKey root_;
  io::Semaphore writing_{1};
  Shared<Map> map_;
};

}  // namespace forebay::auth
