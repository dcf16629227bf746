// Any bytes as a response head; the first byte chooses the request's method.
#include "base/check.h"
#include "http/framing.h"

using namespace forebay;
using namespace forebay::http;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view method = data[0] % 2 == 0 ? "GET" : "HEAD";
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  HeadScanner::Found found = HeadScanner({.bytes = 4096, .fields = 20}).scan(bytes);
  if (found.fault || found.size == 0) return 0;
  std::string_view text = bytes.substr(0, found.size);
  ResponseHead head;
  if (parse(text, head)) return 0;
  check(head.status >= 0 && head.status <= 999, "a status that is none");
  for (const Header& header : head.headers) {
    check(header.name.data() >= text.data() &&
              header.name.data() + header.name.size() <= text.data() + text.size(),
          "a view points elsewhere");
    check(header.value.find_first_of("\r\n") == std::string_view::npos, "a value with a line end");
  }
  ResponseMeaning meaning;
  if (interpret(head, method, meaning)) return 0;
  if (meaning.framing == Framing::length) {
    check(meaning.content_length.value_or(0) > 0, "a length of nothing");
  }
  if (method == "HEAD") check(meaning.framing == Framing::none, "a body for HEAD");
  if (meaning.framing == Framing::until_close) check(!meaning.keep_alive, "kept to the end");
  return 0;
}
