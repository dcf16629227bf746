#include "gateway/s3/compatibility.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "gateway/s3/operation.h"

namespace forebay::gateway::s3 {

namespace {

std::string_view title(Scope scope) {
  switch (scope) {
    case Scope::service: return "Service";
    case Scope::bucket: return "Buckets";
    case Scope::object: return "Objects";
  }
  return "";
}

std::string request(const Operation& row) {
  std::string text = "`" + std::string(row.method);
  text += row.scope == Scope::service ? " /" : row.scope == Scope::bucket ? " /b" : " /b/k";
  if (!row.markers.empty()) {
    std::string markers(row.markers);
    std::ranges::replace(markers, ' ', '&');
    text += "?" + markers;
  }
  text += "`";
  if (!row.header.empty()) text += " with `" + std::string(row.header) + "`";
  return text;
}

// "a b" → "`a` `b`".
std::string quoted(std::string_view words) {
  std::string text(words);
  for (size_t at = 0; (at = text.find(' ', at)) != std::string::npos; at += 3) {
    text.replace(at, 1, "` `");
  }
  return text.empty() ? text : "`" + text + "`";
}

struct Meaning {
  State state;
  std::string_view word, promise;
};

// In the order of State.
constexpr auto kMeanings = std::to_array<Meaning>({
    {State::no, "no", "`NotImplemented`, and nothing is done"},
    {State::yes, "yes",
     "carried out; at an S3 origin by requests that every S3 server has: objects, lists and "
     "multipart uploads. It needs neither versions nor tags there"},
    {State::origin, "origin",
     "sent on, and what the origin says is the answer. One that keeps versions, or tags, has it; "
     "of another its refusal is told (`NotImplemented` where that says 501)"},
    {State::own, "own", "kept or told by Forebay itself; the origin is neither asked nor told"},
    {State::fixed, "fixed",
     "as every bucket here is: ACLs disabled, public access blocked, no policy, its owner pays. "
     "What leaves it so succeeds; what would change it is `AccessControlListNotSupported` or "
     "`NotImplemented`"},
    {State::none, "none",
     "as in a bucket that never had any; to take away what is not there succeeds"},
    {State::one_version, "one version", "each object is its only version, `null`"},
    {State::unversioned, "unversioned",
     "carried out where no versions were ever kept, else `NotImplemented`"},
    {State::forgets, "forgets",
     "an empty bucket leaves Forebay. The bucket of an S3 server stays there; a folder goes if "
     "CreateBucket made it"},
});

constexpr bool in_order() {
  for (size_t i = 0; i < kMeanings.size(); ++i) {
    if (kMeanings[i].state != static_cast<State>(i)) return false;
  }
  return static_cast<size_t>(State::forgets) + 1 == kMeanings.size();
}
static_assert(in_order());

std::string_view word(State state) { return kMeanings[static_cast<size_t>(state)].word; }

// Lines as they stand on the page.
constexpr std::string_view kOpening = R"(# S3 compatibility

Made from the table in `src/gateway/s3/operation.cpp` by `forebay s3-compatibility`; do not edit.
An operation that is not answered gets S3's `NotImplemented` (501) or, where S3 has no such
method, `MethodNotAllowed` (405): never a wrong success. Who has not signed, or may not do it, gets
`AccessDenied` (403) before that. A browser's form (PostObject) is signed in its own fields: it
takes those that are a PutObject's headers, and refuses what that would refuse.

A request is an operation only if that operation takes all of its query parameters; a GET or HEAD
ignores names that S3 does not have. Names beginning with `x-` always pass; `x-amz-` headers that a
presigned URL carries in its query count as headers. A write is refused (501) when it has an
`x-amz-` or `If-` header that stands neither in its row nor among those that change nothing
(signature, framing, `x-amz-expected-bucket-owner`, which is checked, `x-amz-request-payer`,
`x-amz-user-agent`, `x-amz-sdk-*`).

## What the words promise

What an operation does is told for each kind of bucket: native ones, folders (`dir`) and S3 origins.

| word | in a bucket of that kind |
|---|---|
)";

// What an answered operation takes, where that differs.
struct Taken {
  std::string_view what, native, folder, s3;
};
constexpr auto kTaken = std::to_array<Taken>({
    {"`versionId`", "of its versions; `null` where none were ever kept",
     "`null`; another is `NoSuchVersion`",
     "sent on where the origin ever kept versions, else as `dir`"},
    {"`if-match`, `if-none-match` of a write", "yes", "yes, in a folder that can be written to",
     "where it was seen to heed them (`conditional_put` in `forebay bucket show`; completions are "
     "tried apart), else `NotImplemented`"},
    {"`if-match` of a delete", "yes", "yes", "where it was seen to heed it, else `NotImplemented`"},
    {"`partNumber` of a read", "yes", "yes",
     "where the upload came through Forebay or the origin tells of parts, else `NotImplemented`"},
    {"`x-amz-tagging` of a write", "yes", "yes",
     "sent on; a store without tags may pass over it, and over those that a copy takes along"},
    {"`x-amz-checksum-*`", "kept", "kept", "verified, and kept as far as the origin keeps them"},
    {"`x-amz-server-side-encryption: AES256`", "`NotImplemented`", "`NotImplemented`", "sent on"},
    {"`x-amz-storage-class`", "`STANDARD` only", "`STANDARD` only", "sent on"},
    {"copies", "the bytes are copied here", "the bytes are copied here",
     "by the origin from a bucket of the same endpoint, region and key, if it copies no other "
     "version than it is told; else through Forebay"},
});

// "| a | b |".
std::string line(std::initializer_list<std::string_view> cells) {
  std::string text = "|";
  for (std::string_view cell : cells) text += " " + std::string(cell) + " |";
  return text + "\n";
}

std::string table_row(const Operation& row) {
  const Answered& done = row.answered;
  return line({row.name, request(row), word(done.native), word(done.folder), word(done.s3),
               quoted(row.names), quoted(row.headers)});
}

}  // namespace

std::string compatibility_page() {
  std::string page(kOpening);
  for (const Meaning& one : kMeanings) {
    page += line({one.word, one.promise});
  }
  page +=
      "\nWhat an operation that is answered takes, where kinds differ:\n\n"
      "| what | native | `dir` | S3 origin |\n|---|---|---|---|\n";
  for (const Taken& one : kTaken) page += line({one.what, one.native, one.folder, one.s3});
  for (Scope scope : {Scope::service, Scope::bucket, Scope::object}) {
    page += "\n## " + std::string(title(scope)) +
            "\n\n| operation | request | native | `dir` | S3 origin | further query parameters | "
            "headers of a write |\n|---|---|---|---|---|---|---|\n";
    for (const Operation& row : operations()) {
      if (row.scope == scope) page += table_row(row);
    }
  }
  return page;
}

}  // namespace forebay::gateway::s3
