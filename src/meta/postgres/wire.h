// PgConnection: one connection to one PostgreSQL server through libpq, whose socket is awaited on
// our loop. It knows what an answer means for a transaction's outcome, and nothing of rows.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meta/postgres/url.h"

struct pg_conn;
struct pg_result;

namespace forebay::meta {

/// What is known of a call that gave an error.
enum class PgFate {
  unsent,   ///< the server has not heard of it
  undone,   ///< the server has rolled it back
  unknown,  ///< it may have happened, or may yet
};

/// An error and what it means.
struct PgFault {
  PgFate fate = PgFate::unsent;
  std::string state = {};  ///< the server's SQLSTATE ("40001"); empty when it said none
};

/// An argument in PostgreSQL's binary form; nothing is NULL.
using PgValue = std::optional<std::string>;

/// Of 4 and of 8 bytes, as PostgreSQL sends integers.
PgValue pg_int4(int32_t value);
PgValue pg_int8(int64_t value);
/// bytea[] and bigint[]. The views may end with the call.
PgValue pg_byteas(std::span<const std::optional<std::string_view>> values);
PgValue pg_int8s(std::span<const int64_t> values);

/// Rows of an answer.
class PgAnswer {
 public:
  explicit PgAnswer(pg_result* result) : result_(result) {}
  size_t rows() const;
  size_t columns() const;
  /// The bytes of a field; nothing for NULL. Lives as long as the answer.
  std::optional<std::string_view> field(size_t row, size_t column) const;
  /// A field in binary form; Code::corrupt when it is no integer of 4 or 8 bytes.
  Result<int64_t> integer(size_t row, size_t column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

/// Of one loop; one call at a time. Errors name the server. After one whose fate is not `undone`
/// the connection is of no use any more.
class PgConnection {
 public:
  /// The server notices within so long that we are gone, and we that it is.
  static constexpr Duration kTcpPatience = seconds(10);

  /// Connects to the server at `address`, numeric, which `url` calls `server`; only to one that
  /// takes writes. Not reached, not ready or not writable → Code::busy; not let in →
  /// Code::denied; no such database → Code::invalid.
  static Task<std::unique_ptr<PgConnection>> open(PostgresUrl url, io::Address server,
                                                  io::Address address, Context ctx);
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;
  ~PgConnection();

  /// Runs commands that are separated by semicolons as one transaction; the last one's answer,
  /// as text.
  Task<PgAnswer> script(std::string sql, PgFault& fault [[clang::lifetimebound]], Context ctx);
  /// Runs a prepared statement as a transaction of its own; its answer in binary form. The answer
  /// is given when the server has committed, and as it promises: a warning (it gave up waiting for
  /// its standby) is an error with the fate unknown.
  Task<PgAnswer> run(std::string statement,
                     const std::vector<PgValue>& arguments [[clang::lifetimebound]],
                     PgFault& fault [[clang::lifetimebound]], Context ctx);
  /// Whether nothing is under way, and nothing has gone wrong.
  bool idle() const;
  /// The same, and the server has not ended it meanwhile.
  bool usable();
  /// The server's process that serves it, as it said when it began.
  int process() const;
  /// 150018 is 15.18; 0: it did not say.
  int version() const;
  /// "PostgreSQL a:5432", for errors.
  const std::string& server() const { return server_; }

 private:
  explicit PgConnection(std::string server) : server_(std::move(server)) {}
  static void on_notice(void* self, const pg_result* result);
  Task<> connect(const PostgresUrl& url [[clang::lifetimebound]], const io::Address& server,
                 const io::Address& address, Context ctx);
  /// After a send: everything that is answered, up to the server's word that it is idle.
  Task<PgAnswer> answer(PgFault& fault, Context ctx);
  Error failure() const;

  std::string server_;
  pg_conn* connection_ = nullptr;
  std::string warning_;  ///< the last one since the last send
  bool broken_ = false;
};

}  // namespace forebay::meta
