// PostgresUrl: which PostgreSQL, who we are there, and which part of it is ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "io/loop.h"

namespace forebay::meta {

struct PostgresUrl {
  static constexpr size_t kMaxEndpoints = 16;
  /// So that a schema's name is within PostgreSQL's 63 bytes.
  static constexpr size_t kMaxName = 48;

  std::vector<io::Address> endpoints;  ///< of one database, in the order of the text; may be names
  std::string user, database;
  Secret password;        ///< may be empty
  std::string ssl_mode;   ///< "disable", "require", "verify-ca" or "verify-full"
  std::string root_cert;  ///< a file, exactly when the mode verifies
  std::string name;       ///< the cluster's

  /// Reads "postgres://USER[:PASSWORD]@HOST:PORT[,HOST:PORT…]/DATABASE?sslmode=MODE
  /// [&sslrootcert=FILE][#NAME]"; user, password, database and file are percent-decoded. NAME is
  /// the cluster's: 1–48 of A–Z a–z 0–9 . _ -, "forebay" when there is none. Nothing that decides
  /// who hears the password is guessed: port and mode must be said, and modes that fall back to
  /// plain text are none. Anything else → Code::invalid; no error quotes user or password.
  static Result<PostgresUrl> parse(std::string_view text);
  /// "a:5432, b:5432", for errors.
  std::string shown() const;
  /// The schema of the cluster's rows, quoted as an identifier.
  std::string schema() const { return "\"forebay_" + name + "\""; }
};

}  // namespace forebay::meta
