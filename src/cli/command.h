// What a command line says, as values: one struct per command, and the connection all of them
// share. parse.h makes them; each noun's file carries them out.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/secret.h"

namespace forebay::cli {

/// Which server, as whom. What is empty was not said by a flag.
struct Connection {
  std::string s3;
  std::string admin;
  std::string data;  ///< the data directory whose credentials file to use
  std::string authorities_file;
};

/// What is empty was not said.
struct Limits {
  std::string max_bytes;    ///< as parse_size() reads it
  std::string max_objects;  ///< a number
};
struct BucketCreate {
  std::string name;
  std::string origin;
  bool native = false;
  std::string freshness;
  std::string fill;
  std::string verify;
  std::string hedge;
  std::string origin_access_key;
  Secret origin_secret_key;
  std::string origin_region;
  std::string origin_profile;
  Limits limits;
};
struct BucketSet {
  std::string name;
  Limits limits;
  std::string hedge;
  std::string origin_access_key;
  Secret origin_secret_key;
  std::string origin_profile;
};
struct BucketList {
  bool json = false;
};
struct BucketShow {
  std::string name;
  bool json = false;
};
struct BucketRemove {
  std::string name;
};
struct List {
  std::string path;  ///< empty: the buckets
  bool recursive = false;
};
struct Copy {
  std::string source;  ///< a file, "-", or an object
  std::string target;
  std::string content_type;
  bool quiet = false;
  uint64_t part_mib = 16;
  unsigned parallel = 4;
};
struct Cat {
  std::string path;
};
struct Remove {
  std::string path;
  bool recursive = false;
  bool job = false;   ///< the server does it, by itself
  bool wait = false;  ///< for that
  bool json = false;  ///< of the job
};
struct Stat {
  std::string path;
};
struct Prefetch {
  std::string path;
  bool wait = false;
  bool json = false;
};
struct JobList {
  bool json = false;
};
struct JobShow {
  std::string id;
  bool json = false;
};
struct JobWait {
  std::string id;
  bool json = false;
};
struct JobCancel {
  std::string id;
};
struct ShowStatus {
  bool json = false;
};

using Command =
    std::variant<BucketCreate, BucketSet, BucketList, BucketShow, BucketRemove, List, Copy, Cat,
                 Remove, Stat, Prefetch, JobList, JobShow, JobWait, JobCancel, ShowStatus>;

struct CommandLine {
  Connection connection;
  Command command;
};

}  // namespace forebay::cli
