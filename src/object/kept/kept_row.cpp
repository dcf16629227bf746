#include "object/kept/kept_row.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/encoding.h"
#include "origin/tags.h"

namespace forebay::object {

namespace {

constexpr uint8_t kKeptVersion = 2;  // 1 was JSON, which begins with '{'
constexpr size_t kMd5 = 16;
constexpr int64_t kSecond = 1'000'000'000;

// Names and values that have a number; it is part of the format, so these only grow at their ends.
constexpr auto kUsualNames = std::to_array<std::string_view>({
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "cache-control",
    "expires",
    "x-amz-storage-class",
    "x-amz-tagging-count",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-checksum-type",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-checksum-sha512",
    "x-amz-checksum-md5",
    "x-amz-checksum-xxhash64",
    "x-amz-checksum-xxhash3",
    "x-amz-checksum-xxhash128",
    "x-amz-meta-mtime",
    "x-amz-meta-s3cmd-attrs",
});
constexpr auto kUsualValues = std::to_array<std::string_view>({
    "application/octet-stream",
    "binary/octet-stream",
    "text/plain",
    "text/plain; charset=utf-8",
    "text/html",
    "text/csv",
    "application/json",
    "application/x-tar",
    "application/gzip",
    "application/x-gzip",
    "application/zip",
    "application/zstd",
    "application/x-parquet",
    "application/vnd.apache.parquet",
    "application/x-www-form-urlencoded",
    "application/pdf",
    "application/xml",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/gif",
    "image/tiff",
    "audio/flac",
    "audio/wav",
    "audio/mpeg",
    "video/mp4",
    "gzip",
    "FULL_OBJECT",
    "COMPOSITE",
    "AES256",
    "aws:kms",
    "true",
    "false",
});

// The two lowest bits of a value's first number; the rest is a length, or which usual one.
enum class ValueForm : uint8_t { text, base64, usual };

// Bits of the byte that tells how what follows is written.
constexpr uint8_t kHexEtag = 1;
constexpr uint8_t kTagShift = 1;  // two bits, TagForm
constexpr uint8_t kFineTime = 8;
constexpr uint8_t kCutShift = 4;  // two bits, CutForm
constexpr uint8_t kKnown = 64;
constexpr uint8_t kNoBits = 128;
enum class TagForm : uint8_t { text, derived };  // derived: as version_tag() has it
enum class CutForm : uint8_t { whole, uniform, parts, pieces };

class RowWriter {
 public:
  void byte(uint8_t value) { out_ += static_cast<char>(value); }
  void fixed(uint64_t value) {
    for (size_t i = 0; i < sizeof value; ++i) byte(static_cast<uint8_t>(value >> (8 * i)));
  }
  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<uint8_t>(value | 0x80));
    byte(static_cast<uint8_t>(value));
  }
  void raw(std::string_view text) { out_ += text; }
  void text(std::string_view text) {
    number(text.size());
    raw(text);
  }
  void name(std::string_view name) {
    const auto* usual = std::ranges::find(kUsualNames, name);
    if (usual != kUsualNames.end())
      return number(static_cast<uint64_t>(usual - kUsualNames.begin()) + 1);
    number(0);
    text(name);
  }
  void value(std::string_view value) {
    const auto* usual = std::ranges::find(kUsualValues, value);
    if (usual != kUsualValues.end()) {
      return form(ValueForm::usual, static_cast<uint64_t>(usual - kUsualValues.begin()));
    }
    // What has another text than its bytes would have is left as it is.
    auto bytes = from_base64(value);
    bool same = bytes && !bytes->empty() && to_base64(as_bytes(*bytes)) == value;
    form(same ? ValueForm::base64 : ValueForm::text, same ? bytes->size() : value.size());
    raw(same ? std::string_view(*bytes) : value);
  }
  void fields(const origin::Fields& fields) {
    number(fields.size());
    for (const auto& [key, value] : fields) {
      name(key);
      this->value(value);
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void form(ValueForm form, uint64_t value) { number(value << 2 | static_cast<uint8_t>(form)); }
  std::string out_;
};

/// Reads what may be anything: after the first thing that cannot be, good() is false and all that
/// is read is empty.
class RowReader {
 public:
  explicit RowReader(std::string_view row) : left_(row) {}
  bool good() const { return good_; }
  bool done() const { return good_ && left_.empty(); }
  void bad() {
    good_ = false;
    left_ = {};
  }

  uint8_t byte() {
    std::string_view one = raw(1);
    return one.empty() ? 0 : static_cast<uint8_t>(one[0]);
  }
  uint64_t fixed() {
    std::string_view bytes = raw(sizeof(uint64_t));
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    }
    return value;
  }
  /// Written in another way than RowWriter has it, it is none.
  uint64_t number() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      uint8_t next = byte();
      if (!good_) return 0;
      bool last = next < 0x80;
      bool wraps = shift == 63 && next > 1;
      bool padded = last && next == 0 && shift > 0;
      if (wraps || padded) break;
      value |= static_cast<uint64_t>(next & 0x7f) << shift;
      if (last) return value;
    }
    bad();
    return 0;
  }
  std::string_view raw(uint64_t size) {
    if (size > left_.size()) {
      bad();
      return {};
    }
    std::string_view out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }
  std::string_view text() { return raw(number()); }
  std::string_view name() {
    uint64_t which = number();
    if (which == 0) return text();
    if (which <= kUsualNames.size()) return kUsualNames[which - 1];
    bad();
    return {};
  }
  std::string value() {
    uint64_t first = number();
    uint64_t rest = first >> 2;
    switch (static_cast<ValueForm>(first & 3)) {
      case ValueForm::text: return std::string(raw(rest));
      case ValueForm::base64: return to_base64(as_bytes(raw(rest)));
      case ValueForm::usual:
        if (rest < kUsualValues.size()) return std::string(kUsualValues[rest]);
    }
    bad();
    return {};
  }
  origin::Fields fields() {
    origin::Fields out;
    uint64_t count = number();
    for (uint64_t i = 0; i < count && good_; ++i) {
      std::string key(name());
      // They lie in order, so each is there once.
      if (!out.empty() && key <= out.rbegin()->first) bad();
      out.emplace_hint(out.end(), std::move(key), value());
    }
    return out;
  }

 private:
  std::string_view left_;
  bool good_ = true;
};

ETag hex_etag(std::string_view md5, uint64_t parts) {
  std::string text = "\"" + to_hex(as_bytes(md5));
  if (parts > 0) text += "-" + std::to_string(parts);
  return ETag(text + "\"");
}

/// The digest of an ETag that is one, in lower-case hex, alone or with a number of parts.
std::optional<std::string> md5_of(const ETag& etag) {
  const std::string& text = etag.text();
  if (text.size() < 2 * kMd5 + 2) return std::nullopt;
  auto digest = from_hex(std::string_view(text).substr(1, 2 * kMd5));
  if (!digest || hex_etag(*digest, etag.part_count()) != etag) return std::nullopt;
  return digest;
}

CutForm cut_of(const Layout& layout) {
  if (!layout.pieces().empty()) return CutForm::pieces;
  if (layout.uniform_part() == 0) return CutForm::parts;
  return layout.uniform_part() == std::max<uint64_t>(layout.size(), 1) ? CutForm::whole
                                                                       : CutForm::uniform;
}

void write_stamp(RowWriter& out, const KeptStamp& stamp) {
  out.byte(kKeptVersion);
  out.byte(static_cast<uint8_t>(stamp.kind));
  if (stamp.kind != KeptKind::ttl) return;
  out.fixed(stamp.life);
  out.fixed(static_cast<uint64_t>(stamp.until.ns));
}

KeptStamp read_stamp(RowReader& row) {
  KeptStamp out;
  if (row.byte() != kKeptVersion) row.bad();
  uint8_t kind = row.byte();
  if (kind > static_cast<uint8_t>(KeptKind::immutable)) row.bad();
  if (!row.good()) return out;
  out.kind = static_cast<KeptKind>(kind);
  if (out.kind != KeptKind::ttl) return out;
  out.life = row.fixed();
  out.until = {static_cast<int64_t>(row.fixed())};
  return out;
}

void write_pieces(RowWriter& out, const origin::Pieces& pieces) {
  out.number(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    out.number(pieces[i].size);
    out.raw(as_text(pieces[i].id));
  }
}

std::optional<Layout> read_pieces(RowReader& row, bool known, uint64_t size, uint64_t unit_max) {
  std::vector<origin::Piece> pieces;
  uint64_t count = row.number();
  bool any = false;
  for (uint64_t i = 0; i < count && row.good(); ++i) {
    origin::Piece& piece = pieces.emplace_back(origin::Piece{.size = row.number()});
    std::string_view id = row.raw(piece.id.size());
    if (row.good()) std::ranges::copy(as_bytes(id), piece.id.begin());
    any = any || piece.named();
  }
  auto layout = Layout::of_pieces(origin::Pieces(std::move(pieces)), unit_max);
  bool good = row.good() && known && any && layout && layout->size() == size;
  if (!good) return std::nullopt;
  return layout;
}

void write_cut(RowWriter& out, const Layout& layout) {
  switch (cut_of(layout)) {
    case CutForm::whole: return;
    case CutForm::uniform: return out.number(layout.uniform_part());
    case CutForm::pieces: return write_pieces(out, layout.pieces());
    case CutForm::parts: break;
  }
  std::vector<uint64_t> sizes = layout.part_sizes();
  out.number(sizes.size());
  for (uint64_t size : sizes) out.number(size);
}

std::optional<Layout> read_cut(RowReader& row, uint8_t shape, uint64_t size, uint64_t unit_max) {
  bool known = (shape & kKnown) != 0;
  switch (static_cast<CutForm>(shape >> kCutShift & 3)) {
    case CutForm::whole: return Layout::of_uniform(size, 0, known, unit_max);
    case CutForm::uniform: {
      uint64_t part = row.number();
      if (part == 0 || part == std::max<uint64_t>(size, 1)) return std::nullopt;
      return Layout::of_uniform(size, part, known, unit_max);
    }
    case CutForm::pieces: return read_pieces(row, known, size, unit_max);
    case CutForm::parts: break;
  }
  std::vector<uint64_t> sizes;
  uint64_t count = row.number();
  for (uint64_t i = 0; i < count && row.good(); ++i) sizes.push_back(row.number());
  auto layout = Layout::of_parts(std::move(sizes), unit_max);
  bool good =
      row.good() && known && layout && layout->size() == size && layout->uniform_part() == 0;
  if (!good) return std::nullopt;
  return layout;
}

uint8_t shape_of(const origin::ObjectInfo& info, const Layout& layout, bool hex, bool derived) {
  uint8_t shape = hex ? kHexEtag : 0;
  auto tag = static_cast<uint8_t>(derived ? TagForm::derived : TagForm::text);
  shape |= static_cast<uint8_t>(tag << kTagShift);
  if (info.modified.ns % kSecond != 0) shape |= kFineTime;
  shape |= static_cast<uint8_t>(static_cast<uint8_t>(cut_of(layout)) << kCutShift);
  if (layout.known()) shape |= kKnown;
  return shape;
}

void read_time(RowReader& row, uint8_t shape, WallTime& out) {
  uint64_t folded = row.number();
  auto seconds = static_cast<int64_t>((folded >> 1) ^ (~(folded & 1) + 1));
  uint64_t fine = (shape & kFineTime) != 0 ? row.number() : 0;
  constexpr int64_t kMost = INT64_MAX / kSecond - 1;
  bool odd = ((shape & kFineTime) != 0) != (fine != 0);
  if (seconds > kMost || seconds < -kMost || fine >= kSecond || odd) return row.bad();
  out.ns = seconds * kSecond + static_cast<int64_t>(fine);
}

}  // namespace

std::optional<std::string> write_kept(const KeptStamp& stamp, const origin::ObjectInfo& info,
                                      const Layout& layout) {
  bool plain = info.tag.strong() && info.pieces.empty() && info.named_by.empty() &&
               info.parts == 0 && !info.part && info.part_of == 0 && layout.size() == info.size;
  int64_t seconds = info.modified.ns / kSecond, fine = info.modified.ns % kSecond;
  if (fine < 0) {
    seconds -= 1;
    fine += kSecond;
  }
  constexpr int64_t kMost = INT64_MAX / kSecond - 1;
  if (!plain || info.size > origin::kMaxObjectBytes || seconds > kMost || seconds < -kMost) {
    return std::nullopt;
  }
  auto digest = md5_of(info.etag);
  bool derived = info.tag == origin::version_tag(info.version_id, info.etag, info.size);
  RowWriter out;
  write_stamp(out, stamp);
  out.byte(shape_of(info, layout, digest.has_value(), derived));
  out.number(info.size);
  out.number((static_cast<uint64_t>(seconds) << 1) ^ static_cast<uint64_t>(seconds >> 63));
  if (fine != 0) out.number(static_cast<uint64_t>(fine));
  if (digest) {
    out.raw(*digest);
    out.number(info.etag.part_count());
  } else {
    out.text(info.etag.text());
  }
  out.text(info.version_id);
  if (!derived) out.text(info.tag.text());
  write_cut(out, layout);
  out.fields(info.fields);
  out.fields(info.checksums);
  std::string row = out.take();
  if (row.size() > kMaxKeptRow) return std::nullopt;
  return row;
}

std::optional<KeptHead> read_kept(std::string_view text, uint64_t unit_max) {
  if (text.size() > kMaxKeptRow) return std::nullopt;
  RowReader row(text);
  KeptHead out;
  out.stamp = read_stamp(row);
  uint8_t shape = row.byte();
  auto tag = shape >> kTagShift & 3;
  if ((shape & kNoBits) != 0 || tag > static_cast<uint8_t>(TagForm::derived)) return std::nullopt;
  origin::ObjectInfo& info = out.info;
  info.size = row.number();
  if (info.size > origin::kMaxObjectBytes) return std::nullopt;
  read_time(row, shape, info.modified);
  if ((shape & kHexEtag) != 0) {
    std::string_view digest = row.raw(kMd5);
    info.etag = hex_etag(digest, row.number());
  } else {
    info.etag = ETag(std::string(row.text()));
  }
  info.version_id = row.text();
  Tag derived = origin::version_tag(info.version_id, info.etag, info.size);
  bool written = static_cast<TagForm>(tag) == TagForm::text;
  info.tag = written ? Tag(std::string(row.text())) : std::move(derived);
  if (!row.good() || !info.tag.strong()) return std::nullopt;
  auto layout = read_cut(row, shape, info.size, unit_max);
  if (!layout) return std::nullopt;
  out.layout = std::move(*layout);
  info.fields = row.fields();
  info.checksums = row.fields();
  if (!row.done()) return std::nullopt;
  return out;
}

std::optional<KeptStamp> read_kept_stamp(std::string_view text) {
  RowReader row(text);
  KeptStamp stamp = read_stamp(row);
  if (!row.good()) return std::nullopt;
  return stamp;
}

}  // namespace forebay::object
