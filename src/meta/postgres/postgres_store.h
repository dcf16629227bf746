// PostgresStore: rows in a PostgreSQL (12 or newer), shared by a cluster's nodes;
// postgres://USER@H:P/DATABASE?sslmode=…#NAME. It is spoken to through libpq on one of our loops,
// over a few connections. A commit is one call of one function, a transaction of its own: none is
// ever open while nothing is said. What the function does, and why, tells docs/adr/0030.
#pragma once

#include "meta/postgres/elsewhere.h"
#include "meta/postgres/pool.h"
#include "meta/store.h"

namespace forebay::meta {

struct PostgresOptions {
  PostgresUrl url;
  size_t connections = 16;  ///< at most, 2 or more; calls beyond wait for one
};

/// See the top of this file. Any loop; destroyed on the loop that opened it, or when no loop runs.
/// Every commit is durable, also one without sync. Errors name the server, or all of them. A call
/// goes on for kPatience at most, however late its deadline is. Code::busy from commit: nothing
/// has happened.
class PostgresStore final : public Store {
 public:
  static constexpr Duration kPatience = seconds(15);
  /// How often a commit is made that the server has rolled back for no fault of its own (a
  /// deadlock, a lack of room for locks), or has not heard of; and a read that broke.
  static constexpr int kTries = 5;

  /// Connects, makes the cluster's tables where there are none, and proves that two connections
  /// exclude each other. Code::invalid: a server on which commits would not be safe, by its name.
  static Task<std::unique_ptr<PostgresStore>> open(PostgresOptions options, Context ctx);

  Task<std::optional<std::string>> get(std::string key, Context ctx) override;
  Task<Page> scan(Range range, uint32_t limit, Context ctx) override;
  Task<> commit(Txn txn, Context ctx) override;

 private:
  PostgresStore(io::Loop& home, PostgresOptions options)
      : home_(home), pool_(std::move(options.url), options.connections) {}
  Task<> prepare(Context ctx);
  Task<std::optional<std::string>> get_here(std::string key, Context ctx);
  Task<Page> scan_here(Range range, uint32_t limit, Context ctx);
  Task<> commit_here(Txn txn, Context ctx);
  /// Calls a prepared statement, again where that is safe: always when it may be `repeated`,
  /// otherwise while it surely was not done.
  Task<PgAnswer> call(std::string_view statement, std::vector<PgValue> arguments, bool repeated,
                      Context ctx);
  Elsewhere at_home(Context ctx);

  io::Loop& home_;  ///< whose connections these are
  PgPool pool_;
};

}  // namespace forebay::meta
