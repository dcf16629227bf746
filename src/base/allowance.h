// Allowance: a number of bytes that many may hold at once, and no more.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace forebay {

/// Any thread. Held by shared_ptr, because shares outlive whoever made it.
class Allowance : public std::enable_shared_from_this<Allowance> {
 public:
  explicit Allowance(uint64_t bytes) : left_(bytes) {}

  /// Gives its bytes back when destroyed.
  class Share {
   public:
    /// Holds nothing and cannot grow.
    Share() = default;
    Share(Share&& other) noexcept
        : from_(std::move(other.from_)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(from_, other.from_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (from_ != nullptr) from_->left_.fetch_add(bytes_, std::memory_order_relaxed);
    }

    uint64_t bytes() const { return bytes_; }
    /// False, and nothing is taken, when fewer are left.
    bool grow(uint64_t bytes) {
      if (from_ == nullptr || !from_->reserve(bytes)) return false;
      bytes_ += bytes;
      return true;
    }
    /// Grows to `bytes`, as grow(), or gives back what it has beyond them.
    bool resize(uint64_t bytes) {
      if (bytes > bytes_) return grow(bytes - bytes_);
      if (from_ != nullptr) from_->left_.fetch_add(bytes_ - bytes, std::memory_order_relaxed);
      bytes_ = bytes;
      return true;
    }

   private:
    friend class Allowance;
    Share(std::shared_ptr<Allowance> from, uint64_t bytes)
        : from_(std::move(from)), bytes_(bytes) {}
    std::shared_ptr<Allowance> from_;
    uint64_t bytes_ = 0;
  };

  /// A share of nothing, which may grow.
  Share none() { return Share(shared_from_this(), 0); }
  /// Nothing when fewer are left.
  std::optional<Share> take(uint64_t bytes) {
    if (!reserve(bytes)) return std::nullopt;
    return Share(shared_from_this(), bytes);
  }
  uint64_t left() const { return left_.load(std::memory_order_relaxed); }

 private:
  bool reserve(uint64_t bytes) {
    uint64_t left = left_.load(std::memory_order_relaxed);
    do {
      if (left < bytes) return false;
    } while (!left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed));
    return true;
  }

  std::atomic<uint64_t> left_;
};

}  // namespace forebay
