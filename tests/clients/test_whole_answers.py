"""An origin that answers every range with all of the object: ranged reads work all the same, from
one answer; and an answer that cannot be one is called the origin's fault.
"""

import http.server
import random
import threading

import pytest
from lib import daemon, origins

pytestmark = pytest.mark.daemon

EMPTY_LIST = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
BODY = random.Random(19).randbytes(3_000_000)


class Plain(http.server.BaseHTTPRequestHandler):
    """Knows GET and HEAD of one object, no ranges, and nothing else."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing."""

    def answer(self, status, body, **headers):
        """Sends one answer, without its body to a HEAD."""
        self.send_response(status)
        for name, value in ({"Content-Length": len(body)} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.server.sent += len(body)
            self.wfile.write(body)

    def do_GET(self):  # noqa: N802: http.server's name
        """The list, or the object."""
        path = self.path.split("?")[0]
        if path == "/plain":
            self.answer(200, EMPTY_LIST)
        elif path == "/plain/key":
            self.answer(200, BODY, ETag='"one"')
        elif path == "/plain/wrong" and "Range" in self.headers:
            self.answer(206, b"x", ETag='"one"', Content_Range="bytes 7-7/9")
        elif path == "/plain/wrong":
            self.answer(200, b"012345678", ETag='"one"')
        else:
            self.answer(404, b"")

    do_HEAD = do_GET

    def do_PUT(self):  # noqa: N802: http.server's name
        """Takes no objects."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(403, b"")


class PlainOrigin(origins.Origin):
    """The server above, as an origin."""

    kind = "plain"

    def start(self):
        """Listens and serves in threads."""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Plain)
        self.server.sent = 0
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """Closes the address."""
        self.server.shutdown()
        self.server.server_close()


def test_ranges_of_a_server_that_knows_none():
    """A cold range is answered from the whole answer, which fills the cache too."""
    with PlainOrigin() as origin, daemon.Forebay() as forebay:
        forebay.create_bucket("plain", origin)
        target = forebay.target()
        part = target.get("plain", "key", range="bytes=2000000-2000099")
        assert part.status == 206 and part.body == BODY[2_000_000:2_000_100]
        assert part.headers["content-range"] == f"bytes 2000000-2000099/{len(BODY)}"
        tail = target.get("plain", "key", range="bytes=-10")
        assert tail.body == BODY[-10:]
        forebay.wait_idle()
        whole = target.get("plain", "key")
        assert whole.body == BODY and whole.headers["x-cache"] == "hit"
        assert origin.server.sent < 2 * len(BODY), "one answer filled the unit"
        past = target.get("plain", "key", range="bytes=5-9", cache_control="no-store")
        assert past.status == 206 and past.body == BODY[5:10]


def test_an_answer_that_cannot_be_one_is_a_bad_gateway():
    """502 with the reason, not an error of ours."""
    with PlainOrigin() as origin, daemon.Forebay() as forebay:
        forebay.create_bucket("plain", origin)
        answer = forebay.target().get("plain", "wrong", range="bytes=2-4")
        assert answer.status == 502 and answer.code() == "BadGateway"
        assert b"another range than was asked" in answer.body
