// A real PostgreSQL on loopback for tests: started with a folder of its own and a free port, ended
// by process id, and by the kernel should the test die. It does not run as root, so neither does
// this one.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "meta/etcd/etcd_server_test.h"
#include "meta/postgres/postgres_store.h"

namespace forebay::meta {

/// Any test's own thread.
class PostgresServer {
 public:
  /// Whose databases are; may do everything.
  static constexpr std::string_view kAdmin = "postgres";
  /// Whose the rows are: owner of its database and no more.
  static constexpr std::string_view kUser = "forebay";

  PostgresServer() : PostgresServer(0) {}
  /// A standby of the server at that port, which follows it until it is told otherwise.
  explicit PostgresServer(uint16_t primary) : primary_(primary) {
    // The port may be taken before the server has it.
    for (int tries = 0; tries < 3 && !up_; ++tries) start();
    EXPECT_TRUE(up_) << "no PostgreSQL (Debian: postgresql) could be started:\n" << log();
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() { clear(); }

  /// One for all tests of this process; each takes a name of its own, as long as may be.
  static PostgresServer& shared() {
    static PostgresServer one;
    return one;
  }
  static std::string new_name() {
    static int count = 0;
    std::string name = "Test-" + std::to_string(++count) + ".";
    name.resize(PostgresUrl::kMaxName, 'n');
    return name;
  }

  PostgresUrl url(const std::string& name) const { return url(name, port_); }
  /// The same through another port, or as another user.
  static PostgresUrl url(const std::string& name, uint16_t port, std::string_view user = kUser) {
    return PostgresUrl::parse("postgres://" + std::string(user) + "@127.0.0.1:" +
                              std::to_string(port) + "/forebay?sslmode=disable#" + name)
        .value();
  }
  uint16_t port() const { return port_; }
  /// Runs SQL as the administrator; what it prints, unaligned.
  std::string sql(const std::string& text) const {
    const std::string out = folder_ + "/sql";
    EXPECT_EQ(
        run({bin("psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
             std::to_string(port_), "-U", std::string(kAdmin), "-d", "forebay", "-c", text},
            out),
        0)
        << text << "\n"
        << read(out);
    std::string said = read(out);
    while (said.ends_with('\n')) said.pop_back();
    return said;
  }
  /// At once, as a machine dies: the postmaster and all that serve connections.
  void kill() {
    std::vector<pid_t> all = children();
    all.push_back(pid_);
    for (pid_t one : all) ::kill(one, SIGSTOP);
    for (pid_t one : all) ::kill(one, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    // What it shared with them is of no use to the next one.
    for (pid_t one : all) await_end(one);
    pid_ = -1;
  }
  void restart() {
    spawn();
    EXPECT_TRUE(await()) << log();
  }
  void pause() {
    ::kill(pid_, SIGSTOP);
    for (pid_t one : children()) ::kill(one, SIGSTOP);
  }
  void resume() {
    for (pid_t one : children()) ::kill(one, SIGCONT);
    ::kill(pid_, SIGCONT);
  }
  /// What signs the server's certificate for 127.0.0.1: itself.
  std::string certificate() const { return folder_ + "/data/server.crt"; }
  std::string log() const { return read(folder_ + "/log"); }

 private:
  static std::string read(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Debian keeps the server's programs where no PATH looks.
  static std::string bin(const std::string& name) {
    std::string newest;
    for (int version = 12; version < 40; ++version) {
      std::string path = "/usr/lib/postgresql/" + std::to_string(version) + "/bin/" + name;
      if (::access(path.c_str(), X_OK) == 0) newest = path;
    }
    return newest.empty() ? name : newest;
  }
  static std::vector<std::string> as_nobody(std::vector<std::string> words) {
    std::vector<std::string> all = {"setpriv", "--pdeathsig", "KILL"};
    if (::geteuid() == 0) {
      for (const char* word : {"--reuid=nobody", "--regid=nogroup", "--clear-groups"}) {
        all.emplace_back(word);
      }
    }
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  static pid_t launch(std::vector<std::string> words, const std::string& out) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid = -1;
    if (::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) != 0) {
      pid = -1;
    }
    ::posix_spawn_file_actions_destroy(&actions);
    return pid;
  }
  static int run(std::vector<std::string> words, const std::string& out) {
    std::filesystem::remove(out);
    pid_t pid = launch(std::move(words), out);
    int status = -1;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void start() {
    clear();
    port_ = free_ports(1)[0];
    // In memory where there is such a folder: what a machine's crash leaves is PostgreSQL's
    // business.
    std::string base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir();
    static int starts = 0;
    folder_ = base + "/forebay-pg-" + std::to_string(::getpid()) + "-" + std::to_string(++starts);
    const std::string data = folder_ + "/data";
    std::filesystem::create_directories(data);
    std::filesystem::permissions(data, std::filesystem::perms::owner_all);
    if (::geteuid() == 0) {
      const passwd* nobody = ::getpwnam("nobody");
      for (const std::string& path : {folder_, data}) {
        EXPECT_EQ(::chown(path.c_str(), nobody->pw_uid, nobody->pw_gid), 0);
      }
    }
    if (!fill(data)) return;
    spawn();
    up_ = await();
    if (!up_ || primary_ != 0) return;
    up_ = run({bin("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
               std::to_string(port_), "-U", std::string(kAdmin), "-d", "postgres", "-c",
               "CREATE ROLE forebay LOGIN", "-c", "CREATE DATABASE forebay OWNER forebay"},
              folder_ + "/sql") == 0;
  }

  /// Makes what the server begins with.
  bool fill(const std::string& data) const {
    const std::string log = folder_ + "/log";
    if (primary_ != 0) {
      return run(as_nobody({bin("pg_basebackup"), "-D", data, "-h", "127.0.0.1", "-p",
                            std::to_string(primary_), "-U", std::string(kAdmin), "-R", "-X",
                            "stream", "-c", "fast", "--no-sync"}),
                 log) == 0;
    }
    if (run(as_nobody({bin("initdb"), "-D", data, "-U", std::string(kAdmin), "-A", "trust", "-E",
                       "UTF8", "--locale=C", "--no-sync"}),
            log) != 0) {
      return false;
    }
    std::ofstream(data + "/postgresql.conf", std::ios::app) << "ssl = on\n";
    // Who may come in, and how: the one with a password only with it.
    std::ofstream(data + "/pg_hba.conf") << "host all guarded 127.0.0.1/32 scram-sha-256\n"
                                            "host all all 127.0.0.1/32 trust\n"
                                            "host replication all 127.0.0.1/32 trust\n";
    return run(as_nobody({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                          "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=here",
                          "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", data + "/server.key",
                          "-out", data + "/server.crt"}),
               log) == 0;
  }

  void spawn() {
    std::vector<std::string> words = {bin("postgres"),
                                      "-D",
                                      folder_ + "/data",
                                      "-p",
                                      std::to_string(port_),
                                      "-c",
                                      "listen_addresses=127.0.0.1",
                                      "-c",
                                      "unix_socket_directories=",
                                      "-c",
                                      "shared_buffers=32MB",
                                      "-c",
                                      "max_wal_size=1GB"};
    pid_ = launch(as_nobody(words), folder_ + "/log");
  }

  /// Whether it takes connections, within 30 s.
  bool await() {
    for (int i = 0; i < 1500 && pid_ > 0; ++i) {
      if (run({bin("psql"), "-X", "-q", "-h", "127.0.0.1", "-p", std::to_string(port_), "-U",
               std::string(kAdmin), "-d", "postgres", "-c", "SELECT 1"},
              folder_ + "/sql") == 0) {
        return true;
      }
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return false;
      }
      ::poll(nullptr, 0, 20);
    }
    return false;
  }

  /// Those that the postmaster has started.
  std::vector<pid_t> children() const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) +
                     "/children");
    std::vector<pid_t> out;
    for (pid_t one = 0; in >> one;) out.push_back(one);
    return out;
  }
  static void await_end(pid_t pid) {
    for (int i = 0; i < 1000 && ::kill(pid, 0) == 0; ++i) ::poll(nullptr, 0, 5);
  }

  void clear() {
    if (pid_ > 0) {
      resume();
      // The immediate shutdown: it takes along whom it started.
      ::kill(pid_, SIGQUIT);
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  const uint16_t primary_;  ///< 0: it is one itself
  std::string folder_;
  uint16_t port_ = 0;
  pid_t pid_ = -1;
  bool up_ = false;
};

}  // namespace forebay::meta
