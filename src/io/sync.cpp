#include "io/sync.h"

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace forebay::io {

// --- Event

class Event::Wait final : public Leaf {
 public:
  Wait(Event& event, Context ctx) : Leaf(ctx), event_(event) {}
  Result<> await_resume() { return outcome("wait for an event"); }
  void fire() { complete(0); }

 private:
  bool try_now() override { return event_.set_; }
  void start() override { place_ = event_.waiting_.insert(event_.waiting_.end(), this); }
  void stop() override { event_.waiting_.erase(place_); }
  Event& event_;
  std::list<Wait*>::iterator place_;
};

Event::~Event() { check(waiting_.empty(), "an event dies with waiters"); }

void Event::set() {
  set_ = true;
  std::list<Wait*> woken;
  woken.swap(waiting_);
  for (Wait* wait : woken) wait->fire();
}

Task<> Event::wait(Context ctx) {
  Wait leaf(*this, ctx);
  co_return co_await leaf;
}

// --- Semaphore

class Semaphore::Wait final : public Leaf {
 public:
  Wait(Semaphore& semaphore, uint64_t count, Context ctx)
      : Leaf(ctx), semaphore_(semaphore), count_(count) {}
  Result<Permit> await_resume() {
    Result<> ended = outcome("wait for a permit");
    if (!ended) return std::move(ended.error());
    return Permit(&semaphore_, count_);
  }
  uint64_t count() const { return count_; }
  void fire() { complete(0); }

 private:
  bool try_now() override {
    if (!semaphore_.waiting_.empty() || semaphore_.free_ < count_) return false;
    semaphore_.free_ -= count_;
    return true;
  }
  void start() override { place_ = semaphore_.waiting_.insert(semaphore_.waiting_.end(), this); }
  void stop() override {
    semaphore_.waiting_.erase(place_);
    semaphore_.grant();  // those behind may want less
  }
  Semaphore& semaphore_;
  uint64_t count_;
  std::list<Wait*>::iterator place_;
};

Semaphore::~Semaphore() { check(waiting_.empty(), "a semaphore dies with waiters"); }

Task<Semaphore::Permit> Semaphore::acquire(uint64_t count, Context ctx) {
  if (count > total_) co_return fail(Code::too_large, "more permits than there are");
  Wait leaf(*this, count, ctx);
  co_return co_await leaf;
}

std::optional<Semaphore::Permit> Semaphore::try_acquire(uint64_t count) {
  if (!waiting_.empty() || free_ < count) return std::nullopt;
  free_ -= count;
  return Permit(this, count);
}

void Semaphore::release(uint64_t count) {
  free_ += count;
  grant();
}

void Semaphore::grant() {
  while (!waiting_.empty() && waiting_.front()->count() <= free_) {
    Wait* next = waiting_.front();
    waiting_.pop_front();
    free_ -= next->count();  // the permit is theirs from here on, though they resume later
    next->fire();
  }
}

// --- Group

Group::~Group() { check(running_ == 0, "a group ends before its tasks"); }

void Group::spawn(Task<> task) {
  ++running_;
  start<void>(*ctx_.loop, std::move(task), [this](Result<> result) {
    if (!result && !first_error_) first_error_ = std::move(result.error());
    if (--running_ == 0 && joiner_) ctx_.loop->ready(std::exchange(joiner_, nullptr));
  });
}

namespace {

struct Park {
  std::coroutine_handle<>& slot;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { slot = handle; }
  void await_resume() const {}
};

}  // namespace

Task<> Group::join() {
  check(!joining_, "a group is joined twice");
  joining_ = true;
  while (running_ > 0) co_await Park{joiner_};
  joining_ = false;
  if (!first_error_) co_return ok;
  Error error = std::move(*first_error_);
  first_error_.reset();
  co_return error;
}

// --- Progress

// One waiter as notify() sees it; `leaf` is emptied by the waiter's own loop only.
struct Progress::Entry {
  Loop* loop;
  Wait* leaf;
};

// Lives in the waiting coroutine's frame; notify() reaches it only through its entry, by a post to
// its loop, so a wait that ends early only has to empty the entry.
class Progress::Wait final : public Leaf {
 public:
  Wait(Progress& progress, uint64_t seen, Context ctx)
      : Leaf(ctx), progress_(progress), seen_(seen) {}

  Result<uint64_t> await_resume() {
    Result<> ended = outcome("wait for progress");
    if (!ended) return std::move(ended.error());
    std::lock_guard lock(progress_.mutex_);
    return progress_.count_;
  }

 private:
  bool try_now() override {
    std::lock_guard lock(progress_.mutex_);
    return progress_.count_ != seen_;
  }
  void start() override {
    entry_ = std::make_shared<Entry>(Entry{&loop(), this});
    {
      std::lock_guard lock(progress_.mutex_);
      if (progress_.count_ == seen_) {
        progress_.waiting_.push_back(entry_);
        return;
      }
    }
    entry_->leaf = nullptr;
    complete(0);
  }
  void stop() override {
    entry_->leaf = nullptr;
    std::lock_guard lock(progress_.mutex_);
    std::erase(progress_.waiting_, entry_);
  }

  friend class Progress;
  void fire() { complete(0); }

  Progress& progress_;
  uint64_t seen_;
  std::shared_ptr<Entry> entry_;
};

Progress::~Progress() { check(waiting_.empty(), "a progress dies with waiters"); }

void Progress::notify() {
  std::vector<std::shared_ptr<Entry>> woken;
  {
    std::lock_guard lock(mutex_);
    ++count_;
    woken.swap(waiting_);
  }
  for (auto& entry : woken) {
    Loop* loop = entry->loop;
    loop->post([entry = std::move(entry)] {
      if (entry->leaf != nullptr) std::exchange(entry->leaf, nullptr)->fire();
    });
  }
}

uint64_t Progress::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

Task<uint64_t> Progress::changed(uint64_t seen, Context ctx) {
  Wait leaf(*this, seen, ctx);
  co_return co_await leaf;
}

}  // namespace forebay::io
