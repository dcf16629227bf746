"""What connections may hold: a small budget caps nobody's throughput, and who shows no right to be
here holds no place for long.
"""

import contextlib
import pathlib
import re
import socket
import subprocess
import time

import pytest
from lib import daemon, proc
from lib.rawhttp import md5_base64

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024


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
        host, port = forebay.s3_address.rsplit(":", 1)
        status = pathlib.Path(f"/proc/{forebay.child.pid}/status")

        def resident():
            """Its own memory, in KiB."""
            return int(re.search(r"RssAnon:\s+(\d+)", status.read_text())[1])

        before = resident()
        for _ in range(600):
            wire = socket.create_connection((host, int(port)), timeout=30)
            wires.enter_context(wire)
            wire.sendall(head)
            assert wire.recv(100).startswith(b"HTTP/1.1 403 ")
        assert resident() - before < 8 * 1024


def test_who_stops_halfway_shuts_nobody_out():
    """Strangers that stop in large heads, and signed bodies that are announced and do not come:
    who comes after them is served."""
    with daemon.Forebay(flags=["--memory", "64MiB"]) as forebay, contextlib.ExitStack() as wires:
        s3 = forebay.target().boto3()
        s3.create_bucket(Bucket="slow")
        s3.put_object(Bucket="slow", Key="k", Body=b"x")
        host, port = forebay.s3_address.rsplit(":", 1)

        def dial(sent):
            """A connection that has sent this."""
            wire = wires.enter_context(socket.create_connection((host, int(port)), timeout=30))
            wire.sendall(sent)
            return wire

        def signed(method, path, query, headers):
            """A signed head, without the empty line behind it."""
            headers["Host"] = f"{host}:{port}"
            forebay.target().signer().sign(method, path, query, headers, "UNSIGNED-PAYLOAD")
            target = path + "?" + "&".join(f"{name}={value}" for name, value in query)
            lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
            return f"{method} {target} HTTP/1.1\r\n{''.join(lines)}".encode()

        for _ in range(400):
            dial(b"GET /slow/k HTTP/1.1\r\nX: " + b"a" * 10_000)
        head = signed("GET", "/slow/k", [("x-id", "GetObject")], {"x-long": "a" * 6000})
        late = dial(head[:5000])
        time.sleep(0.2)  # or both pieces come as one, which shows less
        late.sendall(head[5000:] + b"\r\n")
        assert late.recv(100).startswith(b"HTTP/1.1 200 ")

        for _ in range(4):
            begun = {"Content-MD5": md5_base64(b""), "Content-Length": str(2 * MIB)}
            dial(signed("POST", "/slow", [("delete", "")], begun) + b"\r\n<")
        done = s3.delete_objects(Bucket="slow", Delete={"Objects": [{"Key": "k"}]})
        assert [one["Key"] for one in done["Deleted"]] == ["k"]


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
