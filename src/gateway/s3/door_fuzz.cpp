// Any request at a whole door with every operation, a filled bucket behind it. The head is signed
// and the body framed by the harness, or nothing behind the signature would ever be reached:
//
//   METHOD TARGET [KIND]      KIND: a word of kKinds; with '!' the body goes unframed, as it stands
//   name: value …
//
//   body
//
// $UPLOAD and $ETAG stand for an open upload of `up` and the ETag of its parts, $MD5 in a header
// for that of the body. Host is always localhost: a bucket is what the path says. There is always
// an answer, XML is well formed, a request that only reads or that was refused leaves every byte of
// every bucket as it was, and no request changes a bucket it does not name.
#include <array>
#include <pugixml.hpp>

#include "base/encoding.h"
#include "gateway/s3/world_test.h"

using namespace forebay;
using namespace forebay::gateway::s3;

namespace {

struct Kind {
  std::string_view word;
  sign::PayloadKind kind;
};
constexpr std::array<Kind, 5> kKinds = {{
    {"hash", sign::PayloadKind::hash},
    {"unsigned", sign::PayloadKind::unsigned_body},
    {"chunks", sign::PayloadKind::streaming_signed},
    {"trailer", sign::PayloadKind::streaming_signed_trailer},
    {"unsigned-trailer", sign::PayloadKind::streaming_unsigned_trailer},
}};
/// More than a server takes is answered by http, which has its own fuzzer.
constexpr size_t kMaxFields = 64;

std::string_view cut(std::string_view& text, char end) {
  size_t at = text.find(end);
  std::string_view out = text.substr(0, at);
  text = at == std::string_view::npos ? "" : text.substr(at + 1);
  return out;
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

// What a client that reckons well would put behind its body.
void add_trailer(Ask& ask) {
  if (!sign::has_trailers(ask.kind) || !ask.framed) return;
  for (const auto& [name, value] : ask.headers) {
    if (!http::same_name(name, "x-amz-trailer")) continue;
    for (ChecksumKind kind : kAllChecksumKinds) {
      if (!http::same_name(value, header_name(kind))) continue;
      auto sum = Checksum::make(kind);
      sum->update(as_bytes(ask.body));
      ask.trailers = {{std::string(header_name(kind)), to_base64(as_bytes(sum->digest()))}};
    }
  }
}

Ask read_ask(std::string_view text) {
  Ask ask;
  std::string_view line = cut(text, '\n');
  ask.method = cut(line, ' ');
  ask.target = cut(line, ' ');
  ask.framed = !line.ends_with('!');
  if (!ask.framed) line.remove_suffix(1);
  ask.sign = line != "anonymous";
  for (const Kind& one : kKinds) {
    if (one.word == line) ask.kind = one.kind;
  }
  while (!text.empty() && ask.headers.size() < kMaxFields) {
    line = cut(text, '\n');
    if (line.empty()) break;
    std::string_view name = cut(line, ':');
    while (line.starts_with(' ')) line.remove_prefix(1);
    if (http::same_name(name, "content-length")) ask.length = false;
    ask.headers.emplace_back(name, line);
  }
  ask.body = text;
  ask.chunk = 1 + ask.body.size() / 3;
  auto md5 = Checksum::make(ChecksumKind::md5);
  md5->update(as_bytes(ask.body));
  for (auto& [name, value] : ask.headers) {
    replace_all(value, "$MD5", to_base64(as_bytes(md5->digest())));
  }
  add_trailer(ask);
  return ask;
}

/// A world with objects, one of them in parts, an open upload, and a second bucket.
class Filled {
 public:
  explicit Filled(uint64_t seed) : world(seed) {
    auto made = world.run(world.buckets.create(*BucketName::parse("other"), {}, world.ctx()));
    check(made.has_value(), "no second bucket");
    auto& origin = world.origin();
    origin.options().min_part = 1;
    origin.change("precious", "precious bytes");
    origin.change("folder/a", std::string(1000, 'a'));
    origin.change("folder/b", "");
    origin.change_parts("parts", {std::string(100, '1'), std::string(50, '2')});
    world.origin("other").change("secret", "nobody's business");
    ObjectKey up = *ObjectKey::parse("up");
    upload = *world.run(origin.create_upload(up, {}, world.ctx()));
    for (uint32_t number : {1U, 2U}) {
      auto part = world.run(origin.put_part(
          up, upload, number, {}, io::Body::of(Bytes(std::string(10, 'p'))), world.ctx()));
      etag = part->etag.text();
    }
  }
  std::string fingerprint() {
    std::string out = world.origin().fingerprint() + world.origin("other").fingerprint();
    for (const object::BucketRef& bucket : world.buckets.list()) out += ' ' + bucket->name.text();
    return out;
  }

  DoorWorld world;
  std::string upload, etag;
};

bool is_success(const Reply& reply) { return reply.status < 300; }

void check_reply(const Ask& ask, const Reply& reply) {
  check(reply.status >= 200 && reply.status <= 599, "a status that is none");
  bool xml = reply.header("content-type") == "application/xml" && !reply.body.empty();
  if (!xml) return;
  pugi::xml_document document;
  check(static_cast<bool>(document.load_buffer(reply.body.data(), reply.body.size())),
        "an answer that is no XML");
  check(is_utf8(reply.body), "XML that is no UTF-8");
  check(is_success(reply) || reply.element("Code") != "", "an error without a code");
  check(ask.method != "HEAD", "a HEAD with a body");
}

// Whether a request may change the second bucket, whatever else it says.
bool names_other(const Ask& ask) {
  std::string_view path = ask.target;
  path = path.substr(0, path.find('?'));
  constexpr std::string_view kScheme = "http://localhost";
  if (path.starts_with(kScheme)) path.remove_prefix(kScheme.size());
  if (path.starts_with('/')) path.remove_prefix(1);
  return percent_decode(path.substr(0, path.find('/'))) == "other";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Filled filled(size);
  std::string text(reinterpret_cast<const char*>(data), size);
  replace_all(text, "$UPLOAD", filled.upload);
  replace_all(text, "$ETAG", filled.etag);
  Ask ask = read_ask(text);
  std::string before = filled.fingerprint();
  std::string others = filled.world.origin("other").fingerprint();
  std::vector<Reply> replies = filled.world.send_all(filled.world.wire(ask), ask.method == "HEAD");
  check(!replies.empty(), "no answer");
  check_reply(ask, replies.front());
  // What follows a body is another request, which its maker has not signed.
  const Reply& reply = replies.front();
  bool reads = ask.method == "GET" || ask.method == "HEAD";
  if (reads || !is_success(reply)) {
    check(filled.fingerprint() == before, "a request without success has changed something");
  }
  check(names_other(ask) || filled.world.origin("other").fingerprint() == others,
        "a request has changed a bucket that it does not name");
  return 0;
}
