// HEAD and GET: what is believed of an answer, and what is not.
#include <algorithm>

#include "origin/metered.h"
#include "origin/s3/origin.h"
#include "origin/tags.h"

namespace forebay::origin {

namespace {

/// A body on its way in: counted, and exactly as long as was said.
class Incoming final : public io::Source {
 public:
  Incoming(std::unique_ptr<io::Source> inner, uint64_t length, std::shared_ptr<Meter> meter)
      : inner_(std::move(inner)), left_(length), meter_(std::move(meter)) {}

  Task<io::Chunk> next(Context ctx) override {
    io::Chunk chunk = co_await co_await inner_->next(ctx);
    uint64_t size = io::size(chunk);
    if (size == 0 && left_ > 0) co_return fail(Code::unavailable, "the origin's body ends early");
    if (size > left_) co_return fail(Code::corrupt, "the origin's body is too long", kBadGateway);
    left_ -= size;
    if (meter_ != nullptr) meter_->body_bytes_in(size);
    co_return chunk;
  }
  bool reads_into() const override { return left_ > 0 && inner_->reads_into(); }
  Task<size_t> read_into(ByteSpan into, Context ctx) override {
    into = into.first(static_cast<size_t>(std::min<uint64_t>(into.size(), left_)));
    size_t size = co_await co_await inner_->read_into(into, ctx);
    if (size == 0) co_return fail(Code::unavailable, "the origin's body ends early");
    left_ -= size;
    if (meter_ != nullptr) meter_->body_bytes_in(size);
    co_return size;
  }

 private:
  std::unique_ptr<io::Source> inner_;
  uint64_t left_;
  std::shared_ptr<Meter> meter_;
};

/// Nothing when there is no such field; one that says what cannot be is no answer.
Result<std::optional<ContentRange>> content_range(const http::ClientResponse& response) {
  auto field = response.header("content-range");
  if (!field) return std::nullopt;
  Result<ContentRange> parsed = ContentRange::parse(*field);
  if (!parsed) return fail(Code::corrupt, "the origin's answer has an impossible Content-Range");
  return *parsed;
}

/// Sizes are added, multiplied and kept from here on: what cannot be one ends here.
Result<> possible(uint64_t size) {
  if (size <= kMaxObjectBytes) return ok;
  return fail(Code::corrupt, "the origin has an object larger than any store holds")
      .in(std::to_string(size) + " bytes");
}

/// What a GET's answer holds of the object.
struct Answered {
  ByteRange range;
  uint64_t total = 0;
};

Result<Answered> answered(const http::ClientResponse& response,
                          const std::optional<ByteRange>& asked) {
  if (response.status == 206) {
    auto told = content_range(response);
    if (!told) return std::move(told.error());
    const auto& got = *told;
    if (!asked || !got) return fail(Code::corrupt, "the origin gave a range that was not asked");
    if (Result<> good = possible(got->total); !good) return std::move(good.error());
    ByteRange expected{asked->offset, std::min(asked->end(), got->total) - asked->offset};
    if (asked->offset >= got->total || got->range != expected) {
      return fail(Code::corrupt, "the origin gave another range than was asked");
    }
    if (response.content_length.value_or(expected.length) != expected.length) {
      return fail(Code::corrupt, "the origin gave another length than its range has");
    }
    return Answered{expected, got->total};
  }
  if (response.status != 200 || !response.content_length) {
    return fail(Code::corrupt, "the origin's answer to GET does not say how long it is");
  }
  uint64_t total = *response.content_length;
  if (Result<> good = possible(total); !good) return std::move(good.error());
  if (asked && asked->offset >= total) {
    return fail(Code::invalid, "the range starts beyond the object", "InvalidRange");
  }
  return Answered{{0, total}, total};
}

/// A part's size, when the answer is one to a part number at all: servers that know none ignore it.
Result<ObjectInfo> of_part(const http::ClientResponse& response, uint64_t length) {
  auto told = content_range(response);
  if (!told) return std::move(told.error());
  const auto& range = *told;
  if (Result<> good = possible(range ? range->total : length); !good) {
    return std::move(good.error());
  }
  if (!range && !response.header("x-amz-mp-parts-count")) {
    return fail(Code::invalid, "the origin knows no part numbers", "NotImplemented");
  }
  ObjectInfo info = s3_info(response, range ? range->total : length);
  // Without the object's size its bytes are not named.
  if (!range && info.version_id.empty()) info.tag = Tag();
  info.size = range ? range->range.length : length;
  if (range) info.part = range->range;
  if (range) info.part_of = range->total;
  info.checksums.clear();
  return info;
}

/// A server that passes over version ids answers with what is current.
Result<> is_version(const http::ClientResponse& response, std::string_view asked) {
  if (asked.empty() || response.header("x-amz-version-id").value_or(kNullVersion) == asked)
    return ok;
  return fail(Code::corrupt, "the origin gave another version than was asked", kBadGateway);
}

/// The error of a read by version id: S3's 400 to a HEAD has no words.
Error of_version(Error error, std::string_view asked) {
  if (asked.empty() || error.code() == Code::unavailable) return error;
  if (error.detail() == kDeleteMarker || error.detail() == "MethodNotAllowed") {
    return error.as(Code::invalid, std::string(kDeleteMarker));
  }
  // radosgw misses the key where that version is not there.
  if (error.detail() == "NoSuchKey") return error.as(Code::not_found, "NoSuchVersion");
  if (error.detail() == "InvalidRequest") return error.as(Code::invalid, "InvalidArgument");
  return error;
}

}  // namespace

void add_s3_version(const std::string& version_id, S3Call& call) {
  if (version_id.empty()) return;
  call.query.emplace_back("versionId", version_id);
  call.missing = "NoSuchVersion";
}

Task<ObjectInfo> S3Origin::head_now(ObjectKey key, HeadOptions options, Context ctx) {
  S3Call call{.method = "HEAD", .key = key.text(), .question = Hedge::Question::head};
  if (options.part_number > 0) {
    call.query.emplace_back("partNumber", std::to_string(options.part_number));
  }
  add_s3_version(options.version_id, call);
  if (options.checksums) call.fields.add("x-amz-checksum-mode", "ENABLED");
  Result<http::ClientResponse> response = co_await wire_.send(std::move(call), ctx);
  if (!response) {
    const Error& error = response.error();
    bool no_part = options.part_number > 0 && error.detail() == "InvalidRange";
    if (no_part) co_return error.as(Code::invalid, "InvalidPartNumber");
    co_return of_version(std::move(response.error()), options.version_id);
  }
  co_await is_version(*response, options.version_id);
  // Of a part 206 is S3's own answer.
  bool answers = response->status == 200 || (response->status == 206 && options.part_number > 0);
  std::optional<uint64_t> length = response->content_length;
  if (!answers || !length) {
    co_return fail(Code::corrupt, "the origin's answer to HEAD does not say how long it is");
  }
  co_await possible(*length);
  if (options.part_number > 0) co_return of_part(*response, *length);
  co_return s3_info(*response, *length);
}

// Keys may be allowed to read (s3:GetObject) and not to read by version (s3:GetObjectVersion). What
// is current is then asked for, and is as good while it is that very version.
Task<GetAnswer> S3Origin::get_now(ObjectKey key, GetOptions options, Context ctx) {
  bool may_do_without = options.tag && !options.version_id.empty();
  if (!may_do_without) co_return co_await get_by(std::move(key), std::move(options), ctx);
  GetOptions current = options;
  current.version_id.clear();
  if (ctx.loop->now() < version_denied_until_.load(std::memory_order_relaxed)) {
    co_return co_await get_by(std::move(key), std::move(current), ctx);
  }
  auto asked = co_await get_by(key, std::move(options), ctx);
  if (asked || asked.error().code() != Code::denied) co_return asked;
  auto found = co_await get_by(std::move(key), std::move(current), ctx);
  if (!found) co_return asked;
  version_denied_until_.store(ctx.loop->now() + kVersionDenied, std::memory_order_relaxed);
  co_return found;
}

Task<GetAnswer> S3Origin::get_by(ObjectKey key, GetOptions options, Context ctx) {
  // S3 has no empty ranges; of an empty object all is asked instead.
  bool ranged = options.range && options.range->length > 0;
  S3Call call{.key = key.text(), .slow_reader = options.slow_reader};
  // Who reads slowly has few connections for himself and his like.
  if (!options.slow_reader) call.question = Hedge::Question::get;
  if (ranged) {
    call.fields.add("range", "bytes=" + std::to_string(options.range->offset) + "-" +
                                 std::to_string(options.range->end() - 1));
  }
  // So that an answer for all of the object tells what a HEAD would.
  if (!options.range) call.fields.add("x-amz-checksum-mode", "ENABLED");
  if (options.tag && !options.etag.empty() && !options.etag.weak()) {
    call.fields.add("if-match", options.etag.text());
  }
  add_s3_version(options.version_id, call);
  Result<http::ClientResponse> sent = co_await wire_.send(std::move(call), ctx);
  if (!sent) co_return of_version(std::move(sent.error()), options.version_id);
  http::ClientResponse response = std::move(*sent);

  Answered got = co_await answered(response, ranged ? options.range : std::nullopt);
  GetAnswer answer;
  answer.info = s3_info(response, got.total);
  if (options.tag && answer.info.tag != *options.tag) {
    co_return fail(Code::conflict, "the version has changed", "PreconditionFailed");
  }
  if (options.range && !ranged && got.total > 0) {
    co_return fail(Code::invalid, "an empty range", "InvalidRange");
  }
  if (options.range) answer.info.checksums.clear();
  answer.range = got.range;
  answer.whole = ranged && response.status == 200;
  answer.body.length = got.range.length;
  if (auto bytes = io::take_bytes(response.body); bytes && bytes->size() == got.range.length) {
    if (meter_ != nullptr) meter_->body_bytes_in(bytes->size());
    answer.body = io::Body::of(std::move(*bytes));
    co_return answer;
  }
  if (got.range.length > 0) {
    if (response.body.source == nullptr) {
      co_return fail(Code::corrupt, "the origin's answer to GET has no body");
    }
    answer.body.source =
        std::make_unique<Incoming>(std::move(response.body.source), got.range.length, meter_);
  }
  co_return answer;
}

}  // namespace forebay::origin
