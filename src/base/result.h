// One error vocabulary for the whole house: twelve codes chosen by what the caller can do, a text,
// and the chain of what was being done. Each gateway maps the codes to its own wire in one file.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace forebay {

/// What the caller can do about it.
enum class Code {
  not_found,    ///< it is not there
  exists,       ///< it is there already
  invalid,      ///< the request can never succeed as it is
  denied,       ///< not allowed
  conflict,     ///< the state is not what the caller required (precondition, lost race)
  too_large,    ///< over a stated limit
  busy,         ///< a bounded resource is full: try again later
  timeout,      ///< the deadline passed
  cancelled,    ///< the caller asked for it
  corrupt,      ///< stored or received bytes are not what they should be
  unavailable,  ///< a peer or device cannot be reached; from a commit: the outcome is unknown
  internal,     ///< a fault of our own
};

/// The code's name as it is written in logs and metrics.
std::string_view name(Code code);

/// Whether the same call may succeed when made again unchanged.
constexpr bool retryable(Code code) {
  return code == Code::busy || code == Code::timeout || code == Code::unavailable;
}

/// A failure: code, text, and context added on the way up, outermost first. `detail` carries a
/// machine-readable word for a gateway (an S3 error code, an errno name); it may be empty. Contexts
/// are for operators: units, folders, addresses, what others have said stand there, and gateways
/// show none of them.
///
/// One pointer beside the code, because every Result has room for one and every move of a Result
/// has code to move it.
class Error {
 public:
  [[gnu::cold]] Error(Code code, std::string text, std::string detail = {});
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  [[gnu::cold]] Error(const Error& other);
  [[gnu::cold]] Error& operator=(const Error& other);

  Code code() const { return code_; }
  /// Empty after a move, as detail() is.
  [[gnu::cold]] const std::string& text() const;
  [[gnu::cold]] const std::string& detail() const;
  /// text() without the contexts: what went wrong, in the words of whoever found it.
  [[gnu::cold]] std::string_view own() const;

  /// The same error seen from one step further up: "what: text".
  [[gnu::cold]] Error in(std::string_view what) &&;
  [[gnu::cold]] Error in(std::string_view what) const&;
  /// The same text and contexts with another meaning for the caller.
  [[gnu::cold]] Error as(Code code, std::string detail = {}) const;

 private:
  struct Words {
    std::string text;
    std::string detail;
    size_t own = 0;  ///< where in `text` the contexts end
  };
  struct Drop {
    [[gnu::cold]] void operator()(Words* words) const;
  };
  Code code_;
  std::unique_ptr<Words, Drop> words_;
};

/// The success value of Result<> and Task<>: `return ok;`, `co_return ok;`.
struct Ok {};
inline constexpr Ok ok;

/// A value or an Error. Dropping one is a warning, hence an error; inside a Task, `co_await`ing it
/// yields the value or ends the coroutine with the error (base/task.h).
template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(Error error) : std::expected<T, Error>(std::unexpect, std::move(error)) {}
  Result(Ok)
    requires std::is_void_v<T>
      : std::expected<T, Error>() {}

  /// The error with context added; only when there is one.
  Error error_in(std::string_view what) const { return this->error().in(what); }
};

/// Shorthand for returning a failure.
[[gnu::cold]] inline Error fail(Code code, std::string text, std::string detail = {}) {
  return Error(code, std::move(text), std::move(detail));
}

}  // namespace forebay
