#include "testkit/memory_origin.h"

#include <algorithm>
#include <numeric>

#include "base/encoding.h"
#include "origin/tags.h"
#include "testkit/pattern.h"

namespace forebay::testkit {

using origin::GetAnswer;
using origin::ObjectInfo;
using origin::PutAnswer;

namespace {

/// True with `probability`; draws only when it is in question, so that switched-off faults do not
/// move the seed's sequence.
bool happens(io::Loop& loop, double probability) {
  if (probability <= 0) return false;
  return static_cast<double>(loop.random() >> 11) * 0x1p-53 < probability;
}

uint64_t below(io::Loop& loop, uint64_t bound) { return bound == 0 ? 0 : loop.random() % bound; }

Task<> pause(Duration most, Context ctx) {
  if (most.ns <= 0) co_return ok;
  auto ns = static_cast<int64_t>(below(*ctx.loop, static_cast<uint64_t>(most.ns) + 1));
  co_return co_await io::sleep_until(ctx.loop->now() + nanoseconds(ns), ctx);
}

}  // namespace

// Gives one version's bytes, as late and as broken as the options say at that moment.
class MemoryOrigin::BodySource final : public io::Source {
 public:
  BodySource(MemoryOrigin& origin, std::shared_ptr<const std::string> bytes, ByteRange range,
             std::optional<uint64_t> breaks_at)
      : origin_(origin), bytes_(std::move(bytes)), at_(range.offset), end_(range.end()) {
    if (breaks_at) breaks_at_ = range.offset + *breaks_at;
  }

  Task<io::Chunk> next(Context ctx) override {
    if (!spare_.empty()) co_return std::exchange(spare_, {});
    const MemoryOriginOptions& options = origin_.options_;
    co_await co_await pause(options.chunk_delay, ctx);
    if (breaks_at_ && at_ >= *breaks_at_) {
      co_return fail(Code::unavailable, "the origin's body breaks off");
    }
    uint64_t most = std::max<uint64_t>(options.chunk, 1);
    if (options.vary_chunks) most = 1 + below(*ctx.loop, most);
    uint64_t length = std::min(most, end_ - at_);
    if (breaks_at_) length = std::min(length, *breaks_at_ - at_);
    if (length == 0) co_return Bytes();
    if (options.body_rate > 0) {
      auto ns = static_cast<int64_t>(static_cast<double>(length) * 1e9 /
                                     static_cast<double>(options.body_rate));
      co_await co_await io::sleep_until(ctx.loop->now() + nanoseconds(ns), ctx);
    }
    if (options.link_rate > 0) co_await co_await origin_.pass(length, ctx);
    Bytes chunk(bytes_, as_bytes(*bytes_).subspan(at_, length));
    at_ += length;
    origin_.count_bytes("get", length);
    if (options.meter) options.meter->body_bytes_in(length);
    co_return chunk;
  }
  bool reads_into() const override { return origin_.options_.reads_into; }
  Task<size_t> read_into(ByteSpan into, Context ctx) override {
    if (spare_.empty()) spare_ = std::get<Bytes>(co_await co_await next(ctx));
    size_t count = std::min(into.size(), spare_.size());
    std::ranges::copy(spare_.view().first(count), into.begin());
    spare_ = spare_.slice(count, spare_.size() - count);
    co_return count;
  }

 private:
  Bytes spare_;  // what a read_into() had no room for
  MemoryOrigin& origin_;
  std::shared_ptr<const std::string> bytes_;
  uint64_t at_;
  uint64_t end_;
  std::optional<uint64_t> breaks_at_;
};

MemoryOrigin::MemoryOrigin(io::Loop& loop, MemoryOriginOptions options)
    : loop_(loop), options_(std::move(options)) {}

MemoryOrigin::~MemoryOrigin() = default;

// --- the life of a request

Task<> MemoryOrigin::arrive(MemoryRequest request, Context ctx) {
  std::optional<Error> scripted;
  {
    std::lock_guard lock(mutex_);
    ++counts_[request.operation].requests;
    requests_.push_back(request);
    auto script = scripted_.find(request.operation);
    if (script != scripted_.end() && !script->second.empty()) {
      scripted.emplace(std::move(script->second.front()));
      script->second.pop_front();
    }
  }
  if (hook_ != nullptr) co_await co_await hook_->at(MemoryStep::arrive, request, ctx);
  co_await co_await pause(options_.delay, ctx);
  if (!scripted && happens(*ctx.loop, options_.error)) {
    bool slow = below(*ctx.loop, 2) == 0;
    scripted = slow ? fail(Code::busy, "the origin is overloaded", "SlowDown")
                    : fail(Code::unavailable, "the origin does not answer");
  }
  if (options_.meter) options_.meter->request(request.operation, !scripted);
  if (scripted) co_return std::move(*scripted);
  co_return ok;
}

Task<> MemoryOrigin::before_effect(MemoryRequest request, Context ctx) {
  if (hook_ != nullptr) co_await co_await hook_->at(MemoryStep::effect, std::move(request), ctx);
  apply_late(ctx.loop->now());
  co_return ok;
}

Task<> MemoryOrigin::answer(MemoryRequest request, Context ctx) {
  co_await co_await pause(options_.delay, ctx);
  if (hook_ != nullptr) co_await co_await hook_->at(MemoryStep::answer, std::move(request), ctx);
  co_return ok;
}

Task<std::string> MemoryOrigin::take_body(MemoryRequest request, io::Body body, Context ctx) {
  std::string out;
  std::vector<std::byte> buffer;
  while (body.source != nullptr) {
    io::Chunk chunk = co_await co_await body.source->next(ctx);
    uint64_t length = io::size(chunk);
    if (length == 0) break;
    if (std::holds_alternative<io::FileSlice>(chunk)) buffer.resize(256 << 10);
    for (uint64_t done = 0; done < length;) {
      ByteView part = co_await co_await io::load(chunk, done, buffer, ctx);
      out.append(as_text(part));
      done += part.size();
    }
    count_bytes(request.operation, length);
    if (options_.meter) options_.meter->body_bytes_out(length);
  }
  if (out.size() != body.length) {
    co_return fail(Code::internal, "a body is not as long as it says");
  }
  co_return out;
}

Task<PutAnswer> MemoryOrigin::commit(MemoryRequest request,
                                     std::function<Result<PutAnswer>()> effect, Context ctx) {
  co_await co_await before_effect(request, ctx);
  if (happens(*ctx.loop, options_.late_commit)) {
    auto ns = below(*ctx.loop, static_cast<uint64_t>(options_.late_by.ns) + 1);
    Time due = ctx.loop->now() + nanoseconds(static_cast<int64_t>(ns));
    {
      std::lock_guard lock(mutex_);
      late_.emplace(due, [effect = std::move(effect)] { (void)effect(); });
    }
    co_await co_await answer(std::move(request), ctx);
    co_return fail(Code::unavailable, "the origin's answer is lost");
  }
  bool lost = happens(*ctx.loop, options_.lost_answer);
  Result<PutAnswer> done = PutAnswer();
  {
    std::lock_guard lock(mutex_);
    done = effect();
  }
  co_await co_await answer(std::move(request), ctx);
  if (lost) co_return fail(Code::unavailable, "the origin's answer is lost");
  co_return done;
}

void MemoryOrigin::apply_late(Time until) {
  std::lock_guard lock(mutex_);
  while (!late_.empty() && late_.begin()->first <= until) {
    auto effect = std::move(late_.begin()->second);
    late_.erase(late_.begin());
    effect();
  }
}

Task<> MemoryOrigin::pass(uint64_t bytes, Context ctx) {
  auto ns = static_cast<int64_t>(static_cast<double>(bytes) * 1e9 /
                                 static_cast<double>(options_.link_rate));
  Time passed;
  {
    std::lock_guard lock(mutex_);
    link_free_ = std::max(link_free_, ctx.loop->now()) + nanoseconds(ns);
    passed = link_free_;
  }
  co_return co_await io::sleep_until(passed, ctx);
}

void MemoryOrigin::count_bytes(const std::string& operation, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  counts_[operation].bytes += bytes;
}

// --- versions; under the mutex

Error MemoryOrigin::missing_key(const std::string& key) {
  return fail(Code::not_found, "no object '" + key + "'", "NoSuchKey");
}

const MemoryOrigin::Version* MemoryOrigin::current(const std::string& key) const {
  auto found = objects_.find(key);
  if (found == objects_.end() || found->second.back().deleted) return nullptr;
  return &found->second.back();
}

const MemoryOrigin::Version* MemoryOrigin::find(const std::string& key,
                                                const std::string& version_id) const {
  if (version_id.empty() || !options_.capabilities.versions) return current(key);
  auto found = objects_.find(key);
  if (found == objects_.end()) return nullptr;
  for (const Version& version : found->second) {
    if (!version.deleted && version.info.version_id == version_id) return &version;
  }
  return nullptr;
}

Result<> MemoryOrigin::check_conditions(const std::string& key,
                                        const origin::WriteConditions& conditions) const {
  if (!conditions.if_none_match_any && conditions.if_match.empty()) return ok;
  if (!options_.capabilities.conditional_put) {
    return fail(Code::invalid, "this origin has no conditional writes", "NotImplemented");
  }
  const Version* now = current(key);
  if (conditions.if_none_match_any && now == nullptr) return ok;
  if (!conditions.if_match.empty()) {
    if (now == nullptr) return missing_key(key);
    if (origin::matches(conditions.if_match, now->info.etag)) return ok;
  }
  return fail(Code::conflict, "the condition does not hold", "PreconditionFailed");
}

MemoryOrigin::Version MemoryOrigin::make_version(std::string bytes, std::string etag_hex,
                                                 origin::Fields fields, origin::Fields checksums) {
  Version version;
  std::string id = std::to_string(next_id_++);
  version.info.size = bytes.size();
  size_t count = etag_hex.find('-');  // of parts; opaque ETags keep it, as those of KMS do
  if (options_.opaque_etags) {
    etag_hex = "opaque" + id + (count == std::string::npos ? "" : etag_hex.substr(count));
  }
  version.info.etag = ETag((options_.strong ? "\"" : "W/\"") + etag_hex + "\"");
  if (options_.capabilities.versions) version.info.version_id = "version" + id;
  version.info.tag = !options_.strong ? Tag()
                                      : origin::version_tag(version.info.version_id,
                                                            version.info.etag, bytes.size());
  version.info.modified = loop_.wall_now();
  version.info.fields = std::move(fields);
  version.info.checksums = std::move(checksums);
  version.bytes = std::make_shared<const std::string>(std::move(bytes));
  version.since = loop_.now();
  return version;
}

PutAnswer MemoryOrigin::install(const std::string& key, Version version) {
  const ObjectInfo& info = version.info;
  PutAnswer answer{info.etag, options_.tag_in_put ? info.tag : Tag(), info.version_id,
                   info.modified};
  auto encrypted = info.fields.find(std::string(origin::kEncryptionField));
  if (encrypted != info.fields.end()) answer.encryption.insert(*encrypted);
  objects_[key].push_back(std::move(version));
  return answer;
}

// --- behind Forebay's back

ObjectInfo MemoryOrigin::change(const std::string& key, std::string bytes, origin::Fields fields) {
  std::lock_guard lock(mutex_);
  std::string hex = to_hex(as_bytes(md5(bytes)));
  Version version = make_version(std::move(bytes), std::move(hex), std::move(fields), {});
  ObjectInfo info = version.info;
  install(key, std::move(version));
  return info;
}

ObjectInfo MemoryOrigin::change_parts(const std::string& key, std::vector<std::string> parts) {
  std::lock_guard lock(mutex_);
  std::string bytes, digests;
  std::vector<uint64_t> sizes;
  for (const std::string& part : parts) {
    bytes += part;
    digests += md5(part);
    sizes.push_back(part.size());
  }
  std::string quoted = origin::multipart_etag(digests).text();
  Version version = make_version(std::move(bytes), quoted.substr(1, quoted.size() - 2),
                                 {{"content-type", "binary/octet-stream"}}, {});
  version.parts = std::move(sizes);
  ObjectInfo info = version.info;
  install(key, std::move(version));
  return info;
}

void MemoryOrigin::drop(const std::string& key) {
  std::lock_guard lock(mutex_);
  if (current(key) != nullptr) objects_[key].push_back(make_marker());
}

std::optional<std::string> MemoryOrigin::bytes(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const Version* version = current(key);
  if (version == nullptr) return std::nullopt;
  return *version->bytes;
}

std::vector<std::optional<std::string>> MemoryOrigin::history(const std::string& key) const {
  std::lock_guard lock(mutex_);
  std::vector<std::optional<std::string>> out;
  auto found = objects_.find(key);
  if (found == objects_.end()) return out;
  for (const Version& version : found->second) {
    if (version.deleted) {
      out.emplace_back(std::nullopt);
    } else {
      out.emplace_back(*version.bytes);
    }
  }
  return out;
}

std::vector<MemoryVersion> MemoryOrigin::versions(const std::string& key) const {
  std::lock_guard lock(mutex_);
  auto found = objects_.find(key);
  if (found == objects_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<std::string> MemoryOrigin::keys() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [key, versions] : objects_) {
    if (!versions.back().deleted) out.push_back(key);
  }
  return out;
}

size_t MemoryOrigin::uploads() const {
  std::lock_guard lock(mutex_);
  return uploads_.size();
}

std::string MemoryOrigin::fingerprint() const {
  std::lock_guard lock(mutex_);
  Sha256 sum;
  // With its length, so that what is said here cannot run into what is said next.
  auto add = [&](std::string_view text) {
    sum.update(as_bytes(std::to_string(text.size()) + ":"));
    sum.update(as_bytes(text));
  };
  auto add_fields = [&](const origin::Fields& fields) {
    add(std::to_string(fields.size()));
    for (const auto& [name, value] : fields) add(name), add(value);
  };
  for (const auto& [key, versions] : objects_) {
    const Version& now = versions.back();
    if (now.deleted) continue;
    add(key), add(*now.bytes), add(now.info.etag.text());
    add_fields(now.info.fields), add_fields(now.info.checksums);
  }
  for (const auto& [id, upload] : uploads_) {
    add(id), add(upload.key);
    for (const auto& [number, part] : upload.parts) add(std::to_string(number)), add(part.bytes);
  }
  Digest256 digest = sum.finish();
  return to_hex(digest);
}

void MemoryOrigin::settle() { apply_late(kNever); }

void MemoryOrigin::fail_next(std::string operation, Error error) {
  std::lock_guard lock(mutex_);
  scripted_[std::move(operation)].push_back(std::move(error));
}

MemoryCounts MemoryOrigin::counts(const std::string& operation) const {
  std::lock_guard lock(mutex_);
  auto found = counts_.find(operation);
  return found == counts_.end() ? MemoryCounts() : found->second;
}

std::vector<MemoryRequest> MemoryOrigin::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

void MemoryOrigin::reset_counts() {
  std::lock_guard lock(mutex_);
  counts_.clear();
  requests_.clear();
}

// --- objects

Task<ObjectInfo> MemoryOrigin::head(ObjectKey key, origin::HeadOptions options, Context ctx) {
  MemoryRequest request{"head", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  Result<ObjectInfo> found = missing_key(key.text());
  {
    std::lock_guard lock(mutex_);
    Result<const Version*> there = wanted(key.text(), options.version_id);
    if (!there) found = std::move(there.error());
    if (there) {
      const Version* version = *there;
      found = version->info;
      if (!options.checksums) found->checksums.clear();
      bool asked = options.part_number != 0 && options_.capabilities.part_number;
      if (asked && !version->parts.empty()) {
        found->parts = static_cast<uint32_t>(version->parts.size());
        if (options.part_number <= version->parts.size()) {
          auto mine = version->parts.begin() + (options.part_number - 1);
          found->size = *mine;
          found->part =
              ByteRange{std::accumulate(version->parts.begin(), mine, uint64_t{0}), *mine};
        }
      }
      if (asked && options.part_number > std::max<size_t>(version->parts.size(), 1)) {
        found = fail(Code::invalid, "no such part", "InvalidPartNumber");
      }
    }
  }
  co_await co_await answer(std::move(request), ctx);
  co_return found;
}

Task<GetAnswer> MemoryOrigin::get(ObjectKey key, origin::GetOptions options, Context ctx) {
  MemoryRequest request{"get", key.text(), options.range, ctx.loop->now(), options.slow_reader};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  Result<Version> version = missing_key(key.text());
  {
    std::lock_guard lock(mutex_);
    Result<const Version*> found = wanted(key.text(), options.version_id);
    version = found ? Result<Version>(**found) : Result<Version>(std::move(found.error()));
  }
  co_await co_await answer(std::move(request), ctx);
  if (!version) co_return std::move(version.error());
  if (options.tag && options_.capabilities.conditional_get && *options.tag != version->info.tag) {
    co_return fail(Code::conflict, "the version has changed", "PreconditionFailed");
  }
  ByteRange all{0, version->info.size};
  ByteRange range = options.range.value_or(all);
  // As RFC 9110 resolves a byte range: the end is clamped, a start beyond the end is refused.
  if (options.range && range.offset >= all.length) {
    co_return fail(Code::invalid, "the range starts beyond the object", "InvalidRange");
  }
  range.length = std::min(range.length, all.length - range.offset);
  if (!options_.ranges) range = all;
  std::optional<uint64_t> breaks_at;
  if (happens(*ctx.loop, options_.broken_body)) breaks_at = below(*ctx.loop, range.length);
  GetAnswer out;
  out.info = std::move(version->info);
  if (options.range) out.info.checksums.clear();
  out.range = range;
  out.whole = options.range && !options_.ranges;
  out.body = {range.length,
              std::make_unique<BodySource>(*this, std::move(version->bytes), range, breaks_at)};
  co_return out;
}

Task<PutAnswer> MemoryOrigin::put(ObjectKey key, origin::PutOptions options, io::Body body,
                                  Context ctx) {
  MemoryRequest request{"put", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  std::string bytes = co_await co_await take_body(request, std::move(body), ctx);
  auto effect = [this, key = key.text(), options = std::move(options),
                 bytes = std::move(bytes)]() mutable -> Result<PutAnswer> {
    Result<> holds = check_conditions(key, options.conditions);
    if (!holds) return std::move(holds.error());
    std::string hex = to_hex(as_bytes(md5(bytes)));
    Version version = make_version(std::move(bytes), std::move(hex), std::move(options.fields),
                                   options.all_checksums());
    if (!options.tags.empty()) version.set_tags(std::move(options.tags));
    return install(key, std::move(version));
  };
  co_return co_await commit(std::move(request), std::move(effect), ctx);
}

Task<origin::Capabilities> MemoryOrigin::probe(Context ctx) {
  MemoryRequest request{"probe", "", {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await answer(std::move(request), ctx);
  co_return options_.capabilities;
}

}  // namespace forebay::testkit
