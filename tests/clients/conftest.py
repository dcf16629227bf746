"""The servers that the client tests share: each is started when a test first asks for it and ended
at the session's end.
"""

import contextlib
import os

import pytest
from lib import certs, clients, daemon, faultproxy, origins
from lib.target import DIVERGES, Target

DIRECT = os.environ.get("FOREBAY_TEST_ENDPOINT", "")
KINDS = [DIRECT] if DIRECT else list(origins.KINDS)


class Servers:
    """Starts origins, and Forebays in front of them, once each, on demand."""

    def __init__(self, stack, tmp):
        self.stack = stack
        self.tmp = tmp
        self.started = {}

    def _once(self, name, make):
        """Returns what was started under `name`, or starts it as a context manager."""
        if name not in self.started:
            self.started[name] = self.stack.enter_context(make())
        return self.started[name]

    def certificates(self):
        """The one certificate authority of the session."""
        if "certs" not in self.started:
            self.started["certs"] = certs.make(self.tmp.mktemp("certs"))
        return self.started["certs"]

    def origin(self, kind):
        """A running origin of one kind."""
        return self._once(("origin", kind), origins.KINDS[kind])

    def target(self, kind, scheme):
        """A Forebay whose buckets are made in an origin of that kind; in direct mode the origin
        itself.
        """
        origin = self.origin(kind)
        tls = self.certificates() if scheme == "https" else None
        if DIRECT:
            endpoint = origin.endpoint
            if tls:
                front = self._once(
                    ("front", kind), lambda: faultproxy.FaultProxy(endpoint, tls=tls)
                )
                endpoint = front.endpoint
            return Target(
                f"{kind}-{scheme}",
                endpoint,
                origin.access_key,
                origin.secret_key,
                tls.ca if tls else None,
                DIVERGES[kind],
            )
        forebay = self._once(
            ("forebay", kind, scheme), lambda: daemon.Forebay(default_origin=origin, tls=tls)
        )
        return forebay.target(f"{kind}-{scheme}")


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """The session's servers."""
    with contextlib.ExitStack() as stack:
        yield Servers(stack, tmp_path_factory)


@pytest.fixture(
    scope="session",
    # What is native is the same behind both doors.
    params=[(k, s) for k in KINDS for s in ("http", "https") if (k, s) != ("native", "https")],
    ids=lambda p: "-".join(p),
)
def target(request, servers):
    """Every origin behind Forebay, over http and over https."""
    return servers.target(*request.param)


@pytest.fixture(scope="session", params=list(clients.ALL))
def client(request, target):
    """Every foreign client, configured for `target`."""
    made = clients.ALL[request.param](target)
    yield made
    made.close()


@pytest.fixture(scope="session")
def bucket(target):
    """One bucket per target for tests that choose their own keys."""
    return target.new_bucket()
