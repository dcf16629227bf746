#include "object/native/head_row.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"
#include "base/json.h"
#include "origin/checksums.h"
#include "origin/kept.h"
#include "origin/parts.h"

namespace forebay::object {

namespace {

constexpr uint8_t kHeadVersion = 2;
constexpr uint8_t kNamedByKey = 3;  ///< the same, of an object whose units have another key's names
constexpr uint8_t kPartsInJson = 1;  ///< the version before: no flags, and parts as a JSON member
constexpr size_t kPrefix = 56;
constexpr size_t kPieceBytes = 24;
constexpr uint8_t kOwnId = 1, kMarker = 2;
// A list looks at this member and at nothing behind it, so it comes first.
constexpr std::string_view kSums = "checksums";

Error bad_head(std::string what) {
  return fail(Code::corrupt, "head row : " + std::move(what), "InternalError");
}

template <class T>
void append_number(std::string& out, T value) {
  for (size_t i = 0; i < sizeof value; ++i) {
    out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff);
  }
}

/// The fixed part of a row, from its front to its end.
class PrefixReader {
 public:
  explicit PrefixReader(std::string_view bytes) : left_(bytes) {}
  template <class T>
  T number() {
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(left_[i])) << (8 * i);
    }
    left_.remove_prefix(sizeof(T));
    return static_cast<T>(value);
  }
  Sixteen sixteen() {
    Sixteen out;
    std::memcpy(out.data(), left_.data(), out.size());
    left_.remove_prefix(out.size());
    return out;
  }

 private:
  std::string_view left_;
};

struct HeadPrefix {
  uint8_t version = 0;
  uint8_t flags = 0;
  uint32_t pieces = 0;
  uint64_t size = 0;
  WallTime modified;
  Sixteen md5{};
  Sixteen write{};
  bool own_id() const { return (flags & kOwnId) != 0; }
  bool marker() const { return (flags & kMarker) != 0; }
  /// Where the JSON object begins.
  size_t front() const { return kPrefix + (version == kPartsInJson ? 0 : pieces * kPieceBytes); }
};

Result<HeadPrefix> read_prefix(std::string_view row) {
  if (row.empty()) return bad_head("it is empty");
  PrefixReader reader(row);
  uint8_t version = static_cast<uint8_t>(row[0]);
  if (version != kHeadVersion && version != kPartsInJson && version != kNamedByKey) {
    return fail(Code::invalid, "head row : version " + std::to_string(version) +
                                   ", this program reads " + std::to_string(kNamedByKey));
  }
  if (row.size() < kPrefix) return bad_head("it is torn");
  HeadPrefix out;
  out.version = reader.number<uint8_t>();
  out.flags = reader.number<uint8_t>();
  uint16_t zero = reader.number<uint16_t>();
  uint8_t known = version == kPartsInJson ? 0 : kOwnId | kMarker;
  if ((out.flags & ~known) != 0 || zero != 0) return bad_head("its flags are not known");
  out.pieces = reader.number<uint32_t>();
  out.size = reader.number<uint64_t>();
  out.modified = {reader.number<int64_t>()};
  out.md5 = reader.sixteen();
  out.write = reader.sixteen();
  if (out.pieces > origin::kMaxPartNumber) return bad_head("no object has so many parts");
  if (out.size > origin::kMaxObjectBytes) return bad_head("no object has so many bytes");
  if (out.marker() && (out.size > 0 || out.pieces > 0)) return bad_head("a marker has bytes");
  if (row.size() < out.front()) return bad_head("it is torn");
  return out;
}

std::string write_prefix(const NativeHead& head) {
  std::string out;
  append_number(out, head.named_by.empty() ? kHeadVersion : kNamedByKey);
  append_number(out,
                static_cast<uint8_t>((head.own_id ? kOwnId : 0) | (head.marker ? kMarker : 0)));
  append_number(out, uint16_t{0});
  append_number(out, static_cast<uint32_t>(head.pieces.size()));
  append_number(out, head.size);
  append_number(out, head.modified.ns);
  out += as_text(head.md5);
  out += as_text(head.write);
  for (const NativePiece& piece : head.pieces) {
    append_number(out, piece.size);
    out += as_text(piece.write);
  }
  return out;
}

ETag etag_from(const Sixteen& md5, size_t pieces) {
  std::string text = "\"";
  text.reserve(40);
  text += to_hex(md5);
  if (pieces > 0) text += "-" + std::to_string(pieces);
  text += '"';
  return ETag(std::move(text));
}

Json piece_sums(const std::vector<NativePiece>& pieces) {
  Json::Array out;
  out.reserve(pieces.size());
  for (const NativePiece& piece : pieces) out.emplace_back(origin::to_json(piece.checksums));
  return out;
}

std::string write_head(const NativeHead& head, bool sums) {
  Json json(Json::Object{});
  json.set(std::string(kSums), origin::to_json(head.checksums));
  json.set("fields", origin::to_json(head.fields));
  json.set("tags", origin::to_json(head.tags));
  Json::Array copies(head.copies.begin(), head.copies.end());
  json.set("copies", std::move(copies));
  if (!head.upload.empty()) json.set("upload", head.upload);
  if (!head.completion.empty()) json.set("completion", head.completion);
  if (!head.null_order.empty()) json.set("null", head.null_order);
  if (!head.named_by.empty()) json.set("named_by", head.named_by);
  bool any =
      std::ranges::any_of(head.pieces, [](const auto& one) { return !one.checksums.empty(); });
  if (sums && any) json.set("part_checksums", piece_sums(head.pieces));
  return write_prefix(head) + json.dump();
}

Result<origin::Fields> read_piece_sums(const Json& json) {
  Json sums(Json::Object{});
  sums.set(std::string(kSums), json);
  auto read = origin::read_fields(sums, kSums);
  if (!read) return bad_head("the checksums of a part are none");
  return read;
}

Result<NativePiece> read_json_piece(const Json& json) {
  const Json::Array* one = json.as_array();
  if (one == nullptr || one->size() < 2 || one->size() > 3) return bad_head("a part is no triple");
  auto size = (*one)[0].as_uint();
  const std::string* hex = (*one)[1].as_string();
  auto write = hex == nullptr ? std::nullopt : parse_sixteen(*hex);
  if (!size || !write) return bad_head("a part has no size or no name");
  NativePiece out{.size = *size, .write = *write};
  if (one->size() == 2) return out;
  auto sums = read_piece_sums((*one)[2]);
  if (!sums) return std::move(sums.error());
  out.checksums = std::move(*sums);
  return out;
}

Result<std::vector<NativePiece>> read_json_pieces(const Json& json, uint32_t count) {
  const Json* found = json.find("parts");
  std::vector<NativePiece> out;
  if (found == nullptr && count == 0) return out;
  const Json::Array* list = found == nullptr ? nullptr : found->as_array();
  if (list == nullptr || list->empty() || list->size() != count) {
    return bad_head("its parts are not as many as it says");
  }
  for (const Json& one : *list) {
    auto piece = read_json_piece(one);
    if (!piece) return std::move(piece.error());
    out.push_back(std::move(*piece));
  }
  return out;
}

/// `row`: of the newest form, all pieces in it.
Result<std::vector<NativePiece>> read_pieces(const Json& json, std::string_view row,
                                             uint32_t count) {
  std::vector<NativePiece> out(count);
  PrefixReader reader(row.substr(kPrefix));
  for (NativePiece& piece : out) {
    piece.size = reader.number<uint64_t>();
    piece.write = reader.sixteen();
  }
  const Json* found = json.find("part_checksums");
  if (found == nullptr) return out;
  const Json::Array* list = found->as_array();
  if (list == nullptr || list->size() != count) return bad_head("checksums are not of its parts");
  for (size_t i = 0; i < out.size(); ++i) {
    auto sums = read_piece_sums((*list)[i]);
    if (!sums) return std::move(sums.error());
    out[i].checksums = std::move(*sums);
  }
  return out;
}

Result<> check_pieces(const std::vector<NativePiece>& pieces, uint64_t size) {
  if (pieces.empty()) return ok;
  uint64_t sum = 0;
  for (const NativePiece& piece : pieces) {
    if (piece.size > size - sum) return bad_head("its parts are larger than the object");
    sum += piece.size;
  }
  if (sum != size) return bad_head("its parts are smaller than the object");
  return ok;
}

Result<> read_names(const Json& json, NativeHead& out) {
  auto upload = json.string_or("upload", ""), completion = json.string_or("completion", "");
  if (!upload || !completion) return bad_head("its upload is no text");
  auto null = json.string_or("null", "");
  if (!null || (!null->empty() && !parse_sixteen(*null))) return bad_head("it names no version");
  out.null_order = std::move(*null);
  out.upload = std::move(*upload);
  out.completion = std::move(*completion);
  const Json* copies = json.find("copies");
  if (copies == nullptr || copies->as_array() == nullptr) return bad_head("it has no copies");
  for (const Json& copy : *copies->as_array()) {
    if (copy.as_string() == nullptr || !parse_sixteen(*copy.as_string())) {
      return bad_head("a copy is on no node");
    }
    out.copies.push_back(*copy.as_string());
  }
  return ok;
}

// Of a JSON object of strings at the beginning of `text`. Lists do this for every key, and a parser
// took a sixth of a list's time: names and base64 have no escapes. Nothing when it is none.
std::optional<origin::ChecksumPlan> plan_in(std::string_view text) {
  auto take = [&](char what) {
    bool there = text.starts_with(what);
    if (there) text.remove_prefix(1);
    return there;
  };
  auto word = [&]() -> std::optional<std::string_view> {
    if (!take('"')) return std::nullopt;
    size_t end = text.find_first_of("\"\\");
    if (end == std::string_view::npos || text[end] != '"') return std::nullopt;
    std::string_view found = text.substr(0, end);
    text.remove_prefix(end + 1);
    return found;
  };
  origin::PlanSeen seen;
  if (!take('{')) return std::nullopt;
  do {
    auto header = word();
    auto value = header && take(':') ? word() : std::nullopt;
    if (!value) return std::nullopt;
    seen.add(*header, *value);
  } while (take(','));
  return take('}') ? seen.plan() : std::nullopt;
}

}  // namespace

std::optional<Sixteen> parse_sixteen(std::string_view hex) {
  if (hex.size() != 32 || std::ranges::any_of(hex, [](char c) { return c >= 'A' && c <= 'F'; })) {
    return std::nullopt;
  }
  auto raw = from_hex(hex);
  if (!raw) return std::nullopt;
  Sixteen out;
  std::memcpy(out.data(), raw->data(), out.size());
  return out;
}

// The sign is turned, so that times sort as they follow one another; then all bits are.
std::string version_order(WallTime modified, const Sixteen& write) {
  constexpr size_t kRandom = 8;
  uint64_t turned = ~(static_cast<uint64_t>(modified.ns) ^ (uint64_t{1} << 63));
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(turned >> shift & 0xff);
  bytes += as_text(ByteView(write).first(kRandom));
  return to_hex(as_bytes(bytes));
}

ETag NativeHead::etag() const { return etag_from(md5, pieces.size()); }

Tag NativeHead::tag() const { return Tag(to_hex(write)); }

origin::ObjectInfo NativeHead::info() const {
  origin::ObjectInfo out;
  out.size = size;
  out.etag = etag();
  out.tag = tag();
  out.modified = modified;
  out.fields = fields;
  out.checksums = checksums;
  out.named_by = named_by;
  if (!tags.empty()) {
    out.fields[std::string(origin::kTaggingCount)] = std::to_string(tags.size());
  }
  if (pieces.empty()) return out;
  std::vector<origin::Piece> told;
  told.reserve(pieces.size());
  for (const NativePiece& piece : pieces) told.push_back({piece.size, piece.write});
  out.pieces = origin::Pieces(std::move(told));
  return out;
}

std::optional<Layout> NativeHead::layout(uint64_t unit_max) const {
  if (pieces.empty()) return Layout::whole(size, unit_max);
  auto out = Layout::of_pieces(info().pieces, unit_max);
  if (!out || out->size() != size) return std::nullopt;
  return out;
}

Result<std::string> encode(const NativeHead& head) {
  std::string row = write_head(head, true);
  if (row.size() > kMaxHeadRow) row = write_head(head, false);
  if (row.size() <= kMaxHeadRow) return row;
  return fail(Code::too_large,
              "The metadata of this object, its parts included, takes " +
                  std::to_string(row.size()) + " bytes; at most " + std::to_string(kMaxHeadRow) +
                  " are kept",
              "MetadataTooLarge");
}

Result<NativeHead> parse_native_head(std::string_view row) {
  Result<HeadPrefix> prefix = read_prefix(row);
  if (!prefix) return std::move(prefix.error());
  Result<Json> json = Json::parse(row.substr(prefix->front()));
  if (!json || !json->is_object()) return bad_head("what follows its front is no JSON object");
  NativeHead out{.size = prefix->size,
                 .modified = prefix->modified,
                 .md5 = prefix->md5,
                 .write = prefix->write,
                 .own_id = prefix->own_id(),
                 .marker = prefix->marker()};
  auto fields = origin::read_fields(*json, "fields");
  auto sums = origin::read_fields(*json, kSums);
  auto tags = origin::read_tags(*json);
  if (!fields || !sums || !tags) return bad_head("a member is not of its kind");
  out.fields = std::move(*fields);
  out.checksums = std::move(*sums);
  out.tags = std::move(*tags);
  if (Result<> read = read_names(*json, out); !read) return std::move(read.error());
  if (prefix->version == kNamedByKey) {
    auto key = json->string_or("named_by", "");
    auto known = key ? ObjectKey::parse(*key) : Result<ObjectKey>(key.error());
    if (!known || out.marker) return bad_head("no key names its units");
    out.named_by = std::move(*key);
  }
  auto pieces = prefix->version == kPartsInJson ? read_json_pieces(*json, prefix->pieces)
                                                : read_pieces(*json, row, prefix->pieces);
  if (!pieces) return std::move(pieces.error());
  if (Result<> whole = check_pieces(*pieces, out.size); !whole) return std::move(whole.error());
  out.pieces = std::move(*pieces);
  return out;
}

bool is_marker_row(std::string_view row) {
  return row.size() > 1 && static_cast<uint8_t>(row[0]) == kHeadVersion && (row[1] & kMarker) != 0;
}

Result<NativeSummary> parse_native_summary(std::string_view row) {
  Result<HeadPrefix> prefix = read_prefix(row);
  if (!prefix) return std::move(prefix.error());
  NativeSummary out{.size = prefix->size,
                    .modified = prefix->modified,
                    .etag = etag_from(prefix->md5, prefix->pieces),
                    .write = prefix->write,
                    .own_id = prefix->own_id(),
                    .marker = prefix->marker()};
  constexpr std::string_view kFront = R"({"checksums":)";
  std::string_view text = row.substr(prefix->front());
  if (!text.starts_with(kFront)) return out;
  out.checksum = plan_in(text.substr(kFront.size()));
  return out;
}

}  // namespace forebay::object
