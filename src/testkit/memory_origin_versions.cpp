// MemoryOrigin: deletes, tags, and what it says of versions.
#include <algorithm>

#include "testkit/memory_origin.h"

namespace forebay::testkit {

using origin::PutAnswer;

// As S3 says it: only where versions are kept does a read tell that there was something.
Result<const MemoryOrigin::Version*> MemoryOrigin::wanted(const std::string& key,
                                                          const std::string& version_id) const {
  if (const Version* found = find(key, version_id)) return found;
  if (!options_.capabilities.versions) return missing_key(key);
  auto found = objects_.find(key);
  if (version_id.empty()) {
    if (found == objects_.end()) return missing_key(key);
    return fail(Code::not_found, "deleted", std::string(origin::kDeleteMarker));
  }
  if (found != objects_.end()) {
    for (const Version& version : found->second) {
      if (version.info.version_id != version_id) continue;
      return fail(Code::invalid, "a delete marker", std::string(origin::kDeleteMarker));
    }
  }
  return fail(Code::not_found, "no version '" + version_id + "'", "NoSuchVersion");
}

MemoryOrigin::Version MemoryOrigin::make_marker() {
  Version marker;
  marker.deleted = true;
  marker.since = loop_.now();
  marker.info.modified = loop_.wall_now();
  if (options_.capabilities.versions) {
    marker.info.version_id = "marker" + std::to_string(next_id_++);
  }
  return marker;
}

origin::Removed MemoryOrigin::remove_now(const std::string& key, const std::string& version_id) {
  bool versions = options_.capabilities.versions;
  if (version_id.empty()) {
    if (current(key) == nullptr) return {};
    Version marker = make_marker();
    origin::Removed done{.marker = versions, .version_id = marker.info.version_id};
    objects_[key].push_back(std::move(marker));
    return done;
  }
  origin::Removed done{.version_id = version_id};
  auto found = objects_.find(key);
  if (found == objects_.end()) return done;
  std::erase_if(found->second, [&](const Version& version) {
    bool gone = version.info.version_id == version_id;
    done.marker |= gone && version.deleted;
    return gone;
  });
  if (found->second.empty()) objects_.erase(found);
  return done;
}

Task<> MemoryOrigin::remove(ObjectKey key, Context ctx) {
  auto done = co_await remove_version(std::move(key), {}, ctx);
  if (!done) co_return std::move(done.error());
  co_return ok;
}

Task<origin::Removed> MemoryOrigin::remove_version(ObjectKey key, std::string version_id,
                                                   Context ctx) {
  return remove_if(std::move(key), std::move(version_id), {}, ctx);
}

Task<origin::Removed> MemoryOrigin::remove_matching(ObjectKey key, ETag wanted, Context ctx) {
  return remove_if(std::move(key), {}, {.if_match = std::move(wanted)}, ctx);
}

Task<origin::Removed> MemoryOrigin::remove_if(ObjectKey key, std::string version_id,
                                              origin::WriteConditions conditions, Context ctx) {
  MemoryRequest request{"remove", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  auto told = std::make_shared<origin::Removed>();
  auto effect = [this, key = key.text(), version_id, conditions, told]() -> Result<PutAnswer> {
    if (Result<> holds = check_conditions(key, conditions); !holds) {
      return std::move(holds.error());
    }
    *told = remove_now(key, version_id);
    return PutAnswer();
  };
  Result<PutAnswer> done = co_await commit(std::move(request), std::move(effect), ctx);
  if (!done) co_return std::move(done.error());
  co_return *told;
}

Task<> MemoryOrigin::rename(ObjectKey to, origin::RenameOrder order, Context ctx) {
  if (options_.capabilities.versions) {
    co_return co_await Origin::rename(std::move(to), std::move(order), ctx);
  }
  MemoryRequest request{"rename", to.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  auto effect = [this, to = to.text(), order]() -> Result<PutAnswer> {
    const std::string& from = order.from.text();
    const Version* source = current(from);
    if (source == nullptr) return missing_key(from);
    const Version* target = current(to);
    Result<> held = order.allow(source->info, target == nullptr ? nullptr : &target->info);
    if (!held) return std::move(held.error());
    if (from == to) return PutAnswer();
    std::vector<Version> moved = std::move(objects_[from]);
    objects_.erase(from);
    objects_[to] = std::move(moved);
    return PutAnswer();
  };
  Result<PutAnswer> done = co_await commit(std::move(request), std::move(effect), ctx);
  if (!done) co_return std::move(done.error());
  co_return ok;
}

Task<WallTime> MemoryOrigin::marker_date(ObjectKey key, std::string version_id, Context ctx) {
  (void)ctx;
  std::lock_guard lock(mutex_);
  auto found = objects_.find(key.text());
  if (found == objects_.end()) co_return WallTime{};
  for (const Version& version : found->second) {
    bool it = version.deleted && version.info.version_id == version_id;
    if (it) co_return version.info.modified;
  }
  co_return WallTime{};
}

Task<origin::Versioning> MemoryOrigin::versioning(Context ctx) {
  MemoryRequest request{"versioning", "", {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await answer(std::move(request), ctx);
  std::lock_guard lock(mutex_);
  co_return versioning_;
}

Task<> MemoryOrigin::set_versioning(origin::Versioning to, Context ctx) {
  MemoryRequest request{"set_versioning", "", {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  {
    std::lock_guard lock(mutex_);
    versioning_ = to;
  }
  co_return co_await answer(std::move(request), ctx);
}

Task<bool> MemoryOrigin::has_versions(Context ctx) {
  MemoryRequest request{"has_versions", "", {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await answer(std::move(request), ctx);
  co_return options_.capabilities.versions;
}

Task<origin::ListVersionsAnswer> MemoryOrigin::list_versions(origin::ListVersionsOptions options,
                                                             Context ctx) {
  if (!options_.capabilities.versions) {
    co_return co_await Origin::list_versions(std::move(options), ctx);
  }
  MemoryRequest request{"list_versions", options.prefix, {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  origin::ListVersionsAnswer out;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [key, versions] : objects_) {
      if (out.truncated) break;
      if (key.starts_with(options.prefix)) add_versions(key, versions, options, out);
    }
  }
  co_await co_await answer(std::move(request), ctx);
  co_return out;
}

void MemoryOrigin::add_versions(const std::string& key, const std::vector<Version>& versions,
                                const origin::ListVersionsOptions& options,
                                origin::ListVersionsAnswer& out) {
  auto full = [&] {
    out.truncated = out.versions.size() + out.prefixes.size() == options.max_keys;
    return out.truncated;
  };
  size_t cut = options.delimiter.empty() ? std::string::npos
                                         : key.find(options.delimiter, options.prefix.size());
  if (cut != std::string::npos) {
    std::string common = key.substr(0, cut + options.delimiter.size());
    bool given = common <= options.key_marker || out.next_key == common;
    if (given || full()) return;
    out.prefixes.push_back(common);
    out.next_key = std::move(common);
    out.next_version.clear();
    return;
  }
  bool after = key > options.key_marker;
  if (!after && (key < options.key_marker || options.version_marker.empty())) return;
  for (size_t i = versions.size(); i-- > 0;) {
    const origin::ObjectInfo& info = versions[i].info;
    if (!after) {
      after = info.version_id == options.version_marker;
      continue;
    }
    if (full()) return;
    out.versions.push_back({.object = {key, info.size, info.etag, info.modified},
                            .version_id = info.version_id,
                            .latest = i + 1 == versions.size(),
                            .marker = versions[i].deleted});
    out.next_key = key;
    out.next_version = info.version_id;
  }
}

// --- tags

void MemoryOrigin::Version::set_tags(origin::TagSet set) {
  tags = std::move(set);
  std::string count(origin::kTaggingCount);
  if (tags.empty()) {
    info.fields.erase(count);
  } else {
    info.fields[count] = std::to_string(tags.size());
  }
}

Task<origin::TagSet> MemoryOrigin::tags(ObjectKey key, Context ctx) {
  co_return co_await tags_of_version(std::move(key), {}, ctx);
}

Task<origin::TagSet> MemoryOrigin::tags_of_version(ObjectKey key, std::string version_id,
                                                   Context ctx) {
  MemoryRequest request{"tags", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  co_await co_await before_effect(request, ctx);
  Result<origin::TagSet> found = missing_key(key.text());
  {
    std::lock_guard lock(mutex_);
    Result<const Version*> version = wanted(key.text(), version_id);
    found = version ? Result<origin::TagSet>((*version)->tags)
                    : Result<origin::TagSet>(std::move(version.error()));
  }
  co_await co_await answer(request, ctx);
  co_return found;
}

Task<> MemoryOrigin::set_tags(ObjectKey key, origin::TagSet tags, Context ctx) {
  co_return co_await set_tags_of_version(std::move(key), {}, std::move(tags), ctx);
}

Task<> MemoryOrigin::set_tags_of_version(ObjectKey key, std::string version_id, origin::TagSet tags,
                                         Context ctx) {
  MemoryRequest request{"set_tags", key.text(), {}, ctx.loop->now()};
  co_await co_await arrive(request, ctx);
  auto effect = [this, key = key.text(), version_id = std::move(version_id),
                 tags = std::move(tags)]() mutable -> Result<PutAnswer> {
    Result<const Version*> found = wanted(key, version_id);
    if (!found) return std::move(found.error());
    std::vector<Version>& versions = objects_[key];
    versions[static_cast<size_t>(*found - versions.data())].set_tags(std::move(tags));
    return PutAnswer{};
  };
  auto done = co_await commit(std::move(request), std::move(effect), ctx);
  if (!done) co_return std::move(done.error());
  co_return ok;
}

}  // namespace forebay::testkit
