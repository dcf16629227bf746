#include "meta/postgres/sql.h"

#include <algorithm>

#include "base/hash.h"

namespace forebay::meta::pg {

namespace {

/// The first of the two numbers of a fence's advisory lock; "Fore".
constexpr std::string_view kFenceClass = "1181053541";

/// PostgreSQL 12: the oldest that its makers said fixes for when this was written.
constexpr int kOldestServer = 120000;

// $S stands for the schema, $F for the numbers of the fence's lock. The functions carry a version:
// nodes of different ones may work side by side, on the same rows.
constexpr std::string_view kSetup = R"sql(
SELECT pg_advisory_xact_lock($F);
CREATE SCHEMA IF NOT EXISTS $S;
CREATE TABLE IF NOT EXISTS $S.rows (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE IF NOT EXISTS $S.fence (one bool PRIMARY KEY CHECK (one), term bigint NOT NULL);
INSERT INTO $S.fence VALUES (true, 0) ON CONFLICT DO NOTHING;
CREATE OR REPLACE FUNCTION $S.get_1(k bytea) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  found_value bytea;
BEGIN
  SELECT r.value INTO found_value FROM $S.rows r WHERE r.key = k;
  -- A server that is primary no more, and has not heard of it, cannot commit this.
  IF NOT FOUND THEN
    PERFORM pg_logical_emit_message(true, 'forebay', '');
  END IF;
  RETURN found_value;
END $$;
CREATE OR REPLACE FUNCTION $S.scan_1(first bytea, behind bytea, most int, most_bytes bigint)
RETURNS TABLE (k bytea, v bytea, total bigint) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF behind IS NULL THEN
    RETURN QUERY
    SELECT q.key, q.value, q.total FROM (
      SELECT p.key, p.value, count(*) OVER () AS total, sum(
          octet_length(p.key) + octet_length(p.value)) OVER (
          ORDER BY p.key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM (SELECT r.key, r.value FROM $S.rows r WHERE r.key >= first
            ORDER BY r.key LIMIT most + 1) p) q
    WHERE q.before IS NULL OR q.before < most_bytes ORDER BY q.key LIMIT most;
  ELSE
    RETURN QUERY
    SELECT q.key, q.value, q.total FROM (
      SELECT p.key, p.value, count(*) OVER () AS total, sum(
          octet_length(p.key) + octet_length(p.value)) OVER (
          ORDER BY p.key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
      FROM (SELECT r.key, r.value FROM $S.rows r WHERE r.key >= first AND r.key < behind
            ORDER BY r.key LIMIT most + 1) p) q
    WHERE q.before IS NULL OR q.before < most_bytes ORDER BY q.key LIMIT most;
  END IF;
  PERFORM pg_logical_emit_message(true, 'forebay', '');
END $$;
CREATE OR REPLACE FUNCTION $S.commit_1(asked bigint, locks bigint[], ck bytea[], cv bytea[],
                                       pk bytea[], pv bytea[], rk bytea[])
RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  here bigint;
  held bytea[];
  bad int;
BEGIN
  PERFORM pg_advisory_xact_lock_shared($F);
  PERFORM pg_advisory_xact_lock(l) FROM unnest(locks) l;
  SELECT f.term INTO STRICT here FROM $S.fence f;
  IF asked <> here THEN
    RETURN -1;
  END IF;
  held := ARRAY(SELECT r.key FROM $S.rows r WHERE r.key = ANY (ck || pk || rk)
                ORDER BY r.key FOR UPDATE);
  -- A row that came while others were waited for is not held, and is no answer to a condition.
  SELECT min(c.number) INTO bad FROM unnest(ck, cv) WITH ORDINALITY AS c(key, value, number)
  LEFT JOIN $S.rows r ON r.key = c.key
  WHERE r.value IS DISTINCT FROM c.value
     OR (c.value IS NOT NULL AND NOT c.key = ANY (held));
  IF bad IS NOT NULL THEN
    RETURN bad;
  END IF;
  IF cardinality(pk) > 0 THEN
    INSERT INTO $S.rows AS r SELECT * FROM unnest(pk, pv)
    ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
  END IF;
  IF cardinality(rk) > 0 THEN
    DELETE FROM $S.rows r WHERE r.key = ANY (rk);
  END IF;
  -- A question is answered as a list is.
  IF cardinality(pk) + cardinality(rk) = 0 THEN
    PERFORM pg_logical_emit_message(true, 'forebay', '');
  END IF;
  RETURN 0;
END $$;
)sql";

// Plans are made once for a session, perhaps while the table is empty; whatever the statistics
// say, rows are found by their index. What synchronous_commit is when it is looked at it stays.
constexpr std::string_view kSession = R"sql(
SET search_path = pg_catalog;
SET default_transaction_isolation = 'read committed';
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET jit = off;
SET statement_timeout = '10s';
SET idle_in_transaction_session_timeout = '10s';
SET tcp_user_timeout = '10s';
SET client_min_messages = 'warning';
SELECT current_setting('server_version_num'), version(),
  pg_backend_pid(),
  set_config('synchronous_commit',
                        current_setting('synchronous_commit'), false),
  current_setting('fsync'), current_setting('full_page_writes'),
  to_regprocedure(
    '$S.commit_1(bigint,bigint[],bytea[],bytea[],bytea[],bytea[],bytea[])') IS NOT NULL
)sql";

constexpr std::string_view kPrepare = R"sql(
PREPARE forebay_commit(bigint, bigint[], bytea[], bytea[], bytea[], bytea[], bytea[]) AS
  SELECT $S.commit_1($1, $2, $3, $4, $5, $6, $7);
PREPARE forebay_get(bytea) AS SELECT $S.get_1($1);
PREPARE forebay_scan(bytea, bytea, int, bigint) AS
  SELECT s.k, s.v, s.total FROM $S.scan_1($1, $2, $3, $4) s;
)sql";

std::string filled(std::string_view form, const PostgresUrl& url) {
  const std::string schema = url.schema();
  const std::string fence = std::string(kFenceClass) + ", '" +
                            std::to_string(static_cast<int32_t>(xxh3(url.name, 0))) + "'::int";
  std::string out;
  for (size_t at = 0; at < form.size(); ++at) {
    std::string_view mark = form.substr(at, 2);
    if (mark == "$S" || mark == "$F") {
      out += mark == "$S" ? schema : fence;
      ++at;
    } else {
      out.push_back(form[at]);
    }
  }
  return out;
}

Error refused(std::string_view version, std::string_view why) {
  return fail(Code::invalid, std::string(why)).in("'" + std::string(version) + "'");
}

}  // namespace

std::string setup_script(const PostgresUrl& url) { return filled(kSetup, url); }
std::string session_script(const PostgresUrl& url) { return filled(kSession, url); }
std::string prepare_script(const PostgresUrl& url) { return filled(kPrepare, url); }

Result<> check_version(int version) {
  if (version >= kOldestServer) return ok;
  return fail(Code::invalid, "PostgreSQL 12 or newer is needed; this one is of version " +
                                 std::to_string(version / 10000));
}

Result<bool> check_session(const PgAnswer& row, int process) {
  constexpr size_t kColumns = 7;
  if (row.rows() != 1 || row.columns() != kColumns) {
    return fail(Code::invalid, "not the answer of a PostgreSQL to the question what it is");
  }
  auto said = [&](size_t column) { return row.field(0, column).value_or(""); };
  std::string_view version = said(1);
  if (said(2) != std::to_string(process)) {
    return refused(version,
                   "something between (PgBouncer?) gives a session to several clients; name the "
                   "server itself");
  }
  if (said(3) != "on" && said(3) != "remote_apply") {
    return refused(version, "synchronous_commit is " + std::string(said(3)) +
                                ": commits could be lost after their answer; it must be on");
  }
  if (said(4) != "on") {
    return refused(version,
                   "fsync is off: commits could be lost after their answer; it must be on");
  }
  if (said(5) != "on") {
    return refused(version,
                   "full_page_writes is off: a crash could tear what is stored; it must be on");
  }
  return said(6) == "t";
}

int64_t lock_of(std::string_view cluster, std::string_view key) {
  return static_cast<int64_t>(xxh3(key, xxh3(cluster, 0)));
}

std::vector<PgValue> commit_arguments(const PostgresUrl& url, std::optional<int64_t> term,
                                      const Txn& txn) {
  using Parts = std::vector<std::optional<std::string_view>>;
  Parts condition_keys, condition_values, put_keys, put_values, removed;
  std::vector<std::string_view> present;
  std::vector<int64_t> locks;
  for (const Txn::Condition& condition : txn.conditions) {
    condition_keys.emplace_back(condition.key);
    condition_values.emplace_back(condition.value);
    if (condition.value) {
      present.emplace_back(condition.key);
    } else {
      locks.push_back(lock_of(url.name, condition.key));
    }
  }
  for (const Txn::Change& change : txn.changes) {
    (change.value ? put_keys : removed).emplace_back(change.key);
    if (change.value) put_values.emplace_back(*change.value);
    // Whose row must be there is held by its row.
    if (std::ranges::find(present, change.key) == present.end()) {
      locks.push_back(lock_of(url.name, change.key));
    }
  }
  std::ranges::sort(locks);
  locks.erase(std::ranges::unique(locks).begin(), locks.end());
  return {term ? pg_int8(*term) : std::nullopt,
          pg_int8s(locks),
          pg_byteas(condition_keys),
          pg_byteas(condition_values),
          pg_byteas(put_keys),
          pg_byteas(put_values),
          pg_byteas(removed)};
}

}  // namespace forebay::meta::pg
