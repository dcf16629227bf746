// The simulated network: who listens where, connecting, and names. Internal to the simulated
// engine (io/sim.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/sim/stream.h"
#include "io/stream.h"

namespace forebay::io::sim {

/// One network of all machines; owned by their loops and its listeners.
class Network : public std::enable_shared_from_this<Network> {
 public:
  void add(std::shared_ptr<Host> host) { hosts_.push_back(std::move(host)); }
  /// By `at`, as are the other two.
  Result<std::unique_ptr<Listener>> listen(Host& at, Address address, Sharing sharing);
  Task<std::unique_ptr<Stream>> connect(Host& at, Address address, Context ctx);
  static Task<std::vector<Address>> resolve(Host& at, std::string host, uint16_t port, Context ctx);
  /// `host` has died, and with it all that its life had open; `host.silent`: nobody is told.
  void end_life(const Host& host);

 private:
  class SimListener;
  struct Attempt;
  class Connecting;
  void arrive(std::shared_ptr<Attempt> attempt);
  void answer(std::shared_ptr<Attempt> attempt);
  Host& machine(const Host& from, const std::string& address) const;

  std::vector<std::shared_ptr<Host>> hosts_;
  std::vector<std::weak_ptr<Connection>> connections_;
  std::vector<SimListener*> listeners_;  // in the order they were made
  uint64_t next_listener_ = 1;
  uint16_t next_port_ = 40000;
  uint16_t next_client_port_ = 50000;
};

}  // namespace forebay::io::sim
