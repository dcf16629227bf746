#include "origin/dir.h"

#include <array>
#include <functional>
#include <limits>

#include "base/encoding.h"
#include "io/loop.h"
#include "origin/dir_body.h"
#include "origin/dir_key.h"
#include "origin/dir_store.h"
#include "origin/metered.h"
#include "origin/tags.h"

namespace forebay::origin {

namespace {

constexpr size_t kWriteBlock = 1 << 20;
constexpr uint64_t kCopyStep = 64 << 20;
/// What http::kUnknownLength says; this file needs nothing else of http.
constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();

std::string random_name(io::Loop& loop) {
  std::array<std::byte, 16> bytes;
  loop.random_bytes(bytes);
  return to_hex(bytes);
}

std::string md5_text(const DirTemp& temp) {
  return "\"" + to_hex(as_bytes(temp.md5->digest())) + "\"";
}

/// Info of one part, as HEAD ?partNumber tells it.
Result<ObjectInfo> of_part(DirObject object, uint32_t number) {
  uint64_t parts = 0;
  for (const PartRun& run : object.parts) {
    if (number > parts && number <= parts + run.count) object.info.size = run.size;
    parts += run.count;
  }
  object.info.parts = static_cast<uint32_t>(parts);
  if (number > std::max<uint64_t>(parts, 1)) {
    return fail(Code::invalid, "no such part", "InvalidPartNumber");
  }
  return std::move(object.info);
}

class DirOrigin final : public Origin {
 public:
  explicit DirOrigin(DirOptions options)
      : options_(std::move(options)), store_(options_.path, options_.create) {}

  [[clang::coro_wrapper]] Task<ObjectInfo> head(ObjectKey key, HeadOptions options,
                                                Context ctx) override {
    return metered(options_.meter, "head", head_now(std::move(key), options, ctx));
  }
  [[clang::coro_wrapper]] Task<GetAnswer> get(ObjectKey key, GetOptions options,
                                              Context ctx) override {
    return metered(options_.meter, "get", get_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<PutAnswer> put(ObjectKey key, PutOptions options, io::Body body,
                                              Context ctx) override {
    return metered(options_.meter, "put",
                   put_now(std::move(key), std::move(options), std::move(body), ctx));
  }
  [[clang::coro_wrapper]] Task<> remove(ObjectKey key, Context ctx) override {
    return metered(options_.meter, "remove", remove_now(std::move(key), ctx));
  }
  [[clang::coro_wrapper]] Task<ListAnswer> list(ListOptions options, Context ctx) override {
    return metered(options_.meter, "list", list_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<std::string> create_upload(ObjectKey key, PutOptions options,
                                                          Context ctx) override {
    return metered(options_.meter, "create_upload",
                   create_upload_now(std::move(key), std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<PartInfo> put_part(ObjectKey key, std::string upload_id,
                                                  uint32_t number, PutOptions options,
                                                  io::Body body, Context ctx) override {
    return metered(options_.meter, "put_part",
                   put_part_now(std::move(key), std::move(upload_id), number, std::move(options),
                                std::move(body), ctx));
  }
  [[clang::coro_wrapper]] Task<PutAnswer> complete_upload(ObjectKey key, std::string upload_id,
                                                          std::vector<CompletedPart> parts,
                                                          PutOptions options,
                                                          Context ctx) override {
    return metered(options_.meter, "complete_upload",
                   complete_upload_now(std::move(key), std::move(upload_id), std::move(parts),
                                       std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<> abort_upload(ObjectKey key, std::string upload_id,
                                              Context ctx) override {
    return metered(options_.meter, "abort_upload",
                   abort_upload_now(std::move(key), std::move(upload_id), ctx));
  }
  [[clang::coro_wrapper]] Task<ListPartsAnswer> list_parts(ObjectKey key, std::string upload_id,
                                                           uint32_t part_marker, uint32_t max_parts,
                                                           Context ctx) override {
    return metered(
        options_.meter, "list_parts",
        list_parts_now(std::move(key), std::move(upload_id), part_marker, max_parts, ctx));
  }
  [[clang::coro_wrapper]] Task<ListUploadsAnswer> list_uploads(ListUploadsOptions options,
                                                               Context ctx) override {
    return metered(options_.meter, "list_uploads", list_uploads_now(std::move(options), ctx));
  }
  [[clang::coro_wrapper]] Task<Capabilities> probe(Context ctx) override {
    return metered(options_.meter, "probe", probe_now(ctx));
  }

 private:
  /// Runs `work` in the pool once the folder is open.
  template <class F>
  [[clang::coro_wrapper]] auto blocking(Context ctx, F work) {
    return io::run_blocking(ctx, [this, loop = ctx.loop, work = std::move(work)]() mutable {
      using R = std::invoke_result_t<F&>;
      Result<> opened = store_.open(*loop);
      return opened ? work() : R(std::move(opened.error()));
    });
  }

  Task<ObjectInfo> head_now(ObjectKey key, HeadOptions options, Context ctx) {
    Result<std::string> path = dir_path(key);
    if (!path) co_return fail(Code::not_found, path.error().text(), "NoSuchKey");
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

  /// An open object and, of a small range, its bytes.
  struct Opened {
    DirObject object;
    ByteRange range;
    std::optional<Bytes> bytes;
  };

  Result<Opened> open_for_get(const std::string& path, const GetOptions& options, WallTime now) {
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
    if (range.length <= kDirSmall) {
      Result<Bytes> bytes = dir_read(*out.object.file, out.object.stat, range);
      if (!bytes) return std::move(bytes.error());
      out.bytes = std::move(*bytes);
    }
    return out;
  }

  Task<GetAnswer> get_now(ObjectKey key, GetOptions options, Context ctx) {
    Result<std::string> path = dir_path(key);
    if (!path) co_return fail(Code::not_found, path.error().text(), "NoSuchKey");
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
                             options_.meter);
    }
    answer.info = std::move(opened.object.info);
    co_return answer;
  }

  /// Streams `body` into a temporary file. On an error nothing is left of it.
  Task<DirTemp> take(io::Body body, Context ctx) {
    std::string name = random_name(*ctx.loop);
    DirTemp temp =
        co_await co_await blocking(ctx, [this, name = std::move(name), now = ctx.loop->wall_now()] {
          return store_.begin(name, now);
        });
    Result<> filled = co_await fill(temp, std::move(body), ctx);
    if (filled) co_return std::move(temp);
    co_await co_await drop(temp, ctx);
    co_return std::move(filled.error());
  }

  Task<> fill(DirTemp& temp, io::Body body, Context ctx) {
    std::vector<std::byte> block, loaded;
    block.reserve(std::min<uint64_t>(body.length, kWriteBlock));
    while (body.source != nullptr) {
      io::Chunk chunk = co_await co_await body.source->next(ctx);
      uint64_t length = io::size(chunk);
      if (length == 0) break;
      if (std::holds_alternative<io::FileSlice>(chunk)) loaded.resize(256 << 10);
      for (uint64_t done = 0; done < length;) {
        ByteView part = co_await co_await io::load(chunk, done, loaded, ctx);
        part = part.first(std::min(part.size(), kWriteBlock - block.size()));
        block.insert(block.end(), part.begin(), part.end());
        done += part.size();
        if (options_.meter) options_.meter->body_bytes_out(part.size());
        if (block.size() < kWriteBlock) continue;
        co_await co_await io::run_blocking(ctx, [&] { return temp.append(block); });
        block.clear();
      }
    }
    if (!block.empty()) {
      co_await co_await io::run_blocking(ctx, [&] { return temp.append(block); });
    }
    if (body.length != kUnknown && temp.size != body.length) {
      co_return fail(Code::internal, "a body is not as long as it says");
    }
    co_return ok;
  }

  Task<> drop(DirTemp& temp, Context ctx) {
    co_return co_await io::run_blocking(ctx, [this, &temp]() -> Result<> {
      store_.drop(temp);
      return ok;
    });
  }

  Task<PutAnswer> put_now(ObjectKey key, PutOptions options, io::Body body, Context ctx) {
    std::string path = co_await dir_path(key);
    DirTemp temp = co_await co_await take(std::move(body), ctx);
    DirRecord record;
    record.etag = ETag(md5_text(temp));
    record.fields = std::move(options.fields);
    record.checksums = std::move(options.checksums);
    co_return co_await commit(std::move(temp), std::move(path), std::move(record),
                              std::move(options.conditions), ctx);
  }

  Task<PutAnswer> commit(DirTemp temp, std::string path, DirRecord record,
                         WriteConditions conditions, Context ctx) {
    co_return co_await io::run_blocking(ctx, [&, now = ctx.loop->wall_now()] {
      Result<PutAnswer> done = store_.commit(temp, path, std::move(record), conditions, now);
      if (!done) store_.drop(temp);
      return done;
    });
  }

  Task<> remove_now(ObjectKey key, Context ctx) {
    Result<std::string> path = dir_path(key);
    if (!path) co_return ok;  // such a key is never there
    co_return co_await blocking(ctx, [this, path = *path] { return store_.remove(path); });
  }

  Task<ListAnswer> list_now(ListOptions options, Context ctx) {
    co_return co_await blocking(ctx,
                                [this, options = std::move(options), now = ctx.loop->wall_now()] {
                                  return store_.list(options, now);
                                });
  }

  // --- uploads

  Task<std::string> create_upload_now(ObjectKey key, PutOptions options, Context ctx) {
    co_await dir_path(key);
    std::string id = random_name(*ctx.loop);
    DirUpload upload{key.text(), ctx.loop->wall_now(), std::move(options.fields)};
    co_await co_await blocking(ctx,
                               [&] { return store_.create_upload(id, upload, upload.initiated); });
    co_return id;
  }

  Task<PartInfo> put_part_now(ObjectKey key, std::string upload_id, uint32_t number,
                              PutOptions options, io::Body body, Context ctx) {
    if (number < 1 || number > kMaxPartNumber) {
      co_return fail(Code::invalid, "part numbers are 1 to 10,000", "InvalidArgument");
    }
    co_await co_await blocking(ctx, [&] { return store_.upload(upload_id, key.text()); });
    DirTemp temp = co_await co_await take(std::move(body), ctx);
    co_return co_await io::run_blocking(ctx, [&] {
      Result<PartInfo> done =
          store_.commit_part(temp, upload_id, number, std::move(options.checksums));
      if (!done) store_.drop(temp);
      return done;
    });
  }

  /// Copies the parts one after the other into `temp`, a bounded piece per job.
  Task<> join(DirTemp& temp, const std::string& upload_id, const std::vector<PartInfo>& parts,
              Context ctx) {
    for (const PartInfo& part : parts) {
      auto file = co_await co_await io::run_blocking(
          ctx, [&] { return store_.open_part(upload_id, part); });
      for (uint64_t done = 0; done < part.size;) {
        uint64_t length = std::min(part.size - done, kCopyStep);
        co_await co_await io::run_blocking(
            ctx, [&] { return temp.file->copy_from(*file, done, temp.size, length); });
        temp.size += length;
        done += length;
      }
    }
    co_return ok;
  }

  Task<PutAnswer> complete_upload_now(ObjectKey key, std::string upload_id,
                                      std::vector<CompletedPart> asked, PutOptions options,
                                      Context ctx) {
    std::string path = co_await dir_path(key);
    DirRecord record;
    std::vector<PartInfo> parts =
        co_await co_await blocking(ctx, [&]() -> Result<std::vector<PartInfo>> {
          auto upload = store_.upload(upload_id, key.text());
          if (!upload) return std::move(upload.error());
          record.fields = std::move(upload->fields);
          auto there = store_.parts(upload_id);
          if (!there) return std::move(there.error());
          return choose_parts(*there, asked, options_.min_part);
        });
    std::string digests;
    for (const PartInfo& part : parts) {
      std::string_view text = part.etag.text();
      auto raw = from_hex(text.substr(1, text.size() - 2));
      if (!raw || raw->size() != 16) {
        co_return fail(Code::corrupt, "the record of a part is lost", "InvalidPart");
      }
      digests += *raw;
      if (!record.parts.empty() && record.parts.back().size == part.size) {
        ++record.parts.back().count;
      } else {
        record.parts.push_back({part.size, 1});
      }
    }
    record.etag = multipart_etag(digests);
    record.checksums = std::move(options.checksums);
    DirTemp temp = co_await co_await take(io::Body::empty(), ctx);
    Result<> joined = co_await join(temp, upload_id, parts, ctx);
    if (!joined) {
      co_await co_await drop(temp, ctx);
      co_return std::move(joined.error());
    }
    PutAnswer answer = co_await co_await commit(std::move(temp), std::move(path), std::move(record),
                                                options.conditions, ctx);
    // The object is there; parts that stay behind are listed as an open upload and can be aborted.
    (void)co_await io::run_blocking(ctx, [&] { return store_.drop_upload(upload_id); });
    co_return answer;
  }

  Task<> abort_upload_now(ObjectKey key, std::string upload_id, Context ctx) {
    co_return co_await blocking(ctx, [&]() -> Result<> {
      auto upload = store_.upload(upload_id, key.text());
      if (!upload) return std::move(upload.error());
      return store_.drop_upload(upload_id);
    });
  }

  Task<ListPartsAnswer> list_parts_now(ObjectKey key, std::string upload_id, uint32_t part_marker,
                                       uint32_t max_parts, Context ctx) {
    co_return co_await blocking(ctx, [&]() -> Result<ListPartsAnswer> {
      auto upload = store_.upload(upload_id, key.text());
      if (!upload) return std::move(upload.error());
      auto there = store_.parts(upload_id);
      if (!there) return std::move(there.error());
      return page_parts(*there, part_marker, max_parts);
    });
  }

  Task<ListUploadsAnswer> list_uploads_now(ListUploadsOptions options, Context ctx) {
    co_return co_await blocking(ctx, [&]() -> Result<ListUploadsAnswer> {
      auto all = store_.uploads();
      if (!all) return std::move(all.error());
      return page_uploads(*all, options);
    });
  }

  Task<Capabilities> probe_now(Context ctx) {
    std::string name = random_name(*ctx.loop);
    co_return co_await blocking(ctx, [&]() -> Result<Capabilities> {
      Capabilities out{.conditional_get = true, .part_number = true, .start_after = true};
      auto listed = store_.root().list("");
      if (!listed) return std::move(listed.error());
      out.conditional_put = store_.try_to_write(name).has_value();
      return out;
    });
  }

  const DirOptions options_;
  DirStore store_;
};

}  // namespace

std::unique_ptr<Origin> make_dir_origin(DirOptions options) {
  return std::make_unique<DirOrigin>(std::move(options));
}

}  // namespace forebay::origin
