"""Bodies that are announced and do not come: they take no room from others."""

import contextlib
import socket

import pytest
from lib import daemon, origins, proc, sigv4

pytestmark = pytest.mark.daemon
KIB, MIB = 1 << 10, 1 << 20
SENT = 20_000


def dawdle(forebay, stack, path, length):
    """A signed PUT of `length` bytes, of which the first come."""
    host, port = forebay.s3_address.rsplit(":", 1)
    headers = {"Host": forebay.s3_address, "Content-Length": str(length)}
    forebay.target().signer().sign("PUT", path, [], headers, sigv4.UNSIGNED)
    head = f"PUT {path} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    wire = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
    wire.sendall(head.encode() + bytes(SENT))


def test_who_announces_much_and_sends_little_takes_no_room_from_others():
    """Eighty bodies of up to 128 MiB, more than the cache has, in a bucket of one tenant."""
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(origins.DirOrigin())
        flags = ["--memory", "64MiB", "--cache-size", "1GiB"]
        forebay = stack.enter_context(daemon.Forebay(flags=flags))
        origin.make_bucket("cached")
        body = bytes(range(256)) * (4 * MIB // 256)
        origin.put("cached", "key", body, age=100)
        forebay.create_bucket("cached", origin)
        forebay.cli("bucket", "create", "tenant", "--native", "--max-bytes", "200MiB")
        s3 = forebay.target().boto3()
        s3.create_bucket(Bucket="others")

        def served():
            """How a read of what is cached was served."""
            got = s3.get_object(Bucket="cached", Key="key")
            assert got["Body"].read() == body
            return got["ResponseMetadata"]["HTTPHeaders"]["x-cache"]

        assert served() == "miss"
        proc.wait_until("it is cached", lambda: served() == "hit", 20)

        def used():
            """Bytes of the cache that are taken."""
            return forebay.metric("forebay_cache_used_bytes")

        before = used()
        lengths = [128 * MIB] * 20 + [60 * MIB] * 10 + [10 * MIB] * 20 + [300 * KIB] * 30
        for number, length in enumerate(lengths):
            dawdle(forebay, stack, f"/tenant/{number}", length)
        metric = "forebay_origin_written_bytes_total"
        sent = len(lengths) * SENT
        proc.wait_until("all has come", lambda: forebay.metric(metric) >= sent, 60)
        for number in range(10):
            s3.put_object(Bucket="others", Key=f"{number}", Body=body)
            s3.put_object(Bucket="others", Key=f"{number}s", Body=body[:1000])
            assert served() == "hit"
        # What they have sent, and what is taken ahead of it.
        assert used() - before < 10 * len(body) + 100 * MIB
