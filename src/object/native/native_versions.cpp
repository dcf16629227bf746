// NativeOrigin: versions. The current one has the key's own row; the older ones follow it, each in
// a row of its own, the newest first. They move between the two in one transaction each time.
#include "io/loop.h"
#include "meta/schema.h"
#include "object/native/native_origin.h"
#include "object/native/native_rows.h"
#include "object/versions.h"

namespace forebay::object {

namespace {

bool is_null(std::string_view id) { return id == origin::kNullVersion; }

/// Whether a version that is there is the one of that id.
bool is_called(const NativeHead& head, std::string_view id) {
  return is_null(id) ? !head.own_id : head.own_id && head.order() == id;
}

}  // namespace

Task<NativeOrigin::Spot> NativeOrigin::find_spot(ObjectKey key, std::string id, Context ctx) {
  if (!id.empty() && !is_null(id) && !parse_sixteen(id)) {
    co_return own_version(std::move(id), false).error();
  }
  Found now = co_await co_await find(key, ctx);
  for (int attempt = 0; attempt < kNativeAttempts; ++attempt) {
    if (!now.row) co_return id.empty() ? no_such_native_key() : no_such_native_version();
    if (now.head && (id.empty() || is_called(*now.head, id))) {
      co_return Spot{meta::schema::object(options_.incarnation, key), std::move(*now.row),
                     std::move(*now.head)};
    }
    if (id.empty()) co_return damaged_native_row(key.text());
    std::string order = id;
    if (is_null(id)) order = now.head ? now.head->null_order : "";
    if (!order.empty()) {
      std::string row_key = meta::schema::object_version(options_.incarnation, key, order);
      auto row = co_await co_await rows(key).get(row_key, ctx);
      auto head = row ? parse_native_head(*row) : Result<NativeHead>(no_such_native_version());
      if (row && !head) co_return head.error_in(key.text());
      if (row && head && is_called(*head, id)) {
        co_return Spot{std::move(row_key), std::move(*row), std::move(*head), std::move(now)};
      }
    }
    // It may have become the current one after that was looked at.
    Found again = co_await co_await find(key, ctx);
    if (again.row == now.row) co_return no_such_native_version();
    now = std::move(again);
  }
  co_return changes_too_fast();
}

Task<NativeOrigin::Spot> NativeOrigin::find_object(ObjectKey key, std::string id, Context ctx) {
  bool named = !id.empty();
  Spot found = co_await co_await find_spot(std::move(key), std::move(id), ctx);
  if (!found.head.marker) co_return std::move(found);
  if (named) {
    co_return fail(Code::invalid, "The specified method is not allowed against this resource.",
                   std::string(origin::kDeleteMarker));
  }
  co_return fail(Code::not_found, "The specified key does not exist.",
                 std::string(origin::kDeleteMarker));
}

Task<WallTime> NativeOrigin::marker_date(ObjectKey key, std::string id, Context ctx) {
  Spot found = co_await co_await find_spot(std::move(key), std::move(id), ctx);
  co_return found.head.marker ? found.head.modified : WallTime{};
}

Task<bool> NativeOrigin::is_written(ObjectKey key, NativeHead head, Context ctx) {
  auto found = co_await find_spot(std::move(key), head.version_id(), ctx);
  if (!found && found.error().code() == Code::not_found) co_return false;
  if (!found) co_return std::move(found.error());
  co_return found->head.write == head.write;
}

Task<std::string> NativeOrigin::told_id(NativeHead head, Context ctx) {
  if (head.own_id) co_return head.version_id();
  bool kept = co_await co_await has_versions(ctx);
  co_return kept ? head.version_id() : std::string();
}

Task<NativeOrigin::Beneath> NativeOrigin::beneath(ObjectKey key, std::optional<NativeHead> current,
                                                  bool keep, Context ctx) {
  Beneath out;
  if (!current) co_return out;
  if (!keep && !current->own_id) {
    out.gone = std::move(current);
    co_return out;
  }
  std::string null_order = std::exchange(current->null_order, {});
  if (!current->own_id) null_order = current->order();
  if (keep) {
    out.null_order = std::move(null_order);
  } else if (!null_order.empty()) {
    // What comes is the null version now.
    out.gone_row = meta::schema::object_version(options_.incarnation, key, null_order);
    auto row = co_await co_await rows(key).get(out.gone_row, ctx);
    auto head = row ? parse_native_head(*row) : Result<NativeHead>(no_such_native_version());
    if (head) out.gone = std::move(*head);
    if (!row) out.gone_row.clear();
  }
  out.kept = std::move(current);
  co_return out;
}

}  // namespace forebay::object
