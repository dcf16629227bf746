// What both rooms that keep rows in RocksDB must tell it, so that a full disk does not end the
// process (RocksDB 7.8).
#pragma once

namespace rocksdb {
struct Options;
}

namespace forebay {

/// No log of RocksDB's own: it is a file beside the rows, and once it has met a full disk its next
/// line ends the process by an assertion; what it would say comes as errors of calls too. And what
/// has failed to be written to the log of rows is never tried again: RocksDB would go on behind the
/// place where the log is broken, or end the process by an assertion. What has failed elsewhere, as
/// a table for which there is no room, it tries again by itself every five seconds.
void bear_full_disk(rocksdb::Options& options);

}  // namespace forebay
