#include "base/result.h"

namespace forebay {

std::string_view name(Code code) {
  switch (code) {
    case Code::not_found: return "not_found";
    case Code::exists: return "exists";
    case Code::invalid: return "invalid";
    case Code::denied: return "denied";
    case Code::conflict: return "conflict";
    case Code::too_large: return "too_large";
    case Code::busy: return "busy";
    case Code::timeout: return "timeout";
    case Code::cancelled: return "cancelled";
    case Code::corrupt: return "corrupt";
    case Code::unavailable: return "unavailable";
    case Code::internal: return "internal";
  }
  return "internal";
}

void Error::Drop::operator()(Words* words) const { delete words; }

Error::Error(Code code, std::string text, std::string detail)
    : code_(code), words_(new Words{std::move(text), std::move(detail), 0}) {}

Error::Error(const Error& other)
    : code_(other.code_), words_(other.words_ ? new Words(*other.words_) : nullptr) {}

Error& Error::operator=(const Error& other) {
  Error copy(other);
  return *this = std::move(copy);
}

namespace {
const std::string kNothing;
}

const std::string& Error::text() const { return words_ == nullptr ? kNothing : words_->text; }
const std::string& Error::detail() const { return words_ == nullptr ? kNothing : words_->detail; }

Error Error::in(std::string_view what) && {
  if (words_ == nullptr) words_.reset(new Words);
  // Two rooms may know the same; once is enough.
  std::string_view text = words_->text;
  if (text.starts_with(what) && text.substr(what.size()).starts_with(": ")) return std::move(*this);
  words_->text.insert(0, ": ");
  words_->text.insert(0, what);
  words_->own += what.size() + 2;
  return std::move(*this);
}

Error Error::in(std::string_view what) const& { return Error(*this).in(what); }

std::string_view Error::own() const {
  return words_ == nullptr ? std::string_view()
                           : std::string_view(words_->text).substr(words_->own);
}

Error Error::as(Code code, std::string detail) const {
  Error out(*this);
  out.code_ = code;
  if (out.words_ == nullptr) out.words_.reset(new Words);
  out.words_->detail = std::move(detail);
  return out;
}

}  // namespace forebay
