#include "object/held_parts.h"

#include <string_view>
#include <utility>

#include "base/encoding.h"

namespace forebay::object {

namespace {

constexpr size_t kHexDigits = 32;

}  // namespace

bool HeldParts::names_bytes(const ETag& etag) {
  std::string_view text = etag.text();
  if (text.size() != kHexDigits + 2 || text.front() != '"' || text.back() != '"') return false;
  return from_hex(text.substr(1, kHexDigits)).has_value();
}

std::optional<origin::Piece> HeldParts::add(const UploadName& upload, uint32_t number, Part part) {
  std::scoped_lock lock(mutex_);
  auto [found, fresh] = uploads_.try_emplace(upload);
  Upload& mine = found->second;
  if (fresh) {
    mine.turn = turns_.insert(turns_.end(), upload);
    bytes_ += bytes_of(upload);
  }
  turns_.splice(turns_.end(), turns_, mine.turn);
  std::optional<origin::Piece> before;
  auto old = mine.parts.find(number);
  if (old == mine.parts.end()) {
    mine.parts.emplace(number, std::move(part));
    bytes_ += kPartBytes;
  } else {
    before = std::exchange(old->second, std::move(part)).piece;
  }
  while (bytes_ > kMostBytes) forget(uploads_.find(turns_.front()));
  return before;
}

origin::Pieces HeldParts::pieces(const UploadName& upload,
                                 const std::vector<origin::CompletedPart>& chosen,
                                 const std::vector<uint64_t>& sizes) const {
  std::scoped_lock lock(mutex_);
  auto found = uploads_.find(upload);
  if (found == uploads_.end() || chosen.size() != sizes.size()) return {};
  std::vector<origin::Piece> out;
  bool any = false;
  for (size_t i = 0; i < chosen.size(); ++i) {
    origin::Piece& piece = out.emplace_back(origin::Piece{.size = sizes[i]});
    auto part = found->second.parts.find(chosen[i].number);
    if (part == found->second.parts.end()) continue;
    const auto& [etag, held] = part->second;
    if (etag != chosen[i].etag || held.size != sizes[i]) continue;
    piece = held;
    any = true;
  }
  return any ? origin::Pieces(std::move(out)) : origin::Pieces();
}

std::map<uint32_t, HeldParts::Part> HeldParts::take(const UploadName& upload) {
  std::scoped_lock lock(mutex_);
  auto found = uploads_.find(upload);
  if (found == uploads_.end()) return {};
  std::map<uint32_t, Part> parts = found->second.parts;
  forget(found);
  return parts;
}

void HeldParts::forget(Uploads::iterator upload) {
  bytes_ -= bytes_of(upload->first) + upload->second.parts.size() * kPartBytes;
  turns_.erase(upload->second.turn);
  uploads_.erase(upload);
}

}  // namespace forebay::object
