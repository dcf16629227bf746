#include "origin/dir/body.h"

#include <algorithm>
#include <vector>

#include "io/loop.h"

namespace forebay::origin {

namespace {

constexpr uint64_t kSlice = 1 << 20;
constexpr uint64_t kLeast = 16 << 10;

/// The ctime is not looked at: it moves when a rename takes the file's name away, which leaves its
/// bytes alone.
Result<> unchanged(io::File& file, const io::FileStat& stat) {
  auto now = file.stat();
  if (!now) return std::move(now.error());
  if (now->size == stat.size && now->modified == stat.modified) return ok;
  return fail(Code::conflict, "the file changed while it was read", "PreconditionFailed");
}

Result<> read_all_of(io::File& file, const io::FileStat& stat, uint64_t offset, ByteSpan into) {
  auto count = file.read_at(offset, into);
  if (!count) return std::move(count.error());
  Result<> same = unchanged(file, stat);
  if (!same) return same;
  if (*count != into.size()) return fail(Code::corrupt, "a file is shorter than it says");
  return ok;
}

class FileSource final : public io::Source {
 public:
  FileSource(std::shared_ptr<io::File> file, const io::FileStat& stat, ByteRange range, bool copy,
             std::shared_ptr<Meter> meter, Allowance::Share memory)
      : file_(std::move(file)),
        stat_(stat),
        at_(range.offset),
        end_(range.end()),
        copy_(copy),
        meter_(std::move(meter)),
        memory_(std::move(memory)) {}

  Task<io::Chunk> next(Context ctx) override {
    uint64_t left = end_ - at_;
    if (left == 0) co_return Bytes();
    bool in_memory = copy_ || left <= kDirSmall;
    if (in_memory && memory_.bytes() == 0) (void)memory_.grow(kDirSmall);
    uint64_t most = memory_.bytes() > 0 ? kDirSmall : kLeast;
    uint64_t length = in_memory ? std::min(left, most) : std::min(left - kDirSmall, kSlice);
    uint64_t offset = std::exchange(at_, at_ + length);
    if (meter_ != nullptr) meter_->body_bytes_in(length);
    if (in_memory) {
      buffer_.resize(length);
      co_await co_await io::run_blocking(ctx, file_->lane(), [this, offset] {
        return read_all_of(*file_, stat_, offset, buffer_);
      });
      co_return Bytes(nullptr, buffer_);
    }
    co_await co_await io::run_blocking(ctx, file_->lane(), [this, offset, length] {
      if (!file_->resident(offset, length)) file_->read_ahead(offset, length);
      return unchanged(*file_, stat_);
    });
    co_return io::FileSlice{file_, offset, length};
  }

 private:
  std::shared_ptr<io::File> file_;
  io::FileStat stat_;
  uint64_t at_;
  uint64_t end_;
  bool copy_;
  std::shared_ptr<Meter> meter_;
  Allowance::Share memory_;
  std::vector<std::byte> buffer_;
};

}  // namespace

io::Body dir_body(std::shared_ptr<io::File> file, const io::FileStat& stat, ByteRange range,
                  bool copy, std::shared_ptr<Meter> meter, Allowance::Share memory) {
  return {range.length, std::make_unique<FileSource>(std::move(file), stat, range, copy,
                                                     std::move(meter), std::move(memory))};
}

Result<Bytes> dir_read(io::File& file, const io::FileStat& stat, ByteRange range,
                       Allowance::Share memory) {
  struct Held {
    std::string text;
    Allowance::Share memory;
  };
  auto held = std::make_shared<Held>(std::string(range.length, '\0'), std::move(memory));
  ByteSpan into = std::as_writable_bytes(std::span(held->text));
  Result<> read = read_all_of(file, stat, range.offset, into);
  if (!read) return std::move(read.error());
  return Bytes(std::move(held), into);
}

}  // namespace forebay::origin
