// The simulated network: who listens where, connecting, and names. Internal to the simulated
// engine (io/sim.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/sim/world.h"
#include "io/stream.h"

namespace forebay::io::sim {

/// One network that knows every host; owned by the loop and by its listeners.
class Network : public std::enable_shared_from_this<Network> {
 public:
  explicit Network(std::shared_ptr<World> world) : world_(std::move(world)) {}
  Result<std::unique_ptr<Listener>> listen(Address address, Sharing sharing);
  Task<std::unique_ptr<Stream>> connect(Address address, Context ctx);
  Task<std::vector<Address>> resolve(std::string host, uint16_t port, Context ctx);

 private:
  class SimListener;
  struct Attempt;
  class Connecting;
  void arrive(std::shared_ptr<Attempt> attempt);

  std::shared_ptr<World> world_;
  std::vector<SimListener*> listeners_;  // in the order they were made
  uint64_t next_listener_ = 1;
  uint16_t next_port_ = 40000;
  uint16_t next_client_port_ = 50000;
};

}  // namespace forebay::io::sim
