"""Checks histories of writes and reads for staleness: after an acknowledged write no older one may
be read.
"""

import bisect
import hashlib
import threading
import time
from collections import defaultdict
from dataclasses import dataclass


def body_of(key, number, size):
    """A body that names its write and whose every byte follows from that name."""
    head = f"{key}|{number}|{size}|".encode()
    pad = hashlib.sha256(head).digest()
    return (head + pad * (size // len(pad) + 1))[: max(size, len(head))]


def write_of(key, body):
    """Returns the number of the write that made `body`; fails when the body is not one whole write
    of `key`.
    """
    name, number, size, _ = body.split(b"|", 3)
    assert name.decode() == key, f"{key}: body of {name!r}"
    number = int(number)
    assert body == body_of(
        key, number, int(size)
    ), f"{key}: mixed or damaged body of write {number}"
    return number


@dataclass
class Operation:
    """One write or read of one key: which write it is about, and when it began and ended."""

    write: int
    began: float
    ended: float


class History:
    """Collects operations from many threads; `check` looks at them when all is over."""

    def __init__(self):
        self._lock = threading.Lock()
        self._next = defaultdict(int)
        self.writes = defaultdict(
            dict
        )  # key → number → Operation; ended = inf while not acknowledged
        self.reads = defaultdict(list)
        self.deletes = defaultdict(set)  # key → numbers of the writes that removed it

    def begin_delete(self, key):
        """The same for a write after which there is nothing; end_write() notes its end."""
        number = self.begin_write(key)
        self.deletes[key].add(number)
        return number

    def begin_write(self, key):
        """Gives the next write of `key` its number and notes when it began."""
        with self._lock:
            self._next[key] += 1
            number = self._next[key]
            self.writes[key][number] = Operation(number, time.monotonic(), float("inf"))
            return number

    def end_write(self, key, number):
        """Notes that a write was acknowledged; never called for one whose outcome is unknown."""
        self.writes[key][number].ended = time.monotonic()

    def read(self, key, began, body):
        """Notes one whole read and returns the number of the write that it saw."""
        number = write_of(key, body)
        ended = time.monotonic()
        with self._lock:
            self.reads[key].append(Operation(number, began, ended))
        return number

    def acknowledged(self):
        """The number of writes that were acknowledged."""
        return sum(
            o.ended != float("inf") for writes in self.writes.values() for o in writes.values()
        )

    def check(self, grace=0.0):
        """Fails when a read that began `grace` after the end of write b returned a write that ended
        before b began.
        """
        stale = []
        for key, reads in self.reads.items():
            writes = self.writes[key]
            done = sorted((o.ended, o.began) for o in writes.values() if o.ended != float("inf"))
            ends = [ended for ended, _ in done]
            latest = []  # latest[i]: the latest beginning among the first i+1 writes to end
            for _, began in done:
                latest.append(max(began, latest[-1] if latest else began))
            for read in reads:
                assert read.write in writes, f"{key}: read a write that was never sent"
                assert writes[read.write].began <= read.ended, f"{key}: read before it was written"
                before = bisect.bisect_left(ends, read.began - grace)
                if before and writes[read.write].ended < latest[before - 1]:
                    late = read.began - max(
                        ended for ended, began in done[:before] if began == latest[before - 1]
                    )
                    stale.append(
                        f"{key}: write {read.write} read {late:.4f} s after a later one's end"
                    )
        assert not stale, f"{len(stale)} stale reads, first: {stale[:5]}"

    def possible(self, key):
        """The writes that a read from now on may return, and whether it must return one; a key
        that was never written gives an empty set.
        """
        writes = self.writes[key].values()
        last = max((o.began for o in writes if o.ended != float("inf")), default=None)
        possible = {o.write for o in writes if last is None or o.ended >= last}
        gone = possible & self.deletes[key]
        return possible - gone, last is not None and not gone
