#include "batch/walk.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace forebay::batch {

namespace {

// A list may say anything; of larger objects nothing more is known than that they never fit.
constexpr uint64_t kMostSize = uint64_t{1} << 50;
// Bytes of a key that is none by which it is named.
constexpr size_t kOddName = 100;

}  // namespace

Walk::Walk(object::Buckets& buckets, Record& record) : buckets_(buckets), record_(record) {
  way_.known_objects = record_.counts.objects + record_.counts.failed;
  way_.known_bytes = record_.counts.bytes;
}

Result<object::BucketRef> Walk::bucket() const {
  auto found = buckets_.get(record_.bucket);
  if (found && (*found)->incarnation == record_.incarnation) return found;
  return fail(Code::not_found, "the bucket was removed", "NoSuchBucket");
}

Task<Walk::Page> Walk::page(std::string continuation, Context ctx) {
  std::string before = continuation;
  Page out = co_await co_await ask(std::move(continuation), ctx);
  for (const Listed& one : out.objects) way_.known_bytes += one.size;
  way_.known_objects += out.objects.size();
  way_.listed = out.next.empty();
  empty_ = out.objects.empty() ? empty_ + 1 : 0;
  if (empty_ > kEmptyPages) {
    co_return fail(Code::corrupt, "the origin's list goes on without any keys", "BadGateway");
  }
  bool same = !out.next.empty() && out.next == before;
  if (same) co_return fail(Code::corrupt, "the origin's list does not go on", "BadGateway");
  co_return out;
}

Task<Walk::Page> Walk::ask(std::string continuation, Context ctx) {
  Time patient = ctx.loop->now() + kPatience;
  for (Duration wait = kFirstPause;; wait = std::min(wait * 2, kLongestPause)) {
    object::BucketRef from = co_await bucket();
    auto answer = co_await from->origin->list(
        {.prefix = record_.prefix, .start_after = record_.after, .continuation = continuation},
        ctx);
    if (answer) {
      way_.trouble.clear();
      Page out{.objects = {}, .next = answer->truncated ? std::move(answer->next) : ""};
      for (auto& one : answer->objects) {
        out.objects.push_back({std::move(one.key), std::min(one.size, kMostSize), one.modified});
      }
      co_return out;
    }
    Time next = ctx.loop->now() + wait;
    if (!retryable(answer.error().code()) || next > patient) {
      co_return answer.error_in("list the bucket");
    }
    way_.trouble = reason_of("the origin's list is waited for: " + answer.error().text());
    co_await co_await pause(next, ctx);
  }
}

bool Walk::is_gone(const Error& error) {
  return error.code() == Code::not_found && error.detail() != "NoSuchBucket";
}

std::string Walk::odd_name(std::string_view key) {
  return percent_encode(key.substr(0, kOddName), true);
}

}  // namespace forebay::batch
