// What origins share in counting: whether an answer was a good one, and bodies that count.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "base/task.h"
#include "origin/origin.h"

namespace forebay::origin {

/// Whether the origin did its work: what it lacks and what it refuses by its rules is a good
/// answer too.
constexpr bool answered(Code code) {
  switch (code) {
    case Code::not_found:
    case Code::exists:
    case Code::invalid:
    case Code::conflict:
    case Code::too_large: return true;
    default: return false;
  }
}

/// Runs `task` and tells the meter (which may be null) how it ended. What an origin answers and
/// nobody can understand is its fault, and said to be; so is a full folder.
template <class T>
Task<T> metered(std::shared_ptr<Meter> meter, std::string_view operation, Task<T> task) {
  Result<T> result = co_await std::move(task);
  if (meter != nullptr) {
    meter->request(operation, result.has_value() || answered(result.error().code()));
  }
  if (!result && result.error().code() == Code::corrupt && result.error().detail().empty()) {
    co_return result.error().as(Code::corrupt, kBadGateway);
  }
  if (!result && result.error().code() == Code::busy && result.error().detail() == "ENOSPC") {
    co_return result.error().as(Code::busy, "InsufficientStorage");
  }
  co_return result;
}

}  // namespace forebay::origin
