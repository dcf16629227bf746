// The checksums of uploads in parts: which may be asked for, what parts must carry, and what the
// whole has (S3 User Guide, "Checking object integrity"). Pure; every store with parts of its own
// applies them, and the S3 door speaks in their words.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "origin/origin.h"

namespace forebay::origin {

inline constexpr std::string_view kChecksumTypeHeader = "x-amz-checksum-type";

/// "COMPOSITE", "FULL_OBJECT".
std::string_view name(ChecksumType type);
/// Reads either case; nullopt when unknown.
std::optional<ChecksumType> parse_checksum_type(std::string_view text);

/// What CreateMultipartUpload asks for; nothing without an algorithm. Unknown words, a type without
/// an algorithm, and a type that the algorithm has not → Code::invalid, "InvalidRequest".
Result<std::optional<ChecksumPlan>> plan_checksums(std::optional<std::string_view> algorithm,
                                                   std::optional<std::string_view> type);

/// What kind of checksum an object has, from its fields, which are told in any order: the type as
/// told, else by the form of the value. Nothing when it has none.
class PlanSeen {
 public:
  void add(std::string_view header, std::string_view value);
  std::optional<ChecksumPlan> plan() const;

 private:
  std::optional<ChecksumKind> kind_;
  std::optional<ChecksumType> told_;
  bool parts_ = false;
};
std::optional<ChecksumPlan> plan_of(const Fields& checksums);

/// Whether a part with these checksums (`trailing`: the name of one that comes behind its body; may
/// be empty) may go into an upload. Another algorithm → Code::invalid, "InvalidRequest".
Result<> check_part(const std::optional<ChecksumPlan>& plan, const Fields& checksums,
                    std::string_view trailing);

/// A checksum that a part must have and its client does not give: to be reckoned on the way.
struct MissingChecksum {
  std::string header = {};
  std::unique_ptr<Checksum> sum = nullptr;  ///< null: none is missing
};
MissingChecksum missing_checksum(const std::optional<ChecksumPlan>& plan,
                                 const PutOptions& options);

/// The checksums of an object of these parts, its type among them; none without a plan, or when a
/// part has no checksum of its algorithm.
Fields checksums_of_whole(const std::optional<ChecksumPlan>& plan,
                          const std::vector<PartInfo>& parts);

/// Whether what CompleteMultipartUpload says of parts and whole is so; `chosen` are the parts
/// `asked` names, `whole` as checksums_of_whole() gives it. Errors, all Code::invalid: InvalidPart
/// (another checksum of a part), InvalidRequest (a part's checksum is missing that a COMPOSITE
/// upload needs; another size; nothing to compare the whole's checksum with), BadDigest (another
/// checksum or type of the whole).
Result<> check_completion(const std::optional<ChecksumPlan>& plan,
                          const std::vector<CompletedPart>& asked,
                          const std::vector<PartInfo>& chosen, const PutOptions& options,
                          const Fields& whole);

}  // namespace forebay::origin
