"""Driving loadgen, and the CPU of the server around exactly the requests it sends."""

import json
import os
import socket
import subprocess
import time

from .proc import BenchError, cpu_between
from .servers import credentials


class Load:
    """One run of loadgen. Arguments are its options; `server` decides about signing."""

    def __init__(self, setup, server, keys, **options):
        command = [setup.tool("loadgen"), "--connect", f"127.0.0.1:{server.port}", "--wait"]
        if not server.signed:
            command.append("--no-sign")
        for name, value in options.items():
            if value is True:
                command.append("--" + name.replace("_", "-"))
            elif value not in (None, False):
                command += ["--" + name.replace("_", "-"), value]
        # One list per run: a run may have many thousand keys.
        self.list = os.path.join(setup.folder("load"), f"keys-{time.monotonic_ns()}")
        with open(self.list, "w") as file:
            file.write("".join(key + "\n" for key in keys))
        prefix = ["taskset", "-c", str(setup.client_cpu)]
        if setup.nice:
            prefix += ["nice", "-n", str(setup.nice)]
        self.limit = float(options.get("timeout", 120)) + 60
        self.popen = subprocess.Popen(
            prefix + [str(word) for word in command + ["--paths", self.list]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | credentials(),
            text=True)
        self.first = self.popen.stdout.readline()

    def go(self):
        """Lets it begin. The connections are open and the requests signed by now."""
        if self.first.strip() == "armed":
            self.popen.stdin.write("go\n")
            self.popen.stdin.flush()

    def result(self):
        try:
            text, _ = self.popen.communicate(timeout=self.limit)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.communicate()
            raise BenchError("loadgen did not end in time") from None
        finally:
            os.unlink(self.list)
        text = text or self.first
        try:
            return json.loads(text)
        except ValueError:
            raise BenchError(f"loadgen said {text!r}") from None


def run_load(setup, server, keys, settle=0.0, **options):
    """Runs loadgen; adds to its figures `server_cpu`, the CPU of all processes of the server.

    `settle` seconds after the last answer still count: what a cache does later for these
    requests (writing, indexing) is part of their cost.
    """
    load = Load(setup, server, keys, **options)
    before = server.cpu()
    load.go()
    result = load.result()
    if settle:
        time.sleep(settle)
    result["server_cpu"] = cpu_between(before, server.cpu())
    if result["errors"]:
        raise BenchError(f"{server.name}: {result['errors']} errors: {result['error_samples']}")
    return result


def congestion_of(server):
    """The congestion control of the server's accepted sockets, as the kernel tells it."""
    with socket.create_connection(("127.0.0.1", server.port), 5):
        text = subprocess.run(["ss", "-Htin", "state", "established",
                               f"( sport = :{server.port} )"], capture_output=True, text=True,
                              timeout=10).stdout
    known = ("cubic", "bbr", "reno")
    found = {word for word in text.split() if word in known}
    return found.pop() if len(found) == 1 else f"unclear {sorted(found)}"
