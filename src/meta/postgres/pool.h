// PgPool: a node's few connections to PostgreSQL, opened when they are needed, lent one at a time,
// and thrown away when a call on one has not ended well.
#pragma once

#include <memory>
#include <vector>

#include "io/sync.h"
#include "meta/postgres/wire.h"

namespace forebay::meta {

/// Of one loop; whoever borrows gives back before it is destroyed.
class PgPool {
 public:
  /// A server that says nothing is passed over after so long.
  static constexpr Duration kServerPatience = seconds(3);
  /// All servers of a url are tried, round after round, for so long.
  static constexpr Duration kPatience = seconds(10);
  static constexpr Duration kFirstPause = milliseconds(20);
  static constexpr Duration kLastPause = milliseconds(500);

  PgPool(PostgresUrl url, size_t most) : url_(std::move(url)), permits_(most) {}

  /// A connection on loan.
  class Lent {
   public:
    Lent(PgPool& pool, io::Semaphore::Permit permit, std::unique_ptr<PgConnection> connection)
        : pool_(&pool), permit_(std::move(permit)), connection_(std::move(connection)) {}
    Lent(Lent&&) noexcept = default;
    Lent& operator=(Lent&&) = delete;
    ~Lent();
    PgConnection* operator->() const { return connection_.get(); }

   private:
    PgPool* pool_;
    io::Semaphore::Permit permit_;
    std::unique_ptr<PgConnection> connection_;
  };

  /// The cluster's tables: must be there, or are made where they are not.
  enum class Tables { there, made };

  /// One that is ready for prepared statements. None free, or no server reached, within the
  /// patience or the deadline → Code::busy; a server that is refused, or refuses us → its error.
  Task<Lent> take(Context ctx, Tables tables = Tables::there);
  /// The next new connection is tried at another server first.
  void begin_at_next() { ++first_; }
  const PostgresUrl& url() const { return url_; }

 private:
  Task<std::unique_ptr<PgConnection>> connect(Tables tables, Context ctx);
  Task<std::unique_ptr<PgConnection>> connect_to(io::Address server, Tables tables, Context ctx);

  const PostgresUrl url_;
  io::Semaphore permits_;
  std::vector<std::unique_ptr<PgConnection>> idle_;  ///< prepared; the last one was used last
  size_t first_ = 0;                                 ///< of the servers, who took us in last
};

}  // namespace forebay::meta
