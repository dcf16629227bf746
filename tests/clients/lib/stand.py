"""A Forebay over an S3 origin whose every byte is counted on the way, and threads to read through
it.
"""

import threading
import time

from . import daemon, faultproxy


class Stand:
    """SeaweedFS, a counting proxy, and a Forebay whose bucket `b` has its origin behind the
    proxy.
    """

    def __init__(self, stack, origin, flags=(), freshness=None, verify=None, fill=None):
        self.origin = origin
        self.proxy = stack.enter_context(faultproxy.FaultProxy(origin.endpoint))
        self.forebay = stack.enter_context(daemon.Forebay(flags=flags))
        self.bucket = f"cache-{time.time_ns()}"
        origin.make_bucket(self.bucket)
        self.forebay.create_bucket(
            "bkt", origin_named(origin, self.bucket), freshness, self.proxy.endpoint, verify, fill
        )
        self.proxy.clear()
        self.read = 0

    def get(self, key, **headers):
        """Reads one object through Forebay."""
        return self.forebay.target().get("bkt", key, **headers)

    def settle(self):
        """Waits for background fills, forgets what the proxy counted so far and returns how many
        bytes it was.
        """
        count = -1
        while count != self.proxy.body_bytes():  # idle and quiet, not only idle for a moment
            count = self.proxy.body_bytes()
            self.forebay.wait_idle()
            time.sleep(0.15)
        self.proxy.clear()
        self.read = self.forebay.metric("forebay_origin_bytes_total")
        return count

    def fetched(self):
        """The same, but of what Forebay has read. An answer of a slow origin whose end is asked of
        others is broken off, and what was on its way is seen by the proxy alone.
        """
        before = self.read
        self.settle()
        return self.read - before


class origin_named:  # noqa: N801: reads as a phrase
    """An origin whose one bucket keeps its own name whatever Forebay's bucket is called."""

    def __init__(self, origin, bucket):
        self.url = lambda _, endpoint: origin.url(bucket, endpoint)
        self.credentials = origin.credentials


def parallel(count, work, seconds=120):
    """Runs work(0…count-1) at once in threads, fails with the first failure, returns the
    results.
    """
    results, failures = [None] * count, []

    def one(number):
        """Runs one of them and keeps what came of it."""
        try:
            results[number] = work(number)
        except BaseException as error:  # noqa: BLE001: raised again below
            failures.append(error)

    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.1, deadline - time.monotonic()))
        assert not thread.is_alive(), "a reader did not end"
    if failures:
        raise failures[0]
    return results
