// Capabilities: what an origin was found to be able to do.
#pragma once

namespace forebay::origin {

/// What an origin can do; probed when a bucket is created (s3) or known (dir), and stored.
struct Capabilities {
  bool conditional_put = false;  ///< If-None-Match: * and If-Match on put
  bool conditional_get = false;  ///< If-Match on get
  bool part_number = false;      ///< HEAD ?partNumber=1 tells the part's size
  bool versions = false;         ///< version ids name versions for ever
  bool start_after = false;      ///< list V2 start-after
};

}  // namespace forebay::origin
