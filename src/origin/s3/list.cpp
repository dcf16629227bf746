// Lists, in S3's second version where the server knows it, else in the first.
#include <algorithm>

#include "origin/s3/origin.h"

namespace forebay::origin {

namespace {

/// Our continuations: which version goes on, and from where in the server's own words.
constexpr std::string_view kToken = "t:";
constexpr std::string_view kMarker = "m:";

S3Call list_call(const ListOptions& options, std::string prefix) {
  S3Call call{.missing = "NoSuchBucket"};
  call.query = {{"encoding-type", "url"}, {"prefix", std::move(prefix)}};
  if (!options.delimiter.empty()) call.query.emplace_back("delimiter", options.delimiter);
  return call;
}

/// Goes on where `page` ended. The second version has a token for that; the first goes on after its
/// last name, which it need not say again.
Result<std::string> next_of(const S3Page& page, bool first_version, const std::string& last) {
  if (!page.token.empty()) return std::string(kToken) + page.token;
  if (!first_version && page.marker.empty()) {
    return fail(Code::corrupt, "the origin's list is truncated without a token");
  }
  std::string marker = page.marker.empty() ? last : page.marker;
  if (marker.empty()) return fail(Code::corrupt, "the origin's list is truncated and empty");
  return std::string(kMarker) + marker;
}

}  // namespace

Task<ListAnswer> S3Origin::list_now(ListOptions options, Context ctx) {
  std::string after = options.start_after.empty() ? "" : wire_.prefixed(options.start_after);
  bool first_version = options.continuation.starts_with(kMarker);
  S3Page page;
  if (!first_version) {
    S3Call call = list_call(options, wire_.prefixed(options.prefix));
    call.query.emplace_back("list-type", "2");
    if (options.continuation.starts_with(kToken)) {
      call.query.emplace_back("continuation-token", options.continuation.substr(kToken.size()));
    } else if (!options.continuation.empty()) {
      co_return fail(Code::invalid, "not a continuation of this origin", "InvalidArgument");
    } else if (!after.empty()) {
      call.query.emplace_back("start-after", after);
    }
    Result<S3Text> answer =
        co_await wire_.send_for_page(std::move(call), "max-keys", options.max_keys, ctx);
    // Servers without the second version ignore list-type, and start-after with it; some refuse.
    bool refused = !answer && answer.error().code() == Code::invalid;
    if (!answer && (!refused || !options.continuation.empty())) co_return std::move(answer.error());
    if (answer) page = co_await parse_s3_list(answer->text);
    if (answer) page.list.share = std::move(answer->share);
    first_version = refused || (!page.second && !after.empty());
  } else {
    after = options.continuation.substr(kMarker.size());
  }
  if (first_version) {
    S3Call call = list_call(options, wire_.prefixed(options.prefix));
    if (!after.empty()) call.query.emplace_back("marker", after);
    S3Text answer =
        co_await co_await wire_.send_for_page(std::move(call), "max-keys", options.max_keys, ctx);
    page = co_await parse_s3_list(answer.text);
    page.list.share = std::move(answer.share);
  }

  // In the server's own order, which is S3's but for SeaweedFS: going on after `last` is right only
  // in the order of who is asked.
  ListAnswer out = std::move(page.list);
  std::string last;
  if (!out.objects.empty()) last = out.objects.back().key;
  if (!out.prefixes.empty()) last = std::max(last, out.prefixes.back());
  if (out.truncated) {
    out.next = co_await next_of(page, first_version || !page.second, last);
    bool stuck = out.next == options.continuation;
    if (stuck) co_return fail(Code::corrupt, "the origin's list does not go on");
  }
  for (ListedObject& object : out.objects) {
    object.key = co_await wire_.stripped(std::move(object.key));
  }
  for (std::string& prefix : out.prefixes) {
    prefix = co_await wire_.stripped(std::move(prefix));
  }
  // The prefix itself, which some servers (SeaweedFS) keep as an empty object: no key below it.
  std::erase_if(out.objects, [](const ListedObject& object) { return object.key.empty(); });
  if (!last.empty()) out.last_name = co_await wire_.stripped(std::move(last));
  co_return out;
}

}  // namespace forebay::origin
