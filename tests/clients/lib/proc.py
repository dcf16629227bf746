"""Child processes with bounded waits: each test ends exactly the processes that it started, by
pid.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

_handed_out = set()


def free_port():
    """Returns a loopback TCP port that nothing listens on now and that this process has not handed
    out before.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # Several servers derive a gRPC port by adding 10000, so keep the low half of the range.
        if port < 50000 and port not in _handed_out:
            _handed_out.add(port)
            return port


def wait_until(what, test, seconds, pause=0.05):
    """Calls `test` until it returns something true and returns that; fails with `what` after
    `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(pause)


def http_answers(url):
    """True when any HTTP server answers at `url`, with whatever status."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def run(argv, seconds=60, env=None, check=True, stdin=None):
    """Runs a short command to its end and returns it; a failure shows what it printed."""
    done = subprocess.run(
        [str(a) for a in argv],
        env=env,
        timeout=seconds,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if check and done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(map(str, argv))}: exit {done.returncode}\n"
            f"{done.stdout[-2000:].decode(errors='replace')}"
            f"{done.stderr[-4000:].decode(errors='replace')}"
        )
    return done


class Child:
    """One long-running process with its output in a file; `stop` asks first and then ends it."""

    def __init__(self, argv, log, env=None, cwd=None, stdout=None):
        """Starts the process; `stdout` separates standard output from the log, which then has only
        errors.
        """
        self.argv = [str(a) for a in argv]
        self.log = str(log)
        with open(self.log, "ab") as errors, open(stdout or self.log, "ab") as out:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=env, cwd=cwd
            )
        self.pid = self.process.pid

    def alive(self):
        """True while the process has not ended."""
        return self.process.poll() is None

    def must_live(self):
        """Fails, showing the log's end, if the process has ended by itself."""
        if not self.alive():
            raise RuntimeError(
                f"{self.argv[0]} ended with {self.process.returncode}:\n{self.tail()}"
            )
        return True

    def tail(self, count=4000):
        """Returns the last `count` bytes of what the process printed."""
        with open(self.log, "rb") as f:
            f.seek(0, os.SEEK_END)
            f.seek(max(0, f.tell() - count))
            return f.read().decode(errors="replace")

    def kill(self):
        """Ends the process with SIGKILL and collects it."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds=15):
        """Sends SIGTERM, waits, falls back to SIGKILL; returns the exit code."""
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode
