#include "origin/upload_turns.h"

namespace forebay::origin {

Task<UploadTurns::Turn> UploadTurns::take(std::string id, Kind kind, Context ctx) {
  std::shared_ptr<io::Progress> freed = freed_;
  while (true) {
    uint64_t seen = freed->count();
    if (try_take(id, kind)) co_return Turn(*this, std::move(id));
    (void)co_await co_await freed->changed(seen, ctx);
  }
}

bool UploadTurns::try_take(const std::string& id, Kind kind) {
  std::lock_guard lock(mutex_);
  Held& held = held_[id];
  bool beside = kind == Kind::part && held.kind == Kind::part;
  if (held.count > 0 && !beside) return false;
  held.kind = kind;
  ++held.count;
  return true;
}

void UploadTurns::give_back(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    auto found = held_.find(id);
    if (--found->second.count == 0) held_.erase(found);
  }
  freed_->notify();
}

}  // namespace forebay::origin
