// Real etcd members on loopback for tests: started with folders of their own and free ports, ended
// by process id, and by the kernel should the test die.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/engine.h"
#include "meta/etcd/etcd_store.h"

namespace forebay::meta {

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out.sin_port = htons(port);
  return out;
}

/// Ports that were free a moment ago.
inline std::vector<uint16_t> free_ports(size_t count) {
  std::vector<int> sockets;
  std::vector<uint16_t> out;
  for (size_t i = 0; i < count; ++i) {
    sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(sockets.back(), any, size) != 0 || ::getsockname(sockets.back(), any, &size) != 0) {
      ADD_FAILURE() << "no free port";
    }
    out.push_back(ntohs(address.sin_port));
  }
  for (int socket : sockets) ::close(socket);
  return out;
}

/// As many members of one etcd as are asked for. Any test's own thread.
class EtcdServers {
 public:
  explicit EtcdServers(size_t members) {
    // A port may be taken before its member has it.
    for (int tries = 0; tries < 3 && !up_; ++tries) start(members);
    EXPECT_TRUE(up_) << "no etcd (Debian: etcd-server) could be started:\n" << log(0);
  }
  EtcdServers(const EtcdServers&) = delete;
  EtcdServers& operator=(const EtcdServers&) = delete;
  ~EtcdServers() { clear(); }

  /// One member for all tests of this process; each takes a name of its own, as long as may
  /// be.
  static EtcdServers& shared() {
    static EtcdServers one(1);
    return one;
  }
  static std::string new_name() {
    static int count = 0;
    std::string name = "test-" + std::to_string(++count) + "-";
    name.resize(EtcdUrl::kMaxName, 'n');
    return name;
  }

  EtcdUrl url(const std::string& name) const {
    std::string text = "etcd://";
    for (const Member& member : members_) {
      text += (text.ends_with('/') ? "" : ",") + authority(member.port);
    }
    return EtcdUrl::parse(text + "/" + name).value();
  }
  size_t size() const { return members_.size(); }
  uint16_t port(size_t member) const { return members_.at(member).port; }
  /// At once, as a machine dies.
  void kill(size_t member) { end(members_.at(member), SIGKILL); }
  void pause(size_t member) { ::kill(members_.at(member).pid, SIGSTOP); }
  void resume(size_t member) { ::kill(members_.at(member).pid, SIGCONT); }
  /// A member that was killed, with the folder that it left.
  void restart(size_t member) { spawn(member); }

 private:
  struct Member {
    uint16_t port = 0, peer_port = 0;
    pid_t pid = -1;
    std::string folder;
  };
  static std::string authority(uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

  void start(size_t count) {
    clear();
    std::vector<uint16_t> ports = free_ports(2 * count);
    // In memory where there is such a folder: what a machine's crash leaves is etcd's business.
    std::string base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir();
    static int starts = 0;
    base += "/forebay-etcd-" + std::to_string(::getpid()) + "-" + std::to_string(++starts);
    for (size_t i = 0; i < count; ++i) {
      members_.push_back({.port = ports[2 * i],
                          .peer_port = ports[2 * i + 1],
                          .folder = base + "-" + std::to_string(i)});
      std::filesystem::create_directories(members_.back().folder);
    }
    for (size_t i = 0; i < count; ++i) spawn(i);
    up_ = true;
    for (size_t i = 0; i < count; ++i) up_ = up_ && await(i);
  }

  void spawn(size_t which) {
    Member& member = members_.at(which);
    std::string cluster;
    for (size_t i = 0; i < members_.size(); ++i) {
      cluster +=
          (i == 0 ? "m" : ",m") + std::to_string(i) + "=http://" + authority(members_[i].peer_port);
    }
    std::string at = "http://" + authority(member.port);
    std::string peers = "http://" + authority(member.peer_port);
    std::vector<std::string> words = {"setpriv",
                                      "--pdeathsig",
                                      "KILL",
                                      "etcd",
                                      "--name=m" + std::to_string(which),
                                      "--data-dir=" + member.folder + "/data",
                                      "--listen-client-urls=" + at,
                                      "--advertise-client-urls=" + at,
                                      "--listen-peer-urls=" + peers,
                                      "--initial-advertise-peer-urls=" + peers,
                                      "--initial-cluster=" + cluster,
                                      "--heartbeat-interval=50",
                                      "--election-timeout=500"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, (member.folder + "/log").c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (::posix_spawnp(&member.pid, "setpriv", &actions, nullptr, arguments.data(), environ) != 0) {
      member.pid = -1;
    }
    ::posix_spawn_file_actions_destroy(&actions);
  }

  /// Whether it listens, within 20 s.
  bool await(size_t which) {
    Member& member = members_[which];
    for (int i = 0; i < 1000 && member.pid > 0; ++i) {
      sockaddr_in address = loopback(member.port);
      int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      int refused = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
      ::close(socket);
      if (refused == 0) return true;
      if (::waitpid(member.pid, nullptr, WNOHANG) == member.pid) {
        member.pid = -1;
        return false;
      }
      ::poll(nullptr, 0, 20);
    }
    return false;
  }

  static void end(Member& member, int signal) {
    if (member.pid <= 0) return;
    ::kill(member.pid, signal);
    ::kill(member.pid, SIGCONT);
    ::waitpid(member.pid, nullptr, 0);
    member.pid = -1;
  }
  void clear() {
    for (Member& member : members_) {
      end(member, SIGKILL);
      std::filesystem::remove_all(member.folder);
    }
    members_.clear();
  }
  std::string log(size_t member) const {
    if (member >= members_.size()) return "";
    std::ifstream in(members_[member].folder + "/log");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::vector<Member> members_;
  bool up_ = false;
};

/// An HTTP client for each loop of an engine, and stores over them, which must end before it.
class EtcdClients {
 public:
  explicit EtcdClients(io::Engine& engine) {
    for (size_t i = 0; i < engine.loops(); ++i) {
      clients_[&engine.loop(i)] = std::make_unique<http::Client>(engine.loop(i));
    }
  }
  EtcdOptions options(EtcdUrl url) {
    return {.url = std::move(url),
            .client = [this](io::Loop& loop) -> http::Client& { return *clients_.at(&loop); }};
  }
  std::unique_ptr<EtcdStore> store(EtcdUrl url) {
    return std::make_unique<EtcdStore>(options(std::move(url)));
  }

 private:
  std::map<io::Loop*, std::unique_ptr<http::Client>> clients_;
};

}  // namespace forebay::meta
