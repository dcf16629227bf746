// What is said to PostgreSQL: the tables and functions of one cluster, and how a session is made
// that their plans may be trusted in. docs/adr/0030 tells why they are as they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "meta/postgres/wire.h"
#include "meta/store.h"

namespace forebay::meta::pg {

inline constexpr std::string_view kCommit = "forebay_commit";
inline constexpr std::string_view kGet = "forebay_get";
inline constexpr std::string_view kScan = "forebay_scan";

/// What the function of a commit returns when it changed something; the number of the condition,
/// from 1, that does not hold, otherwise.
inline constexpr int64_t kApplied = 0;
/// The same, when the fence is not the one that was asked for.
inline constexpr int64_t kFenced = -1;

/// Everything of a cluster that is not there yet, as one transaction.
std::string setup_script(const PostgresUrl& url);
/// Whether such a server (PgConnection::version()) has all that a session sets; else Code::invalid.
Result<> check_version(int version);
/// Settings of a session, and one row: what check_session() looks at.
std::string session_script(const PostgresUrl& url);
/// Prepares kCommit, kGet and kScan.
std::string prepare_script(const PostgresUrl& url);

/// Refuses, by its name, a server of which commits would not be durable or not be ours alone:
/// Code::invalid. Otherwise whether setup has been done there. `process` is whom the connection
/// was made with.
Result<bool> check_session(const PgAnswer& row, int process);

/// Arguments of kCommit. `term` is the fence that is asked for; nothing: whatever it is.
std::vector<PgValue> commit_arguments(const PostgresUrl& url, std::optional<int64_t> term,
                                      const Txn& txn);
/// The advisory lock of a row that may be absent; of every version the same, since they share it.
int64_t lock_of(std::string_view cluster, std::string_view key);

}  // namespace forebay::meta::pg
