// The contract suite of origin::Origin: what every implementation does alike, as coroutines that a
// test drives on whatever engine it has. An implementation's test runs each case once:
//
//   class MyOrigin : public testing::TestWithParam<testkit::OriginCase> {};
//   TEST_P(MyOrigin, keeps_the_contract) { … engine->run_task(GetParam().run(under_test, ctx)) … }
//   INSTANTIATE_TEST_SUITE_P(Contract, MyOrigin, testing::ValuesIn(testkit::origin_cases()),
//                            testkit::origin_case_name);
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "origin/origin.h"
#include "testkit/pattern.h"

namespace forebay::testkit {

/// An origin and what may be expected of it. The cases use keys below `prefix` only, each case
/// its own, and leave them behind.
struct OriginUnderTest {
  origin::Origin& origin;
  origin::Capabilities capabilities;
  std::string prefix;             ///< "" or ends with '/'
  bool etag_is_md5 = true;        ///< of a single put
  bool strong = true;             ///< tags are given
  bool checksums = true;          ///< put's checksums come back
  bool upload_checksums = true;   ///< what an upload's parts carry is kept, checked and told
  bool tag_in_put = true;         ///< put's answer names the tag
  bool atomic_conditions = true;  ///< of racing If-None-Match: * puts exactly one succeeds
  bool removes_matching = true;   ///< deletes heed If-Match
  bool tells_missing = true;      ///< and tell nothing from something else
  bool lists_uploads = true;      ///< list_uploads is complete and sorted
  bool copies = false;            ///< copies by itself
  bool copy_sums = true;          ///< and reckons the checksum that it is told to
  bool replaces_parts = true;     ///< a part that is sent twice is listed as the last one
  /// Refuses parts below this but the last (EntityTooSmall); 0: takes any.
  uint64_t min_part = 5 << 20;
};

struct OriginCase {
  const char* name;
  Task<> (*run)(OriginUnderTest& under, Context ctx);
};

/// All cases.
const std::vector<OriginCase>& origin_cases();

inline std::string origin_case_name(const testing::TestParamInfo<OriginCase>& info) {
  return info.param.name;
}
inline std::ostream& operator<<(std::ostream& out, const OriginCase& c) { return out << c.name; }

/// A key that is known to be good.
ObjectKey key_of(std::string_view text);
/// A body that gives `text` in chunks and then, when `broken`, fails instead of ending.
io::Body body_of(std::string text, size_t chunk = 64 << 10, bool broken = false);

}  // namespace forebay::testkit
