#include "meta/postgres/wire.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace forebay::meta {

namespace {

constexpr int32_t kByteaType = 17;
constexpr int32_t kInt8Type = 20;
constexpr int kBinary = 1;

void append_number(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

/// The beginning of an array of one dimension, counted from 1.
std::string begin_array(size_t size, int32_t type, bool nulls) {
  std::string out;
  append_number(out, size == 0 ? 0 : 1, 4);
  append_number(out, nulls ? 1 : 0, 4);
  append_number(out, static_cast<uint32_t>(type), 4);
  if (size == 0) return out;
  append_number(out, size, 4);
  append_number(out, 1, 4);
  return out;
}

/// The text of libpq or the server, on one line.
std::string one_line(const char* text) {
  std::string out = text == nullptr ? "" : text;
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  std::ranges::replace_if(out, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return out.empty() ? "no reason was given" : out;
}

std::string field_of(const pg_result* result, int field) {
  const char* text = ::PQresultErrorField(result, field);
  return text == nullptr ? "" : text;
}

/// What an error of the server means for the caller.
Code code_of_state(std::string_view state) {
  if (state == "42501" || state.starts_with("28")) return Code::denied;
  if (state.starts_with("XX0")) return state == "XX000" ? Code::internal : Code::corrupt;
  // Deadlocks and the like, too little of something, a limit of time, who is no primary, who
  // starts or ends.
  for (std::string_view passing : {"40", "53", "55P03", "57", "25006", "08"}) {
    if (state.starts_with(passing)) return Code::busy;
  }
  return state == "3D000" ? Code::invalid : Code::internal;
}

/// What the server said when it refused a connection, which libpq tells only in words: in the
/// verbose ones a SQLSTATE stands between two blanks and a colon. Empty when it said nothing.
std::string state_within(std::string_view words) {
  constexpr size_t kState = 5;
  for (size_t at = words.find("  "); at != std::string_view::npos; at = words.find("  ", at + 1)) {
    std::string_view state = words.substr(at + 2).substr(0, kState);
    bool is_one = state.size() == kState && std::ranges::all_of(state, [](char c) {
                    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                  });
    if (is_one && words.substr(at + 2 + kState).starts_with(':')) return std::string(state);
  }
  return {};
}

/// What went wrong on the way to a connection.
Error refusal(const char* text) {
  std::string words = text == nullptr ? "" : text;
  // Where in the server's source it was said, which is a line of its own.
  if (size_t at = words.find("\nLOCATION:"); at != std::string::npos) words.resize(at);
  std::string state = state_within(words);
  Code code = state.empty() ? Code::busy : code_of_state(state);
  return fail(code == Code::internal ? Code::busy : code, one_line(words.c_str()));
}

}  // namespace

PgValue pg_int4(int32_t value) {
  std::string out;
  append_number(out, static_cast<uint32_t>(value), 4);
  return out;
}

PgValue pg_int8(int64_t value) {
  std::string out;
  append_number(out, static_cast<uint64_t>(value), 8);
  return out;
}

PgValue pg_byteas(std::span<const std::optional<std::string_view>> values) {
  std::string out =
      begin_array(values.size(), kByteaType,
                  std::ranges::any_of(values, [](const auto& value) { return !value; }));
  for (const std::optional<std::string_view>& value : values) {
    append_number(out, value ? value->size() : 0xffffffff, 4);
    if (value) out.append(*value);
  }
  return out;
}

PgValue pg_int8s(std::span<const int64_t> values) {
  std::string out = begin_array(values.size(), kInt8Type, false);
  for (int64_t value : values) {
    append_number(out, 8, 4);
    append_number(out, static_cast<uint64_t>(value), 8);
  }
  return out;
}

void PgAnswer::Clear::operator()(pg_result* result) const { ::PQclear(result); }

size_t PgAnswer::rows() const { return static_cast<size_t>(::PQntuples(result_.get())); }

size_t PgAnswer::columns() const { return static_cast<size_t>(::PQnfields(result_.get())); }

std::optional<std::string_view> PgAnswer::field(size_t row, size_t column) const {
  check(row < rows() && column < columns(), "a field that the answer has not");
  int r = static_cast<int>(row), c = static_cast<int>(column);
  if (::PQgetisnull(result_.get(), r, c) != 0) return std::nullopt;
  return std::string_view(::PQgetvalue(result_.get(), r, c),
                          static_cast<size_t>(::PQgetlength(result_.get(), r, c)));
}

Result<int64_t> PgAnswer::integer(size_t row, size_t column) const {
  std::optional<std::string_view> bytes = field(row, column);
  if (!bytes || (bytes->size() != 4 && bytes->size() != 8)) {
    return fail(Code::corrupt, "not the integer that was asked for");
  }
  uint64_t value = 0;
  for (char byte : *bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return bytes->size() == 8 ? static_cast<int64_t>(value) : static_cast<int32_t>(value);
}

void PgConnection::on_notice(void* self, const pg_result* result) {
  auto& connection = *static_cast<PgConnection*>(self);
  const std::string severity = field_of(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == "WARNING") connection.warning_ = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
  // Said unasked, by a server that ends the session; its end may come a moment later.
  if (severity == "FATAL" || severity == "PANIC") connection.broken_ = true;
}

PgConnection::~PgConnection() { ::PQfinish(connection_); }

int PgConnection::version() const { return ::PQserverVersion(connection_); }
int PgConnection::process() const { return ::PQbackendPID(connection_); }

Error PgConnection::failure() const {
  return fail(Code::busy, one_line(::PQerrorMessage(connection_))).in(server_);
}

Task<std::unique_ptr<PgConnection>> PgConnection::open(PostgresUrl url, io::Address server,
                                                       io::Address address, Context ctx) {
  std::unique_ptr<PgConnection> out(new PgConnection("PostgreSQL " + server.to_string()));
  Result<> connected = co_await out->connect(url, server, address, ctx);
  if (!connected) co_return std::move(connected.error());
  co_return out;
}

Task<> PgConnection::connect(const PostgresUrl& url, const io::Address& server,
                             const io::Address& address, Context ctx) {
  const std::string port = std::to_string(address.port);
  const std::string patience = std::to_string(kTcpPatience.milliseconds());
  // Whatever is not said here libpq looks for in the environment and in files.
  const std::array<std::pair<const char*, const char*>, 13> settings = {{
      {"host", server.host.c_str()},
      {"hostaddr", address.host.c_str()},
      {"port", port.c_str()},
      {"user", url.user.c_str()},
      {"password", url.password.reveal().c_str()},
      {"passfile", "/nonexistent"},
      {"dbname", url.database.c_str()},
      {"sslmode", url.ssl_mode.c_str()},
      {"sslrootcert", url.root_cert.c_str()},
      {"gssencmode", "disable"},
      {"target_session_attrs", "read-write"},
      {"tcp_user_timeout", patience.c_str()},
      {"application_name", "forebay"},
  }};
  std::array<const char*, settings.size() + 1> names{}, values{};
  for (size_t i = 0; i < settings.size(); ++i) {
    names[i] = settings[i].first;
    values[i] = settings[i].second;
  }
  connection_ = ::PQconnectStartParams(names.data(), values.data(), 0);
  check(connection_ != nullptr, "no memory for a connection");
  ::PQsetNoticeReceiver(connection_, &PgConnection::on_notice, this);
  (void)::PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (::PQstatus(connection_) != CONNECTION_BAD && next != PGRES_POLLING_OK) {
    auto readiness =
        next == PGRES_POLLING_READING ? io::Readiness::readable : io::Readiness::writable;
    Result<> ready = co_await ctx.loop->until_ready(::PQsocket(connection_), readiness, ctx);
    if (!ready) co_return ready.error_in("connect to " + server_);
    next = ::PQconnectPoll(connection_);
    if (next == PGRES_POLLING_FAILED) break;
  }
  if (::PQstatus(connection_) != CONNECTION_OK) {
    Error refused = refusal(::PQerrorMessage(connection_));
    if (::PQconnectionNeedsPassword(connection_) != 0) refused = refused.as(Code::denied);
    co_return std::move(refused).in(server_);
  }
  check(::PQsetnonblocking(connection_, 1) == 0, "a connection that cannot be non-blocking");
  co_return ok;
}

bool PgConnection::idle() const {
  return !broken_ && ::PQtransactionStatus(connection_) == PQTRANS_IDLE;
}

bool PgConnection::usable() {
  if (!idle() || ::PQconsumeInput(connection_) == 0) return false;
  // It reads what has come, and tells on_notice().
  (void)::PQisBusy(connection_);
  return idle() && ::PQstatus(connection_) == CONNECTION_OK;
}

Task<PgAnswer> PgConnection::script(std::string sql, PgFault& fault, Context ctx) {
  fault = {};
  warning_.clear();
  broken_ = true;
  if (::PQsendQuery(connection_, sql.c_str()) == 0) co_return failure();
  co_return co_await answer(fault, ctx);
}

Task<PgAnswer> PgConnection::run(std::string statement, const std::vector<PgValue>& arguments,
                                 PgFault& fault, Context ctx) {
  fault = {};
  warning_.clear();
  std::vector<const char*> values;
  std::vector<int> lengths, formats(arguments.size(), kBinary);
  for (const PgValue& value : arguments) {
    values.push_back(value ? value->data() : nullptr);
    lengths.push_back(value ? static_cast<int>(value->size()) : 0);
  }
  broken_ = true;
  // It fails only before anything is written: what the socket refuses shows later.
  if (::PQsendQueryPrepared(connection_, statement.c_str(), static_cast<int>(values.size()),
                            values.data(), lengths.data(), formats.data(), kBinary) == 0) {
    co_return failure();
  }
  Result<PgAnswer> said = co_await answer(fault, ctx);
  if (said && !warning_.empty()) {
    broken_ = true;
    fault.fate = PgFate::unknown;
    co_return fail(Code::unavailable, warning_).in(server_);
  }
  co_return said;
}

Task<PgAnswer> PgConnection::answer(PgFault& fault, Context ctx) {
  fault.fate = PgFate::unknown;
  while (::PQflush(connection_) == 1) {
    Result<> ready =
        co_await ctx.loop->until_ready(::PQsocket(connection_), io::Readiness::either, ctx);
    if (!ready) co_return ready.error_in(server_);
    if (::PQconsumeInput(connection_) == 0) break;
  }
  std::optional<PgAnswer> last;
  std::optional<Error> error;
  while (true) {
    while (::PQisBusy(connection_) != 0) {
      Result<> ready =
          co_await ctx.loop->until_ready(::PQsocket(connection_), io::Readiness::readable, ctx);
      if (!ready) co_return ready.error_in(server_);
      // What came before a broken connection is told all the same.
      if (::PQconsumeInput(connection_) == 0) break;
    }
    pg_result* result = ::PQgetResult(connection_);
    // The server is idle: only now a transaction is committed.
    if (result == nullptr) break;
    last.emplace(result);
    ExecStatusType status = ::PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) continue;
    // The first tells why; a connection that ends is told of after it.
    if (error) continue;
    fault.state = field_of(result, PG_DIAG_SQLSTATE);
    std::string words = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
    if (words.empty()) words = one_line(::PQresultErrorMessage(result));
    if (!fault.state.empty()) words += " (" + fault.state + ")";
    error = fail(code_of_state(fault.state), std::move(words)).in(server_);
    // What ends the server's process may end it after its commit.
    if (field_of(result, PG_DIAG_SEVERITY_NONLOCALIZED) == "ERROR") fault.fate = PgFate::undone;
  }
  bool whole = ::PQstatus(connection_) == CONNECTION_OK &&
               ::PQtransactionStatus(connection_) != PQTRANS_UNKNOWN;
  // Who takes no writes any more is no primary, or soon none.
  broken_ = !whole || fault.state == "25006";
  if (!whole && !error) error = failure();
  if (error && fault.fate == PgFate::unknown) co_return error->as(Code::unavailable);
  if (error) co_return std::move(*error);
  if (!last) co_return fail(Code::corrupt, "an answer without a result").in(server_);
  co_return std::move(*last);
}

}  // namespace forebay::meta
