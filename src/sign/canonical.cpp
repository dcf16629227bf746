#include "sign/canonical.h"

#include <algorithm>
#include <span>

#include "base/encoding.h"
#include "sign/text.h"

namespace forebay::sign {

const Header* RequestView::find(std::string_view lower_name) const {
  for (const Header& header : headers) {
    if (same_name(header.name, lower_name)) return &header;
  }
  return nullptr;
}

namespace {

// Collects small pieces so that the hash is fed in large ones.
class HashSink {
 public:
  void append(std::string_view piece) {
    if (piece.size() > buffer_.size() - size_) {
      flush();
      if (piece.size() > buffer_.size()) {
        hash_.update(as_bytes(piece));
        return;
      }
    }
    std::memcpy(buffer_.data() + size_, piece.data(), piece.size());
    size_ += piece.size();
  }
  void append(char c) {
    if (size_ == buffer_.size()) flush();
    buffer_[size_++] = c;
  }
  Digest256 finish() {
    flush();
    return hash_.finish();
  }

 private:
  void flush() {
    hash_.update(as_bytes({buffer_.data(), size_}));
    size_ = 0;
  }
  Sha256 hash_;
  size_t size_ = 0;
  std::array<char, 2048> buffer_;
};

class TextSink {
 public:
  void append(std::string_view piece) { text_ += piece; }
  void append(char c) { text_ += c; }
  std::string finish() { return std::move(text_); }

 private:
  std::string text_;
};

constexpr std::array<bool, 256> kUnreserved = [] {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32] = true;
  for (unsigned char c : std::string_view("-._~")) table[c] = true;
  return table;
}();

constexpr bool unreserved(char c) { return kUnreserved[static_cast<unsigned char>(c)]; }

// What a piece of a URL may keep unencoded.
struct Rule {
  bool keep_slash;
  bool plus_is_space;
};
constexpr Rule kPath{.keep_slash = true, .plus_is_space = false};
constexpr Rule kQuery{.keep_slash = false, .plus_is_space = true};

bool kept(char c, Rule rule) { return unreserved(c) || (rule.keep_slash && c == '/'); }

// Whether recode() would change nothing.
bool canonical_already(std::string_view text, Rule rule) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (kept(text[i], rule)) continue;
    SpelledByte spelled = spelled_byte(text, i);
    bool upper = spelled.length == 3 && text[i + 1] < 'a' && text[i + 2] < 'a';
    if (!upper || kept(spelled.byte, rule)) return false;
    i += 2;
  }
  return true;
}

template <class Sink>
void recode(Sink& out, std::string_view text, Rule rule) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < text.size();) {
    SpelledByte spelled = spelled_byte(text, i);
    char c = spelled.length == 1 && spelled.byte == '+' && rule.plus_is_space ? ' ' : spelled.byte;
    i += spelled.length;
    if (kept(c, rule)) {
      out.append(c);
    } else {
      auto b = static_cast<unsigned char>(c);
      out.append('%');
      out.append(kDigits[b >> 4]);
      out.append(kDigits[b & 15]);
    }
  }
}

struct Parameter {
  std::string_view name;
  std::string_view value;
  auto operator<=>(const Parameter&) const = default;
};

constexpr std::string_view kSignatureParameter = "X-Amz-Signature";

// Calls f(name, value, whole) for each parameter that is signed; false when there are too many.
template <class F>
bool each_parameter(std::string_view query, F f) {
  size_t count = 0;
  while (!query.empty()) {
    std::string_view whole = cut(query, '&');
    std::string_view value = whole;
    std::string_view name = cut(value, '=');
    if (whole.empty() || name == kSignatureParameter) continue;
    if (++count > kMaxParameters) return false;
    f(name, value, whole);
  }
  return true;
}

struct StringSink {
  std::string& text;
  void append(char c) { text += c; }
};

template <class Sink>
bool write_query(Sink& out, std::string_view query, Spelling spelling) {
  bool first = true;
  if (spelling == Spelling::as_sent) {
    return each_parameter(query, [&](auto, auto, std::string_view whole) {
      if (!first) out.append('&');
      out.append(whole);
      first = false;
    });
  }
  if (query.empty()) return true;
  std::array<Parameter, kMaxParameters> parameters;
  size_t count = 0;
  std::string recoded;
  auto spell = [&](std::string_view text) -> std::string_view {
    if (canonical_already(text, kQuery)) return text;
    // Views into it must stay, so it never grows beyond this.
    if (recoded.capacity() < 3 * query.size()) recoded.reserve(3 * query.size());
    size_t start = recoded.size();
    StringSink sink{recoded};
    recode(sink, text, kQuery);
    return std::string_view(recoded).substr(start);
  };
  bool fits = each_parameter(query, [&](std::string_view name, std::string_view value, auto) {
    parameters[count++] = {spell(name), spell(value)};
  });
  if (!fits) return false;
  std::span<Parameter> sorted(parameters.data(), count);
  if (!std::ranges::is_sorted(sorted)) std::ranges::sort(sorted);
  for (const Parameter& parameter : sorted) {
    if (!first) out.append('&');
    out.append(parameter.name);
    out.append('=');
    out.append(parameter.value);
    first = false;
  }
  return true;
}

// Trimmed, and each run of blanks within as one space.
template <class Sink>
void write_value(Sink& out, std::string_view value) {
  value = trim(value);
  while (!value.empty()) {
    size_t blank = 0;
    while (blank < value.size() && !is_blank(value[blank])) ++blank;
    out.append(value.substr(0, blank));
    value.remove_prefix(blank);
    if (value.empty()) break;
    out.append(' ');
    while (is_blank(value.front())) value.remove_prefix(1);
  }
}

template <class Sink>
void write_headers(Sink& out, const CanonicalParts& parts) {
  for (size_t i = 0; i < parts.lines.count; ++i) {
    SignedLines::Line line = parts.lines.lines[i];
    const Header& header = parts.request.headers[line.header];
    if (line.continues) {
      out.append(',');
    } else {
      if (i != 0) out.append('\n');
      for (char c : header.name) out.append(to_lower(c));
      out.append(':');
    }
    write_value(out, header.value);
  }
  out.append('\n');
}

template <class Sink>
bool write(Sink& out, const CanonicalParts& parts, Spelling spelling) {
  const RequestView& request = parts.request;
  out.append(request.method);
  out.append('\n');
  if (request.path.empty()) {
    out.append('/');
  } else if (spelling == Spelling::as_sent || canonical_already(request.path, kPath)) {
    out.append(request.path);
  } else {
    recode(out, request.path, kPath);
  }
  out.append('\n');
  if (!write_query(out, request.query, spelling)) return false;
  out.append('\n');
  write_headers(out, parts);
  out.append('\n');
  out.append(parts.signed_headers);
  out.append('\n');
  out.append(parts.payload_line);
  return true;
}

Error too_many(std::string_view what) {
  return fail(Code::invalid, "The request has too many " + std::string(what), "InvalidRequest");
}

bool must_be_signed(std::string_view name) {
  constexpr std::string_view kPrefix = "x-amz-";
  if (name.size() <= kPrefix.size() || !same_name(name.substr(0, kPrefix.size()), kPrefix)) {
    return false;
  }
  // The date enters the string to sign, the payload hash the canonical request, in any case.
  return !same_name(name, "x-amz-date") && !same_name(name, "x-amz-content-sha256");
}

}  // namespace

Result<SignedLines> SignedLines::find(const RequestView& request, std::string_view signed_headers) {
  if (request.headers.size() > kMaxHeaders) return too_many("headers");
  SignedLines result;
  std::array<bool, kMaxHeaders> used{};
  for (size_t names = 0; !signed_headers.empty(); ++names) {
    if (names == kMaxHeaders) return too_many("signed headers");
    std::string_view name = cut(signed_headers, ';');
    bool found = false;
    for (size_t i = 0; i < request.headers.size(); ++i) {
      if (used[i] || !same_name(request.headers[i].name, name)) continue;
      result.lines[result.count++] = {static_cast<uint16_t>(i), found};
      used[i] = found = true;
    }
    if (name == "host") result.has_host = true;
    if (!found && result.missing.empty()) result.missing = name.empty() ? "(empty)" : name;
  }
  for (size_t i = 0; i < request.headers.size(); ++i) {
    if (!used[i] && must_be_signed(request.headers[i].name)) {
      result.not_signed = request.headers[i].name;
      break;
    }
  }
  return result;
}

Result<Digest256> canonical_hash(const CanonicalParts& parts, Spelling spelling) {
  HashSink sink;
  if (!write(sink, parts, spelling)) return too_many("query parameters");
  return sink.finish();
}

Result<std::string> canonical_text(const CanonicalParts& parts, Spelling spelling) {
  TextSink sink;
  if (!write(sink, parts, spelling)) return too_many("query parameters");
  return sink.finish();
}

bool spelled_canonically(const RequestView& request) {
  if (request.path.empty() || !canonical_already(request.path, kPath)) return false;
  Parameter before;
  bool canonical = true;
  bool fits = each_parameter(request.query, [&](auto name, auto value, std::string_view whole) {
    Parameter parameter{name, value};
    canonical = canonical && whole.contains('=') && canonical_already(name, kQuery) &&
                canonical_already(value, kQuery) && before <= parameter;
    before = parameter;
  });
  return fits && canonical;
}

}  // namespace forebay::sign
