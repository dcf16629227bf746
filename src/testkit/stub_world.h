// StubWorld: a simulated world in which an S3Stub serves, for tests of clients and the command
// line. Everything runs in one thread on simulated time.
#pragma once

#include <memory>
#include <optional>

#include "http/server.h"
#include "io/sim.h"
#include "testkit/s3_stub.h"

namespace forebay::testkit {

/// S3 and admin at one address, 127.0.0.1:kPort; key "KEY" with secret "secret".
class StubWorld {
 public:
  static constexpr uint16_t kPort = 9000;

  explicit StubWorld(const io::SimOptions& options = {}) : world_(io::Simulation::make(options)) {
    server_.emplace(std::move(world_->loop().listen({"127.0.0.1", kPort}).value()), stub_);
    io::start<void>(world_->loop(), server_->run({.loop = &world_->loop()}),
                    [this](Result<>) { ended_ = true; });
  }
  StubWorld(const StubWorld&) = delete;
  StubWorld& operator=(const StubWorld&) = delete;
  ~StubWorld() {
    Time now = world_->loop().now();
    (void)world_->run(server_->drain(now, context()));
    while (!ended_ && world_->step()) {
    }
  }

  io::Simulation& world() { return *world_; }
  S3Stub& stub() { return stub_; }
  Context context() { return {.loop = &world_->loop()}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return world_->run(std::move(task));
  }

 private:
  std::unique_ptr<io::Simulation> world_;
  S3Stub stub_{"KEY", Secret("secret")};
  std::optional<http::Server> server_;
  bool ended_ = false;
};

}  // namespace forebay::testkit
