// Layouts: what is known of the parts objects were uploaded in. Rows of heads keep what came
// through Forebay; of the rest the origin is asked.
#pragma once

#include <optional>

#include "object/bucket.h"
#include "object/head.h"
#include "object/kept/kept_rows.h"

namespace forebay::object {

/// All loops share one. What it takes by reference outlives the call.
class Layouts {
 public:
  explicit Layouts(KeptRows& rows [[clang::lifetimebound]]) : rows_(rows) {}

  struct Learned {
    Layout layout;
    bool has_row = false;  ///< it is what a row says
  };
  /// The layout of what the origin told: known, or guessed by its first part.
  Task<Learned> learn(const Bucket& bucket, const ObjectKey& key, const origin::ObjectInfo& info,
                      Context ctx);
  /// The layout of an object that tells its pieces. Pieces that are not all of it → Code::corrupt.
  static Result<Layout> of_pieces(const Bucket& bucket, const origin::ObjectInfo& info);
  /// The bytes of part `number` (from 1), never guessed; nothing when there is no such part.
  /// Another version by now → Code::conflict; an origin that cannot tell → Code::invalid,
  /// "NotImplemented".
  Task<std::optional<ByteRange>> part(const Bucket& bucket, const ObjectKey& key, const Head& head,
                                      uint32_t number, Context ctx);
  /// Keeps the parts of an upload for later (a hint; not synced): of the version that `info` names
  /// by size, ETag, tag and version id. While a ticket of the key is open.
  Task<> remember(const Bucket& bucket, const ObjectKey& key, origin::ObjectInfo info,
                  Layout layout, Context ctx);

 private:
  /// What a row says of this version.
  Task<std::optional<Layout>> stored(const Bucket& bucket, const ObjectKey& key,
                                     const origin::ObjectInfo& info, Context ctx);

  KeptRows& rows_;
};

}  // namespace forebay::object
