"""A small signed HTTP client over a plain socket: it shows every byte that it sends and can send
wrong ones.
"""

import base64
import hashlib
import http.client
import socket
import ssl
import struct
import urllib.parse
import xml.etree.ElementTree
import zlib
from dataclasses import dataclass, field

from . import sigv4


def md5_base64(body):
    """Returns the Content-MD5 header value of `body`."""
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def crc32_base64(body):
    """Returns the x-amz-checksum-crc32 value of `body`."""
    return base64.b64encode(struct.pack(">I", zlib.crc32(body))).decode()


@dataclass
class Answer:
    """One answer: status, headers with lower-case names, body, and whether `100 Continue` came
    first.
    """

    status: int
    headers: dict
    body: bytes = b""
    continued: bool = False

    def code(self):
        """Returns the S3 error code in the body, or an empty string."""
        try:
            root = xml.etree.ElementTree.fromstring(self.body)
        except xml.etree.ElementTree.ParseError:
            return ""
        return root.findtext("Code") or ""


@dataclass
class Call:
    """What to send: `signer=None` sends it anonymously, `raw_body` replaces the body on the
    wire.
    """

    method: str
    path: str
    query: list = field(default_factory=list)
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    payload: str = (
        None  # value of x-amz-content-sha256; None = hash of the body, "" = no such header
    )
    host: str = None
    expect: bool = False
    raw_query: str = None  # sent as it is and not signed: a presigned query
    http_chunked: bool = False


class Connection:
    """A keep-alive connection to one server; `call` is one request and its whole answer."""

    def __init__(self, endpoint, ca=None, timeout=60, server_name="localhost"):
        parts = urllib.parse.urlsplit(endpoint)
        self.host = parts.netloc
        self.sock = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "https":
            self.sock = ssl.create_default_context(cafile=str(ca)).wrap_socket(
                self.sock, server_hostname=server_name
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the connection."""
        self.sock.close()

    def call(self, call, signer=None, encode=None):
        """Signs and sends `call`; `encode(seed_signature)` may give the bytes on the wire. Returns
        an Answer.
        """
        self.send(call, signer, encode)
        return self.receive(call.method)

    def send(self, call, signer=None, encode=None):
        """Sends the request; with `expect` it waits for `100 Continue` and stops when it is
        refused.
        """
        headers = {"Host": call.host or self.host, **call.headers}
        payload = hashlib.sha256(call.body).hexdigest() if call.payload is None else call.payload
        seed = None
        if signer:
            seed = signer.sign(call.method, call.path, call.query, headers, payload or None)
        body = encode(seed) if encode else call.body
        if call.http_chunked:
            headers["Transfer-Encoding"] = "chunked"
            body = http_chunks(body)
        elif body or call.method in ("PUT", "POST"):
            headers.setdefault("Content-Length", str(len(body)))
        if call.expect:
            headers["Expect"] = "100-continue"
        query = call.raw_query or sigv4.canonical_query(call.query)
        target = call.path + (f"?{query}" if query else "")
        head = f"{call.method} {target} HTTP/1.1\r\n"
        head += "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n"
        self.sock.sendall(head.encode("latin-1"))
        self.continued = self.early = None
        if call.expect:
            self.early = self._read_head(call.method)
            self.continued = self.early.status == 100
            if not self.continued:
                return
            self.early = None
        try:
            self.sock.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the body ended: the answer says why

    def _read_head(self, method):
        """Reads one status line and its headers, `100 Continue` included, leaving the body
        unread.
        """
        raw = b""
        while not raw.endswith(b"\r\n\r\n"):
            byte = self.sock.recv(1)
            if not byte:
                raise ConnectionError(f"closed after {raw!r}")
            raw += byte
        lines = raw.decode("latin-1").split("\r\n")
        return _Head(
            int(lines[0].split()[1]),
            {
                n.strip().lower(): v.strip()
                for n, v in (line.split(":", 1) for line in lines[1:] if ":" in line)
            },
            method,
        )

    def start(self, method):
        """Reads the final answer's head and returns it; the body is then read with `read`."""
        head = self.early or self._read_head(method)
        while head.status == 100:
            self.continued = True
            head = self._read_head(method)
        self.early = None
        return head

    def receive(self, method):
        """Reads a whole answer; raises http.client.IncompleteRead when it ends short of
        Content-Length.
        """
        head = self.start(method)
        return Answer(head.status, head.headers, b"".join(self.pieces(head)), bool(self.continued))

    def pieces(self, head):
        """Yields the body of an answer piece by piece as it arrives."""
        if head.method == "HEAD" or head.status in (204, 304):
            return
        if head.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(self._line().split(b";")[0], 16):
                yield from self._exactly(size)
                self._line()
            while self._line():
                pass
        elif "content-length" in head.headers:
            yield from self._exactly(int(head.headers["content-length"]))
        else:
            while piece := self.sock.recv(256 * 1024):
                yield piece

    def _exactly(self, left):
        """Yields exactly `left` bytes or fails."""
        while left:
            piece = self.sock.recv(min(left, 1024 * 1024))
            if not piece:
                raise http.client.IncompleteRead(b"", left)
            left -= len(piece)
            yield piece

    def _line(self):
        """Reads one line of a chunked body."""
        raw = b""
        while not raw.endswith(b"\n"):
            byte = self.sock.recv(1)
            if not byte:
                raise http.client.IncompleteRead(raw)
            raw += byte
        return raw.strip()


@dataclass
class _Head:
    """Status and headers of an answer whose body was not read yet."""

    status: int
    headers: dict
    method: str


def http_chunks(body, size=50_000):
    """Wraps `body` in HTTP's own chunked transfer coding."""
    out = [
        f"{len(body[i:i + size]):x}\r\n".encode() + body[i : i + size] + b"\r\n"
        for i in range(0, len(body), size)
    ]
    return b"".join(out) + b"0\r\n\r\n"
