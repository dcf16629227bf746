// Any bytes as a request head: scanner, parser and rules agree with themselves, whatever pieces
// the bytes come in, and never show anything that was not there.
#include <cstdlib>

#include "base/check.h"
#include "http/framing.h"

using namespace forebay;
using namespace forebay::http;

namespace {

void inside(std::string_view part, std::string_view whole) {
  if (part.empty()) return;
  check(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size(),
        "a view points elsewhere");
}

HeadScanner::Found scan_in_steps(std::string_view bytes, size_t step) {
  HeadScanner scanner({.bytes = 4096, .fields = 20});
  HeadScanner::Found found;
  for (size_t have = 0; have < bytes.size() && !found.fault && found.size == 0;) {
    have = std::min(have + step, bytes.size());
    found = scanner.scan(bytes.substr(0, have));
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  HeadScanner::Found found = scan_in_steps(bytes, size);
  HeadScanner::Found slow = scan_in_steps(bytes, 1);
  check(found.size == slow.size && found.fault.status == slow.fault.status,
        "the scanner depends on how bytes arrive");
  if (found.fault || found.size == 0) return 0;

  std::string_view text = bytes.substr(0, found.size);
  check(text.ends_with("\r\n\r\n"), "a head without end");
  RequestHead head;
  if (parse(text, head)) return 0;
  inside(head.method, text);
  inside(head.target, text);
  check(head.headers.size() <= 20, "too many fields");
  for (const Header& header : head.headers) {
    inside(header.name, text);
    inside(header.value, text);
    check(!header.name.empty() && header.name.find_first_of(" \t\r\n:") == std::string_view::npos,
          "a name that is none");
    check(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
          "a value with a line end");
  }

  Request request;
  RequestMeaning meaning;
  if (interpret(head, request, meaning)) return 0;
  check(!(request.chunked && request.content_length), "two framings");
  check(!find(head.headers, "transfer-encoding") || request.chunked, "an ignored encoding");
  check(!find(head.headers, "content-length") || request.content_length, "an ignored length");
  check((meaning.framing == Framing::none) == !request.has_body(), "framing without body");
  check(request.path.starts_with('/') || request.path == "*", "a path that is none");
  inside(request.query, text);
  return 0;
}
