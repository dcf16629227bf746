// Views of bytes and shared immutable bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace forebay {

inline constexpr uint64_t kKiB = 1 << 10, kMiB = 1 << 20;

using ByteView = std::span<const std::byte>;
using ByteSpan = std::span<std::byte>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Immutable bytes that any number of holders on any thread may share. Copying shares.
class Bytes {
 public:
  Bytes() = default;
  /// Takes `text` over.
  explicit Bytes(std::string text) {
    auto owned = std::make_shared<const std::string>(std::move(text));
    view_ = as_bytes(*owned);
    owner_ = std::move(owned);
  }
  /// A copy of `bytes`.
  static Bytes copy(ByteView bytes) {
    auto owned = std::make_shared_for_overwrite<std::byte[]>(bytes.size());
    std::memcpy(owned.get(), bytes.data(), bytes.size());
    ByteView view(owned.get(), bytes.size());
    return {std::move(owned), view};
  }
  /// Shares bytes kept alive by `owner`.
  Bytes(std::shared_ptr<const void> owner, ByteView view) : owner_(std::move(owner)), view_(view) {}

  ByteView view() const { return view_; }
  std::string_view text() const { return as_text(view_); }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  /// Whether they live as long as this value does.
  bool owned() const { return owner_ != nullptr || view_.empty(); }
  /// A part of these bytes under the same owner.
  Bytes slice(size_t offset, size_t length) const {
    return {owner_, view_.subspan(offset, length)};
  }

 private:
  std::shared_ptr<const void> owner_;
  ByteView view_;
};

}  // namespace forebay
