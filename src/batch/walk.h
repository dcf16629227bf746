// Walk: what works over the keys of a bucket share: the bucket, and the pages of its list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "batch/work.h"
#include "object/bucket.h"

namespace forebay::batch {

class Walk : public Work {
 protected:
  struct Listed {
    std::string key;  ///< as the origin told: perhaps none
    uint64_t size;
    WallTime modified;
  };
  struct Page {
    std::vector<Listed> objects;
    std::string next;  ///< empty: it was the last
  };
  /// `record` is moved on as the work is done.
  Walk(object::Buckets& buckets, Record& record);
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  ~Walk() override = default;

  /// Code::not_found, "NoSuchBucket": it was removed, also if there is another of its name.
  Result<object::BucketRef> bucket() const;
  /// What is listed behind record_.after, or goes on at `continuation`; counted in way_. An origin
  /// that is away is waited for, since a job outlives what comes and goes. Only what is needed of
  /// the list is kept. More than kEmptyPages without a key one after the other → Code::corrupt.
  Task<Page> page(std::string continuation, Context ctx);
  virtual Task<> pause(Time until, Context ctx) = 0;
  /// Whether an object's error says that it is not there any more.
  static bool is_gone(const Error& error);
  /// By which a key that is none is named.
  static std::string odd_name(std::string_view key);

  object::Buckets& buckets_;
  Record& record_;
  Way way_;

 private:
  Task<Page> ask(std::string continuation, Context ctx);
  int empty_ = 0;
};

}  // namespace forebay::batch
