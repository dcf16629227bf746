// Who has an upload of a store with parts of its own to themselves while it completes or ends.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "io/sync.h"

namespace forebay::origin {

/// One completion or abort of an upload at a time, and no part comes in meanwhile; parts come in
/// side by side. Any loop.
class UploadTurns {
 public:
  enum class Kind {
    part,  ///< beside other parts
    alone
  };

  /// Given back when destroyed, by which time what was done with the upload has ended.
  class Turn {
   public:
    Turn(UploadTurns& owner, std::string id) : owner_(&owner), id_(std::move(id)) {}
    Turn(Turn&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), id_(std::move(other.id_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (owner_ != nullptr) owner_->give_back(id_);
    }

   private:
    UploadTurns* owner_;
    std::string id_;
  };

  /// Waits until nobody has a turn that excludes this one.
  Task<Turn> take(std::string id, Kind kind, Context ctx);

 private:
  struct Held {
    Kind kind = Kind::alone;
    uint32_t count = 0;
  };
  bool try_take(const std::string& id, Kind kind);
  void give_back(const std::string& id);

  std::mutex mutex_;
  std::map<std::string, Held> held_;
  /// Of all uploads: waiting is rare.
  std::shared_ptr<io::Progress> freed_ = std::make_shared<io::Progress>();
};

}  // namespace forebay::origin
