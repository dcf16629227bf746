// Answers that are documents: rendered in memory, where they stay until their reader has them.
#pragma once

#include "base/held_text.h"
#include "gateway/s3/call.h"
#include "gateway/s3/xml.h"

namespace forebay::gateway::s3 {

/// `xml` as the answer to `call`. Beyond HeldText::kFree it holds a share of Services::documents
/// until it is sent, in a time that grows with it (kWholeGrace, kWholeRate); no room → SlowDown.
/// `share`: what was held for it already.
Result<http::Response> document(Call& call, const Xml& xml, Allowance::Share share = {});

}  // namespace forebay::gateway::s3
