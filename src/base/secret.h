// A secret prints as stars wherever it is formatted, and is compared in constant time.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

namespace forebay {

/// Text that must not reach logs, metrics or URLs. `reveal()` is the only way to the text.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  /// Takes the same time for any two texts of the same length.
  bool same_as(std::string_view other) const;

  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "****"; }

 private:
  std::string text_;
};

}  // namespace forebay
