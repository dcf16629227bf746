#include "batch/removal.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "io/sync.h"

namespace forebay::batch {

Removal::Removal(World world, Record& record)
    : Walk(world.buckets, record), world_(world), settled_(record) {}

Task<> Removal::run(Context ctx) {
  saved_ = ctx.loop->now();
  std::string continuation;
  do {
    Page found = co_await co_await page(std::move(continuation), ctx);
    // What a page held is gone or is behind record_.after: the next list begins there.
    continuation = found.objects.empty() ? found.next : "";
    co_await co_await remove(found, ctx);
    co_await co_await move_on(found, ctx);
  } while (!way_.listed);
  co_return ok;
}

Task<> Removal::pause(Time until, Context ctx) { co_return co_await io::sleep_until(until, ctx); }

Task<> Removal::remove(const Page& page, Context ctx) {
  Batch batch{.bucket = co_await bucket(), .page = page};
  std::vector<ObjectKey> keys;
  for (const Listed& item : page.objects) {
    auto key = ObjectKey::parse(item.key);
    if (key) keys.push_back(std::move(*key));
  }
  (void)co_await world_.objects.begin_removal(batch.bucket, std::move(keys), ctx);
  io::Group group(ctx);
  for (size_t i = 0; i < std::min(kAtOnce, page.objects.size()); ++i) group.spawn(work(batch, ctx));
  co_return co_await group.join();
}

Task<> Removal::work(Batch& batch, Context ctx) {
  while (batch.next < batch.page.objects.size() && failed_in_a_row_ < kMostFailed) {
    if (ctx.cancel != nullptr && ctx.cancel->cancelled()) {
      co_return fail(Code::cancelled, "the job ends");
    }
    const Listed& object = batch.page.objects[batch.next++];
    Result<> end = co_await remove_one(batch.bucket, object, ctx);
    // A removal that was told to end has perhaps been done: its key is looked at again.
    if (!end && end.error().code() == Code::cancelled) co_return end;
    if (!end && end.error().detail() == "NoSuchBucket") co_return end;
    if (end) {
      failed_in_a_row_ = 0;
      ++record_.counts.objects;
      record_.counts.bytes += object.size;
    } else if (is_gone(end.error())) {
      --way_.known_objects;
      way_.known_bytes -= object.size;
    } else {
      ++failed_in_a_row_;
      last_reason_ = end.error().own();
      bool odd = !ObjectKey::parse(object.key);
      record_.add_failure(odd ? odd_name(object.key) : object.key, end.error().own());
    }
  }
  co_return ok;
}

Task<> Removal::remove_one(object::BucketRef bucket, const Listed& object, Context ctx) {
  auto key = ObjectKey::parse(object.key);
  if (!key) co_return key.error_in("the origin lists it, but it is no key");
  Result<> end = ok;
  for (int attempt = 1; attempt <= kTries; ++attempt) {
    end = co_await world_.objects.remove(bucket, *key, ctx);
    if (end || !retryable(end.error().code()) || attempt == kTries) break;
    Time next = ctx.loop->now() + kFirstPause * attempt;
    if (Result<> slept = co_await io::sleep_until(next, ctx); !slept) co_return slept;
  }
  co_return end;
}

// Behind the page's last key, and to the row when it is time.
Task<> Removal::move_on(const Page& page, Context ctx) {
  if (failed_in_a_row_ >= kMostFailed) {
    co_return fail(Code::unavailable,
                   std::to_string(kMostFailed) +
                       " objects in a row could not be removed; the last one: " + last_reason_);
  }
  auto is_key = [](const Listed& object) { return ObjectKey::parse(object.key).has_value(); };
  auto reversed = page.objects | std::views::reverse;
  auto last = std::ranges::find_if(reversed, is_key);
  if (last != reversed.end()) {
    record_.after = last->key;
  } else if (!page.objects.empty() && !page.next.empty()) {
    co_return fail(Code::corrupt, "a whole page of the origin's list holds no key", "BadGateway");
  }
  settled_ = record_;
  if (ctx.loop->now() - saved_ < kSaved) co_return ok;
  saved_ = ctx.loop->now();
  co_return co_await world_.keeper.keep(ctx);
}

Way Removal::way(Time) const {
  Way out = way_;
  out.bytes = record_.counts.bytes;
  return out;
}

}  // namespace forebay::batch
