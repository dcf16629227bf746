// What of a native bucket has come to its end by the bucket's rules: a walk through its rows, page
// by page, that decides and changes nothing. Who removes what it finds does so only where the row
// is still the one that was read (NativeOrigin::expire).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "meta/schema.h"
#include "meta/store.h"
#include "object/lifecycle.h"
#include "object/native/head_row.h"

namespace forebay::object {

/// Something whose time is over, and the row that said so.
struct NativeDue {
  enum class What {
    object,  ///< a current version: goes, or is hidden by a delete marker where versions are kept
    older,   ///< an older version, or an older delete marker
    marker,  ///< a delete marker with nothing behind it
    upload   ///< one that was never completed
  };
  What what;
  ObjectKey key;
  std::string id;  ///< of the version (as clients name it) or the upload
  std::string row_key, row;
};

/// One walk. Holds one page of rows. On one loop.
class NativeExpiry {
 public:
  /// Rows of one page.
  static constexpr uint32_t kRows = 200;
  /// Older versions of a key that are looked through when a page begins among them.
  static constexpr uint32_t kRecount = 1000;

  NativeExpiry(meta::Meta& meta [[clang::lifetimebound]], uint64_t incarnation, LifecycleRef rules);

  struct Page {
    std::vector<NativeDue> due = {};
    uint64_t rows = 0;     ///< that were looked at
    uint64_t damaged = 0;  ///< of them, that cannot be read: they stay
  };
  /// The next page, held against the day that it is.
  Task<Page> next(Day today, Context ctx);
  bool ended() const { return left_.empty(); }

 private:
  /// Rows that rules may be about.
  struct Part {
    meta::Range range;
    bool uploads = false;
  };
  /// What a row says of an object or a version of it; nothing: it cannot be read.
  struct Seen {
    meta::schema::VersionKey named;
    NativeSummary told;
    origin::TagSet tags = {};
  };
  std::optional<Seen> see(const meta::Row& row) const;
  /// `alone`: nothing is known to be behind it.
  void look(meta::Row& row, bool alone, Page& page);
  std::optional<NativeDue::What> judge(const Seen& seen, bool alone);
  void look_at_upload(meta::Row& row, Page& page) const;
  Task<> recount(std::string row_key, Context ctx);

  meta::Store& store_;
  const uint64_t incarnation_;
  const LifecycleRef rules_;
  const bool tags_;          ///< a rule looks at them
  const bool counts_newer_;  ///< a rule looks at how many are newer
  std::vector<Part> left_;   ///< the next one last
  Day today_ = 0;
  // Within a key.
  std::string key_;                     ///< of the last row
  std::optional<WallTime> above_ = {};  ///< when the version above the next one was made
  uint32_t newer_ = 0;                  ///< older versions with bytes that were seen
};

}  // namespace forebay::object
