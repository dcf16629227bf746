// A form as browsers send it (multipart/form-data, RFC 7578): its fields, which are read into
// memory, and the file behind them, which is not.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/body.h"

namespace forebay::gateway::s3 {

/// All before the file's first byte, boundaries too (S3: 20 KB).
inline constexpr size_t kMaxFormFront = 20 << 10;
/// What ends a form whose file is its last part: CR LF, the boundary between dashes, CR LF.
inline constexpr size_t kFormDashes = 8;

/// The boundary that a Content-Type tells; nothing where it is not multipart/form-data or tells no
/// boundary as RFC 2046 has it. Pure.
std::optional<std::string> form_boundary(std::string_view content_type);

/// Reads a form up to its file's first byte. Pure.
class FormParser {
 public:
  explicit FormParser(const std::string& boundary)
      : first_("--" + boundary), delimiter_("\r\n--" + boundary) {}

  /// How many of the next bytes are the form's front: all but what is the file's already. Errors
  /// (Code::invalid): MalformedPOSTRequest; IncorrectNumberOfFilesInPostRequest (it ends without a
  /// file); MaxPostPreDataLengthExceededError; InvalidArgument (a field twice, or what is no text).
  Result<size_t> feed(std::string_view bytes);
  /// The next byte is the file's.
  bool at_file() const { return state_ == State::file; }

  /// Names in lower case, in the order sent; the file is not among them.
  using Fields = std::vector<std::pair<std::string, std::string>>;
  Fields& fields() { return fields_; }
  /// The file's name as it was given, without folders; empty where none was.
  const std::string& file_name() const { return file_name_; }
  /// Bytes that it holds in memory.
  size_t memory() const;

 private:
  enum class State { begin, head, value, file };
  /// Reads on in text_; false: more must come.
  Result<bool> advance();
  Result<bool> read_begin();
  Result<bool> read_head();
  Result<bool> read_value();

  const std::string first_, delimiter_;
  State state_ = State::begin;
  std::string text_;   ///< what came and is no field yet
  size_t came_ = 0;    ///< bytes
  size_t at_ = 0;      ///< where what is being read begins
  size_t looked_ = 0;  ///< how far it was looked through
  std::string name_;   ///< of the field whose value comes
  Fields fields_;
  std::string file_name_;
};

/// The file at the end of a form: `length` bytes, behind which the form ends. Ends well only if
/// that is so; else Code::invalid, "MalformedPOSTRequest".
class FormFile final : public io::Source {
 public:
  /// `begun`: bytes of the file, or of what follows it, that came already. `body` gives the rest;
  /// both outlive it, `begun` until it first reads.
  FormFile(io::Source& body, std::string_view begun, uint64_t length, const std::string& boundary);
  Task<io::Chunk> next(Context ctx) override;

 private:
  io::Source& body_;
  io::Chunk chunk_;
  std::string_view input_;  ///< what is left of it
  uint64_t left_;
  const std::string end_;   ///< what must follow the file
  const size_t delimiter_;  ///< how much of it ends a file
  size_t matched_ = 0;      ///< how much of it the last bytes of the file are
  size_t ended_ = 0;        ///< how much of it has come behind the file
};

/// The file in all that comes behind a form's front: up to the first delimiter; what follows that
/// is not looked at. None → Code::invalid, "MalformedPOSTRequest". Pure.
Result<std::string_view> file_of_form(std::string_view rest, const std::string& boundary);

}  // namespace forebay::gateway::s3
