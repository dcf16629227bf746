#include "base/secret.h"

namespace forebay {

bool Secret::same_as(std::string_view other) const {
  if (other.size() != text_.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < text_.size(); ++i) {
    difference |= static_cast<unsigned char>(text_[i] ^ other[i]);
  }
  return difference == 0;
}

}  // namespace forebay
