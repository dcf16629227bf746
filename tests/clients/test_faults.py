"""What a client sees of each way in which an S3 origin can fail: the table of
docs/guide/when-things-break.md, row by row. In every row: no wrong byte under an answer that looks
complete, nothing kept of the fault, and all is well again once the origin is, without a restart.
"""

import contextlib
import http.client
import threading

import pytest
from lib import daemon, faultproxy, origins
from lib.faultproxy import Fault
from lib.stand import parallel

pytestmark = pytest.mark.daemon

MODES = {"exact": "exact", "ttl": "ttl:10m", "immutable": "immutable"}
BODY = bytes(range(256)) * 1200
NEW = bytes(reversed(range(256))) * 1100
RANGE = "bytes=150000-249999"
OTHER = {"ETag": '"00000000000000000000000000000000"'}
UNAVAILABLE = (503, "ServiceUnavailable")
SLOW_DOWN = (503, "SlowDown")
DENIED = (403, "AccessDenied")
BAD_GATEWAY = (502, "BadGateway")
GOOD = "good"


def of_data(exchange):
    """Whether it fetches an object's bytes."""
    return exchange.method == "GET" and "?" not in exchange.path


def only_data(fault):
    """That fault where bytes are fetched, none elsewhere."""
    return lambda exchange: fault if of_data(exchange) else None


def whole(exchange):
    """All of the object, whatever range was asked."""
    if not of_data(exchange):
        return None
    return Fault(status=200, body=BODY, fields={"ETag": Faulty.etag})


def dies():
    """Ends in the middle of the first body that it sends, and of each request after it."""
    dead = threading.Event()

    def fault(exchange):
        if dead.is_set():
            return Fault(drop=True)
        if not of_data(exchange):
            return None
        dead.set()
        return Fault(reset_after=100_000)

    return fault


# What is done; then what a client sees of it: of a read that must ask the origin for bytes, of one
# that need only ask whether what is here is current, of a HEAD, of a write.
TABLE = {
    "refused": ("down", UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "reset": (lambda _: Fault(drop=True), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE),
    "reset-once-done": (
        lambda _: Fault(drop_after=True),
        UNAVAILABLE,
        UNAVAILABLE,
        UNAVAILABLE,
        UNAVAILABLE,
    ),
    "reset-in-mid-body": (only_data(Fault(reset_after=100_000)), GOOD, GOOD, GOOD, GOOD),
    "closed-in-mid-body": (only_data(Fault(close_after=100_000)), GOOD, GOOD, GOOD, GOOD),
    "slow": (lambda _: Fault(delay=0.3), GOOD, GOOD, GOOD, GOOD),
    "longer": (
        only_data(Fault(fields={"Content-Length": len(BODY) + 7})),
        BAD_GATEWAY,
        GOOD,
        GOOD,
        GOOD,
    ),
    "shorter": (
        only_data(Fault(fields={"Content-Length": len(BODY) - 7})),
        BAD_GATEWAY,
        GOOD,
        GOOD,
        GOOD,
    ),
    "another-range": (
        only_data(Fault(fields={"Content-Range": f"bytes 5-14/{len(BODY)}", "Content-Length": 10})),
        BAD_GATEWAY,
        GOOD,
        GOOD,
        GOOD,
    ),
    "whole-for-a-range": (whole, GOOD, GOOD, GOOD, GOOD),
    "another-etag": (only_data(Fault(fields=OTHER)), (503, "SlowDown"), GOOD, GOOD, GOOD),
    "no-http": (
        lambda _: Fault(status=99),
        BAD_GATEWAY,
        BAD_GATEWAY,
        BAD_GATEWAY,
        UNAVAILABLE,
    ),
    "denied": (lambda _: Fault(status=403, code="InvalidAccessKeyId"), *[DENIED] * 4),
    "error": (lambda _: Fault(status=500, code="InternalError"), *[UNAVAILABLE] * 4),
    "slow-down": (lambda _: Fault(status=503, code="SlowDown"), *[SLOW_DOWN] * 4),
    "too-many": (lambda _: Fault(status=429), *[SLOW_DOWN] * 4),
    "nameless-503": (lambda _: Fault(status=503), SLOW_DOWN, SLOW_DOWN, SLOW_DOWN, UNAVAILABLE),
}


class Faulty:
    """A Forebay with a bucket for each freshness over one bucket of an origin behind a proxy."""

    etag = None  # of BODY

    def __init__(self, stack, origin, bucket="faults"):
        self.origin = origin
        self.proxy = stack.enter_context(faultproxy.FaultProxy(origin.endpoint))
        self.forebay = stack.enter_context(daemon.Forebay())
        self.target = self.forebay.target()
        origin.make_bucket(bucket)
        for name, freshness in MODES.items():
            self.forebay.cli(
                "bucket",
                "create",
                name,
                "--origin",
                origin.url(bucket, self.proxy.endpoint),
                "--freshness",
                freshness,
                env=origin.credentials(),
            )
        origin.put(bucket, "body", BODY)
        Faulty.etag = origin.s3().head_object(Bucket=bucket, Key="body")["ETag"]

    def break_it(self, fault):
        """From now on."""
        if fault == "down":
            self.proxy.down()
        else:
            self.proxy.fault = fault

    def heal(self):
        """All is well."""
        self.proxy.fault = None
        if self.proxy.is_down():
            self.proxy.up()


@pytest.fixture(scope="module")
def faulty(servers):
    """One for all rows."""
    with contextlib.ExitStack() as stack:
        yield Faulty(stack, servers.origin("seaweedfs"))


def seen(call, body=None):
    """What a client sees: GOOD, (status, code), or "cut"; a complete answer has the right body."""
    try:
        answer = call()
    except (http.client.IncompleteRead, ConnectionError):
        return "cut"
    if answer.status // 100 == 2:
        assert body is None or answer.body == body, "wrong bytes under a complete answer"
        return GOOD
    return (answer.status, answer.code())


def with_heads(faulty, mode, key):
    """Lets the next read of that bucket ask with a HEAD, as a reader of ranges does: a GET alone is
    taken at its word.
    """
    faulty.origin.put("faults", key, BODY)
    answer = seen(lambda: faulty.target.get(mode, key, range=RANGE), BODY[150_000:250_000])
    assert answer == GOOD
    faulty.forebay.wait_idle()  # the rest of the object comes too


def bare(expected):
    """The same of an answer to HEAD, which has no document."""
    return expected if expected == GOOD else (expected[0], "")


@pytest.mark.parametrize("row", list(TABLE))
def test_what_a_client_sees(faulty, row):
    """A row of the table, and that nothing of it stays."""
    fault, bytes_needed, check_needed, head, write = TABLE[row]
    t = faulty.target
    for name in ("cold", "warm", "ranged", "headed", "written"):
        faulty.origin.put("faults", f"{row}/{name}", BODY)
    for mode in MODES:
        assert seen(lambda mode=mode: t.get(mode, f"{row}/warm"), BODY) == GOOD
        faulty.forebay.wait_idle()
        assert t.get(mode, f"{row}/warm").headers["x-cache"] == "hit"
    s3 = t.boto3()
    parts = s3.create_multipart_upload(Bucket="ttl", Key=f"{row}/parts")["UploadId"]
    whole = s3.create_multipart_upload(Bucket="ttl", Key=f"{row}/whole")["UploadId"]
    etag = s3.upload_part(
        Bucket="ttl", Key=f"{row}/whole", UploadId=whole, PartNumber=1, Body=BODY
    )["ETag"]
    order = (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
        f"<ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    ).encode()
    errors = faulty.forebay.metric("forebay_origin_requests_total", result="error")
    for mode in MODES:
        with_heads(faulty, mode, f"{row}/before/{mode}")
    faulty.break_it(fault)
    try:
        for mode in MODES:
            cold = seen(lambda mode=mode: t.get(mode, f"{row}/cold"), BODY)
            assert cold == bytes_needed, f"cold, {mode}"
            warm = seen(lambda mode=mode: t.get(mode, f"{row}/warm"), BODY)
            assert warm == (check_needed if mode == "exact" else GOOD), f"warm, {mode}"
        ranged = seen(lambda: t.get("ttl", f"{row}/ranged", range=RANGE), BODY[150_000:250_000])
        assert ranged == bytes_needed, "a range"
        assert seen(lambda: t.call("HEAD", f"/ttl/{row}/headed")) == bare(head)
        assert seen(lambda: t.call("PUT", f"/ttl/{row}/written", body=NEW)) == write
        one = [("partNumber", "1"), ("uploadId", parts)]
        assert seen(lambda: t.call("PUT", f"/ttl/{row}/parts", query=one, body=NEW)) == write
        whole = [("uploadId", whole)]
        done = seen(lambda: t.call("POST", f"/ttl/{row}/whole", query=whole, body=order))
        assert done == write, "CompleteMultipartUpload"
        if {bytes_needed, write} - {GOOD}:
            now = faulty.forebay.metric("forebay_origin_requests_total", result="error")
            assert now > errors or row == "another-etag", "the metric tells"
    finally:
        faulty.heal()
    for mode in MODES:
        again = t.get(mode, f"{row}/cold")
        assert again.body == BODY and again.status == 200
        kept = bytes_needed == GOOD or again.headers["x-cache"] != "hit"
        assert kept, "nothing is kept of a read that failed"
        assert seen(lambda mode=mode: t.get(mode, f"{row}/warm"), BODY) == GOOD
    assert seen(lambda: t.get("ttl", f"{row}/ranged"), BODY) == GOOD
    # A write without an answer may be done or not; every mode reads what the origin has.
    there = faulty.origin.s3().get_object(Bucket="faults", Key=f"{row}/written")["Body"].read()
    assert there == NEW if write == GOOD else there in (BODY, NEW)
    for _ in range(2):
        assert t.get("ttl", f"{row}/written").body == there
    assert seen(lambda: t.call("PUT", f"/ttl/{row}/written", body=NEW)) == GOOD
    assert t.get("ttl", f"{row}/written").body == NEW


@pytest.mark.parametrize("mode", list(MODES))
def test_an_origin_that_dies_in_mid_body(faulty, mode):
    """What was begun ends short of its length; the next read is whole."""
    key = f"dies/{mode}"
    faulty.origin.put("faults", key, BODY)
    assert faulty.target.call("HEAD", f"/{mode}/{key}").status == 200
    faulty.break_it(dies())
    try:
        assert seen(lambda: faulty.target.get(mode, key), BODY) in ("cut", UNAVAILABLE)
        assert seen(lambda: faulty.target.get(mode, key), BODY) == UNAVAILABLE
    finally:
        faulty.heal()
    assert seen(lambda: faulty.target.get(mode, key), BODY) == GOOD


@pytest.mark.parametrize("mode", list(MODES))
def test_another_version_in_mid_read(faulty, mode):
    """A body never has bytes of two versions; the next read has the new one, in every mode."""
    old, new = b"a" * 12_000_000, b"b" * 11_000_000
    key = f"two/{mode}"
    where = {"Bucket": "faults", "Key": key}
    s3 = faulty.origin.s3()  # in two parts, which are fetched one by one
    upload = s3.create_multipart_upload(**where)["UploadId"]
    parts = [
        {
            "PartNumber": n,
            "ETag": s3.upload_part(**where, UploadId=upload, PartNumber=n, Body=old[:6_000_000])[
                "ETag"
            ],
        }
        for n in (1, 2)
    ]
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    asked = []
    with_heads(faulty, mode, f"{key}/before")

    def fault(exchange):
        if of_data(exchange):
            asked.append(exchange)
            if len(asked) == 2:
                faulty.origin.put("faults", key, new)

    faulty.break_it(fault)
    try:
        first = seen(lambda: faulty.target.get(mode, key), old)
    finally:
        faulty.heal()
    assert len(asked) > 1 and first == "cut"
    assert faulty.target.get(mode, key).body == new


def keys_command(faulty, bucket, access_key, secret):
    """`forebay bucket set` with these keys, the secret by the environment."""
    return faulty.forebay.cli(
        *("bucket", "set", bucket, "--origin-access-key", access_key),
        env={"FOREBAY_ORIGIN_SECRET_KEY": secret},
    )


@pytest.mark.parametrize("mode", list(MODES))
def test_keys_that_are_rotated(servers, mode):
    """Denied with the old ones, while what is believed is served; good with the new ones at once,
    nothing fetched again; and after a restart. Keys that the origin refuses change nothing.
    """
    origin = servers.origin("seaweedfs")
    old = f"Credential={origin.access_key}/"
    denied = Fault(status=403, code="InvalidAccessKeyId")
    with contextlib.ExitStack() as stack:
        faulty = Faulty(stack, origin, f"rotated-{mode}")
        forebay, t = faulty.forebay, faulty.target
        for key in ("cold", "warm", "after"):
            origin.put(f"rotated-{mode}", key, BODY)
        assert seen(lambda: t.get(mode, "warm"), BODY) == GOOD
        forebay.wait_idle()
        faulty.break_it(lambda e: denied if old in e.headers.get("authorization", "") else None)
        assert seen(lambda: t.get(mode, "cold"), BODY) == DENIED
        assert seen(lambda: t.get(mode, "warm"), BODY) == (DENIED if mode == "exact" else GOOD)
        assert seen(lambda: t.call("PUT", f"/{mode}/new", body=NEW)) == DENIED
        with pytest.raises(RuntimeError, match="403"):
            keys_command(faulty, mode, "NOBODY", "nothing")
        assert seen(lambda: t.get(mode, "cold"), BODY) == DENIED
        keys_command(faulty, mode, origins.SECOND_ACCESS_KEY, origins.SECOND_SECRET_KEY)
        assert seen(lambda: t.get(mode, "cold"), BODY) == GOOD
        assert seen(lambda: t.call("PUT", f"/{mode}/new", body=NEW)) == GOOD
        again = t.get(mode, "warm")
        assert again.body == BODY and again.headers["x-cache"] == "hit", "the cache is as it was"
        forebay.restart()
        assert seen(lambda: forebay.target().get(mode, "after"), BODY) == GOOD


def test_an_origin_that_bears_only_so_many_at_once(servers):
    """It is asked less at once until it does; what it has refused is asked again; then it grows."""
    bears = 6
    with contextlib.ExitStack() as stack:
        faulty = Faulty(stack, servers.origin("seaweedfs"), "pace")
        forebay, target = faulty.forebay, faulty.target
        s3 = faulty.origin.s3()
        for n in range(400):
            s3.put_object(Bucket="pace", Key=f"k{n}", Body=BODY[: 1000 + n])

        def limit():
            return forebay.metric("forebay_origin_limit", endpoint=faulty.proxy.endpoint)

        most = limit()

        def fault(_):
            if faulty.proxy.under_way > bears:
                return Fault(status=503, code="SlowDown")
            return Fault(delay=0.02)

        def read(first):
            """Reads 200 objects by 40 clients; how many of them were told to slow down."""

            def some(client):
                return [
                    seen(lambda n=n: target.get("exact", f"k{n}"), BODY[: 1000 + n])
                    for n in range(first + client, first + 200, 40)
                ]

            return sum(parallel(40, some), []).count(SLOW_DOWN)

        def slowed():
            return forebay.metric("forebay_origin_slowed_total")

        faulty.break_it(fault)
        try:
            read(0)
            assert slowed() > 0 and limit() < most / 4
            assert forebay.metric("forebay_origin_retries_total") > 0
            faulty.proxy.clear()
            before = slowed()
            assert read(200) == 0, "no client sees it any more"
            assert slowed() - before < len(faulty.proxy.seen()) / 4, "it is overrun now and then"
        finally:
            faulty.heal()
        low = limit()
        for _ in range(3):
            assert read(0) + read(200) == 0
        assert limit() > low, "what goes well goes on"


def test_a_read_that_fails_once_is_no_error(faulty):
    """An origin that resets, refuses or errs now and then is asked again, and nobody sees it."""
    for number, fault in enumerate(
        (Fault(drop=True), Fault(drop_after=True), Fault(status=500), Fault(status=503))
    ):
        key = f"once/{number}"
        faulty.origin.put("faults", key, BODY)
        paths = set()

        def once(exchange, fault=fault, paths=paths):
            """The first request of each kind fails."""
            what = (exchange.method, exchange.path)
            if what in paths:
                return None
            paths.add(what)
            return fault

        faulty.break_it(once)
        try:
            for mode in MODES:
                paths.clear()
                assert seen(lambda mode=mode, key=key: faulty.target.get(mode, key), BODY) == GOOD
        finally:
            faulty.heal()
