"""An HTTP/1.1 proxy in front of an origin that counts body bytes and can delay, slow, cut or
replace answers.
"""

import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

_PIECE = 64 * 1024


@dataclass
class Exchange:
    """One request and its answer as they crossed the proxy; `body` counts the bytes of the answer's
    body.
    """

    method: str
    path: str
    headers: dict
    status: int = 0
    body: int = 0
    started: float = 0.0


@dataclass
class Fault:
    """What to do to one exchange."""

    delay: float = 0.0  # seconds before the answer's head is passed on
    reset_after: int = None  # body bytes passed on before the connection is reset
    close_after: int = None  # body bytes passed on before the connection is closed in good order
    status: int = None  # answer this status instead of asking the origin
    code: str = ""  # with an XML error of this code
    body: bytes = None  # or with this body
    drop: bool = False  # reset the connection instead of an answer, the origin unasked
    drop_after: bool = False  # the same once the origin has answered: a write is done then
    fields: dict = field(default_factory=dict)  # put in the place of these fields of the answer
    stall_after: int = None  # body bytes passed on before nothing comes for `stall` seconds
    stall: float = 0.0


class _Stream:
    """A socket with a read buffer that reads heads line by line and bodies in pieces."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = sock.makefile("rb", buffering=_PIECE)

    def head(self):
        """Reads a head; returns (first line, {lower-case name: value}, raw bytes), or None at the
        end.
        """
        raw = first = self.reader.readline(65536)
        if not raw:
            return None
        headers = {}
        while True:
            line = self.reader.readline(65536)
            raw += line
            if line in (b"\r\n", b"\n"):
                return first.decode("latin-1").strip(), headers, raw
            if not line:
                raise ConnectionError("closed inside a head")
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()

    def body(self, headers, until_close=False):
        """Yields (raw bytes, number of body bytes in them) until the body ends."""
        if "chunked" in headers.get("transfer-encoding", "").lower():
            while True:
                line = self.reader.readline(65536)
                yield line, 0
                left = int(line.split(b";")[0], 16)
                if left == 0:
                    while (line := self.reader.readline(65536)) not in (b"\r\n", b"\n", b""):
                        yield line, 0
                    yield line, 0
                    return
                yield from self._exactly(left)
                yield self.reader.readline(65536), 0
        elif "content-length" in headers:
            yield from self._exactly(int(headers["content-length"]))
        elif until_close:
            while piece := self.reader.read1(_PIECE):
                yield piece, len(piece)

    def _exactly(self, left):
        while left:
            piece = self.reader.read1(min(left, _PIECE))
            if not piece:
                raise ConnectionError("closed inside a body")
            left -= len(piece)
            yield piece, len(piece)

    def reset(self):
        """Closes so that the other side sees a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        """Closes at once, whoever still reads."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.reader.close()
        self.sock.close()


def _without(raw, names):
    """A head without the fields of these names."""
    lines = raw.split(b"\r\n")
    lower = {n.lower().encode() for n in names}
    return b"\r\n".join(ln for ln in lines if ln.split(b":")[0].strip().lower() not in lower)


class FaultProxy:
    """A context manager; `rate` is in bytes per second over all connections, `each` of each of
    them, and `fault` is asked what to do to each Exchange: a Fault, or None.
    """

    def __init__(self, endpoint, rate=None, fault=None, tls=None):
        """`tls` = certs.Certificates makes the proxy's own side https."""
        host, port = endpoint.split("//")[1].split(":")
        self.upstream = (host, int(port))
        self.rate = rate
        self.each = None
        self.fault = fault
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(tls.cert, tls.key)
        self.exchanges = []
        self.under_way = 0
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._streams = set()

    def __enter__(self):
        self._port = 0
        self.up()
        self.endpoint = (
            f"https://localhost:{self._port}" if self.tls else f"http://127.0.0.1:{self._port}"
        )
        return self

    def __exit__(self, *_):
        self.down()

    def up(self):
        """Listens, at the port of before if there was one."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=512)
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def is_down(self):
        """Whether it refuses."""
        return self._listener is None

    def down(self):
        """Closes every connection and refuses new ones, as a server that has ended."""
        if self._listener is None:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = None
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            try:
                stream.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def clear(self):
        """Forgets what was counted."""
        with self._lock:
            self.exchanges = []

    def seen(self, method=None, path=None):
        """The exchanges so far, perhaps only those of one method or with `path` in their path."""
        with self._lock:
            return [
                e for e in self.exchanges if method in (None, e.method) and (path or "") in e.path
            ]

    def body_bytes(self):
        """Sum of all answer bodies since the last `clear`."""
        return sum(e.body for e in self.seen())

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        """Relays one client connection, exchange by exchange, over one upstream connection."""
        client = upstream = None
        try:
            client = _Stream(self.tls.wrap_socket(sock, server_side=True) if self.tls else sock)
            self._keep(client, True)
            upstream = _Stream(socket.create_connection(self.upstream, timeout=120))
            self._keep(upstream, True)
            while self._exchange(client, upstream):
                pass
        except (OSError, ValueError):
            pass
        finally:
            for stream in (client, upstream):
                if stream:
                    self._keep(stream, False)
                    stream.close()

    def _keep(self, stream, add):
        with self._lock:
            (self._streams.add if add else self._streams.discard)(stream)

    def _exchange(self, client, upstream):
        """Relays one request and its answer; returns False when the connection must not be used
        again.
        """
        request = client.head()
        if request is None:
            return False
        line, headers, raw = request
        method, path, _ = line.split(" ", 2)
        exchange = Exchange(method, path, headers, started=time.monotonic())
        with self._lock:
            self.exchanges.append(exchange)
            self.under_way += 1
        try:
            return self._relay(client, upstream, exchange, headers, raw)
        finally:
            with self._lock:
                self.under_way -= 1

    def _relay(self, client, upstream, exchange, headers, raw):
        """What becomes of one request."""
        fault = (self.fault and self.fault(exchange)) or Fault()
        if fault.drop:
            client.reset()
            return False
        if fault.status:
            self._instead(client, exchange, headers, fault)
            return False
        upstream.sock.sendall(raw)
        answer = None
        if "expect" in headers:
            answer = upstream.head()
            if answer and " 100" in answer[0]:
                client.sock.sendall(answer[2])
                answer = None
        if answer is None:
            for piece, _ in client.body(headers):
                upstream.sock.sendall(piece)
            answer = upstream.head()
        while answer and answer[0].split(" ")[1] == "100":
            answer = upstream.head()
        if answer is None:
            return False
        return self._answer(client, upstream, exchange, answer, fault)

    def _instead(self, client, exchange, headers, fault):
        """Answers by itself; the request's body is read first, as servers do."""
        exchange.status = fault.status
        time.sleep(fault.delay)
        for _ in client.body(headers):
            pass
        body = fault.body
        if body is None:
            body = f"<Error><Code>{fault.code}</Code></Error>".encode() if fault.code else b""
        fields = {"Content-Length": len(body), "Connection": "close", **fault.fields}
        head = f"HTTP/1.1 {fault.status} Fault\r\n"
        head += "".join(f"{n}: {v}\r\n" for n, v in fields.items()) + "\r\n"
        client.sock.sendall(head.encode() + (body if exchange.method != "HEAD" else b""))

    def _answer(self, client, upstream, exchange, answer, fault):
        """Relays one answer with its fault; returns False when the connection is done."""
        line, headers, raw = answer
        exchange.status = int(line.split(" ")[1])
        if fault.delay:
            time.sleep(fault.delay)
        if fault.drop_after:
            client.reset()
            return False
        if fault.fields:
            raw = _without(raw, fault.fields)[:-2]
            raw += "".join(f"{n}: {v}\r\n" for n, v in fault.fields.items()).encode() + b"\r\n"
        client.sock.sendall(raw)
        if exchange.method == "HEAD" or exchange.status in (204, 304):
            return headers.get("connection", "").lower() != "close"
        free_at = time.monotonic()
        limits = [n for n in (fault.reset_after, fault.close_after) if n is not None]
        for piece, count in upstream.body(headers, until_close=True):
            if fault.stall_after is not None and exchange.body + count > fault.stall_after:
                time.sleep(fault.stall)
                return False
            cut = limits and exchange.body + count > limits[0]
            if cut:
                count = limits[0] - exchange.body
                piece = piece[:count]
            self._pace(len(piece))
            if self.each:
                free_at += len(piece) / self.each
                time.sleep(max(0.0, free_at - time.monotonic()))
            exchange.body += (
                count  # before it is sent, so that a reader never knows more than the count
            )
            client.sock.sendall(piece)
            if cut:
                if fault.reset_after is not None:
                    time.sleep(0.05)  # let what was sent arrive before the reset overtakes it
                    client.reset()
                return False
        return headers.get("connection", "").lower() != "close"

    def _pace(self, count):
        """Sleeps so that all connections together stay within `rate`."""
        if not self.rate:
            return
        with self._lock:
            start = max(self._free_at, time.monotonic())
            self._free_at = start + count / self.rate
        time.sleep(max(0.0, start - time.monotonic()))
