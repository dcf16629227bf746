"""Threads that work on a daemon until it is gone."""

import http.client
import random
import threading

GONE = (ConnectionError, http.client.IncompleteRead, TimeoutError, OSError)


class Workers:
    """One thread and one connection for each of `work`, which are called again and again with the
    connection and random numbers of their own.
    """

    def __init__(self, target, work, seed):
        self.target, self.failures = target, []
        self.threads = [
            threading.Thread(target=self._run, args=(each, seed * 100 + i), daemon=True)
            for i, each in enumerate(work)
        ]
        for thread in self.threads:
            thread.start()

    def _run(self, work, seed):
        rng = random.Random(seed)
        try:
            with self.target.connect() as connection:
                while True:
                    work(connection, rng)
        except GONE:
            pass  # the daemon was killed: what was under way has no known outcome
        except BaseException as error:  # noqa: BLE001: reported by join
            self.failures.append(error)

    def join(self):
        """Waits for all threads; what went wrong in any of them fails the test."""
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        if self.failures:
            raise self.failures[0]
