// What servers do in their own way beyond the stored capabilities: asked once per origin and
// process, when a request first depends on it, by an object of our own that is removed again.
#include <array>

#include "base/encoding.h"
#include "origin/s3/origin.h"
#include "origin/s3/trailer.h"

namespace forebay::origin {

namespace {

/// No name that a Forebay or a file system would keep for itself.
constexpr std::string_view kProbeName = "forebay-probe-";
constexpr std::string_view kProbeText = "forebay";

}  // namespace

Result<ObjectKey> s3_probe_key(io::Loop& loop) {
  std::array<std::byte, 16> bytes;
  loop.random_bytes(bytes);
  return ObjectKey::parse(std::string(kProbeName) + to_hex(bytes));
}

io::Body s3_probe_body() { return io::Body::of(Bytes(std::string(kProbeText))); }

Task<> S3Origin::clean_up(ObjectKey key, std::vector<std::string> versions, Context ctx) {
  // Where there are versions, a plain delete would leave a marker behind.
  if (versions.empty()) co_return co_await remove_now(key, {}, ctx);
  for (std::string& version : versions) {
    co_await co_await remove_now(key, std::move(version), ctx);
  }
  co_return ok;
}

Task<S3MatchForm> S3Origin::try_forms(ObjectKey key, ETag etag, std::vector<std::string>& versions,
                                      Context ctx) {
  for (S3MatchForm form : {S3MatchForm::quoted, S3MatchForm::bare}) {
    PutOptions options{.conditions = {.if_match = etag}};
    Result<PutAnswer> put = co_await put_as(key, std::move(options), s3_probe_body(), form, ctx);
    if (put && !put->version_id.empty()) versions.push_back(put->version_id);
    co_await s3_answered(put);
    if (put) co_return form;
  }
  co_return S3MatchForm::none;
}

Task<S3MatchForm> S3Origin::match_form(Context ctx) {
  S3MatchForm known = match_form_.load(std::memory_order_relaxed);
  if (known != S3MatchForm::unknown) co_return known;
  ObjectKey key = co_await s3_probe_key(*ctx.loop);
  PutAnswer put = co_await co_await put_as(key, {}, s3_probe_body(), S3MatchForm::quoted, ctx);
  std::vector<std::string> versions;
  if (!put.version_id.empty()) versions.push_back(put.version_id);
  Result<S3MatchForm> form = co_await try_forms(key, put.etag, versions, ctx);
  (void)co_await clean_up(std::move(key), std::move(versions), ctx);
  if (form) match_form_.store(*form, std::memory_order_relaxed);
  co_return form;
}

// Many servers delete whatever If-Match says, some where nothing is.
Task<S3MatchForm> S3Origin::try_removals(ObjectKey key, std::vector<std::string>& versions,
                                         Context ctx) {
  auto note = [&](const std::string& version) {
    if (!version.empty()) versions.push_back(version);
  };
  auto refused = [&](const Result<Removed>& done) {
    if (done) note(done->version_id);
    return s3_judged(done) || (!done && done.error().code() == Code::not_found);
  };
  const ETag nobodys{std::string(kNobodysEtag)}, any("*");
  PutAnswer put = co_await co_await put_as(key, {}, s3_probe_body(), S3MatchForm::quoted, ctx);
  note(put.version_id);
  Result<Removed> done = co_await remove_as(key, nobodys, S3MatchForm::quoted, ctx);
  co_await s3_answered(done);
  bool judged = s3_judged(done);
  if (done) note(done->version_id);
  if (!judged) co_return S3MatchForm::none;
  S3MatchForm form = S3MatchForm::quoted;
  done = co_await remove_as(key, put.etag, form, ctx);
  if (s3_judged(done)) {
    form = S3MatchForm::bare;
    done = co_await remove_as(key, nobodys, form, ctx);
    co_await s3_answered(done);
    if (!s3_judged(done)) {
      if (done) note(done->version_id);
      co_return S3MatchForm::none;
    }
    done = co_await remove_as(key, put.etag, form, ctx);
  }
  co_await s3_answered(done);
  if (!done) co_return S3MatchForm::none;
  note(done->version_id);
  for (const ETag& wanted : {put.etag, any}) {
    done = co_await remove_as(key, wanted, form, ctx);
    co_await s3_answered(done);
    if (!refused(done)) co_return S3MatchForm::none;
  }
  put = co_await co_await put_as(key, {}, s3_probe_body(), S3MatchForm::quoted, ctx);
  note(put.version_id);
  done = co_await remove_as(key, any, form, ctx);
  co_await s3_answered(done);
  if (!done) co_return S3MatchForm::none;
  note(done->version_id);
  co_return form;
}

Task<S3MatchForm> S3Origin::removal_form(Context ctx) {
  S3MatchForm known = removal_form_.load(std::memory_order_relaxed);
  if (known != S3MatchForm::unknown) co_return known;
  ObjectKey key = co_await s3_probe_key(*ctx.loop);
  std::vector<std::string> versions;
  Result<S3MatchForm> form = co_await try_removals(key, versions, ctx);
  (void)co_await clean_up(std::move(key), std::move(versions), ctx);
  if (form) removal_form_.store(*form, std::memory_order_relaxed);
  co_return form;
}

Task<bool> S3Origin::try_completion(ObjectKey key, std::vector<std::string>& versions,
                                    Context ctx) {
  std::string id = co_await co_await create_upload_now(key, {}, ctx);
  Result<PartInfo> part = co_await put_part_now(key, id, 1, {}, s3_probe_body(), ctx);
  Result<PutAnswer> done = fail(Code::internal, "no part");
  if (part) {
    std::vector<CompletedPart> parts{{1, part->etag, {}}};
    done = co_await finish_upload(key, id, std::move(parts),
                                  {.conditions = {.if_none_match_any = true}}, ctx);
  }
  if (done && !done->version_id.empty()) versions.push_back(done->version_id);
  if (!done) (void)co_await abort_upload_now(key, id, ctx);
  if (!part) co_return std::move(part.error());
  co_await s3_answered(done);
  co_return s3_judged(done);
}

Task<bool> S3Origin::judges_completions(Context ctx) {
  Judges known = judges_completions_.load(std::memory_order_relaxed);
  if (known != Judges::unknown) co_return known == Judges::yes;
  ObjectKey key = co_await s3_probe_key(*ctx.loop);
  PutAnswer put = co_await co_await put_as(key, {}, s3_probe_body(), S3MatchForm::quoted, ctx);
  std::vector<std::string> versions;
  if (!put.version_id.empty()) versions.push_back(put.version_id);
  Result<bool> judges = co_await try_completion(key, versions, ctx);
  (void)co_await clean_up(std::move(key), std::move(versions), ctx);
  if (judges) {
    judges_completions_.store(*judges ? Judges::yes : Judges::no, std::memory_order_relaxed);
  }
  co_return judges;
}

Task<bool> S3Origin::try_trailer(ObjectKey key, std::vector<std::string>& versions, Context ctx) {
  auto sum = Checksum::make(ChecksumKind::crc32);
  sum->update(as_bytes(kProbeText));
  const std::string name(header_name(ChecksumKind::crc32));
  const std::string value = to_base64(as_bytes(sum->digest()));
  S3Call call{.method = "PUT", .key = key.text()};
  auto trailing = std::make_shared<const Fields>(Fields{{name, value}});
  call.body = s3_with_trailer(s3_probe_body(), ChecksumKind::crc32, trailing, call.fields);
  call.trailer = true;
  Result<http::ClientResponse> put = co_await wire_.send(std::move(call), ctx);
  co_await s3_answered(put);
  if (!put) co_return false;
  if (std::string version = s3_version(*put); !version.empty()) versions.push_back(version);
  Result<ObjectInfo> info = co_await head_now(std::move(key), {}, ctx);
  co_await s3_answered(info);
  if (!info) co_return false;
  auto kept = info->checksums.find(name);
  co_return info->size == kProbeText.size() && kept != info->checksums.end() &&
      kept->second == value;
}

Task<bool> S3Origin::takes_trailers(Context ctx) {
  Judges known = takes_trailers_.load(std::memory_order_relaxed);
  if (known != Judges::unknown) co_return known == Judges::yes;
  ObjectKey key = co_await s3_probe_key(*ctx.loop);
  std::vector<std::string> versions;
  Result<bool> takes = co_await try_trailer(key, versions, ctx);
  (void)co_await clean_up(std::move(key), std::move(versions), ctx);
  if (takes) {
    takes_trailers_.store(*takes ? Judges::yes : Judges::no, std::memory_order_relaxed);
  }
  co_return takes;
}

}  // namespace forebay::origin
