// Map: who belongs to a cluster, at one moment. It is immutable and numbered; its number is the
// term that fences everything (docs/formats/map.md). Placement follows from it alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace forebay::place {

/// What a member does.
enum class MemberState {
  joining,      ///< known, and decides nothing yet
  active,       ///< decides, and holds
  maintenance,  ///< back soon: decides nothing, and what it holds stays where it is
  leaving,      ///< decides nothing; what it holds is moved away
  down,         ///< its lease has ended; what it holds is not given up yet
};
std::string_view name(MemberState state);

/// One daemon. Told from others by its disk's identity, from its own earlier lives by the nonce.
struct Member {
  static constexpr size_t kMaxNameBytes = 64;
  static constexpr uint32_t kMaxWeight = 65'535;

  std::string disk;       ///< 32 lower-case hex digits
  uint64_t nonce = 0;     ///< new at each start
  std::string name;       ///< what operators call it; 1 … kMaxNameBytes of A–Z a–z 0–9 . _ -
  std::string peer;       ///< ADDR:PORT where other members reach it; up to kMaxNameBytes
  std::string zone;       ///< as a name, or empty; members of one zone may fail together
  uint32_t weight = 100;  ///< 1 … kMaxWeight: its share of what is placed
  MemberState state = MemberState::joining;
  uint32_t wire = 1;  ///< the newest messages that it understands

  bool operator==(const Member&) const = default;
};

/// As a member stands in a map's row, and alone in one of its own (docs/formats/map.md). What is
/// not exactly one is Code::invalid.
std::string dump(const Member& member);
Result<Member> parse_member(std::string_view row);

/// A value; in use always as MapRef.
class Map {
 public:
  static constexpr size_t kMaxMembers = 2048;

  /// Code::invalid: a field is none, a disk or a name is there twice; Code::too_large: more than
  /// kMaxMembers. The order of `members` does not matter.
  static Result<std::shared_ptr<const Map>> make(uint64_t version, std::vector<Member> members);
  /// A row of the control store; at most meta::kMaxTxnBytes long. What is not exactly one is
  /// Code::invalid.
  static Result<std::shared_ptr<const Map>> parse(std::string_view row);
  std::string dump() const;

  /// The term.
  uint64_t version() const { return version_; }
  /// By disk.
  const std::vector<Member>& members() const { return members_; }
  /// Its place in members(), or -1.
  int find(std::string_view disk) const;
  /// The newest messages that all members understand; 1 without members.
  uint32_t wire() const;

  bool operator==(const Map&) const = default;

 private:
  Map() = default;
  uint64_t version_ = 0;
  std::vector<Member> members_;
};

using MapRef = std::shared_ptr<const Map>;

}  // namespace forebay::place
