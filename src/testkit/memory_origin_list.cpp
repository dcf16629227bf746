// MemoryOrigin: lists and uploads.
#include <algorithm>

#include "base/encoding.h"
#include "origin/checksums.h"
#include "origin/parts.h"
#include "origin/tags.h"
#include "testkit/memory_origin.h"
#include "testkit/pattern.h"

namespace forebay::testkit {

using origin::PutAnswer;

namespace {

Error no_such_upload(const std::string& upload_id) {
  return fail(Code::not_found, "no upload '" + upload_id + "'", "NoSuchUpload");
}

/// The common prefix that `key` is rolled up into; empty when it is listed itself.
std::string rolled_up(const std::string& key, const std::string& prefix,
                      const std::string& delimiter) {
  if (delimiter.empty()) return {};
  size_t at = key.find(delimiter, prefix.size());
  return at == std::string::npos ? std::string() : key.substr(0, at + delimiter.size());
}

}  // namespace

Task<origin::ListAnswer> MemoryOrigin::list(origin::ListOptions options, Context ctx) {
  MemoryRequest request{"list", options.prefix, {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  origin::ListAnswer out;
  std::string after = options.continuation.empty() ? options.start_after : options.continuation;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [key, versions] : objects_) {
      if (versions.back().deleted || !key.starts_with(options.prefix)) continue;
      std::string common = rolled_up(key, options.prefix, options.delimiter);
      const std::string& name = common.empty() ? key : common;
      if (name <= after || (!common.empty() && common == out.last_name)) continue;
      if (out.objects.size() + out.prefixes.size() == options.max_keys) {
        out.truncated = options.max_keys > 0;
        break;
      }
      out.last_name = name;
      if (!common.empty()) {
        out.prefixes.push_back(common);
      } else {
        const origin::ObjectInfo& info = versions.back().info;
        out.objects.push_back({key, info.size, info.etag, info.modified});
        out.objects.back().checksum = origin::plan_of(info.checksums);
      }
    }
    if (out.truncated) out.next = out.last_name;
  }
  co_await co_await answer(std::move(request), ctx);
  co_return out;
}

// --- uploads

Result<MemoryOrigin::Upload*> MemoryOrigin::upload(const std::string& key,
                                                   const std::string& upload_id) {
  auto found = uploads_.find(upload_id);
  if (found == uploads_.end() || found->second.key != key) return no_such_upload(upload_id);
  return &found->second;
}

Task<std::string> MemoryOrigin::create_upload(ObjectKey key, origin::PutOptions options,
                                              Context ctx) {
  MemoryRequest request{"create_upload", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  std::string id;
  {
    std::lock_guard lock(mutex_);
    id = "upload" + std::to_string(next_id_++);
    uploads_[id] = {key.text(), loop_.wall_now(), std::move(options), {}};
  }
  co_await co_await answer(std::move(request), ctx);
  co_return id;
}

Task<origin::PartInfo> MemoryOrigin::put_part(ObjectKey key, std::string upload_id, uint32_t number,
                                              origin::PutOptions options, io::Body body,
                                              Context ctx) {
  MemoryRequest request{"put_part", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  std::string bytes = co_await co_await take_body(request, std::move(body), ctx);
  co_await co_await before_effect(request, ctx);
  Result<origin::PartInfo> out = no_such_upload(upload_id);
  {
    std::lock_guard lock(mutex_);
    Result<Upload*> found = upload(key.text(), upload_id);
    Result<> fits =
        found ? origin::check_part((*found)->options.plan, options.checksums, options.trailing_name)
              : Result<>(ok);
    if (!fits) out = std::move(fits.error());
    if (found && fits) {
      std::string etag = (options_.opaque_etags ? "opaque" : "") + to_hex(as_bytes(md5(bytes)));
      Part part;
      part.info = {number, bytes.size(), ETag("\"" + etag + "\""), loop_.wall_now(),
                   options.all_checksums()};
      if (auto plan = (*found)->options.plan) {
        std::string header(header_name(plan->kind));
        auto sum = Checksum::make(plan->kind);
        sum->update(as_bytes(bytes));
        part.info.checksums[header] = to_base64(as_bytes(sum->digest()));
      }
      part.bytes = std::move(bytes);
      out = part.info;
      (*found)->parts[number] = std::move(part);
    }
  }
  co_await co_await answer(std::move(request), ctx);
  co_return out;
}

Result<PutAnswer> MemoryOrigin::assemble(const std::string& key, const std::string& upload_id,
                                         const std::vector<origin::CompletedPart>& parts,
                                         const origin::PutOptions& options) {
  Result<Upload*> found = upload(key, upload_id);
  if (!found) return std::move(found.error());
  Upload& from = **found;
  Result<> holds = check_conditions(key, options.conditions);
  if (!holds) return std::move(holds.error());
  std::map<uint32_t, origin::PartInfo> there;
  for (const auto& [number, part] : from.parts) there[number] = part.info;
  auto chosen = origin::choose_parts(there, parts, options_.min_part);
  if (!chosen) return std::move(chosen.error());
  origin::Fields whole = origin::checksums_of_whole(from.options.plan, *chosen);
  Result<> so = origin::check_completion(from.options.plan, parts, *chosen, options, whole);
  if (!so) return std::move(so.error());
  std::string bytes, digests;
  std::vector<uint64_t> sizes;
  for (const origin::PartInfo& part : *chosen) {
    const std::string& data = from.parts[part.number].bytes;
    bytes += data;
    digests += md5(data);
    sizes.push_back(data.size());
  }
  std::string quoted = origin::multipart_etag(digests).text();
  Version version = make_version(std::move(bytes), quoted.substr(1, quoted.size() - 2),
                                 std::move(from.options.fields), whole);
  version.parts = std::move(sizes);
  if (!from.options.tags.empty()) version.set_tags(std::move(from.options.tags));
  uploads_.erase(upload_id);
  PutAnswer answer = install(key, std::move(version));
  answer.checksums = std::move(whole);
  return answer;
}

Task<PutAnswer> MemoryOrigin::complete_upload(ObjectKey key, std::string upload_id,
                                              std::vector<origin::CompletedPart> parts,
                                              origin::PutOptions options, Context ctx) {
  MemoryRequest request{"complete_upload", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  auto effect = [this, key = key.text(), upload_id = std::move(upload_id), parts = std::move(parts),
                 options = std::move(options)] { return assemble(key, upload_id, parts, options); };
  co_return co_await commit(std::move(request), std::move(effect), ctx);
}

Task<> MemoryOrigin::abort_upload(ObjectKey key, std::string upload_id, Context ctx) {
  MemoryRequest request{"abort_upload", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  Result<> done = ok;
  {
    std::lock_guard lock(mutex_);
    Result<Upload*> found = upload(key.text(), upload_id);
    if (found) {
      uploads_.erase(upload_id);
    } else {
      done = std::move(found.error());
    }
  }
  co_await co_await answer(std::move(request), ctx);
  co_return done;
}

Task<> MemoryOrigin::drop_uploads(Context ctx) {
  MemoryRequest request{"drop_uploads", "", {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  {
    std::lock_guard lock(mutex_);
    uploads_.clear();
  }
  co_return co_await answer(std::move(request), ctx);
}

Task<origin::ListPartsAnswer> MemoryOrigin::list_parts(ObjectKey key, std::string upload_id,
                                                       uint32_t part_marker, uint32_t max_parts,
                                                       Context ctx) {
  MemoryRequest request{"list_parts", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  Result<origin::ListPartsAnswer> out = no_such_upload(upload_id);
  {
    std::lock_guard lock(mutex_);
    Result<Upload*> found = upload(key.text(), upload_id);
    if (found) {
      std::map<uint32_t, origin::PartInfo> there;
      for (const auto& [number, part] : (*found)->parts) there[number] = part.info;
      out = origin::page_parts(there, part_marker, max_parts);
      out->plan = (*found)->options.plan;
    }
  }
  co_await co_await answer(std::move(request), ctx);
  co_return out;
}

Task<origin::ListUploadsAnswer> MemoryOrigin::list_uploads(origin::ListUploadsOptions options,
                                                           Context ctx) {
  MemoryRequest request{"list_uploads", options.prefix, {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  origin::LeastUploads least(std::move(options));
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, found] : uploads_) {
      least.offer({found.key, id, found.initiated, found.options.plan});
    }
  }
  co_await co_await answer(std::move(request), ctx);
  co_return least.page();
}

}  // namespace forebay::testkit
