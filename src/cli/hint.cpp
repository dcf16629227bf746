// What to look at next, told from an error's words.
#include "cli/jobs.h"
#include "cli/run.h"

namespace forebay::cli {

namespace {

enum class Slip { none, no_tls, tls };

// Plain HTTP and TLS do not understand each other; which one talks to which can be told from the
// words of whoever gave up.
Slip slip_of_scheme(const std::string& text) {
  if (text.contains("wrong version number") || text.contains("packet length too long")) {
    return Slip::no_tls;
  }
  // A TLS alert is no HTTP, or nothing is said at all.
  if (text.contains("the server ended without a response") ||
      text.contains("not an HTTP response")) {
    return Slip::tls;
  }
  return Slip::none;
}

/// What to do where an error's word, and what its text holds, say enough.
struct Advice {
  std::string_view word;  ///< empty: any
  std::string_view text;
  std::string_view advice;
};
constexpr Advice kAdvice[] = {
    {"BucketNotEmpty", "versions",
     "'forebay rm -r' leaves versions and delete markers; with boto3: "
     "Bucket(NAME).object_versions.delete()"},
    {"BucketNotEmpty", "", "'forebay rm -r NAME' deletes what is in it"},
    {"QuotaExceeded", "", "'forebay bucket set NAME --max-bytes SIZE --max-objects N' allows more"},
    {"NoSuchJob", "", "'forebay job ls' lists the jobs"},
    {"ServiceUnavailable", "",
     "the daemon answers, but what is behind this does not: its log and 'forebay status' tell why"},
    {"", "--origin-profile ",
     "--origin-profile names a section of ~/.aws/credentials, or of $AWS_SHARED_CREDENTIALS_FILE "
     "where that is set: unset it if it names Forebay's own file"},
    {"", ": Is a directory",
     "one file is copied at a time; for a folder take another client: 'aws s3 cp --recursive', "
     "'rclone copy'"},
    {"", "the answer is not a ",
     "what answers there does not seem to speak S3; --s3 (FOREBAY_S3) wants what the daemon's "
     "ready line calls s3="},
    {"", "TLS certificate",
     "--ca-bundle FILE (FOREBAY_CA_BUNDLE) says whose certificates are good"},
    {"", "/credentials: No such file",
     "--data DIR wants the daemon's data folder, where its keys are"}};

std::string about_scheme(const std::string& text) {
  switch (slip_of_scheme(text)) {
    case Slip::no_tls:
      return "forebay: no TLS is spoken there: say http://HOST:PORT, or HOST:PORT alone\n";
    case Slip::tls:
      return "forebay: if that address speaks TLS (the daemon has --tls-cert), say "
             "https://HOST:PORT\n";
    case Slip::none: break;
  }
  return {};
}

std::string about_origin(const Error& error) {
  const std::string& text = error.text();
  switch (slip_of_scheme(text)) {
    case Slip::no_tls:
      return "forebay: the origin speaks no TLS at that port: say endpoint=http://HOST:PORT in "
             "--origin\n";
    case Slip::tls:
      return "forebay: if the origin speaks TLS at that port, say endpoint=https://HOST:PORT in "
             "--origin\n";
    case Slip::none: break;
  }
  if (text.contains("SignatureDoesNotMatch")) {
    return "forebay: the origin knows this access key, but the secret is not its: look at "
           "FOREBAY_ORIGIN_SECRET_KEY, or at what --origin-profile names ('forebay bucket set "
           "--help' for a bucket that is there)\n";
  }
  if (text.contains("InvalidAccessKeyId")) {
    return "forebay: the origin does not know this access key: look at FOREBAY_ORIGIN_ACCESS_KEY, "
           "or at what --origin-profile names ('forebay bucket set --help' for a bucket that is "
           "there)\n";
  }
  bool refused = error.code() == Code::denied && error.detail() == "AccessDenied";
  if (is_no_s3(text) && !refused) {
    return "forebay: what answers there does not seem to speak S3: endpoint= in --origin wants "
           "the S3 port, not that of an admin address or a console\n";
  }
  if (refused) {
    return "forebay: the origin refuses its keys, or has none. 'forebay bucket create' takes them "
           "from FOREBAY_ORIGIN_ACCESS_KEY and FOREBAY_ORIGIN_SECRET_KEY, or --origin-profile; of "
           "a bucket that is there 'forebay bucket set NAME --origin-access-key KEY' changes "
           "them\n";
  }
  return {};
}

}  // namespace

bool is_no_s3(std::string_view text) {
  constexpr std::string_view kAnswered = "the origin answered 4";
  if (text.contains("the origin's answer is not a")) return true;
  size_t at = text.find(kAnswered);
  // Two more digits; an S3 server goes on with its word for it.
  return at != text.npos && text.size() == at + kAnswered.size() + 2;
}

std::string hint(const Error& error) {
  const std::string& text = error.text();
  const std::string& word = error.detail();
  // What went wrong with objects on their way is told with them, and is not of this command.
  if (word == kUsage || word == kJobOver) return {};
  if (text.contains("the origin") || text.contains("bucket's origin")) return about_origin(error);
  if (word == "NotS3") {
    return "forebay: that address is for --admin; --s3 (FOREBAY_S3) wants what the daemon's ready "
           "line calls s3=, 127.0.0.1:9000 if nothing else was said\n";
  }
  if (word == "NotAdmin") {
    return "forebay: that address is for --s3; --admin (FOREBAY_ADMIN) wants what the daemon's "
           "ready line calls admin=, 127.0.0.1:9001 if nothing else was said\n";
  }
  if (word == "NoSuchBucket") {
    return "forebay: 'forebay bucket ls' lists the buckets; 'forebay bucket create NAME --origin "
           "URL' "
           "makes one\nforebay: if it is listed its origin is gone: see 'forebay status'\n";
  }
  if (word == "InvalidAccessKeyId" || word == "SignatureDoesNotMatch") {
    return "forebay: these keys are not this daemon's; --data DIR names its data folder (all of "
           "it: 'forebay --help')\n";
  }
  if (error.code() == Code::denied && word == "AccessDenied") {
    return "forebay: no rights, or no credentials: --data DIR names the daemon's data folder "
           "(all of it: 'forebay --help')\n";
  }
  for (const Advice& one : kAdvice) {
    bool fits = one.word.empty() || one.word == word;
    if (fits && text.contains(one.text)) return "forebay: " + std::string(one.advice) + '\n';
  }
  if (std::string scheme = about_scheme(text); !scheme.empty()) return scheme;
  // Whoever reads us and leaves ("| head") is no daemon.
  bool here = text.contains("standard output");
  if (error.code() == Code::unavailable && !here) {
    return "forebay: is 'forebay serve' running there? --s3 and --admin name its addresses\n";
  }
  return {};
}

}  // namespace forebay::cli
