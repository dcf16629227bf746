// The table of all S3 operations: what a request must look like to be one, what more it may say,
// who may, and who answers. Dispatch, authorisation, metric labels and docs/s3-compatibility.md
// read it. Rows that are not answered are there for their names: a request that means one of them
// must not fall through to another operation (docs/adr/0015-what-is-not-understood.md).
#pragma once

#include <cstddef>
#include <cstdint>
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

/// What comes of an operation on a bucket of one kind: a word of docs/s3-compatibility.md, which
/// tells what each promises.
enum class State : uint8_t {
  no,
  yes,
  origin,       ///< sent on; not every origin has it
  own,          ///< Forebay's own: the origin is not asked
  fixed,        ///< the same of every bucket, and nothing changes it
  none,         ///< as of a bucket that never had any
  one_version,  ///< each object is one
  unversioned,  ///< where no versions were ever kept
  forgets,      ///< the bucket leaves Forebay, not its origin; the last one (compatibility.cpp)
};

/// Who answers an operation, and what comes of that on each kind of bucket.
struct Answered {
  Answer by = nullptr;  ///< null: known, not implemented
  State native = State::no, folder = State::no, s3 = State::no;

  constexpr Answered(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  constexpr Answered(Answer answer, State of_native, State of_folder, State of_s3)
      : by(answer), native(of_native), folder(of_folder), s3(of_s3) {}
};

struct Operation {
  std::string_view name;  ///< as the S3 API reference calls it; label of metrics
  std::string_view method;
  Scope scope;
  std::string_view markers;  ///< query names that select it, all of them; blanks between
  std::string_view header;   ///< header that selects it; empty: none
  bool write;                ///< changes something
  Answered answered;
  std::string_view names = {};  ///< further query names it takes
  /// Of a write that is answered: the x-amz-… and If-… headers it carries out; "x-amz-meta-*"
  /// means all that begin so. Headers that say nothing about the effect are not here: headers.h.
  std::string_view headers = {};
  /// Of a write that is answered: it reads a body (payload.h). Of the others the door sees to it
  /// that none comes.
  bool takes_body = false;

  /// Null: known, not implemented.
  constexpr Answer answer() const { return answered.by; }
};

/// All of them. Among rows that match, the first one is meant.
std::span<const Operation> operations();

/// Whether `word` stands in a list of words with blanks between them.
bool lists(std::string_view words, std::string_view word);
/// Whether any operation of S3, answered or not, takes a query parameter of that name.
bool known_to_s3(std::string_view query_name);

/// What no row matches: a method that S3 does not have there.
extern const Operation kUnknown;

}  // namespace forebay::gateway::s3
