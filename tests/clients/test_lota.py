"""What a cache in LOTA's place must do, one test for each rule, on one node over an origin whose
every byte is counted. Each docstring has the rule and says what is read to judge it.
"""

import contextlib
import dataclasses
import hashlib
import random
import shutil
import threading

import pytest
from lib import proc, rawhttp
from lib.stand import Stand, parallel
from test_cache import multipart

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024
BODY = random.Random(16).randbytes(6 * MIB + 7)
PART = 5 * MIB


@pytest.fixture
def stand(servers):
    """Makes stands over the session's SeaweedFS and ends their daemons after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: Stand(stack, servers.origin("seaweedfs"), **options)


def on_disk(size):
    """What a unit of that size takes there: whole pages."""
    return (size + 4095) // 4096 * 4096


def hits(s):
    """Units served from disk so far."""
    return s.forebay.metric("forebay_unit_reads_total", result="hit")


def test_01_the_same_client_gets_the_same(stand):
    """Same client code, endpoint swapped: same bytes, ETag and headers. Read: boto3's answers."""
    s = stand()
    s.origin.s3().put_object(
        Bucket=s.bucket, Key="k", Body=BODY, ContentType="text/x-one", CacheControl="max-age=7",
        ContentDisposition="inline", Metadata={"color": "blue"},
    )
    multipart(s.origin, s.bucket, "parts", [PART, 1000])
    for key in ("k", "parts"):
        for arguments in ({}, {"Range": "bytes=100-5000000"}):
            told = []
            for client, bucket in ((s.origin.s3(), s.bucket), (s.forebay.target().boto3(), "bkt")):
                answer = client.get_object(Bucket=bucket, Key=key, **arguments)
                head = client.head_object(Bucket=bucket, Key=key)
                names = ("ETag", "ContentLength", "ContentType", "LastModified", "Metadata",
                         "CacheControl", "ContentDisposition")
                told.append([hashlib.sha256(answer["Body"].read()).digest(),
                             answer.get("ContentRange"), *map(answer.get, names),
                             *map(head.get, names)])
            assert told[0] == told[1]


def test_02_a_range_costs_its_part_once(stand):
    """Ranges read inside part k: exactly part k comes from the origin, once, for any number of
    concurrent readers. Read: the proxy's count of body bytes.
    """
    s = stand()
    body = multipart(s.origin, s.bucket, "parts", [PART, PART, PART, 1000])
    s.proxy.clear()

    def read(number):
        """A stretch of its own within the second part."""
        first = PART + number * 100_000
        answer = s.get("parts", Range=f"bytes={first}-{first + 99_999}")
        assert answer.status == 206 and answer.body == body[first : first + 100_000]

    parallel(32, read)
    assert s.fetched() == PART
    parallel(32, read)
    assert s.settle() == 0


def overwrites(s, write):
    """Writes and reads in turns, and reads while it is written: what is acknowledged is read by all
    who come after, and who comes meanwhile gets all of one version.
    """
    bodies = [bytes([number]) * (150_000 + 70_000 * number) for number in range(4)]
    write(bodies[0])
    stop, seen = threading.Event(), []

    def read_on(_):
        while not stop.is_set():
            with contextlib.suppress(OSError, Exception):  # a version that goes may end it short
                answer = s.get("k")
                if answer.status == 200:
                    seen.append(answer.body)

    def write_on(_):
        try:
            for trial in range(1, 41):
                body = bodies[trial % len(bodies)]
                write(body)
                assert s.get("k").body == body, trial
        finally:
            stop.set()

    parallel(3, lambda i: write_on(i) if i == 0 else read_on(i))
    assert seen and all(body in bodies for body in seen)


def test_03_an_overwrite_is_read_at_once(stand):
    """Overwritten through Forebay, then read: new bytes at 100 % of trials; a read that races the
    overwrite is all old or all new. Read: the bodies.
    """
    s = stand(freshness="exact")
    target = s.forebay.target()

    def write(body):
        assert target.call("PUT", "/bkt/k", body=body).status == 200

    overwrites(s, write)


def test_04_so_is_one_behind_its_back(stand):
    """The same after an overwrite at the origin itself. Read: the bodies."""
    s = stand(freshness="exact")
    overwrites(s, lambda body: s.origin.put(s.bucket, "k", body))


def test_05_what_is_forbidden_is_refused_though_it_is_cached(stand):
    """Delete, no right, key revoked: the next request is refused even though the unit is cached.
    Read: status, and forebay_cache_bytes, which says that the unit is still there.
    """
    s = stand(freshness="immutable")
    s.origin.put(s.bucket, "k", BODY)
    s.origin.put(s.bucket, "gone", b"x" * 1000)
    assert s.get("k").body == BODY and s.get("gone").status == 200
    s.settle()
    target = s.forebay.target()
    assert target.call("DELETE", "/bkt/gone").status == 204
    assert s.get("gone").status == 404
    with target.connect() as connection:
        assert connection.call(rawhttp.Call("GET", "/bkt/k")).status == 403, "nobody"
    wrong = dataclasses.replace(target, secret_key="x" * 40)
    assert wrong.get("bkt", "k").status == 403
    s.forebay.env |= {"FOREBAY_ROOT_ACCESS_KEY": "ANOTHERROOT000000001"}
    s.forebay.restart()
    assert s.forebay.metric("forebay_cache_bytes") >= len(BODY)
    target = s.forebay.target()
    assert target.get("bkt", "k").code() == "InvalidAccessKeyId"
    fresh = dataclasses.replace(target, access_key="ANOTHERROOT000000001")
    answer = fresh.get("bkt", "k")
    assert answer.body == BODY and answer.headers["x-cache"] == "hit"
    assert s.settle() == 0


def test_06_no_store_and_no_cache(stand):
    """`no-store`: the origin's bytes rise by the request, the cache is unchanged; `no-cache`: the
    cache is unchanged. Read: the proxy's count, forebay_cache_bytes, forebay_unit_reads_total.
    """
    s = stand()
    s.origin.put(s.bucket, "k", BODY)
    for control in ("no-store", "no-cache"):
        assert s.get("k", Cache_Control=control).body == BODY
        assert s.settle() == len(BODY) and s.forebay.metric("forebay_cache_bytes") == 0
    assert s.get("k", Cache_Control="no-store", Range="bytes=0-99").body == BODY[:100]
    assert s.settle() == 100 and s.forebay.metric("forebay_cache_bytes") == 0
    s.get("k")
    s.settle()
    before = hits(s)
    assert s.get("k", Cache_Control="no-cache").body == BODY
    assert s.settle() == 0 and hits(s) == before + 1
    assert s.get("k", Cache_Control="no-store").body == BODY
    assert s.settle() == len(BODY) and hits(s) == before + 1
    assert s.forebay.metric("forebay_cache_bytes") == on_disk(len(BODY))


def test_07_pre_stage(stand):
    """HEAD with `bytes=0-0`: empty body, then a full GET costs the origin no data byte; a plain
    HEAD fills nothing. Read: the proxy's count, forebay_fills_total.
    """
    s = stand()
    body = multipart(s.origin, s.bucket, "k", [PART, PART, 1000])
    s.proxy.clear()
    target = s.forebay.target()
    assert target.call("HEAD", "/bkt/k").status == 200
    assert s.settle() == 0 and s.forebay.metric("forebay_fills_total") == 0
    staged = target.call(
        "HEAD", "/bkt/k", headers={"Range": "bytes=0-0", "Prefer": "wait"}
    )
    assert staged.body == b"" and staged.headers["preference-applied"] == "wait"
    assert s.settle() == len(body) and s.forebay.metric("forebay_fills_total") == 3
    assert s.get("k").body == body
    assert s.settle() == 0


def test_08_where_units_lie(stand, tmp_path):
    """A single-PUT object has exactly one place; 32 parts over two disks are spread, an eighth on
    each at least (fewer come to one in a million times). Read: forebay_cache_bytes and
    forebay_cache_units of each disk.
    """
    disks = [str(tmp_path / name) for name in ("one", "two")]
    s = stand(flags=[word for disk in disks for word in ("--disk", disk)])

    def each(name):
        return [s.forebay.metric(name, disk=disk) for disk in disks]

    s.origin.put(s.bucket, "single", BODY)
    assert s.get("single").body == BODY
    s.settle()
    assert sorted(each("forebay_cache_bytes")) == [0, on_disk(len(BODY))]
    before = each("forebay_cache_units")
    body = multipart(s.origin, s.bucket, "parts", [PART] * 32)
    assert s.get("parts").body == body
    s.settle()
    units = [now - then for now, then in zip(each("forebay_cache_units"), before)]
    assert sum(units) == 32 and min(units) >= 4, units


def test_09_the_counters_add_up(stand):
    """Hit, miss, in progress and error add up to the requests, ranges too. Read:
    forebay_s3_reads_total by `result` and `range`, forebay_s3_requests_total.
    """
    s = stand()
    s.origin.put(s.bucket, "k", BODY)
    s.proxy.rate = 20e6
    parallel(8, lambda _: s.get("k"))
    s.settle()  # before the unit is named whoever reads it joins its fill
    s.proxy.rate = None
    etag = s.get("k").headers["etag"]
    ranged = [{"Range": "bytes=0-9"}, {"Range": "bytes=-5"}, {"Range": "bytes=99999999-"}]
    plain = [{"If-None-Match": etag}, {"If-Match": '"no"'}, {"Cache-Control": "no-store"}]
    target = s.forebay.target()
    for headers in ranged + plain:
        target.call("GET", "/bkt/k", headers=headers)
    assert s.get("none").status == 404
    with target.connect() as connection:  # who leaves early is one of them too
        connection.send(rawhttp.Call("GET", "/bkt/k"), target.signer())
        next(connection.pieces(connection.start("GET")))

    def reads(**labels):
        return s.forebay.metric("forebay_s3_reads_total", **labels)

    proc.wait_until("the one who left to be counted", lambda: reads() >= 17, 20)
    assert reads() == s.forebay.metric("forebay_s3_requests_total", operation="GetObject") == 17
    assert reads(range="yes") == 3
    by_result = {name: reads(result=name)
                 for name in ("hit", "joined", "miss", "bypass", "none", "error")}
    assert by_result["miss"] >= 1 and by_result["miss"] + by_result["joined"] <= 8
    assert (by_result["bypass"], by_result["none"], by_result["error"]) == (1, 1, 3)
    assert sum(by_result.values()) == 17


def test_10_both_ways_of_naming_a_bucket(stand):
    """Path style is taken, virtual-hosted style always. Read: status and bodies."""
    s = stand()
    s.origin.put(s.bucket, "k", b"bytes")
    target = s.forebay.target()
    port = target.endpoint.rsplit(":", 1)[1]
    for path, host in (("/bkt/k", None), ("/k", f"bkt.localhost:{port}")):
        with target.connect() as connection:
            call = rawhttp.Call("GET", path, host=host)
            answer = connection.call(call, target.signer())
        assert answer.status == 200 and answer.body == b"bytes", host


def test_11_keys_of_customers(stand):
    """SSE-C is not there: what names a customer's key is refused, on a cached unit too, and its
    plaintext is written nowhere. Read: status, every file of the daemon's, the origin.
    """
    s = stand()
    s.origin.put(s.bucket, "k", BODY)
    assert s.get("k").body == BODY
    s.settle()
    prefix = "x-amz-server-side-encryption-customer-"
    keys = {f"{prefix}algorithm": "AES256", f"{prefix}key": "A" * 43 + "=",
            f"{prefix}key-MD5": rawhttp.md5_base64(b"\0" * 32)}
    target = s.forebay.target()
    plain = random.Random(11).randbytes(100_000)
    for method, path, body in (("GET", "/bkt/k", b""), ("HEAD", "/bkt/k", b""),
                               ("PUT", "/bkt/secret", plain)):
        answer = target.call(method, path, headers=keys, body=body)
        assert answer.status == 501, (method, answer)
        assert answer.body == b"" or answer.code() == "NotImplemented"
    assert s.get("secret").status == 404
    assert s.origin.s3().list_objects_v2(Bucket=s.bucket)["KeyCount"] == 1
    s.settle()
    for path in s.forebay.data.rglob("*"):
        assert not path.is_file() or plain[:64] not in path.read_bytes(), path


def test_12_a_disk_that_goes_under_a_read(stand):
    """The place of a unit goes away during a read, from the origin and from the disk: the answer is
    still right. Read: the bodies, forebay_disk_lost_total.
    """
    s = stand()
    s.origin.put(s.bucket, "k", BODY)
    s.origin.put(s.bucket, "cold", BODY[::-1])
    assert s.get("k").body == BODY
    s.settle()
    target = s.forebay.target()
    with target.connect() as warm, target.connect() as cold:
        s.proxy.rate = 5e6
        reads = []
        for connection, key in ((warm, "k"), (cold, "cold")):
            connection.send(rawhttp.Call("GET", f"/bkt/{key}"), target.signer())
            pieces = connection.pieces(connection.start("GET"))
            reads.append((pieces, next(pieces)))
        shutil.rmtree(s.forebay.data / "cache")
        bodies = [first + b"".join(pieces) for pieces, first in reads]
    s.proxy.rate = None
    assert bodies == [BODY, BODY[::-1]]
    for _ in range(20):
        assert s.get("k").body == BODY and s.get("cold").body == BODY[::-1]
    assert s.forebay.metric("forebay_disk_lost_total") <= 1
