// Headers that describe an object: read from uploads, written to answers.
#pragma once

#include "gateway/s3/call.h"
#include "object/conditions.h"
#include "origin/origin.h"

namespace forebay::gateway::s3 {

/// All x-amz-meta-* names and values together (S3: 2 KiB).
inline constexpr size_t kMaxMetadata = 2 << 10;
/// Fields of an object, metadata among them: what goes on to an origin, and comes back from it, is
/// a head with others in it.
inline constexpr size_t kMaxFields = 100;

/// Without blanks and tabs at its ends.
std::string_view trim(std::string_view text);
/// In lower case as ASCII has it: names of headers and of hosts.
std::string lower(std::string_view text);

/// What an upload says of its object; headers.h has refused the headers that nobody carries out.
/// Errors: NotImplemented (an ACL, a condition the origin cannot keep), InvalidStorageClass,
/// MetadataTooLarge.
Result<origin::PutOptions> read_put_options(const Call& call, const object::Bucket& bucket);

/// Buckets are their owner's alone, as S3's with ACLs off: only a canned ACL that says so is taken.
Result<> check_acl(std::string_view canned);

/// Whether a list's names are to be percent-encoded; another encoding-type than "url" →
/// InvalidArgument.
Result<bool> wants_url_encoding(const Call& call);

/// If-Match and friends of a read.
object::ReadConditions read_conditions(const Call& call);
/// The headers that the conditions of a read, or of a copy's source, come in.
struct ConditionHeaders {
  std::string_view match, none_match, modified_since, unmodified_since;
};
/// What is no date is no condition.
object::ReadConditions read_conditions(const Call& call, const ConditionHeaders& headers);
/// Code::invalid, "InvalidArgument", for a date among them that cannot be read: in a write it would
/// be a condition that is dropped.
Result<> check_dates(const Call& call, const ConditionHeaders& headers);

/// Refuses what no operation of ours carries out: SSE-C keys.
Result<> refuse_unsupported(const Call& call);
/// The versionId it names; empty without one. One that is there and empty → InvalidArgument.
Result<std::string> read_version(const Call& call);
/// What If-Match names: an ETag, which clients send with quotes or without, or "*".
ETag wanted_etag(std::string_view text);
/// InvalidArgument, with those words.
Error bad_argument(std::string text);
/// Whether it is UTF-8 without control characters: in a row, a header or XML what it is in memory.
bool is_plain(std::string_view text);
/// A delete of a version, which S3 does not make depend on a condition.
Error condition_with_version();
/// Tells which version an answer is about, where there is one to tell.
void write_version(http::HeadFields& out, std::string_view version_id);

/// ETag, Last-Modified, version id, and `fields`: the type and metadata of the object.
void write_info(http::HeadFields& out, const object::Head& head, const origin::Fields& fields);

}  // namespace forebay::gateway::s3
