// What a NativeOrigin is made of.
#pragma once

#include <memory>
#include <string>

#include "base/allowance.h"
#include "io/md5_lanes.h"
#include "meta/store.h"
#include "origin/meter.h"
#include "origin/parts.h"
#include "unit/native.h"

namespace forebay::object {

struct NativeOptions {
  uint64_t incarnation = 0;
  uint64_t unit_max =
      128 << 20;          ///< the bucket's largest_unit(): here and there units are cut alike
  std::string self = {};  ///< this node, in the rows' `copies`: 32 hex digits
  unit::Native& units;    ///< outlives it
  meta::Meta& meta;       ///< outlives it
  std::shared_ptr<origin::Meter> meter = nullptr;
  uint64_t min_part = origin::kMinPart;       ///< smaller parts but the last are refused
  unit::Verify verify = unit::Verify::start;  ///< of reads that come here
  size_t max_retired = 1 << 16;               ///< units in their grace at once
  /// What documents may take, all together: a list that finds no more room ends its page there.
  std::shared_ptr<Allowance> documents = std::make_shared<Allowance>(64 << 20);
  /// Of whoever else reckons MD5s.
  std::shared_ptr<io::Md5Lanes> md5 = std::make_shared<io::Md5Lanes>();
};

}  // namespace forebay::object
