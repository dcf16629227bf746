#include "io/engine.h"

#include <sys/resource.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <map>
#include <thread>

#include "io/real/epoll_loop.h"

namespace forebay::io {

namespace {

class SignalWatch final : public real::Watched {
 public:
  SignalWatch(real::Descriptor fd, std::function<void()> handler)
      : fd_(std::move(fd)), handler_(std::move(handler)) {}
  int descriptor() const { return fd_.get(); }
  void on_events(uint32_t) override {
    signalfd_siginfo ignored;
    while (::read(fd_.get(), &ignored, sizeof ignored) == sizeof ignored) handler_();
  }

 private:
  real::Descriptor fd_;
  std::function<void()> handler_;
};

class EpollEngine final : public Engine {
 public:
  explicit EpollEngine(const EngineOptions& options)
      : pool_(options.most_threads),
        lane_(pool_.make_lane(
            {.kind = "other", .subject = "this machine", .threads = options.pool_threads})) {}

  Result<> make_loops(unsigned count, const real::SocketOptions& options) {
    for (unsigned i = 0; i < count; ++i) {
      auto loop = real::EpollLoop::make(pool_, lane_, options);
      if (!loop) return std::move(loop.error());
      loops_.push_back(std::move(*loop));
    }
    return ok;
  }

  size_t loops() const override { return loops_.size(); }
  Loop& loop(size_t index) override { return *loops_.at(index); }

  void run() override {
    std::vector<std::thread> threads;
    for (size_t i = 1; i < loops_.size(); ++i) {
      threads.emplace_back([this, i] {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        loops_[i]->run();
      });
    }
    loops_[0]->run();
    for (auto& thread : threads) thread.join();
  }

  void stop() override {
    for (auto& loop : loops_) loop->stop();
  }

  std::vector<LaneStats> lanes() const override { return pool_.stats(real::boot_now()); }

  Result<> on_signal(int signal, std::function<void()> handler) override {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    real::Descriptor fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd.valid()) return error_from_errno(errno, "signalfd");
    auto& watch = signals_[signal];
    watch = std::make_unique<SignalWatch>(std::move(fd), std::move(handler));
    return loops_[0]->watch_signal(watch->descriptor(), *watch);
  }

 private:
  std::map<int, std::unique_ptr<SignalWatch>> signals_;
  std::vector<std::unique_ptr<real::EpollLoop>> loops_;
  real::Pool pool_;  // last in, first out: its threads post to the loops
  std::shared_ptr<real::PoolLane> lane_;
};

}  // namespace

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

Result<std::unique_ptr<Engine>> Engine::make(const EngineOptions& options) {
  // sendfile to a closed peer raises SIGPIPE, and unlike send() it has no flag against it.
  std::signal(SIGPIPE, SIG_IGN);
  unsigned loops = options.loops;
  if (loops == 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    loops = ::sched_getaffinity(0, sizeof cpus, &cpus) == 0
                ? static_cast<unsigned>(CPU_COUNT(&cpus))
                : 1;
  }
  auto engine = std::make_unique<EpollEngine>(options);
  Result<> made = engine->make_loops(loops, {options.congestion, options.unsent});
  if (!made) return std::move(made.error());
  return engine;
}

}  // namespace forebay::io
