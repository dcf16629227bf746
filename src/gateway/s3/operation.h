// The table of all S3 operations: what a request must look like to be one, who may, and who
// answers. Dispatch, authorisation, metric labels and docs/s3-compatibility.md read it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/task.h"
#include "http/message.h"

namespace forebay::gateway::s3 {

struct Call;

enum class Scope { service, bucket, object };

/// Answers one call. `call` lives until the answer is sent.
using Answer = Task<http::Response> (*)(Call& call, Context ctx);

struct Operation {
  std::string_view name;  ///< as the S3 API reference calls it; label of metrics
  std::string_view method;
  Scope scope;
  std::string_view marker;  ///< query parameter that selects it; empty: none
  std::string_view header;  ///< header that selects it; empty: none
  bool write;               ///< changes something
  Answer answer;            ///< null: known, not implemented
};

/// All of them. Among rows that match, the first one is meant.
std::span<const Operation> operations();

/// What no row matches: a method that S3 does not have there.
extern const Operation kUnknown;

}  // namespace forebay::gateway::s3
