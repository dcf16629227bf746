// The copies that a MemoryOrigin makes by itself.
#include "base/encoding.h"
#include "testkit/memory_origin.h"
#include "testkit/pattern.h"

namespace forebay::testkit {

using origin::PutAnswer;

namespace {

std::string sum_of(ChecksumKind kind, std::string_view bytes) {
  auto sum = Checksum::make(kind);
  sum->update(as_bytes(bytes));
  return to_base64(as_bytes(sum->digest()));
}

}  // namespace

Result<MemoryOrigin::Version> MemoryOrigin::ordered(const origin::CopyOrder& order) const {
  const Version* found = find(order.from.text(), order.version_id);
  if (found == nullptr) return fail(Code::not_found, "no source", "NoSuchKey");
  if (found->info.etag != order.etag) {
    return fail(Code::conflict, "the source has changed", "PreconditionFailed");
  }
  return *found;
}

Result<PutAnswer> MemoryOrigin::copy_part(const std::string& key, const origin::CopyOrder& order,
                                          const Version& from) {
  Result<Upload*> found = upload(key, order.upload_id);
  if (!found) return std::move(found.error());
  ByteRange range = order.range.value_or(ByteRange{0, from.bytes->size()});
  Part part;
  part.bytes = from.bytes->substr(range.offset, range.length);
  part.info = {order.part_number,
               part.bytes.size(),
               ETag("\"" + to_hex(as_bytes(md5(part.bytes))) + "\""),
               loop_.wall_now(),
               {}};
  if (auto plan = (*found)->options.plan) {
    part.info.checksums[std::string(header_name(plan->kind))] = sum_of(plan->kind, part.bytes);
  }
  PutAnswer answer{
      .etag = part.info.etag, .modified = part.info.modified, .checksums = part.info.checksums};
  (*found)->parts[order.part_number] = std::move(part);
  return answer;
}

Task<std::optional<PutAnswer>> MemoryOrigin::copy(ObjectKey key, origin::CopyOrder order,
                                                  Context ctx) {
  const auto* source = dynamic_cast<const MemoryOrigin*>(order.source);
  if (!options_.copies || source == nullptr) co_return std::optional<PutAnswer>();
  MemoryRequest request{"copy", key.text(), order.range, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  auto effect = [this, key = key.text(), source, order = std::move(order)]() -> Result<PutAnswer> {
    std::unique_lock<std::mutex> theirs;
    if (source != this) theirs = std::unique_lock(source->mutex_);
    Result<Version> from = source->ordered(order);
    if (!from) return std::move(from.error());
    if (order.part_number > 0) return copy_part(key, order, *from);
    Result<> holds = check_conditions(key, order.conditions);
    if (!holds) return std::move(holds.error());
    origin::Fields fields = order.fields;
    for (const auto& [name, value] : from->info.fields) {
      bool along = name == "x-amz-tagging-count" ? !order.replace_tags : !order.replace_fields;
      if (along && name != "x-amz-storage-class") fields.try_emplace(name, value);
    }
    origin::Fields sums = from->info.checksums;
    if (order.checksum) {
      sums = {{std::string(header_name(*order.checksum)), sum_of(*order.checksum, *from->bytes)}};
    }
    std::string hex = to_hex(as_bytes(md5(*from->bytes)));
    Version version = make_version(*from->bytes, hex, std::move(fields), sums);
    if (order.replace_tags) {
      version.set_tags(order.tags);
    } else if (!from->tags.empty()) {
      version.set_tags(from->tags);
    }
    PutAnswer answer = install(key, std::move(version));
    answer.checksums = std::move(sums);
    return answer;
  };
  Result<PutAnswer> done = co_await commit(std::move(request), std::move(effect), ctx);
  if (!done) co_return std::move(done.error());
  co_return std::move(*done);
}

}  // namespace forebay::testkit
