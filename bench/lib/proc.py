"""Processes the benchmarks start: pinned, with their CPU time, ended by their own id only."""

import ctypes
import os
import select
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """Something that makes a measurement impossible; the text is for the user."""


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def process_cpu(pid):
    """CPU seconds of all threads of a process, those that have ended included.

    The kernel's process clock is the sum of the run times that /proc/PID/task/*/schedstat shows
    for the living threads, plus those of the dead, in nanoseconds.
    """
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


class Process:
    """One server with its children. Owned by the program that started it."""

    def __init__(self, name, command, cpu=None, env=None, log=None, nice=0):
        prefix = []
        if cpu is not None:
            prefix += ["taskset", "-c", str(cpu)]
        if nice:
            prefix += ["nice", "-n", str(nice)]
        self.name = name
        self.log = log
        with open(log or os.devnull, "ab") as errors:
            self.popen = subprocess.Popen(
                prefix + [str(word) for word in command], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors, env=env, preexec_fn=_die_with_parent)
        self.pid = self.popen.pid  # taskset and nice replace themselves by the program

    def line(self, timeout=30):
        """The next line of its standard output."""
        end = time.monotonic() + timeout
        text = b""
        while not text.endswith(b"\n"):
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.popen.stdout], [], [], left)[0]
            chunk = os.read(self.popen.stdout.fileno(), 1) if ready else b""
            if not chunk:
                raise BenchError(f"{self.name} said nothing more; {self.last_words()}")
            text += chunk
        return text.decode().strip()

    def last_words(self):
        """The end of its log; the log itself goes with the working folder."""
        try:
            with open(self.log, errors="replace") as log:
                return "its log ends: " + " | ".join(log.read()[-600:].splitlines()[-6:])
        except OSError:
            return "it has no log"

    def pids(self):
        """The process and all its descendants."""
        found = []
        todo = [self.pid]
        while todo:
            pid = todo.pop()
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/children") as children:
                        todo += [int(word) for word in children.read().split()]
            except OSError:
                continue
            found.append(pid)
        return found

    def cpu(self):
        """CPU seconds by process id."""
        times = {}
        for pid in self.pids():
            try:
                times[pid] = process_cpu(pid)
            except OSError:
                pass  # it ended between the two looks
        return times

    def stop(self, timeout=15):
        pids = self.pids()
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                for pid in pids:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self.popen.wait(timeout)
        self.popen.stdout.close()
        return self.popen.returncode


def cpu_between(before, after):
    """CPU seconds between two results of Process.cpu()."""
    return sum(time - before.get(pid, 0.0) for pid, time in after.items())
