// Log: what happened, as lines of text or JSON with key=value fields. spdlog does the queueing and
// the sinks and stays inside log.cpp; the lines are made here, so that a secret can be kept out of
// them by type and a control character cannot forge a line.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace forebay::io {
class Loop;
}

namespace forebay::obs {

enum class Level { debug, info, warn, error, off };
std::string_view name(Level level);
/// Reads a level's name; anything else is Code::invalid.
Result<Level> parse_level(std::string_view text);

/// One key=value of a line. Views what it is made from: use it only as an argument of a log call.
class Field {
 public:
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  Field(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  Field(std::string_view key, const char* value) : key_(key), value_(std::string_view(value)) {}
  Field(std::string_view key, const std::string& value)
      : key_(key), value_(std::string_view(value)) {}
  Field(std::string_view key, bool value) : key_(key), value_(value) {}
  Field(std::string_view key, double value) : key_(key), value_(value) {}
  Field(std::string_view key, Duration value) : key_(key), value_(value.seconds()) {}
  template <class Integer>
    requires std::is_integral_v<Integer>
  Field(std::string_view key, Integer value) : key_(key) {
    if constexpr (std::is_signed_v<Integer>) {
      value_ = static_cast<int64_t>(value);
    } else {
      value_ = static_cast<uint64_t>(value);
    }
  }
  /// A secret is written as stars, always.
  Field(std::string_view key, const Secret&) : key_(key), value_(std::string_view("****")) {}
  /// "code: text".
  Field(std::string_view key, const Error& error);

  std::string_view key() const { return key_; }
  const Value& value() const { return value_; }
  /// What an Error became; empty for other values.
  const std::string& owned() const { return owned_; }

 private:
  std::string_view key_;
  Value value_;
  std::string owned_;
};

enum class LogFormat { text, json };

struct LogOptions {
  /// The least level that is written.
  Level level = Level::info;
  LogFormat format = LogFormat::text;
  /// A file to append to; empty: standard error.
  std::string file = {};
  /// Lines wait in a bounded queue and another thread writes them, so that a slow terminal never
  /// stops a loop; when the queue is full the oldest lines are dropped and counted.
  bool asynchronous = true;
  /// Bound of that queue, lines.
  size_t queue = 8192;
  /// Instead of a file: gets each line without its end. For tests; called on the logging thread.
  std::function<void(std::string_view line)> sink = {};
};

/// Writes lines. Any thread. Made by node, or by a test; whoever logs gets a reference. The loop
/// gives the time and must outlive it.
class Log {
 public:
  /// A file that cannot be opened is an error.
  static Result<std::unique_ptr<Log>> make(LogOptions options, const io::Loop& clock);
  /// Writes nothing; for components whose owner does not care.
  static Log& none();
  virtual ~Log() = default;

  bool enabled(Level level) const { return level >= level_.load(std::memory_order_relaxed); }
  void set_level(Level level) { level_.store(level, std::memory_order_relaxed); }

  /// One line: time, level, message, fields. The message is a constant sentence; what varies goes
  /// into fields.
  void write(Level level, std::string_view message, std::initializer_list<Field> fields = {}) {
    if (enabled(level)) emit(level, message, fields);
  }
  void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, message, fields);
  }
  /// Waits until what was written so far is with the kernel. Blocking.
  virtual void flush() = 0;
  /// Lines lost because the queue was full.
  virtual uint64_t dropped() const = 0;

 protected:
  explicit Log(Level level) : level_(level) {}

 private:
  virtual void emit(Level level, std::string_view message, std::initializer_list<Field> fields) = 0;
  std::atomic<Level> level_;
};

/// The line for these parts, without its end: what Log writes.
std::string format_line(LogFormat format, WallTime when, Level level, std::string_view message,
                        std::initializer_list<Field> fields);

}  // namespace forebay::obs
