// Between the files of the origin contract: its groups of cases and the helpers they share.
#pragma once

#include <string>
#include <vector>

#include "testkit/origin_contract.h"

namespace forebay::testkit {

std::vector<OriginCase> list_cases();
std::vector<OriginCase> upload_cases();
std::vector<OriginCase> copy_cases();
std::vector<OriginCase> tag_cases();

/// Puts `text` below the prefix.
Task<origin::PutAnswer> put_text(OriginUnderTest& under [[clang::lifetimebound]], std::string name,
                                 std::string text, Context ctx);
/// The whole answer's bytes.
Task<std::string> get_text(OriginUnderTest& under [[clang::lifetimebound]], std::string name,
                           origin::GetOptions options, Context ctx);

}  // namespace forebay::testkit
