#include "gateway/s3/form.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/header.h"
#include "gateway/s3/fields.h"

namespace forebay::gateway::s3 {

namespace {

constexpr size_t kMaxBoundary = 70;  // RFC 2046 section 5.1.1

Error malformed(std::string_view why) {
  return fail(
      Code::invalid,
      "The body of your POST request is not well-formed multipart/form-data: " + std::string(why),
      "MalformedPOSTRequest");
}

bool is_boundary(std::string_view text) {
  constexpr std::string_view kBeside = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= kMaxBoundary && !text.ends_with(' ') &&
         std::ranges::all_of(text, [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kBeside.contains(c);
         });
}

/// One parameter of a field like Content-Disposition.
struct Parameter {
  std::string name;  ///< in lower case
  std::string value;
};

/// Takes the next parameter off `text`, which begins behind the ';' before it.
std::optional<Parameter> take_parameter(std::string_view& text) {
  Parameter out;
  size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  out.name = lower(trim(text.substr(0, equals)));
  text.remove_prefix(equals + 1);
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  bool quoted = text.starts_with('"');
  if (quoted) {
    size_t at = 1;
    for (; at < text.size() && text[at] != '"'; ++at) {
      // Browsers write %22 for a quote; others put a backslash before it. Any other backslash is
      // one: old browsers give whole paths.
      bool escaped = text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '"';
      if (escaped) ++at;
      out.value += text[at];
    }
    if (at == text.size()) return std::nullopt;
    text.remove_prefix(at + 1);
  } else {
    out.value = trim(text.substr(0, text.find(';')));
    text.remove_prefix(std::min(text.size(), text.find(';')));
  }
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  if (out.name.empty() || !is_token(out.name)) return std::nullopt;
  if (text.empty()) return out;
  if (!text.starts_with(';')) return std::nullopt;
  text.remove_prefix(1);
  return out;
}

/// A field's name and its file's.
struct PartHead {
  std::optional<std::string> name, file_name;
};

Result<> read_disposition(std::string_view value, PartHead& out) {
  size_t semicolon = value.find(';');
  std::string kind = lower(trim(value.substr(0, semicolon)));
  if (kind != "form-data" || semicolon == std::string_view::npos || out.name) {
    return malformed("a part is no form-data");
  }
  value.remove_prefix(semicolon + 1);
  while (!value.empty()) {
    auto one = take_parameter(value);
    if (!one) return malformed("a Content-Disposition cannot be read");
    auto& taken = one->name == "name" ? out.name : out.file_name;
    if (one->name != "name" && one->name != "filename") continue;
    if (taken) return malformed("a Content-Disposition has a parameter twice");
    taken = std::move(one->value);
  }
  if (!out.name || out.name->empty()) return malformed("a part has no name");
  return ok;
}

Result<PartHead> read_part_head(std::string_view lines) {
  PartHead out;
  while (!lines.empty()) {
    size_t end = lines.find("\r\n");
    std::string_view line = lines.substr(0, end);
    lines = end == std::string_view::npos ? "" : lines.substr(end + 2);
    size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return malformed("a part's header cannot be read");
    }
    std::string name = lower(line.substr(0, colon));
    std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-disposition") {
      if (Result<> read = read_disposition(value, out); !read) return std::move(read.error());
    }
    std::string coding = name == "content-transfer-encoding" ? lower(value) : "binary";
    if (coding != "binary" && coding != "8bit" && coding != "7bit") {
      return malformed("a part has a transfer encoding");
    }
  }
  if (!out.name) return malformed("a part has no Content-Disposition");
  return out;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  size_t semicolon = content_type.find(';');
  if (lower(trim(content_type.substr(0, semicolon))) != "multipart/form-data") return std::nullopt;
  std::optional<std::string> out;
  std::string_view rest =
      semicolon == std::string_view::npos ? "" : content_type.substr(semicolon + 1);
  while (!rest.empty()) {
    auto one = take_parameter(rest);
    if (!one) return std::nullopt;
    if (one->name != "boundary") continue;
    if (out) return std::nullopt;
    out = std::move(one->value);
  }
  return out && is_boundary(*out) ? out : std::nullopt;
}

Result<size_t> FormParser::feed(std::string_view bytes) {
  size_t before = text_.size();
  std::string_view taken = bytes.substr(0, kMaxFormFront - came_);
  text_ += taken;
  came_ += taken.size();
  while (state_ != State::file) {
    Result<bool> more = advance();
    if (!more) return std::move(more.error());
    if (!*more) break;
  }
  if (state_ == State::file) {
    std::string().swap(text_);
    return at_ - before;
  }
  looked_ -= at_;
  text_.erase(0, std::exchange(at_, 0));
  if (taken.size() == bytes.size() && came_ < kMaxFormFront) return bytes.size();
  return fail(Code::invalid, "Your POST request fields preceding the upload file were too large.",
              "MaxPostPreDataLengthExceededError");
}

size_t FormParser::memory() const {
  size_t out = text_.capacity() + fields_.capacity() * sizeof(Fields::value_type);
  for (const auto& [name, value] : fields_) out += name.size() + value.size();
  return out;
}

Result<bool> FormParser::advance() {
  switch (state_) {
    case State::begin: return read_begin();
    case State::head: return read_head();
    case State::value: return read_value();
    case State::file: break;
  }
  return false;
}

Result<bool> FormParser::read_begin() {
  std::string begins = first_ + "\r\n";
  size_t common = std::min(begins.size(), text_.size());
  if (text_.compare(0, common, begins, 0, common) != 0) {
    return malformed("it does not begin with its boundary");
  }
  if (common < begins.size()) return false;
  at_ = looked_ = begins.size();
  state_ = State::head;
  return true;
}

Result<bool> FormParser::read_head() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  size_t end = text_.find(kEnd, looked_);
  if (end == std::string::npos) {
    // An end may have begun in what is here.
    looked_ = std::max(at_, text_.size() - std::min(text_.size(), kEnd.size() - 1));
    return false;
  }
  auto head = read_part_head(std::string_view(text_).substr(at_, end - at_));
  if (!head) return std::move(head.error());
  at_ = looked_ = end + kEnd.size();
  name_ = lower(head->name.value_or(""));
  bool text = is_utf8(name_) && is_utf8(head->file_name.value_or(""));
  if (!text) return malformed("a name is no text");
  if (name_ != "file") {
    state_ = State::value;
    return true;
  }
  file_name_ = std::move(head->file_name).value_or("");
  file_name_.erase(0, file_name_.find_last_of("/\\") + 1);
  state_ = State::file;
  return true;
}

Result<bool> FormParser::read_value() {
  // An empty value is followed by the delimiter at once.
  size_t end = text_.find(delimiter_, looked_);
  if (end == std::string::npos || text_.size() < end + delimiter_.size() + 2) {
    looked_ = std::max(at_, text_.size() - std::min(text_.size(), delimiter_.size() + 1));
    return false;
  }
  std::string value = text_.substr(at_, end - at_);
  std::string_view behind = std::string_view(text_).substr(end + delimiter_.size(), 2);
  if (behind == "--") {
    return fail(Code::invalid, "POST requires exactly one file upload per request.",
                "IncorrectNumberOfFilesInPostRequest");
  }
  if (behind != "\r\n") return malformed("a boundary is followed by something");
  if (!is_utf8(value) || value.contains('\0')) {
    return fail(Code::invalid, "A field of the form is no text: " + name_, "InvalidArgument");
  }
  bool again = std::ranges::any_of(fields_, [&](auto& one) { return one.first == name_; });
  if (again) {
    return fail(Code::invalid, "A field of the form is there more than once: " + name_,
                "InvalidArgument");
  }
  fields_.emplace_back(std::move(name_), std::move(value));
  at_ = looked_ = end + delimiter_.size() + 2;
  state_ = State::head;
  return true;
}

FormFile::FormFile(io::Source& body, std::string_view begun, uint64_t length,
                   const std::string& boundary)
    : body_(body),
      input_(begun),
      left_(length),
      end_("\r\n--" + boundary + "--\r\n"),
      delimiter_(end_.size() - 4) {}

Task<io::Chunk> FormFile::next(Context ctx) {
  while (ended_ < end_.size()) {
    if (input_.empty()) {
      chunk_ = co_await co_await body_.next(ctx);
      input_ = as_text(std::get<Bytes>(chunk_).view());  // a socket's body is bytes in memory
      if (input_.empty()) co_return malformed("it ends before its last boundary");
    }
    if (left_ > 0) {
      auto most = static_cast<size_t>(std::min<uint64_t>(left_, input_.size()));
      std::string_view data = input_.substr(0, most);
      for (char c : data) {
        // A delimiter begins with the only CR in it.
        matched_ = c == end_[matched_] ? matched_ + 1 : c == end_[0] ? 1 : 0;
        if (matched_ < delimiter_) continue;
        co_return malformed("the file must be its last field, with nothing behind its boundary");
      }
      left_ -= data.size();
      input_.remove_prefix(data.size());
      co_return Bytes(nullptr, as_bytes(data));
    }
    size_t count = std::min(input_.size(), end_.size() - ended_);
    if (end_.compare(ended_, count, input_.substr(0, count)) != 0) {
      co_return malformed("the file must be its last field, with nothing behind its boundary");
    }
    ended_ += count;
    input_.remove_prefix(count);
  }
  co_return Bytes();
}

Result<std::string_view> file_of_form(std::string_view rest, const std::string& boundary) {
  std::string delimiter = "\r\n--" + boundary;
  size_t end = rest.find(delimiter);
  if (end == std::string_view::npos) return malformed("it ends before its last boundary");
  std::string_view behind = rest.substr(end + delimiter.size(), 2);
  if (behind != "--" && behind != "\r\n") return malformed("a boundary is followed by something");
  return rest.substr(0, end);
}

}  // namespace forebay::gateway::s3
