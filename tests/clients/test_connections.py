"""What connections may hold: a small budget caps nobody's throughput, and who shows no right to be
here holds no place for long.
"""

import contextlib
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest
from lib import certs, daemon, origins, proc
from lib.rawhttp import Call, md5_base64

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024


def resident(forebay):
    """Its own memory, in KiB."""
    status = pathlib.Path(f"/proc/{forebay.child.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1])


def signed(forebay, method, path, query, headers):
    """A signed head, without the empty line behind it."""
    headers["Host"] = forebay.s3_address
    forebay.target().signer().sign(method, path, query, headers, "UNSIGNED-PAYLOAD")
    target = path + "?" + "&".join(f"{name}={value}" for name, value in query)
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"{method} {target} HTTP/1.1\r\n{''.join(lines)}".encode()


def dial(forebay, sent, seconds=30):
    """A connection that has sent this."""
    host, port = forebay.s3_address.rsplit(":", 1)
    wire = socket.create_connection((host, int(port)), timeout=seconds)
    wire.sendall(sent)
    return wire


@contextlib.contextmanager
def in_background(work):
    """`work(over)` in a thread; `over` is an event that tells it to end."""
    over = threading.Event()
    thread = threading.Thread(target=work, args=(over,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


@pytest.mark.parametrize("budget", ["64MiB", "128MiB", "256MiB", "512MiB", "1GiB"])
def test_a_budget_leaves_the_send_buffer_to_the_kernel(budget):
    """Under every budget the kernel may have several of the largest segments on their way: a
    shorter send buffer makes a reader wait for his own delayed acknowledgements.
    """
    body = bytes(16 * MIB)
    with daemon.Forebay(flags=["--memory", budget]) as forebay:
        s3 = forebay.target().boto3()
        s3.create_bucket(Bucket="budget")
        s3.put_object(Bucket="budget", Key="k", Body=body)
        answer = s3.get_object(Bucket="budget", Key="k")["Body"]
        assert len(answer.read(MIB)) == MIB
        port = forebay.s3_address.rsplit(":", 1)[1]
        shown = proc.run(
            ["ss", "-tmnH", "state", "established", "sport", "=", f":{port}"], seconds=30
        ).stdout.decode()
        buffers = [int(size) for size in re.findall(r"\btb(\d+)", shown)]
        assert buffers and min(buffers) >= 256 * 1024, shown
        assert answer.read() == body[MIB:]


@pytest.mark.parametrize(("budget", "most"), [("64MiB", 4096), ("256MiB", 8192)])
def test_a_budget_bounds_connections(budget, most):
    """A connection for each 32 KiB, at least 4096, and for every fourth descriptor at most."""
    with daemon.Forebay(flags=["--memory", budget]) as forebay:
        limits = pathlib.Path(f"/proc/{forebay.child.pid}/limits").read_text()
        descriptors = int(re.search(r"Max open files +(\d+)", limits)[1])
        places = forebay.metric("forebay_http_places", server="s3")
        bound = min(descriptors // 4, most)
        assert 0.9 * bound < places <= bound  # loops share them evenly


def test_a_stranger_is_sent_away_while_he_still_sends():
    """He is refused, and then sends a byte whenever the server might lose its patience."""
    with daemon.Forebay() as forebay:
        host, port = forebay.s3_address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=1) as wire:
            wire.sendall(b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
            assert wire.recv(100).startswith(b"HTTP/1.1 403 ")
            assert forebay.metric("forebay_http_strangers", server="s3") == 1
            for _ in range(60):
                try:
                    wire.sendall(b"x")
                    while wire.recv(65536):
                        pass
                    break  # the server's end
                except TimeoutError:
                    continue  # a second without a word
                except ConnectionError:
                    break
            else:
                pytest.fail("the stranger's connection outlived a minute")
        proc.wait_until(
            "its place to be free",
            lambda: forebay.metric("forebay_http_connections", server="s3") == 0,
            30,
        )
        assert forebay.metric("forebay_http_timeouts_total", server="s3") == 1


def test_whole_heads_of_strangers_hold_no_memory():
    """Heads of 31 KB that are complete, before bodies that are announced and do not come."""
    head = b"PUT /b/k HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 31_000
    head += b"\r\nContent-Length: 200000\r\n\r\n"
    with daemon.Forebay(flags=["--memory", "64MiB"]) as forebay, contextlib.ExitStack() as wires:
        before = resident(forebay)
        for _ in range(600):
            wire = wires.enter_context(dial(forebay, head))
            assert wire.recv(100).startswith(b"HTTP/1.1 403 ")
        assert resident(forebay) - before < 8 * 1024


def test_who_stops_halfway_shuts_nobody_out():
    """Strangers that stop in large heads, and signed bodies that are announced and do not come:
    who comes after them is served."""
    with daemon.Forebay(flags=["--memory", "64MiB"]) as forebay, contextlib.ExitStack() as wires:
        s3 = forebay.target().boto3()
        s3.create_bucket(Bucket="slow")
        s3.put_object(Bucket="slow", Key="k", Body=b"x")
        for _ in range(400):
            wires.enter_context(dial(forebay, b"GET /slow/k HTTP/1.1\r\nX: " + b"a" * 10_000))
        head = signed(forebay, "GET", "/slow/k", [("x-id", "GetObject")], {"x-long": "a" * 6000})
        late = wires.enter_context(dial(forebay, head[:5000]))
        time.sleep(0.2)  # or both pieces come as one, which shows less
        late.sendall(head[5000:] + b"\r\n")
        assert late.recv(100).startswith(b"HTTP/1.1 200 ")

        for _ in range(4):
            begun = {"Content-MD5": md5_base64(b""), "Content-Length": str(2 * MIB)}
            post = signed(forebay, "POST", "/slow", [("delete", "")], begun)
            wires.enter_context(dial(forebay, post + b"\r\n<"))
        done = s3.delete_objects(Bucket="slow", Delete={"Objects": [{"Key": "k"}]})
        assert [one["Key"] for one in done["Deleted"]] == ["k"]


def flood(over, count, begin, more):
    """So many strangers that stop halfway (`begin` dials one), say a little more now and then, and
    come again when they are sent away.
    """
    wires = []
    while not over.is_set():
        while len(wires) < count:
            wires.append(begin())
        for wire in list(wires):
            try:
                wire.sendall(more)
            except OSError:
                wire.close()
                wires.remove(wire)
        over.wait(0.1)
    for wire in wires:
        wire.close()


def half_heads(forebay, over):
    """Strangers that stop in large heads."""
    half = b"GET /slow/k HTTP/1.1\r\nX: " + b"a" * 5000
    flood(over, 600, lambda: dial(forebay, half), b"a" * 500)


def test_a_large_head_in_pieces_gets_through_a_flood():
    """600 strangers stop in large heads; an honest one sends his in three pieces."""
    with daemon.Forebay(flags=["--memory", "64MiB"]) as forebay:
        s3 = forebay.target().boto3()
        s3.create_bucket(Bucket="slow")
        s3.put_object(Bucket="slow", Key="k", Body=b"x")
        with in_background(lambda over: half_heads(forebay, over)):
            proc.wait_until(
                "the flood",
                lambda: forebay.metric("forebay_http_evicted_total", server="s3") > 0,
                30,
            )
            for _ in range(5):
                query, long = [("x-id", "GetObject")], {"x-long": "a" * 9000}
                head = signed(forebay, "GET", "/slow/k", query, long) + b"\r\n"
                with dial(forebay, head[:5000]) as late:
                    for piece in (head[5000:7000], head[7000:]):
                        time.sleep(0.3)  # pieces, of which the flood sees the gaps
                        late.sendall(piece)
                    assert late.recv(100).startswith(b"HTTP/1.1 200 ")


def test_half_handshakes_hold_no_memory(tmp_path):
    """TLS clients that stop in a hello of 15 KB, or behind it."""
    half = b"\x16\x03\x01\x3a\x98\x01\x00\x3a\x94" + b"h" * 14_000
    tls = certs.make(tmp_path)
    with daemon.Forebay(flags=["--memory", "64MiB"], tls=tls) as forebay:
        s3 = forebay.target().boto3()
        s3.create_bucket(Bucket="slow")
        before = resident(forebay)
        with contextlib.ExitStack() as wires:
            for _ in range(800):
                wires.enter_context(dial(forebay, half))
            s3.put_object(Bucket="slow", Key="k", Body=b"x")
            forebay.target().boto3().get_object(Bucket="slow", Key="k")
            # 4 KiB each, and 4 MiB for those who have leave for more.
            assert resident(forebay) - before < 12 * 1024


def test_idle_tls_clients_hold_little(tmp_path):
    """Each has read 4 MiB, and what that was encrypted in is given back while nothing is asked."""
    with daemon.Forebay(tls=certs.make(tmp_path)) as forebay, contextlib.ExitStack() as wires:
        target = forebay.target()
        s3 = target.boto3()
        s3.create_bucket(Bucket="idle")
        s3.put_object(Bucket="idle", Key="k", Body=bytes(4 * MIB))

        def read():
            wire = wires.enter_context(target.connect())
            answer = wire.call(Call("GET", "/idle/k"), target.signer())
            assert len(answer.body) == 4 * MIB

        read()
        before = resident(forebay)
        for _ in range(100):
            read()
        assert forebay.metric("forebay_http_connections", server="s3") > 100
        assert resident(forebay) - before < 8 * 1024


def test_slow_writers_give_way(tmp_path):
    """340 signed PUTs into one bucket that say a byte now and then have all places that uploads
    have at their origin: who writes into another bucket there gets one of theirs.
    """

    class Behind(origins.Origin):
        """Another daemon."""

        kind = "forebay"
        access_key, secret_key = daemon.ACCESS_KEY, daemon.SECRET_KEY

    def trickle(over):
        while not over.wait(3):
            for wire in wires:
                with contextlib.suppress(OSError):
                    wire.sendall(b"x")

    with daemon.Forebay() as store, Behind() as behind, contextlib.ExitStack() as opened:
        behind.endpoint = store.endpoint
        forebay = opened.enter_context(daemon.Forebay(default_origin=behind))
        s3 = forebay.target().boto3()
        for bucket in ("slow", "other"):
            s3.create_bucket(Bucket=bucket)
        wires = []
        for number in range(340):
            length = {"Content-Length": str(2 * MIB)}
            head = signed(forebay, "PUT", f"/slow/{number}", [("x-id", "PutObject")], length)
            wires.append(opened.enter_context(dial(forebay, head + b"\r\nx")))
        with in_background(trickle):
            time.sleep(8)  # now they are behind
            for number in range(20):
                s3.put_object(Bucket="other", Key=str(number), Body=b"x" * 100_000)
        given_up = 0
        for wire in wires:
            wire.setblocking(False)
            with contextlib.suppress(OSError):
                given_up += b"<Code>RequestTimeout</Code>" in wire.recv(4096)
        assert given_up > 0


@pytest.mark.parametrize("door", ["--s3", "--admin"])
def test_two_do_not_share_an_address(door, tmp_path):
    """A second daemon on the same port would get half of the clients: it does not start."""
    with daemon.Forebay() as first:
        taken = first.s3_address if door == "--s3" else first.admin_address
        addresses = {"--s3": "127.0.0.1:0", "--admin": "127.0.0.1:0", door: taken}
        flags = [word for pair in addresses.items() for word in pair]
        second = subprocess.run(
            [daemon.binary(), "serve", "--data", tmp_path / "data", *flags],
            env=first.env,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert second.returncode == 1
    assert f"another process listens on {taken}" in second.stderr
