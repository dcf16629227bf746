// Layouts: what is known of the parts objects were uploaded in. Rows keep what came through
// Forebay; of the rest the origin is asked.
#pragma once

#include <optional>

#include "meta/store.h"
#include "object/bucket.h"
#include "object/head.h"

namespace forebay::object {

/// All loops share one. What it takes by reference outlives the call.
class Layouts {
 public:
  explicit Layouts(meta::Meta& meta) : meta_(meta) {}

  /// The layout of what the origin told: known, or guessed by its first part.
  Task<Layout> learn(const Bucket& bucket, const ObjectKey& key, const origin::ObjectInfo& info,
                     Context ctx);
  /// The layout of an object that tells its pieces. Pieces that are not all of it → Code::corrupt.
  static Result<Layout> of_pieces(const Bucket& bucket, const origin::ObjectInfo& info);
  /// The bytes of part `number` (from 1), never guessed; nothing when there is no such part.
  /// Another version by now → Code::conflict; an origin that cannot tell → Code::invalid,
  /// "NotImplemented".
  Task<std::optional<ByteRange>> part(const Bucket& bucket, const ObjectKey& key, const Head& head,
                                      uint32_t number, Context ctx);
  /// Keeps the part sizes of an upload for later (a hint; not synced).
  Task<> remember(const Bucket& bucket, const ObjectKey& key, Tag tag, Layout layout, Context ctx);
  Task<> forget(const Bucket& bucket, const ObjectKey& key, Context ctx);

 private:
  /// What a row says of this version.
  Task<std::optional<Layout>> stored(const Bucket& bucket, const ObjectKey& key,
                                     const origin::ObjectInfo& info, Context ctx);

  meta::Meta& meta_;
};

}  // namespace forebay::object
