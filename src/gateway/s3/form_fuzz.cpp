// Any bytes as a form: however they are cut into reads, its front is read alike, and a file that is
// given is what stands between the front and the first boundary.
#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "gateway/s3/form.h"
#include "gateway/s3/post_policy.h"
#include "io/sim.h"

using namespace forebay;
using namespace forebay::gateway::s3;

namespace {

struct Front {
  std::string error;
  FormParser::Fields fields;
  std::string file_name;
  size_t size = 0;
  bool operator==(const Front&) const = default;
};

Front read_front(std::string_view text, size_t each) {
  FormParser parser("B");
  Front out;
  while (!parser.at_file() && !text.empty()) {
    std::string_view piece = text.substr(0, each);
    auto taken = parser.feed(piece);
    if (!taken) return {.error = taken.error().detail(), .fields = {}, .file_name = {}};
    check(*taken == piece.size() || parser.at_file(), "bytes are left of what is no file");
    out.size += *taken;
    text.remove_prefix(piece.size());
  }
  check(out.size <= kMaxFormFront, "the front has a limit");
  if (!parser.at_file()) return {.error = "more", .fields = {}, .file_name = {}};
  out.fields = parser.fields();
  out.file_name = parser.file_name();
  return out;
}

class Cut final : public io::Source {
 public:
  Cut(std::string_view text, size_t each) : text_(text), each_(each) {}
  Task<io::Chunk> next(Context) override {
    std::string_view now = text_.substr(0, each_);
    text_.remove_prefix(now.size());
    co_return Bytes(nullptr, as_bytes(now));
  }

 private:
  std::string_view text_;
  size_t each_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  size_t each = 1 + data[0] % 40;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Front whole = read_front(text, std::max<size_t>(text.size(), 1));
  Front cut = read_front(text, each);
  bool same = whole == cut;
  // What comes at once may be refused for what would not have been looked at yet.
  check(same || !whole.error.empty() || !cut.error.empty(), "a front depends on how it is cut");
  (void)form_boundary(text);
  (void)parse_post_policy(text);
  if (!whole.error.empty()) return 0;
  std::string_view rest = text.substr(whole.size);
  auto file = file_of_form(rest, "B");
  constexpr std::string_view kEnd = "\r\n--B--\r\n";
  if (rest.size() < kEnd.size()) return 0;
  size_t length = rest.size() - kEnd.size();
  auto world = io::Simulation::make({.seed = 1});
  Cut body(rest, each);
  auto read = world->run(io::read_all({length, std::make_unique<FormFile>(body, "", length, "B")},
                                      size, {.loop = &world->loop()}));
  bool ends = file && file->size() == length && rest.ends_with(kEnd);
  check(read.has_value() == ends, "a file is whole, or it is refused");
  check(!read || *read == *file, "a file is what stands before its boundary");
  return 0;
}
