// Versions of objects: what a bucket keeps, its list of them, and their removal.
#include "base/encoding.h"
#include "origin/s3/origin.h"

namespace forebay::origin {

namespace {

/// Pages in a row that hold nothing but versions of the prefix itself.
constexpr int kMaxBarePages = 100;

}  // namespace

Task<Versioning> S3Origin::versioning_now(Context ctx) {
  S3Call call{.query = {{"versioning", ""}}, .missing = "NoSuchBucket"};
  S3Text answer = co_await co_await wire_.send_for_text(std::move(call), ctx);
  co_return parse_s3_versioning(answer.text);
}

// Once kept they never are not: a bucket can only be suspended.
Task<bool> S3Origin::has_versions(Context ctx) {
  if (versioned_.load(std::memory_order_relaxed)) co_return true;
  Result<Versioning> now = co_await versioning(ctx);
  if (!now) {
    const Error& error = now.error();
    // Who may not ask may read versions all the same; a server that refuses just this knows them.
    if (error.code() == Code::denied) co_return true;
    // And one that does not know the question has none. What is no answer to it says nothing.
    bool strange = error.code() == Code::invalid ||
                   (error.code() == Code::not_found && error.detail() != "NoSuchBucket");
    if (strange) co_return false;
    co_return now.error();
  }
  bool has = *now != Versioning::never;
  if (has) versioned_.store(true, std::memory_order_relaxed);
  co_return has;
}

Task<> S3Origin::set_versioning_now(Versioning to, Context ctx) {
  S3Call call{.method = "PUT", .query = {{"versioning", ""}}, .missing = "NoSuchBucket"};
  call.document = s3_versioning_document(to);
  // S3 wants a checksum of this document, beside the signature's.
  auto sum = Checksum::make(ChecksumKind::crc32);
  sum->update(as_bytes(call.document));
  call.fields.add(header_name(ChecksumKind::crc32), to_base64(as_bytes(sum->digest())));
  http::ClientResponse response = co_await co_await wire_.send(std::move(call), ctx);
  if (response.status != 200) co_return s3_unclear(response);
  co_return ok;
}

Task<ListVersionsAnswer> S3Origin::list_page_of_versions(ListVersionsOptions options, Context ctx) {
  S3Call call{.missing = "NoSuchBucket"};
  call.query = {{"versions", ""}, {"encoding-type", "url"}, {"prefix", options.prefix}};
  if (!options.delimiter.empty()) call.query.emplace_back("delimiter", options.delimiter);
  if (!options.key_marker.empty()) call.query.emplace_back("key-marker", options.key_marker);
  if (!options.version_marker.empty()) {
    call.query.emplace_back("version-id-marker", options.version_marker);
  }
  S3Text text =
      co_await co_await wire_.send_for_page(std::move(call), "max-keys", options.max_keys, ctx);
  ListVersionsAnswer page = co_await parse_s3_versions(text.text);
  bool stuck = page.truncated && page.next_key == options.key_marker &&
               page.next_version == options.version_marker;
  if (stuck) co_return fail(Code::corrupt, "the origin's list of versions does not go on");
  page.share = std::move(text.share);
  co_return page;
}

Task<ListVersionsAnswer> S3Origin::list_versions_now(ListVersionsOptions options, Context ctx) {
  options.prefix = wire_.prefixed(options.prefix);
  if (!options.key_marker.empty()) options.key_marker = wire_.prefixed(options.key_marker);
  ListVersionsAnswer page = co_await co_await list_page_of_versions(options, ctx);
  // The prefix itself, as in list_now(): no key below it, nor a place that a client could name.
  for (int bare = 0; page.truncated && page.next_key == wire_.prefixed(""); ++bare) {
    if (bare == kMaxBarePages) co_return fail(Code::corrupt, "a list of versions does not go on");
    options.key_marker = std::move(page.next_key);
    options.version_marker = std::move(page.next_version);
    page = co_await co_await list_page_of_versions(options, ctx);
  }
  for (ListedVersion& version : page.versions) {
    version.object.key = co_await wire_.stripped(std::move(version.object.key));
  }
  for (std::string& prefix : page.prefixes) {
    prefix = co_await wire_.stripped(std::move(prefix));
  }
  std::erase_if(page.versions, [](const ListedVersion& one) { return one.object.key.empty(); });
  if (page.truncated) page.next_key = co_await wire_.stripped(std::move(page.next_key));
  co_return page;
}

Task<Removed> S3Origin::remove_matching_now(ObjectKey key, ETag wanted, Context ctx) {
  S3MatchForm form = co_await co_await removal_form(ctx);
  if (form == S3MatchForm::none) {
    co_return fail(Code::invalid, "the origin does not heed If-Match of a delete",
                   "NotImplemented");
  }
  co_await allow_s3_match(wanted, form);
  co_return co_await remove_as(std::move(key), std::move(wanted), form, ctx);
}

Task<Removed> S3Origin::remove_as(ObjectKey key, ETag wanted, S3MatchForm form, Context ctx) {
  S3Call call{.method = "DELETE", .key = key.text()};
  add_s3_conditions({.if_match = std::move(wanted)}, form, call.fields);
  http::ClientResponse response = co_await co_await wire_.send(std::move(call), ctx);
  co_await s3_removed(response);
  Removed done{.marker = response.header("x-amz-delete-marker") == "true"};
  done.version_id = response.header("x-amz-version-id").value_or("");
  co_return done;
}

Task<Removed> S3Origin::remove_version_now(ObjectKey key, std::string version_id, Context ctx) {
  S3Call call{.method = "DELETE", .key = key.text()};
  if (!version_id.empty()) call.query.emplace_back("versionId", version_id);
  Result<http::ClientResponse> response = co_await wire_.send(std::move(call), ctx);
  bool gone = !response && response.error().code() == Code::not_found &&
              response.error().detail() != "NoSuchBucket";
  if (gone) co_return Removed{.version_id = std::move(version_id)};
  if (!response) co_return std::move(response.error());
  co_await s3_removed(*response);
  Removed done{.marker = response->header("x-amz-delete-marker") == "true"};
  done.version_id = response->header("x-amz-version-id").value_or(version_id);
  co_return done;
}

}  // namespace forebay::origin
