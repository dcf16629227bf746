#include "obs/log.h"

// Debian's spdlog is a shared library that was built against Debian's fmt.
#define SPDLOG_COMPILED_LIB
#define SPDLOG_SHARED_LIB
#define SPDLOG_FMT_EXTERNAL
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <charconv>
#include <thread>

#include "base/encoding.h"
#include "base/names.h"
#include "io/loop.h"

namespace forebay::obs {

std::string_view name(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
    case Level::off: return "off";
  }
  return "off";
}

Result<Level> parse_level(std::string_view text) {
  for (Level level : {Level::debug, Level::info, Level::warn, Level::error, Level::off}) {
    if (name(level) == text) return level;
  }
  return fail(Code::invalid, "'" + std::string(text) + "' is not debug, info, warn, error or off");
}

Field::Field(std::string_view key, const Error& error)
    : key_(key), owned_(std::string(forebay::name(error.code())) + ": " + error.text()) {}

namespace {

// Control characters become \u00XX in both formats, so no value can begin a line of its own. What
// is not UTF-8 would make a line that is no JSON, and stays out of it.
void append_escaped(std::string& out, std::string_view text) {
  bool good = is_utf8(text);
  for (char c : text) {
    unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += "0123456789abcdef"[byte >> 4];
      out += "0123456789abcdef"[byte & 15];
    } else if (good || byte < 0x80) {
      out += c;
    } else {
      out += "\\ufffd";
    }
  }
}

bool plain(std::string_view text) {
  bool ascii = true;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f) return false;
    ascii &= byte < 0x80;
  }
  return !text.empty() && (ascii || is_utf8(text));
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> text;
  auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), end);
}

void append_value(std::string& out, const Field& field, LogFormat format) {
  Field::Value value = field.value();
  if (!field.owned().empty()) value = std::string_view(field.owned());
  if (auto* text = std::get_if<std::string_view>(&value)) {
    if (format == LogFormat::text && plain(*text)) {
      out += *text;
    } else {
      append_quoted(out, *text);
    }
  } else if (auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (auto* integer = std::get_if<int64_t>(&value)) {
    append_number(out, *integer);
  } else if (auto* natural = std::get_if<uint64_t>(&value)) {
    append_number(out, *natural);
  } else {
    append_number(out, std::get<double>(value));
  }
}

class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(std::function<void(std::string_view)> sink) : sink_(std::move(sink)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    sink_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}
  std::function<void(std::string_view)> sink_;
};

// Counts what has reached the real sink, so that flush() knows when it may return.
class Tally final : public spdlog::sinks::sink {
 public:
  explicit Tally(spdlog::sink_ptr inner) : inner_(std::move(inner)) {}
  void log(const spdlog::details::log_msg& message) override {
    inner_->log(message);
    written_.fetch_add(1, std::memory_order_release);
  }
  void flush() override { inner_->flush(); }
  void set_pattern(const std::string& pattern) override { inner_->set_pattern(pattern); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    inner_->set_formatter(std::move(formatter));
  }
  uint64_t written() const { return written_.load(std::memory_order_acquire); }

 private:
  spdlog::sink_ptr inner_;
  std::atomic<uint64_t> written_{0};
};

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: return spdlog::level::off;
  }
  return spdlog::level::off;
}

class SpdLog final : public Log {
 public:
  SpdLog(const LogOptions& options, spdlog::sink_ptr sink, const io::Loop& clock)
      : Log(options.level),
        format_(options.format),
        clock_(clock),
        sink_(std::make_shared<Tally>(std::move(sink))) {
    if (options.asynchronous) {
      pool_ = std::make_shared<spdlog::details::thread_pool>(options.queue, 1);
      logger_ = std::make_shared<spdlog::async_logger>(
          "forebay", sink_, pool_, spdlog::async_overflow_policy::overrun_oldest);
    } else {
      logger_ = std::make_shared<spdlog::logger>("forebay", sink_);
    }
    logger_->set_pattern("%v");
    logger_->set_level(spdlog::level::trace);
    // Whoever follows the file sees each line; asynchronous, it is the writing thread that pays.
    logger_->flush_on(spdlog::level::info);
    // spdlog would print to standard error; a log that cannot be written must not stop the work.
    logger_->set_error_handler([](const std::string&) {});
  }

  // The queue is written out before the thread ends; that is the pool's destructor. Each queued
  // line holds the logger: it goes after the thread, or the thread would be the one to destroy it.
  ~SpdLog() override {
    pool_.reset();
    logger_.reset();
    sink_->flush();
  }

  void flush() override {
    uint64_t until = emitted_.load(std::memory_order_acquire);
    while (sink_->written() + dropped() < until) std::this_thread::yield();
    sink_->flush();
  }

  uint64_t dropped() const override { return pool_ == nullptr ? 0 : pool_->overrun_counter(); }

 private:
  void emit(Level level, std::string_view message, std::initializer_list<Field> fields) override {
    std::string line = format_line(format_, clock_.wall_now(), level, message, fields);
    emitted_.fetch_add(1, std::memory_order_relaxed);
    logger_->log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
  }

  LogFormat format_;
  const io::Loop& clock_;
  std::shared_ptr<Tally> sink_;
  std::atomic<uint64_t> emitted_{0};
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::logger> logger_;
};

class NoLog final : public Log {
 public:
  NoLog() : Log(Level::off) {}
  void flush() override {}
  uint64_t dropped() const override { return 0; }

 private:
  void emit(Level, std::string_view, std::initializer_list<Field>) override {}
};

}  // namespace

std::string format_line(LogFormat format, WallTime when, Level level, std::string_view message,
                        std::initializer_list<Field> fields) {
  std::string out;
  out.reserve(96 + fields.size() * 24);
  if (format == LogFormat::json) {
    out += R"({"time":")" + iso8601(when) + R"(","level":")";
    out += name(level);
    out += R"(","message":)";
    append_quoted(out, message);
    for (const Field& field : fields) {
      out += ',';
      append_quoted(out, field.key());
      out += ':';
      append_value(out, field, format);
    }
    out += '}';
    return out;
  }
  out += iso8601(when);
  out += ' ';
  std::string_view shown = name(level);
  out += shown;
  out.append(6 - shown.size(), ' ');
  append_escaped(out, message);
  for (const Field& field : fields) {
    out += ' ';
    out += field.key();
    out += '=';
    append_value(out, field, format);
  }
  return out;
}

Result<std::unique_ptr<Log>> Log::make(LogOptions options, const io::Loop& clock) {
  spdlog::sink_ptr sink;
  try {
    if (options.sink) {
      sink = std::make_shared<FunctionSink>(options.sink);
    } else if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    }
    return std::make_unique<SpdLog>(options, std::move(sink), clock);
  } catch (const spdlog::spdlog_ex& error) {
    return fail(Code::invalid, std::string("the log cannot be opened: ") + error.what());
  }
}

Log& Log::none() {
  static NoLog log;
  return log;
}

}  // namespace forebay::obs
