// The sending side of a connection: a rendered head and a body, in as few system calls as their
// kind allows. Small bodies leave with the head in one write; large file slices by sendfile.
#pragma once

#include <string>

#include "base/task.h"
#include "http/counters.h"
#include "io/body.h"
#include "io/stream.h"

namespace forebay::http {

/// File slices up to this are read and sent with the head; larger ones go by sendfile, which is
/// cheaper from 4 KiB on (measured with bench warm-small).
inline constexpr uint64_t kCopyBelow = 2 << 10;

/// What became of one message; filled while it is sent.
struct Sending {
  uint64_t moved = 0;          ///< bytes the stream took, head included
  bool source_failed = false;  ///< the body's source is to blame, not the stream
};

/// Appends "1a2b\r\n", the line before a chunk.
void append_chunk_size(std::string& out, uint64_t size);

/// Sends `out`, a head with its empty line, and after it `body` (null: none): length bytes of its
/// source, or chunks when the length is unknown and `chunked`; with neither, until the source ends.
/// The source is read to its end. `progress`: no byte moved for so long → Code::timeout. A source
/// that gives fewer or more bytes than body->length → Code::internal; in any case of error the peer
/// can tell that the message is not whole only if the connection closes now. `out` is used as
/// scratch space and is garbage afterwards; all references outlive the call.
Task<> send_message(io::Stream& stream, std::string& out, io::Body* body, bool chunked,
                    Duration progress, Sending& sending, Context ctx);

}  // namespace forebay::http
