#include "base/rocks.h"

#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>

#include <memory>

namespace forebay {

namespace {

class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

class NoWayBack final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status,
                            bool* automatic) override {
    using Reason = rocksdb::BackgroundErrorReason;
    if (reason == Reason::kWriteCallback || reason == Reason::kMemTable) *automatic = false;
  }
};

}  // namespace

void bear_full_disk(rocksdb::Options& options) {
  options.info_log = std::make_shared<NoLog>();
  options.listeners.push_back(std::make_shared<NoWayBack>());
}

}  // namespace forebay
