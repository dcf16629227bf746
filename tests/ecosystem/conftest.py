"""The endpoints that the programs of this folder are run against, and what is kept of a run for
docs/clients.md.
"""

import contextlib
import json
import os
from pathlib import Path

import pytest
from lib import certs, daemon, origins
from matrix import RESULTS


class Endpoint:
    """One running Forebay; buckets are made over an origin of its kind, or native ones."""

    def __init__(self, kind, scheme, forebay, origin, ca):
        self.kind, self.scheme, self.forebay, self.origin, self.ca = (
            kind, scheme, forebay, origin, ca)
        self.made = 0

    def new_bucket(self, name):
        """Makes a bucket with a fresh name."""
        self.made += 1
        bucket = f"{name}-{self.scheme}-{self.made}"
        if self.kind == "native":
            self.forebay.create_native(bucket)
        else:
            self.origin.make_bucket(bucket)
            self.forebay.create_bucket(bucket, self.origin)
        return bucket


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory):
    """Gives the endpoint of a kind and a scheme, started when it is first asked for."""
    with contextlib.ExitStack() as stack:
        started = {}

        def once(name, make):
            if name not in started:
                started[name] = stack.enter_context(make())
            return started[name]

        tls = certs.make(tmp_path_factory.mktemp("certs"))

        def give(kind, scheme):
            origin = None if kind == "native" else once(kind, origins.KINDS[kind])
            forebay = once((kind, scheme),
                           lambda: daemon.Forebay(tls=tls if scheme == "https" else None))
            return Endpoint(kind, scheme, forebay, origin, tls.ca if scheme == "https" else None)

        known = {}

        def kept(*which):
            if which not in known:
                known[which] = give(*which)
            return known[which]

        yield kept


def pytest_sessionfinish():
    """Keeps what came of a whole run where tools/clients_table.py finds it."""
    out = os.environ.get("FOREBAY_CLIENTS_JSON")
    if out and RESULTS:
        Path(out).write_text(json.dumps(RESULTS, indent=1, sort_keys=True))
