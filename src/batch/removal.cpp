#include "batch/removal.h"

#include <algorithm>
#include <utility>

#include "io/sync.h"

namespace forebay::batch {

namespace {

bool is_key(const auto& listed) { return ObjectKey::parse(listed.key).has_value(); }

// The end of what a page is done with: its last key, behind which the next list begins; of the last
// page all.
size_t end_of(const auto& page) {
  size_t end = page.objects.size();
  if (page.next.empty()) return end;
  while (end > 0 && !is_key(page.objects[end - 1])) --end;
  return end;
}

}  // namespace

Removal::Removal(World world, Record& record)
    : Walk(world.buckets, record), world_(world), settled_(record) {}

Task<> Removal::run(Context ctx) {
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

// Whoever cancels it waits for its end.
Task<> Removal::pause(Time until, Context ctx) {
  while (!told_to_end() && ctx.loop->now() < until) {
    co_await co_await io::sleep_until(std::min(until, ctx.loop->now() + kFirstPause), ctx);
  }
  if (told_to_end()) co_return fail(Code::cancelled, "the job ends");
  co_return ok;
}

Task<> Removal::remove(const Page& page, Context ctx) {
  Batch batch{.bucket = co_await bucket(), .page = page, .end = end_of(page)};
  std::vector<ObjectKey> keys;
  for (const Listed& item : page.objects) {
    auto key = ObjectKey::parse(item.key);
    if (key) keys.push_back(std::move(*key));
  }
  (void)co_await world_.objects.begin_removal(batch.bucket, std::move(keys), ctx);
  io::Group group(ctx);
  for (size_t i = 0; i < std::min(kAtOnce, batch.end); ++i) group.spawn(work(batch, ctx));
  co_return co_await group.join();
}

Task<> Removal::work(Batch& batch, Context ctx) {
  while (batch.next < batch.end && failed_in_a_row_ < kMostFailed) {
    if (told_to_end() || (ctx.cancel != nullptr && ctx.cancel->cancelled())) {
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
    } else if (!is_key(object)) {
      record_.add_failure(odd_name(object.key), end.error().own());
    } else {
      ++failed_in_a_row_;
      last_reason_ = end.error().own();
      record_.add_failure(object.key, end.error().own());
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
    if (Result<> waited = co_await pause(next, ctx); !waited) co_return waited;
  }
  co_return end;
}

// Behind the page's last key. The row says so before anything more is removed: what is written
// before that place is safe from a process that goes on.
Task<> Removal::move_on(const Page& page, Context ctx) {
  if (failed_in_a_row_ >= kMostFailed) {
    co_return fail(Code::unavailable,
                   std::to_string(kMostFailed) +
                       " objects in a row could not be removed; the last one: " + last_reason_);
  }
  size_t end = end_of(page);
  if (end > 0 && is_key(page.objects[end - 1])) {
    record_.after = page.objects[end - 1].key;
  } else if (!page.objects.empty() && !page.next.empty()) {
    co_return fail(Code::corrupt, "a whole page of the origin's list holds no key", "BadGateway");
  }
  settled_ = record_;
  co_return co_await world_.keeper.keep(true, ctx);
}

Way Removal::way(Time) const {
  Way out = way_;
  out.bytes = record_.counts.bytes;
  return out;
}

}  // namespace forebay::batch
