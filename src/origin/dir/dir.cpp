#include "origin/dir/dir.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "http/message.h"
#include "origin/dir/body.h"
#include "origin/dir/key.h"
#include "origin/dir/origin.h"
#include "origin/kept.h"

namespace forebay::origin {

namespace {

// What is read of a file at once, to be written to another; and where there is no room for that.
constexpr size_t kLoad = 256 << 10;
constexpr size_t kLoadLeast = 16 << 10;

// Calls at once to one folder. A walk keeps a processor busy as long as it lasts.
constexpr unsigned kThreads = 8;
constexpr unsigned kWalkThreads = 2;
// Less than clients wait for an answer (60 s is usual).
constexpr Duration kPatience = seconds(30);

std::string md5_text(const DirTemp& temp) { return "\"" + to_hex(temp.md5.digest()) + "\""; }

/// Info of one part, as HEAD ?partNumber tells it.
Result<ObjectInfo> of_part(DirObject object, uint32_t number) {
  uint64_t parts = 0;
  uint64_t offset = 0;
  object.info.part = ByteRange{0, object.info.size};
  for (const PartRun& run : object.parts) {
    if (number > parts && number <= parts + run.count) {
      object.info.part = ByteRange{offset + (number - parts - 1) * run.size, run.size};
      object.info.size = run.size;
    }
    parts += run.count;
    offset += run.count * run.size;
  }
  object.info.parts = static_cast<uint32_t>(parts);
  if (number > std::max<uint64_t>(parts, 1)) {
    return fail(Code::invalid, "no such part", "InvalidPartNumber");
  }
  return std::move(object.info);
}

}  // namespace

Result<Fields> dir_fields(Fields fields) {
  return fields_to_keep(
      std::move(fields),
      "The objects of this bucket are files, which are encrypted where their folder is, or "
      "not at all: nothing else can be asked for");
}

std::string dir_random_name(io::Loop& loop) {
  std::array<std::byte, 16> bytes;
  loop.random_bytes(bytes);
  return to_hex(bytes);
}

Task<ObjectInfo> DirOrigin::head_now(ObjectKey key, HeadOptions options, Context ctx) {
  Result<std::string> path = dir_path(key);
  if (!path) co_return path.error().as(Code::not_found, "NoSuchKey");
  Result<ObjectInfo> info = co_await blocking(
      ctx, [this, path = *path, options, now = ctx.loop->wall_now()]() -> Result<ObjectInfo> {
        Result<DirObject> found = store_.find(path, now);
        if (!found) return std::move(found.error());
        if (!options.checksums) found->info.checksums.clear();
        if (options.part_number == 0) return std::move(found->info);
        return of_part(std::move(*found), options.part_number);
      });
  co_return info;
}

Result<DirOrigin::Opened> DirOrigin::open_for_get(const std::string& path,
                                                  const GetOptions& options, WallTime now) {
  Result<DirObject> found = store_.find(path, now);
  if (!found) return std::move(found.error());
  // A tag once given names these bytes as long as nothing of it has moved, settled or not.
  if (options.tag && options.tag->text() != "d:" + dir_identity(found->stat)) {
    return fail(Code::conflict, "the version has changed", "PreconditionFailed");
  }
  if (options.tag) found->info.tag = *options.tag;
  ByteRange range = options.range.value_or(ByteRange{0, found->stat.size});
  if (options.range && range.offset >= found->stat.size) {
    return fail(Code::invalid, "the range starts beyond the object", "InvalidRange");
  }
  range.length = std::min(range.length, found->stat.size - range.offset);
  if (options.range) found->info.checksums.clear();
  Opened out{std::move(*found), range, std::nullopt};
  Allowance::Share memory = options_.blocks->none();
  if (range.length <= kDirSmall && memory.grow(range.length)) {
    Result<Bytes> bytes = dir_read(*out.object.file, out.object.stat, range, std::move(memory));
    if (!bytes) return std::move(bytes.error());
    out.bytes = std::move(*bytes);
  }
  return out;
}

Task<GetAnswer> DirOrigin::get_now(ObjectKey key, GetOptions options, Context ctx) {
  Result<std::string> path = dir_path(key);
  if (!path) co_return path.error().as(Code::not_found, "NoSuchKey");
  Opened opened = co_await co_await blocking(
      ctx, [this, path = *path, options = std::move(options), now = ctx.loop->wall_now()] {
        return open_for_get(path, options, now);
      });
  GetAnswer answer;
  answer.range = opened.range;
  if (opened.bytes) {
    if (options_.meter) options_.meter->body_bytes_in(opened.bytes->size());
    answer.body = io::Body::of(std::move(*opened.bytes));
  } else {
    bool copy = !opened.object.info.tag.strong();
    answer.body = dir_body(std::move(opened.object.file), opened.object.stat, opened.range, copy,
                           options_.meter, options_.blocks->none());
  }
  answer.info = std::move(opened.object.info);
  co_return answer;
}

Task<DirTemp> DirOrigin::take(io::Body body, std::unique_ptr<Checksum> other, Context ctx) {
  std::string name = dir_random_name(*ctx.loop);
  DirTemp temp =
      co_await co_await blocking(ctx, [this, name = std::move(name), now = ctx.loop->wall_now()] {
        return store_.begin(name, now);
      });
  temp.other = std::move(other);
  Result<> filled = co_await fill(temp, std::move(body), ctx);
  if (filled) co_return std::move(temp);
  co_await co_await drop(temp, ctx);
  co_return std::move(filled.error());
}

Task<> DirOrigin::fill(DirTemp& temp, io::Body body, Context ctx) {
  WriteBlock block(options_.blocks);
  Allowance::Share loading = options_.blocks->none();
  std::vector<std::byte> loaded;
  while (body.source != nullptr) {
    io::Chunk chunk = co_await co_await body.source->next(ctx);
    uint64_t length = io::size(chunk);
    if (length == 0) break;
    if (std::holds_alternative<io::FileSlice>(chunk) && loaded.empty()) {
      loaded.resize(loading.grow(kLoad) ? kLoad : kLoadLeast);
    }
    for (uint64_t done = 0; done < length;) {
      ByteView part = co_await co_await io::load(chunk, done, loaded, ctx);
      done += part.size();
      if (options_.meter) options_.meter->body_bytes_out(part.size());
      bool whole = block.empty() && temp.size + part.size() == body.length;
      while (!whole && !(part = block.gather(part)).empty() && !block.empty()) {
        co_await co_await append(temp, block.bytes(), ctx);
        block.clear();
      }
      // Its last bytes with nothing before them, or no room to gather any.
      if (!part.empty()) co_await co_await append(temp, part, ctx);
    }
  }
  if (!block.empty()) co_await co_await append(temp, block.bytes(), ctx);
  if (body.length != http::kUnknownLength && temp.size != body.length) {
    co_return fail(Code::internal, "a body is not as long as it says");
  }
  co_return ok;
}

Task<> DirOrigin::append(DirTemp& temp, ByteView bytes, Context ctx) {
  co_await co_await options_.md5->update(temp.md5, bytes, ctx);
  co_return co_await step(ctx, [&] { return temp.append(bytes); });
}

Task<> DirOrigin::drop(DirTemp& temp, Context ctx) {
  co_return co_await step(ctx, [this, &temp]() -> Result<> {
    store_.drop(temp);
    return ok;
  });
}

Task<PutAnswer> DirOrigin::put_now(ObjectKey key, PutOptions options, io::Body body, Context ctx) {
  std::string path = co_await dir_path(key);
  DirRecord record;
  record.fields = co_await dir_fields(std::move(options.fields));
  DirTemp temp = co_await co_await take(std::move(body), nullptr, ctx);
  record.etag = ETag(md5_text(temp));
  record.tags = std::move(options.tags);
  record.checksums = options.all_checksums();
  co_return co_await commit(std::move(temp), std::move(path), std::move(record),
                            std::move(options.conditions), ctx);
}

Task<TagSet> DirOrigin::tags_now(ObjectKey key, Context ctx) {
  Result<std::string> path = dir_path(key);
  if (!path) co_return path.error().as(Code::not_found, "NoSuchKey");
  DirObject found = co_await co_await blocking(
      ctx, [this, path = *path, now = ctx.loop->wall_now()] { return store_.find(path, now); });
  co_return std::move(found.tags);
}

Task<> DirOrigin::set_tags_now(ObjectKey key, TagSet tags, Context ctx) {
  Result<std::string> path = dir_path(key);
  if (!path) co_return path.error().as(Code::not_found, "NoSuchKey");
  co_return co_await blocking(ctx, [&, now = ctx.loop->wall_now()] {
    return store_.set_tags(*path, std::move(tags), now);
  });
}

Task<PutAnswer> DirOrigin::commit(DirTemp temp, std::string path, DirRecord record,
                                  WriteConditions conditions, Context ctx) {
  co_return co_await step(ctx, [&, now = ctx.loop->wall_now()] {
    Result<PutAnswer> done = store_.commit(temp, path, std::move(record), conditions, now);
    if (!done) store_.drop(temp);
    return done;
  });
}

Task<> DirOrigin::remove_now(ObjectKey key, Context ctx) {
  co_return co_await remove_if(std::move(key), {}, ctx);
}

Task<Removed> DirOrigin::remove_matching_now(ObjectKey key, ETag wanted, Context ctx) {
  co_await co_await remove_if(std::move(key), {.if_match = std::move(wanted)}, ctx);
  co_return Removed{};
}

Task<> DirOrigin::remove_if(ObjectKey key, WriteConditions conditions, Context ctx) {
  Result<std::string> path = dir_path(key);
  if (!path && conditions.if_match.empty()) co_return ok;  // such a key is never there
  if (!path) co_return path.error().as(Code::not_found, "NoSuchKey");
  co_return co_await blocking(
      ctx, [&, now = ctx.loop->wall_now()] { return store_.remove(*path, conditions, now); });
}

Task<ListAnswer> DirOrigin::list_now(ListOptions options, Context ctx) {
  co_return co_await walking(
      ctx,
      [this, options = std::move(options), loop = ctx.loop,
       now = ctx.loop->wall_now()]() -> Result<ListAnswer> {
        auto page = store_.list(options, options_.documents->none(), now);
        if (!page || page->truncated || !page->objects.empty() || !page->prefixes.empty()) {
          return page;
        }
        Result<> there = store_.look_again(*loop, options_.lane);
        return there ? std::move(page) : Result<ListAnswer>(std::move(there.error()));
      });
}

Task<Capabilities> DirOrigin::probe_now(Context ctx) {
  std::string name = dir_random_name(*ctx.loop);
  co_return co_await blocking(ctx, [&]() -> Result<Capabilities> {
    Capabilities out{.conditional_get = true, .part_number = true, .start_after = true};
    Result<> listed = store_.root()->visit("", [](io::DirectoryEntry&) { return false; });
    if (!listed) return std::move(listed.error());
    out.conditional_put = store_.try_to_write(name).has_value();
    return out;
  });
}

void add_dir_lanes(DirOptions& options, io::Loop& loop) {
  options.lane = loop.make_lane({.kind = "origin",
                                 .subject = "the folder " + options.path,
                                 .threads = kThreads,
                                 .patience = kPatience});
  options.walks = loop.make_lane({.kind = "walk",
                                  .subject = "the folder " + options.path,
                                  .threads = kWalkThreads,
                                  .patience = kPatience});
}

Task<> discard_dir(DirOptions options, Context ctx) {
  DirStore store(options.path, false);
  co_return co_await io::run_blocking(ctx, options.walks.get(),
                                      [&] { return store.discard(*ctx.loop); });
}

std::unique_ptr<Origin> make_dir_origin(DirOptions options) {
  return std::make_unique<DirOrigin>(std::move(options));
}

}  // namespace forebay::origin
