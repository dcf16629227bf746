// Forms, cut at every place into reads.
#include "gateway/s3/form.h"

#include <gtest/gtest.h>

#include <deque>

#include "io/sim.h"

namespace forebay::gateway::s3 {
namespace {

std::string form_part(const std::string& name, const std::string& value,
                      const std::string& more = {}) {
  return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" +
         value + "\r\n";
}

/// Gives pieces, each at another place, as a connection does.
class Pieces final : public io::Source {
 public:
  Pieces(std::string_view text, size_t each) : text_(text), each_(each) {}
  Task<io::Chunk> next(Context) override {
    now_ = std::string(text_.substr(0, each_));
    text_.remove_prefix(now_.size());
    co_return Bytes(nullptr, as_bytes(now_));
  }

 private:
  std::string_view text_;
  size_t each_;
  std::string now_;
};

struct FrontRead {
  std::string error;
  FormParser::Fields fields = {};
  std::string file_name = {};
  size_t front = 0;
};

FrontRead read_front(std::string_view text, size_t each) {
  FormParser parser("B");
  FrontRead out;
  while (!parser.at_file()) {
    if (text.empty()) {
      out.error = "more";
      return out;
    }
    auto taken = parser.feed(text.substr(0, each));
    if (!taken) {
      out.error = taken.error().detail();
      return out;
    }
    out.front += *taken;
    text.remove_prefix(std::min(text.size(), parser.at_file() ? *taken : each));
  }
  out.fields = parser.fields();
  out.file_name = parser.file_name();
  return out;
}

/// However it is cut.
FrontRead front_of(const std::string& text) {
  FrontRead whole = read_front(text, text.size());
  for (size_t each : {1, 2, 3, 5, 7, 16, 61}) {
    FrontRead again = read_front(text, each);
    EXPECT_EQ(again.error, whole.error) << each;
    if (whole.error.empty()) EXPECT_EQ(again.front, whole.front) << each;
    EXPECT_EQ(again.fields, whole.fields) << each;
    EXPECT_EQ(again.file_name, whole.file_name) << each;
  }
  return whole;
}

TEST(FormBoundary, is_one_of_the_type) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("Multipart/Form-Data;charset=x; Boundary=\"a b:c\" "), "a b:c");
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=" + std::string(70, 'x')),
            std::string(70, 'x'));
  for (std::string bad :
       {"", "text/plain; boundary=abc", "multipart/form-data", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a", "multipart/form-data; boundary=a\rb",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=a; boundary=b",
        "multipart/mixed; boundary=a", "multipart/form-data; boundary"}) {
    EXPECT_EQ(form_boundary(bad), std::nullopt) << bad;
  }
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'x')));
}

TEST(FormFront, has_its_fields_and_ends_at_the_file) {
  std::string front = form_part("Key", "a/${filename}") + form_part("empty", "") +
                      form_part("x-amz-meta-a", "line\r\n--not-B\r\n") +
                      "--B\r\ncontent-type: text/x\r\nCONTENT-DISPOSITION:  Form-Data ; "
                      "filename=\"C:\\dir\\my \\\"file\\\".txt\"; name=file\r\n"
                      "Content-Transfer-Encoding: Binary\r\n\r\n";
  FrontRead read = front_of(front + "bytes of it\r\n--B--\r\n");
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.front, front.size());
  EXPECT_EQ(read.fields,
            (FormParser::Fields{
                {"key", "a/${filename}"}, {"empty", ""}, {"x-amz-meta-a", "line\r\n--not-B\r\n"}}));
  EXPECT_EQ(read.file_name, "my \"file\".txt");
  EXPECT_EQ(front_of(form_part("file", "x", "; filename=\"a/b/c\"")).file_name, "c");
  EXPECT_EQ(front_of(form_part("FILE", "x", "; filename*=utf-8''x")).file_name, "");
}

TEST(FormFront, that_is_none_is_refused) {
  const std::string good = "Content-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n";
  for (std::string bad :
       {std::string("B\r\n"), std::string("--B--\r\n"), std::string("--Bx\r\n"),
        std::string("\r\n--B\r\n"), std::string("--B\r\n\r\nv\r\n--B\r\n\r\n\r\n\r\n"),
        std::string("--B\r\nContent-Disposition: form-data\r\n\r\n"),
        std::string("--B\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n"),
        std::string("--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\n"),
        std::string("--B\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n"),
        std::string("--B\r\nContent-Disposition: attachment; name=a\r\n\r\n"),
        std::string("--B\r\nContent-Disposition: form-data; name=a\r\n folded\r\n\r\n"),
        std::string("--B\r\nContent-Disposition: form-data; name=\"a\xff\"\r\n\r\n"),
        std::string("--B\r\nContent-Disposition: form-data; name=\"a\"x\r\n\r\n"),
        std::string("--B\r\nContent-Type: text/plain\r\n\r\n"),
        std::string("--B\r\nContent-Transfer-Encoding: base64\r\n") + good,
        "--B\r\n" + good + "--Bx\r\n"}) {
    EXPECT_EQ(front_of(bad).error, "MalformedPOSTRequest") << bad;
  }
  EXPECT_EQ(front_of(form_part("a", "1") + "--B--\r\n").error,
            "IncorrectNumberOfFilesInPostRequest");
  EXPECT_EQ(front_of(form_part("a", "1") + form_part("A", "2") + form_part("file", "")).error,
            "InvalidArgument");
  EXPECT_EQ(front_of(form_part("a", "\xff") + form_part("file", "")).error, "InvalidArgument");
  EXPECT_EQ(front_of(form_part("a", std::string("\0", 1)) + form_part("file", "")).error,
            "InvalidArgument");
  EXPECT_EQ(front_of(form_part("a", "1")).error, "more");
}

TEST(FormFront, has_a_limit_boundaries_and_all) {
  std::string file = "--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
  size_t frame = form_part("a", "").size() + file.size();
  auto with = [&](size_t front) {
    return form_part("a", std::string(front - frame, 'x')) + file + std::string(9000, 'f');
  };
  FrontRead most = front_of(with(kMaxFormFront));
  EXPECT_EQ(most.error, "");
  EXPECT_EQ(most.front, kMaxFormFront);
  EXPECT_EQ(front_of(with(kMaxFormFront + 1)).error, "MaxPostPreDataLengthExceededError");
  EXPECT_EQ(front_of(form_part("a", std::string(kMaxFormFront, 'x'))).error,
            "MaxPostPreDataLengthExceededError");
  FormParser parser("B");
  ASSERT_TRUE(parser.feed(with(kMaxFormFront)));
  EXPECT_LT(parser.memory(), kMaxFormFront) << "what is its fields'";
  FormParser pieces("B");
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(pieces.feed(form_part("name " + std::to_string(i), std::string(1000, 'x'))));
  }
  EXPECT_LT(pieces.memory(), 13'000u) << "what became a field is held once";
}

class FormFileTest : public testing::Test {
 protected:
  /// What is read of the file, or the error's word.
  std::string read(const std::string& rest, size_t length, size_t begun, size_t each) {
    Pieces pieces(std::string_view(rest).substr(begun), each);
    auto file =
        std::make_unique<FormFile>(pieces, std::string_view(rest).substr(0, begun), length, "B");
    auto text =
        world_->run(io::read_all({length, std::move(file)}, 1 << 20, {.loop = &world_->loop()}));
    return text ? *text : text.error().detail();
  }
  std::unique_ptr<io::Simulation> world_ = io::Simulation::make({.seed = 1});
};

TEST_F(FormFileTest, ends_where_the_form_does_however_it_is_cut) {
  const std::string end = "\r\n--B--\r\n";
  for (std::string file : {"", "x", "\r", "\r\n", "\r\n--", "\r\n--\r\n--b", "\r\r\n-B", "-\r\n--A",
                           "--B--\r\n", "a\r\n--\rB"}) {
    for (size_t begun : {size_t{0}, file.size() / 2, file.size(), file.size() + 3}) {
      for (size_t each = 1; each < 12; ++each) {
        EXPECT_EQ(read(file + end, file.size(), begun, each), file) << begun << " " << each;
      }
    }
  }
}

TEST_F(FormFileTest, of_another_length_is_refused) {
  const std::string word = "MalformedPOSTRequest";
  for (size_t each : {1, 2, 5, 100}) {
    EXPECT_EQ(read("12345\r\n--B--\r\n", 4, 0, each), word);
    EXPECT_EQ(read("12345\r\n--B--\r\n", 6, 0, each), word);
    EXPECT_EQ(read("12345\r\n--B--\r\n", 12, 0, each), word);
    EXPECT_EQ(read("12345\r\n--B\r\nmore\r\n--B--\r\n", 17, 0, each), word) << "another part";
    EXPECT_EQ(read("12345\r\r\n--B\r\nmore\r\n--B--\r\n", 17, 0, each), word);
    EXPECT_EQ(read("12345\r\n--B--", 5, 0, each), word);
    EXPECT_EQ(read("12345\r\n--B--\r", 5, 0, each), word);
    EXPECT_EQ(read("12345\r\n--B-\r\n\r\n", 5, 0, each), word);
    EXPECT_EQ(read("123", 5, 0, each), word);
  }
}

TEST(FormRest, ends_the_file_at_the_first_boundary) {
  EXPECT_EQ(file_of_form("bytes\r\n--B--\r\n", "B").value(), "bytes");
  EXPECT_EQ(file_of_form("bytes\r\n--B--", "B").value(), "bytes");
  EXPECT_EQ(file_of_form("\r\n--B\r\nContent-Disposition: …", "B").value(), "");
  EXPECT_EQ(file_of_form("a\r\n--b\r\n--B\r\nwhatever\r\n--B--\r\n", "B").value(), "a\r\n--b");
  for (std::string_view bad :
       {"", "bytes", "bytes\r\n--", "bytes\r\n--B", "bytes\r\n--B-", "bytes\r\n--Bx\r\n"}) {
    EXPECT_EQ(file_of_form(bad, "B").error().detail(), "MalformedPOSTRequest") << bad;
  }
}

}  // namespace
}  // namespace forebay::gateway::s3
