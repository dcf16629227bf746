"""A Forebay process under test: start, stop, kill -9, restart on the same data, its command line
and its metrics.
"""

import os
import re
import shutil
import tempfile
import urllib.request
from pathlib import Path

from . import proc
from .target import Target

ROOT = Path(__file__).resolve().parents[3]
ACCESS_KEY = "FOREBAYROOT000000001"
SECRET_KEY = "forebayrootsecret00000000000000000000001"


def binary():
    """Path of the forebay program: FOREBAY_BIN, or the release build of this repository."""
    path = Path(os.environ.get("FOREBAY_BIN") or ROOT / "build/release/forebay")
    if not path.exists():
        raise FileNotFoundError(f"{path}: build it first, or set FOREBAY_BIN")
    return path


class Forebay:
    """One daemon with a private data directory; a context manager that ends it and removes what it
    kept.
    """

    def __init__(self, default_origin=None, flags=(), tls=None, start_seconds=30):
        """`default_origin` is an origins.Origin in which S3's CreateBucket creates; `tls` a
        certs.Certificates.
        """
        self.root = Path(tempfile.mkdtemp(prefix="forebay-data-"))
        self.data = self.root / "data"
        self.data.mkdir()
        self.flags = list(flags)
        self.prefix = []  # of the command that starts it
        self.tls = tls
        self.start_seconds = start_seconds
        self.child = None
        self.starts = 0
        # A private environment: neither keys nor FOREBAY_… settings of the machine reach the
        # daemon.
        self.env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.root),
            "FOREBAY_ROOT_ACCESS_KEY": ACCESS_KEY,
            "FOREBAY_ROOT_SECRET_KEY": SECRET_KEY,
        }
        self.env |= {n: v for n, v in os.environ.items() if n.endswith("SAN_OPTIONS")}
        if tls:
            self.flags += ["--tls-cert", tls.cert, "--tls-key", tls.key]
        if default_origin is not None and default_origin.default_url():
            self.flags += ["--default-origin", default_origin.default_url()]
            self.env |= default_origin.credentials()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, *_):
        clean = kind is None and self.child is not None and self.child.alive()
        try:
            if clean:
                self.stop()
        finally:
            self.close()

    def close(self):
        """Ends the daemon if it still runs and removes its data."""
        if self.child:
            self.child.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def start(self):
        """Starts the daemon and waits for its ready line."""
        self.starts += 1
        out = self.root / f"out-{self.starts}"
        self.child = proc.Child(
            [
                *self.prefix,
                binary(),
                "serve",
                "--data",
                self.data,
                "--s3",
                "127.0.0.1:0",
                "--admin",
                "127.0.0.1:0",
                *self.flags,
            ],
            self.root / "log",
            env=self.env,
            cwd=self.root,
            stdout=out,
        )

        def ready():
            match = re.search(r"^ready s3=(\S+) admin=(\S+)$", out.read_text(), re.M)
            return match or (self.child.must_live() and None)

        self.s3_address, self.admin_address = proc.wait_until(
            "the ready line", ready, self.start_seconds, pause=0.02
        ).groups()

    def stop(self, seconds=30):
        """Asks the daemon to drain; it must end by itself with exit code 0."""
        code = self.child.stop(seconds)
        assert code == 0, f"SIGTERM ended with {code}, not 0:\n{self.child.tail()}"

    def kill(self):
        """kill -9."""
        self.child.must_live()
        self.child.kill()

    def restart(self):
        """Drains the daemon and starts it again on the same data."""
        self.stop()
        self.start()

    @property
    def endpoint(self):
        """The S3 endpoint of the running daemon; it changes with every start."""
        if self.tls:
            return f"https://localhost:{self.s3_address.rsplit(':', 1)[1]}"
        return f"http://{self.s3_address}"

    def target(self, label="forebay"):
        """The S3 target of the running daemon; ask again after a restart."""
        return Target(
            label, self.endpoint, ACCESS_KEY, SECRET_KEY, self.tls.ca if self.tls else None
        )

    def cli(self, *argv, env=None, seconds=60):
        """Runs the forebay command line against this daemon and returns what it printed."""
        full = self.env | {"FOREBAY_ADMIN": self.admin_address} | (env or {})
        return proc.run([binary(), *argv], seconds=seconds, env=full).stdout.decode()

    def create_bucket(self, bucket, origin, freshness=None, endpoint=None, verify=None, fill=None):
        """`forebay bucket create` over a bucket of `origin`; `endpoint` puts a fault proxy
        between.
        """
        argv = ["bucket", "create", bucket, "--origin", origin.url(bucket, endpoint)]
        if freshness:
            argv += ["--freshness", freshness]
        if verify:
            argv += ["--verify", verify]
        if fill:
            argv += ["--fill", fill]
        return self.cli(*argv, env=origin.credentials())

    def create_native(self, bucket):
        """`forebay bucket create --native`."""
        return self.cli("bucket", "create", bucket, "--native")

    def metrics(self):
        """Scrapes /metrics: {(name, ((label, value), …)): number}."""
        with urllib.request.urlopen(f"http://{self.admin_address}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        values = {}
        for line in text.splitlines():
            match = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)", line)
            if match:
                labels = tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or "")))
                values[match[1], labels] = float(match[3])
        return values

    def metric(self, name, **labels):
        """Returns one metric, summed over all label sets that have the given labels; it must exist
        without labels.
        """
        wanted = set(labels.items())
        found = [v for (n, has), v in self.metrics().items() if n == name and wanted <= set(has)]
        assert found or labels, f"/metrics has no {name}"
        return sum(found)

    def wait_idle(self, seconds=60):
        """Waits until no fill is in flight."""
        proc.wait_until(
            "no fill in flight", lambda: self.metric("forebay_fills_inflight") == 0, seconds
        )
