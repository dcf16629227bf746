#include "object/native/usage.h"

#include <algorithm>

#include "io/loop.h"
#include "meta/schema.h"
#include "object/native/head_row.h"
#include "object/native/native_rows.h"
#include "object/native/upload_rows.h"

namespace forebay::object {

namespace {

constexpr Duration kBetweenPages = milliseconds(2);

Error exceeded(const char* what, uint64_t most) {
  return fail(Code::denied,
              "The bucket may hold " + std::to_string(most) + " " + what +
                  ", and would hold more with this.",
              "QuotaExceeded");
}

bool is_part(std::string_view row_key) { return row_key.starts_with(meta::schema::kParts); }

}  // namespace

NativeUsage::Change::~Change() {
  // What was to become less has not.
  if (owner_ != nullptr)
    owner_->end({std::max<int64_t>(plan_.bytes, 0), std::max<int64_t>(plan_.objects, 0)});
}

// Nothing is counted while a change is under way: what is so at its beginning is so to its end.
bool NativeUsage::Change::counts(std::string_view row_key) const {
  switch (owner_->phase_) {
    case Phase::parts: return is_part(row_key) && row_key <= owner_->last_;
    case Phase::objects: return is_part(row_key) || row_key <= owner_->last_;
    case Phase::done: break;
  }
  return true;
}

Result<> NativeUsage::Change::plan(Delta delta) {
  Delta more{std::max<int64_t>(delta.bytes, 0) - std::max<int64_t>(plan_.bytes, 0),
             std::max<int64_t>(delta.objects, 0) - std::max<int64_t>(plan_.objects, 0)};
  Result<> taken = owner_->take(more);
  if (taken) plan_ = delta;
  return taken;
}

void NativeUsage::Change::done() {
  std::exchange(owner_, nullptr)
      ->end({std::max<int64_t>(-plan_.bytes, 0), std::max<int64_t>(-plan_.objects, 0)});
}

void NativeUsage::Change::doubt() { std::exchange(owner_, nullptr)->end({}); }

Task<NativeUsage::Change> NativeUsage::begin(Context ctx) {
  Context wait = ctx.until(ctx.loop->now() + kCountWait);
  while (true) {
    uint64_t seen = moved_.count();
    {
      std::lock_guard lock(mutex_);
      bool may = phase_ == Phase::done || (!pausing_ && !quota_.set());
      if (may) {
        ++changes_;
        co_return Change(*this);
      }
      held_up_ = true;
    }
    auto moved = co_await moved_.changed(seen, wait);
    if (!moved && moved.error().code() == Code::timeout) {
      co_return fail(Code::busy, "what the bucket holds is being counted", "SlowDown");
    }
    co_await std::move(moved);
  }
}

// Gives back what is no longer held, and ends the change.
void NativeUsage::end(Delta less) {
  bool tell = false;
  {
    std::lock_guard lock(mutex_);
    bytes_ -= less.bytes;
    objects_ -= less.objects;
    tell = --changes_ == 0 && pausing_;
  }
  if (tell) moved_.notify();
}

Result<> NativeUsage::take(Delta more) {
  std::lock_guard lock(mutex_);
  auto beyond = [](int64_t now, int64_t add, uint64_t most) {
    return most > 0 && add > 0 && static_cast<uint64_t>(now + add) > most;
  };
  if (beyond(bytes_, more.bytes, quota_.bytes)) return exceeded("bytes", quota_.bytes);
  if (beyond(objects_, more.objects, quota_.objects)) return exceeded("objects", quota_.objects);
  bytes_ += more.bytes;
  objects_ += more.objects;
  return ok;
}

Result<> NativeUsage::allow(uint64_t bytes, uint64_t replaced) const {
  std::lock_guard lock(mutex_);
  if (quota_.bytes == 0 || phase_ != Phase::done || bytes <= replaced) return ok;
  if (static_cast<uint64_t>(bytes_) + (bytes - replaced) <= quota_.bytes) return ok;
  return exceeded("bytes", quota_.bytes);
}

Result<> NativeUsage::Coming::add(uint64_t bytes) {
  std::lock_guard lock(owner_.mutex_);
  const uint64_t most = owner_.quota_.bytes;
  const bool alone = owner_.coming_ == bytes_;  // what replaces more may be more than the limit
  if (most > 0 && !alone && owner_.coming_ + bytes > most) {
    return fail(Code::busy, "bodies on their way hold as much as the bucket may", "SlowDown");
  }
  owner_.coming_ += bytes;
  bytes_ += bytes;
  return ok;
}

NativeUsage::Coming::~Coming() {
  std::lock_guard lock(owner_.mutex_);
  owner_.coming_ -= bytes_;
}

void NativeUsage::limit(origin::Quota quota) {
  {
    std::lock_guard lock(mutex_);
    quota_ = quota;
  }
  moved_.notify();
}

std::optional<origin::Usage> NativeUsage::usage() const {
  std::lock_guard lock(mutex_);
  if (phase_ != Phase::done) return std::nullopt;
  // Never below nothing, but for a change whose outcome nobody knows.
  return origin::Usage{static_cast<uint64_t>(std::max<int64_t>(bytes_, 0)),
                       static_cast<uint64_t>(std::max<int64_t>(objects_, 0))};
}

/// While it lives no change begins.
class NativeUsage::Pause {
 public:
  explicit Pause(NativeUsage& owner) : owner_(owner) {
    std::lock_guard lock(owner_.mutex_);
    owner_.pausing_ = true;
  }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
  ~Pause() {
    {
      std::lock_guard lock(owner_.mutex_);
      owner_.pausing_ = false;
    }
    owner_.moved_.notify();
  }
  /// Until those under way have ended.
  Task<> begun(Context ctx) {
    while (true) {
      uint64_t seen = owner_.moved_.count();
      {
        std::lock_guard lock(owner_.mutex_);
        if (owner_.changes_ == 0) co_return ok;
      }
      co_await co_await owner_.moved_.changed(seen, ctx);
    }
  }

 private:
  NativeUsage& owner_;
};

/// While it lives nobody else counts.
class NativeUsage::Turn {
 public:
  explicit Turn(NativeUsage& owner) : owner_(owner) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!mine_) return;
    {
      std::lock_guard lock(owner_.mutex_);
      owner_.counting_ = false;
    }
    owner_.moved_.notify();
  }
  Task<> begun(Context ctx) {
    while (true) {
      uint64_t seen = owner_.moved_.count();
      {
        std::lock_guard lock(owner_.mutex_);
        if (!std::exchange(owner_.counting_, true)) {
          mine_ = true;
          co_return ok;
        }
      }
      co_await co_await owner_.moved_.changed(seen, ctx);
    }
  }

 private:
  NativeUsage& owner_;
  bool mine_ = false;
};

Task<> NativeUsage::count(meta::Store& store, uint64_t incarnation, Context ctx) {
  Turn turn(*this);
  co_await co_await turn.begun(ctx);
  while (!counted()) {
    {
      Pause pause(*this);
      co_await co_await pause.begun(ctx);
      co_await co_await count_page(store, incarnation, ctx);
    }
    co_await co_await let_others(ctx);
  }
  co_return ok;
}

// Whoever waited has time to begin before the next page.
Task<> NativeUsage::let_others(Context ctx) {
  bool held_up = false;
  {
    std::lock_guard lock(mutex_);
    held_up = std::exchange(held_up_, false);
  }
  if (!held_up) co_return co_await io::yield(ctx);
  co_return co_await io::sleep_until(ctx.loop->now() + kBetweenPages, ctx);
}

Task<> NativeUsage::count_page(meta::Store& store, uint64_t incarnation, Context ctx) {
  const bool parts = phase_ == Phase::parts;
  meta::Range range = meta::Range::prefix(parts ? meta::schema::parts(incarnation)
                                                : meta::schema::objects(incarnation));
  if (!last_.empty()) range = range.after(last_);
  meta::Page page = co_await co_await store.scan(range, meta::kMaxPageRows, ctx);
  Delta sum;
  if (parts) {
    sum = co_await co_await sum_parts(store, incarnation, page, ctx);
  } else {
    for (const meta::Row& row : page.rows) {
      // One that cannot be read is an object all the same; what it holds is not known.
      auto summary = parse_native_summary(row.value);
      sum.bytes += summary ? static_cast<int64_t>(summary->size) : 0;
      sum.objects += summary && summary->marker ? 0 : 1;
    }
  }
  std::lock_guard lock(mutex_);
  bytes_ += sum.bytes;
  objects_ += sum.objects;
  if (page.more && !page.rows.empty()) {
    last_ = std::move(page.rows.back().key);
  } else {
    last_.clear();
    phase_ = parts ? Phase::objects : Phase::done;
  }
  co_return ok;
}

// Rows of parts whose upload is gone are no longer of any part.
Task<NativeUsage::Delta> NativeUsage::sum_parts(meta::Store& store, uint64_t incarnation,
                                                const meta::Page& page, Context ctx) {
  Delta sum;
  UploadThere upload;
  for (const meta::Row& row : page.rows) {
    auto named = meta::schema::parse_part(row.key);
    auto key = named ? ObjectKey::parse(named->upload.key) : Result<ObjectKey>(named.error());
    auto part = parse_native_part(row.value);
    if (!key || !part) continue;
    std::string its = meta::schema::upload(incarnation, *key, named->upload.id);
    bool there = co_await co_await upload.ask(store, std::move(its), ctx);
    if (there) sum.bytes += static_cast<int64_t>(part->size);
  }
  co_return sum;
}

}  // namespace forebay::object
