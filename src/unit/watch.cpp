#include "unit/watch.h"

namespace forebay::unit {

Cache::Watch::Subject Cache::Watch::of(Cache& cache, const std::shared_ptr<Fill>& fill) {
  return {.wanted = [fill] { return fill->wanted(); },
          .moved = [fill] { return fill->progress().count(); },
          .give_up = [&cache, fill] { cache.give_up(*fill); }};
}

Cache::Watch::Watch(Subject subject, Context ctx) : subject_(std::move(subject)), ctx_(ctx) {
  if (ctx_.cancel != nullptr) {
    ctx_.cancel->add(*this);
    if (ctx_.cancel->cancelled()) token_.cancel();
  }
  look_later();
}

Cache::Watch::~Watch() {
  CancelToken::remove(*this);
  ctx_.loop->remove_timer(*this);
}

void Cache::Watch::on_cancel() { token_.cancel(); }

void Cache::Watch::look_later() {
  seen_ = subject_.moved();
  ctx_.loop->add_timer(*this, ctx_.loop->now() + kUnwantedPatience);
}

void Cache::Watch::on_timer() {
  if (token_.cancelled()) return;
  if (subject_.wanted() || subject_.moved() != seen_) return look_later();
  subject_.give_up();
  token_.cancel();
}

}  // namespace forebay::unit
