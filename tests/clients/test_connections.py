"""What connections may hold: a small budget caps nobody's throughput, and who shows no right to be
here holds no place for long.
"""

import re
import socket
import subprocess

import pytest
from lib import daemon, proc

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
