// Call: one S3 request while it is answered, and the services it is answered with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "auth/guard.h"
#include "base/allowance.h"
#include "gateway/s3/operation.h"
#include "http/message.h"
#include "job/crew.h"
#include "object/bucket.h"
#include "object/store.h"
#include "obs/access.h"

namespace forebay::gateway::s3 {

/// What the S3 door stands on; made by node.
struct Services {
  object::Store& objects;
  object::Buckets& buckets;
  auth::Guard& guard;
  job::Crews& crews;
  std::string region = "us-east-1";  ///< what GetBucketLocation and HeadBucket tell
  /// Domain whose subdomains are buckets (virtual-hosted style), beside "localhost"; may be empty.
  std::string domain;
  object::Freshness freshness;  ///< of buckets made through S3
  /// Cache-Control: no-cache as RFC 9111 means it: checked with the origin, then as usual. Else
  /// LOTA's meaning: served from what is here, a miss is not stored.
  bool no_cache_checks = false;
  /// Bytes of documents in memory at once, all loops together: of answers, and of what origins say.
  /// More → SlowDown, but for lists, whose pages get shorter.
  std::shared_ptr<Allowance> documents = std::make_shared<Allowance>(64 << 20);
  /// The same of XML bodies of requests, apart from them: who reads lists slowly keeps nobody from
  /// asking.
  std::shared_ptr<Allowance> bodies = std::make_shared<Allowance>(64 << 20);
  /// And of forms' fields while their files are written.
  std::shared_ptr<Allowance> forms = std::make_shared<Allowance>(8 << 20);
  /// And of files in small forms. More → they are streamed.
  std::shared_ptr<Allowance> form_files = std::make_shared<Allowance>(8 << 20);
};

/// Whom buckets and objects belong to: the one owner there is.
inline constexpr std::string_view kOwner = "forebay";

/// No signature covers more, and each is looked at before anybody has shown who he is.
inline constexpr size_t kMaxParameters = 256;
/// Decoded query parameters in the order sent; "" for one without '='.
using Query = std::vector<std::pair<std::string, std::string>>;

/// What a request asks for: where, what, with which parameters.
struct Routed {
  const Operation* operation = &kUnknown;
  std::string bucket_name = {};  ///< decoded; empty for the service
  std::string key_text = {};     ///< decoded; empty for a bucket
  Query query = {};
  /// Why `operation` is kUnknown though a row was near: a query name that row does not take.
  std::string foreign = {};

  /// The error of a request that is no operation.
  Error refusal() const;
  /// The value of a query parameter; nothing when it is absent.
  std::optional<std::string_view> parameter(std::string_view name) const;
  /// A number parameter, `fallback` when absent; else Code::invalid, "InvalidArgument".
  Result<uint32_t> number(std::string_view name, uint32_t fallback, uint32_t limit) const;
};

/// Finds bucket, key, query and operation of a request: path style, and virtual-hosted style below
/// `domain` and localhost. A request is an operation only if that operation takes every query
/// parameter of it; a read ignores those that S3 does not have, and names that begin with "x-"
/// always pass. Errors: InvalidURI (bad percent-encoding, no UTF-8), InvalidBucketName (empty);
/// other names are judged by the operation.
Result<> route(const http::Request& request, std::string_view domain, Routed& out);

struct Call : Routed {
  Call(http::Request& r, Services& s, obs::RequestId i) : request(r), services(s), id(i) {}

  http::Request& request;
  Services& services;
  obs::RequestId id;
  auth::Verified verdict;
  bool admitted = false;   ///< its sender may do this here
  Time authenticated;      ///< for Server-Timing
  std::string_view cache;  ///< X-Cache; empty: does not apply
  /// S3's code of an answer that is no success but was made by the operation itself.
  std::string_view error;
  std::string unseen;  ///< what the answer hides from the client, for the log
  obs::Level unseen_level = obs::Level::debug;
  std::optional<object::Writing> writing;
  Allowance::Share share;       ///< what the answer holds of Services, see document.h
  std::vector<Header> headers;  ///< backs request.headers when the query brought more

  std::optional<std::string_view> header(std::string_view name) const {
    return request.header(name);
  }
  /// The bucket it is for; a write is on its way there from now on, until its answer is made.
  Result<object::BucketRef> bucket() {
    auto found = services.buckets.get(bucket_name);
    if (!found || !operation->write) return found;
    auto begun = object::Writing::begin(*found);
    if (!begun) return std::move(begun.error());
    writing.emplace(std::move(*begun));
    return found;
  }
  Result<ObjectKey> key() const { return ObjectKey::parse(key_text); }
  /// Keeps an error's text for the log; of several the first of the gravest.
  void note_unseen(obs::Level level, const Error& failed) {
    if (!unseen.empty() && level <= unseen_level) return;
    unseen = failed.text();
    unseen_level = level;
  }
};

// One function per operation, one file each.
Task<http::Response> list_buckets(Call& call, Context ctx);
Task<http::Response> create_bucket(Call& call, Context ctx);
Task<http::Response> head_bucket(Call& call, Context ctx);
Task<http::Response> delete_bucket(Call& call, Context ctx);
Task<http::Response> get_bucket_location(Call& call, Context ctx);
Task<http::Response> get_object(Call& call, Context ctx);
Task<http::Response> head_object(Call& call, Context ctx);
Task<http::Response> put_object(Call& call, Context ctx);
Task<http::Response> post_object(Call& call, Context ctx);
Task<http::Response> copy_object(Call& call, Context ctx);
Task<http::Response> upload_part_copy(Call& call, Context ctx);
Task<http::Response> rename_object(Call& call, Context ctx);
Task<http::Response> delete_object(Call& call, Context ctx);
Task<http::Response> delete_objects(Call& call, Context ctx);
Task<http::Response> get_bucket_acl(Call& call, Context ctx);
Task<http::Response> get_bucket_versioning(Call& call, Context ctx);
Task<http::Response> put_bucket_versioning(Call& call, Context ctx);
Task<http::Response> get_bucket_policy(Call& call, Context ctx);
Task<http::Response> get_bucket_policy_status(Call& call, Context ctx);
Task<http::Response> get_bucket_request_payment(Call& call, Context ctx);
Task<http::Response> get_bucket_ownership_controls(Call& call, Context ctx);
Task<http::Response> get_public_access_block(Call& call, Context ctx);
Task<http::Response> get_bucket_cors(Call& call, Context ctx);
Task<http::Response> put_bucket_cors(Call& call, Context ctx);
Task<http::Response> delete_bucket_cors(Call& call, Context ctx);
Task<http::Response> get_bucket_lifecycle_configuration(Call& call, Context ctx);
Task<http::Response> put_bucket_lifecycle_configuration(Call& call, Context ctx);
Task<http::Response> delete_bucket_lifecycle(Call& call, Context ctx);
Task<http::Response> get_bucket_tagging(Call& call, Context ctx);
Task<http::Response> put_bucket_tagging(Call& call, Context ctx);
Task<http::Response> delete_bucket_tagging(Call& call, Context ctx);
Task<http::Response> put_bucket_acl(Call& call, Context ctx);
Task<http::Response> put_bucket_ownership_controls(Call& call, Context ctx);
Task<http::Response> put_public_access_block(Call& call, Context ctx);
Task<http::Response> get_object_acl(Call& call, Context ctx);
Task<http::Response> get_object_attributes(Call& call, Context ctx);
Task<http::Response> put_object_acl(Call& call, Context ctx);
Task<http::Response> get_object_tagging(Call& call, Context ctx);
Task<http::Response> put_object_tagging(Call& call, Context ctx);
Task<http::Response> delete_object_tagging(Call& call, Context ctx);
Task<http::Response> list_object_versions(Call& call, Context ctx);
Task<http::Response> list_objects(Call& call, Context ctx);
Task<http::Response> list_objects_v2(Call& call, Context ctx);
Task<http::Response> create_multipart_upload(Call& call, Context ctx);
Task<http::Response> upload_part(Call& call, Context ctx);
Task<http::Response> complete_multipart_upload(Call& call, Context ctx);
Task<http::Response> abort_multipart_upload(Call& call, Context ctx);
Task<http::Response> list_parts(Call& call, Context ctx);
Task<http::Response> list_multipart_uploads(Call& call, Context ctx);

}  // namespace forebay::gateway::s3
