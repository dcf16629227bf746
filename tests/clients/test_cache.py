"""What the cache may ask of its origin: each byte once, only the parts that are read, nothing after
a restart.
"""

import contextlib
import hashlib
import os
import random
import time

import pytest
from lib import faultproxy, proc, rawhttp
from lib.stand import Stand, parallel

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024
FULL = os.environ.get("FOREBAY_FULL") == "1"
UNIT = random.Random(3).randbytes(MIB) * 64  # 64 MiB; every MiB also gets its own number below
UNIT = b"".join(i.to_bytes(8, "big") + UNIT[8:MIB] for i in range(64))
PART = 5 * MIB


@pytest.fixture
def stand(servers):
    """Makes stands over the session's SeaweedFS and ends their daemons after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: Stand(stack, servers.origin("seaweedfs"), **options)


def multipart(origin, bucket, key, sizes):
    """Writes an object into the origin in parts of the given sizes and returns its bytes."""
    s3 = origin.s3()
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    bodies = [random.Random(f"{key}{i}").randbytes(size) for i, size in enumerate(sizes)]
    parts = [
        {
            "PartNumber": i,
            "ETag": s3.upload_part(
                Bucket=bucket, Key=key, UploadId=upload, PartNumber=i, Body=body
            )["ETag"],
        }
        for i, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )
    return b"".join(bodies)


def data_set(total):
    """Yields (key, body) of mixed sizes, from nothing to 16 MiB, until `total` bytes are
    reached.
    """
    rng = random.Random(4)
    sizes = [0, 1, 700, 4096, 65_535, 65_536, 65_537, 300_000, MIB, 3 * MIB + 1, 7 * MIB, 16 * MIB]
    made = 0
    while made < total:
        for size in sizes:
            body = rng.randbytes(size)
            yield f"set/{made:012d}-{size}", body
            made += size + 1


def test_second_read_and_restart_cost_nothing(stand):
    """A data set of mixed sizes: read once from the origin, then from disk, also after a
    restart.
    """
    s = stand()
    digests = {}
    s3 = s.origin.s3()
    for key, body in data_set(1024 * MIB if FULL else 128 * MIB):
        s3.put_object(Bucket=s.bucket, Key=key, Body=body)
        digests[key] = (hashlib.sha256(body).digest(), len(body))
    s.proxy.clear()

    def read_all(allowed):
        """Reads everything and checks bytes and X-Cache."""
        for key, (digest, _) in digests.items():
            answer = s.get(key)
            assert answer.status == 200 and hashlib.sha256(answer.body).digest() == digest, key
            if answer.body:  # an empty object has no unit to fetch
                assert answer.headers["x-cache"] in allowed, (key, answer.headers)

    read_all(("miss", "joined"))
    total = sum(size for _, size in digests.values())
    assert s.fetched() == total, "the cold read fetches each byte exactly once"
    assert s.forebay.metric("forebay_origin_bytes_total") == total
    assert s.forebay.metric("forebay_cache_bytes") >= total
    read_all(("hit",))
    assert s.settle() == 0
    s.forebay.restart()
    read_all(("hit",))
    assert s.settle() == 0
    assert s.forebay.metric("forebay_origin_bytes_total") == 0


def test_one_fill_for_64_readers(stand):
    """64 readers of one cold 64 MiB unit cost the origin 64 MiB; all get the right bytes."""
    s = stand()
    s.origin.put(s.bucket, "unit", UNIT)
    want = hashlib.sha256(UNIT).digest()

    def read(_):
        """Reads the whole unit over a connection of its own and returns its digest and X-Cache."""
        target, digest = s.forebay.target(), hashlib.sha256()
        with target.connect(timeout=120) as connection:
            connection.send(rawhttp.Call("GET", "/bkt/unit"), target.signer())
            head = connection.start("GET")
            assert head.status == 200
            for piece in connection.pieces(head):
                digest.update(piece)
        return digest.digest(), head.headers["x-cache"]

    results = parallel(64, read, 180)
    assert all(digest == want for digest, _ in results)
    assert s.fetched() == len(UNIT), "amplification 1.00"
    states = [state for _, state in results]
    assert states.count("miss") >= 1 and set(states) <= {"miss", "joined", "hit"}, states
    assert s.forebay.metric("forebay_fills_total") == 1
    assert s.get("unit").headers["x-cache"] == "hit"
    assert s.settle() == 0


def test_no_store_asks_the_origin_and_leaves_all_as_it_was(stand):
    """GET and HEAD, conditional and ranged, with no-store in any spelling: the origin answers now;
    what was believed and kept stays so, and nothing is fetched ahead.
    """
    s = stand(freshness="immutable")
    old, new = UNIT[:MIB], UNIT[MIB : 3 * MIB]
    s.origin.put(s.bucket, "key", old)
    etag = s.get("key").headers["etag"]
    s.settle()
    s.origin.put(s.bucket, "key", new)
    target = s.forebay.target()
    past = {"Cache-Control": "max-age=0, No-Store"}
    head = target.call("HEAD", "/bkt/key", headers=past)
    assert int(head.headers["content-length"]) == len(new) and head.headers["etag"] != etag
    changed = target.call("GET", "/bkt/key", headers=past | {"If-None-Match": etag})
    assert changed.status == 200 and changed.body == new
    ranged = target.call("GET", "/bkt/key", headers=past | {"Range": "bytes=-9"})
    assert ranged.status == 206 and ranged.body == new[-9:]
    s.settle()
    staged = target.call("HEAD", "/bkt/key", headers=past | {"Range": "bytes=0-0"})
    assert staged.status == 206 and "x-cache" not in staged.headers
    assert s.settle() == 0
    kept = s.get("key")
    assert kept.body == old and kept.headers["x-cache"] == "hit"
    assert target.call("HEAD", "/bkt/key").headers["etag"] == etag
    assert s.settle() == 0


def test_a_byte_costs_its_part(stand):
    """One byte in the middle of a 20-part object costs exactly its part; the next byte of it costs
    nothing.
    """
    s = stand()
    body = multipart(s.origin, s.bucket, "parts", [PART] * 19 + [12_345])
    s.proxy.clear()
    at = 10 * PART + 777
    answer = s.get("parts", Range=f"bytes={at}-{at}")
    assert (answer.status, answer.body) == (206, body[at : at + 1])
    assert answer.headers["content-range"] == f"bytes {at}-{at}/{len(body)}"
    assert s.settle() == PART
    assert (
        s.get("parts", Range=f"bytes={10 * PART}-{11 * PART - 1}").body
        == body[10 * PART : 11 * PART]
    )
    assert s.settle() == 0
    last = len(body) - 1
    assert s.get("parts", Range="bytes=-1").body == body[last:]
    assert s.settle() == 12_345
    whole = s.get("parts")
    assert whole.body == body
    assert s.fetched() == 18 * PART, "what is cached is not fetched again"


@pytest.mark.parametrize("kind", ["seaweedfs", "radosgw"])
def test_a_part_by_its_number(servers, kind):
    """A part of an object that others uploaded is that part, whatever its neighbours' sizes, or an
    error where the origin does not tell: never other bytes.
    """
    with contextlib.ExitStack() as stack:
        s = Stand(stack, servers.origin(kind))
        sizes = [5 * MIB, 7 * MIB, 6 * MIB, 100]
        body = multipart(s.origin, s.bucket, "uneven", sizes)
        client = s.forebay.target().boto3()
        at, told = 0, 0
        for number, size in enumerate(sizes, 1):
            try:
                answer = client.get_object(Bucket="bkt", Key="uneven", PartNumber=number)
            except client.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "NotImplemented"
            else:
                assert answer["Body"].read() == body[at : at + size], number
                assert answer["ContentRange"] == f"bytes {at}-{at + size - 1}/{len(body)}"
                assert answer["PartsCount"] == len(sizes)
                told += 1
            at += size
        print(f"{kind} told the place of {told} parts")
        with pytest.raises(client.exceptions.ClientError):
            client.get_object(Bucket="bkt", Key="uneven", PartNumber=len(sizes) + 1)


def test_known_uneven_parts(stand):
    """Parts of uneven size uploaded through Forebay stay units of their own after they were
    evicted.
    """
    s = stand(flags=["--cache-size", "64MiB"])
    sizes = [5 * MIB, 9 * MIB, 6 * MIB + 1, 7 * MIB, 1000]
    through = s.forebay.target().boto3()

    class Front:
        """Lets `multipart` write through Forebay instead of into the origin."""

        s3 = staticmethod(lambda: through)

    body = multipart(Front, "bkt", "uneven", sizes)
    for number in range(4):  # twice the cache's size pushes the parts out if they were kept
        s.origin.put(s.bucket, f"filler{number}", UNIT[: 32 * MIB])
        assert s.get(f"filler{number}").status == 200
    s.settle()
    at = 5 * MIB + 9 * MIB + 17
    answer = s.get("uneven", Range=f"bytes={at}-{at}")
    assert (answer.status, answer.body) == (206, body[at : at + 1])
    assert s.settle() == sizes[2]
    assert s.forebay.metric("forebay_evictions_total") > 0
    assert s.forebay.metric("forebay_cache_bytes") <= 64 * MIB
    assert s.get("uneven").body == body


def test_what_is_written_is_kept(stand):
    """A large object written through Forebay is read from disk, also after a restart; of one that
    did not reach the origin nothing stays behind.
    """
    s = stand()
    body = UNIT[: 20 * MIB]
    assert s.forebay.target().call("PUT", "/bkt/written", body=body).status == 200
    assert s.origin.s3().get_object(Bucket=s.bucket, Key="written")["Body"].read() == body
    s.settle()
    for _ in range(2):
        answer = s.get("written")
        assert answer.body == body and answer.headers["x-cache"] == "hit"
        assert s.settle() == 0
        s.forebay.restart()
    target = s.forebay.target()
    wrong = target.call("PUT", "/bkt/wrong", body=body, headers={"Content-MD5": "A" * 22 + "=="})
    assert (wrong.status, wrong.code()) == (400, "BadDigest")
    s.proxy.fault = lambda e: faultproxy.Fault(status=500) if e.method == "PUT" else None
    assert target.call("PUT", "/bkt/refused", body=body).status >= 500
    s.proxy.fault = None
    s.settle()
    assert s.get("wrong").status == s.get("refused").status == 404
    assert s.forebay.metric("forebay_cache_bytes") == len(body)
    proc.wait_until(
        "the copies of what failed are gone",
        lambda: s.forebay.metric("forebay_cache_used_bytes") == len(body),
        10,
    )


def test_the_asked_range_comes_first(stand):
    """The end of a 64 MiB unit behind a 20 MB/s origin arrives long before the unit could have."""
    s = stand()
    s.origin.put(s.bucket, "slow", UNIT)
    s.proxy.rate = 20e6
    whole = len(UNIT) / s.proxy.rate
    first = len(UNIT) - 100_000
    target = s.forebay.target()
    with target.connect() as connection:
        began = time.monotonic()
        connection.send(
            rawhttp.Call("GET", "/bkt/slow", headers={"Range": f"bytes={first}-"}), target.signer()
        )
        head = connection.start("GET")
        pieces = connection.pieces(head)
        body = next(pieces)
        to_first_byte = time.monotonic() - began
        body += b"".join(pieces)
        to_last_byte = time.monotonic() - began
    assert head.status == 206 and body == UNIT[first:]
    assert to_first_byte < whole / 3, f"{to_first_byte:.2f} s, the unit takes {whole:.2f} s"
    assert to_last_byte < whole / 2
    s.proxy.rate = None
    assert s.get("slow").body == UNIT


def test_a_reader_that_leaves_does_not_cancel(stand):
    """The fill goes on when its first reader leaves; those who joined get everything, the origin
    pays once.
    """
    s = stand()
    s.origin.put(s.bucket, "left", UNIT[: 32 * MIB])
    s.proxy.rate = 20e6
    target = s.forebay.target()
    connection = target.connect()
    connection.send(rawhttp.Call("GET", "/bkt/left"), target.signer())
    next(connection.pieces(connection.start("GET")))

    def read(number):
        """Reads all, while reader 0 makes the first one leave."""
        if number == 0:
            time.sleep(0.3)
            connection.close()
        return s.get("left").body == UNIT[: 32 * MIB]

    assert all(parallel(3, read))
    assert s.fetched() == 32 * MIB


def test_no_store(stand):
    """`no-store` reads the origin each time and leaves the cache as it was."""
    s = stand()
    s.origin.put(s.bucket, "k", UNIT[:MIB])
    for _ in range(2):
        answer = s.get("k", Cache_Control="no-store")
        assert answer.body == UNIT[:MIB] and answer.headers["x-cache"] == "bypass"
        assert s.settle() == MIB
    assert s.forebay.metric("forebay_cache_bytes") == 0
    assert s.get("k").headers["x-cache"] == "miss"
    assert s.settle() == MIB
    assert s.get("k", Cache_Control="no-store").headers["x-cache"] == "bypass"
    assert s.settle() == MIB
    assert s.get("k").headers["x-cache"] == "hit"


def test_no_cache(stand):
    """`no-cache` does not keep a miss, but is served from what is kept."""
    s = stand()
    s.origin.put(s.bucket, "k", UNIT[:MIB])
    for _ in range(2):
        answer = s.get("k", Cache_Control="no-cache")
        assert answer.body == UNIT[:MIB] and answer.headers["x-cache"] != "hit"
        assert s.settle() == MIB
    assert s.get("k").headers["x-cache"] == "miss"
    s.settle()
    answer = s.get("k", Cache_Control="no-cache")
    assert answer.body == UNIT[:MIB] and answer.headers["x-cache"] == "hit"
    assert s.settle() == 0


def test_no_cache_as_rfc9111(stand):
    """With the setting, `no-cache` is checked with the origin first and stored as usual."""
    s = stand(flags=["--no-cache", "rfc9111"], freshness="immutable")
    s.origin.put(s.bucket, "k", UNIT[:MIB])
    assert s.get("k", Cache_Control="no-cache").headers["x-cache"] == "miss"
    assert s.settle() == MIB
    answer = s.get("k", Cache_Control="no-cache")
    assert answer.body == UNIT[:MIB] and answer.headers["x-cache"] == "hit"
    assert s.settle() == 0
    s.origin.put(s.bucket, "k", UNIT[MIB : 2 * MIB])
    assert s.get("k").body == UNIT[:MIB]  # immutable: believed
    size = s.forebay.target().call("HEAD", "/bkt/k", headers={"Cache-Control": "no-cache"})
    assert size.headers["etag"] != answer.headers["etag"]
    assert s.get("k", Cache_Control="no-cache").body == UNIT[MIB : 2 * MIB]
    assert s.get("k").body == UNIT[MIB : 2 * MIB]


def rot(forebay, size):
    """Flips a bit in the cached file of that size, as a disk would: behind the daemon's back."""
    (path,) = [p for p in forebay.data.rglob("*") if p.is_file() and p.stat().st_size == size]
    with open(path, "r+b") as file:
        file.seek(size // 2)
        byte = file.read(1)[0]
        file.seek(size // 2)
        file.write(bytes([byte ^ 1]))


def test_verify_always(stand):
    """A byte that rots on disk is found at the next read that touches its block, and the unit is
    fetched again.
    """
    s = stand(verify="always")
    body = UNIT[: 5 * MIB + 7]
    s.origin.put(s.bucket, "k", body)
    assert s.get("k").body == body
    assert s.settle() == len(body)
    assert s.get("k").headers["x-cache"] == "hit"
    rot(s.forebay, len(body))
    assert s.get("k", Range="bytes=0-9").headers["x-cache"] == "hit"  # another block
    answer = s.get("k")
    assert answer.body == body and answer.headers["x-cache"] == "miss"
    assert s.settle() == len(body)
    assert s.get("k").headers["x-cache"] == "hit"


def test_sigterm_drains(stand):
    """An answer that is under way when SIGTERM comes is finished, then the daemon ends with 0."""
    s = stand()
    s.origin.put(s.bucket, "k", UNIT[: 16 * MIB])
    s.proxy.rate = 20e6
    target = s.forebay.target()
    with target.connect() as connection:
        connection.send(rawhttp.Call("GET", "/bkt/k"), target.signer())
        pieces = connection.pieces(connection.start("GET"))
        body = next(pieces)
        s.forebay.child.process.terminate()
        body += next(pieces)
        s.forebay.child.process.terminate()  # once more, as impatient supervisors do
        body += b"".join(pieces)
    assert body == UNIT[: 16 * MIB]
    s.forebay.stop()
