// EtcdWatch: a range's changes as an etcd tells them, over one connection that is opened anew
// where it has come to whenever it breaks or is silent.
#pragma once

#include "meta/control.h"
#include "meta/etcd/wire.h"

namespace forebay::meta {

/// See meta::Watch. `wire` must outlive it.
class EtcdWatch final : public Watch {
 public:
  /// A member that says nothing for so long is asked anew: it may have been cut off, or hang.
  static constexpr Duration kSilence = seconds(10);

  EtcdWatch(const EtcdWire& wire [[clang::lifetimebound]], Range range, uint64_t after);
  Task<std::vector<Event>> next(Context ctx) override;

 private:
  Task<> open(Context ctx);
  /// The next line of the answer. No more of it → Code::unavailable.
  Task<std::string> read_line(Context ctx);

  const EtcdWire& wire_;
  const etcd::Ask ask_;
  uint64_t after_;
  std::string endpoint_;
  size_t member_ = 0;
  io::Body body_;     ///< no source: not open
  std::string read_;  ///< of it, not yet looked at
};

}  // namespace forebay::meta
