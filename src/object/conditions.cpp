#include "object/conditions.h"

#include "base/encoding.h"

namespace forebay::object {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Clients send ETags with and without quotes.
std::string_view opaque(std::string_view tag) {
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') {
    tag = tag.substr(1, tag.size() - 2);
  }
  return tag;
}

// Dates on the wire have whole seconds.
int64_t whole(WallTime t) { return t.seconds(); }

}  // namespace

bool names(std::string_view list, const ETag& etag, bool weak) {
  std::string_view own = etag.text();
  if (etag.weak()) {
    if (!weak) return trim(list) == "*";
    own.remove_prefix(2);
  }
  while (!list.empty()) {
    size_t comma = list.find(',');
    std::string_view one = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? "" : list.substr(comma + 1);
    if (one == "*") return true;
    if (one.starts_with("W/")) {
      if (!weak) continue;
      one.remove_prefix(2);
    }
    if (opaque(one) == opaque(own)) return true;
  }
  return false;
}

Result<> decide(const ReadConditions& c, const ETag& etag, WallTime modified) {
  auto failed = [] {
    return fail(Code::conflict, "At least one of the pre-conditions you specified did not hold",
                "PreconditionFailed");
  };
  if (c.if_match) {
    if (!names(*c.if_match, etag, false)) return failed();
  } else if (c.if_unmodified_since && whole(modified) > whole(*c.if_unmodified_since)) {
    return failed();
  }
  bool unchanged = c.if_none_match
                       ? names(*c.if_none_match, etag, true)
                       : c.if_modified_since && whole(modified) <= whole(*c.if_modified_since);
  if (unchanged) return fail(Code::conflict, "Not Modified", "NotModified");
  return ok;
}

bool range_applies(std::string_view if_range, const ETag& etag, WallTime modified) {
  if (auto date = parse_http_date(if_range)) return whole(modified) == whole(*date);
  return names(if_range, etag, false);
}

}  // namespace forebay::object
