"""No read is older than the bucket's rule allows: overwrites through Forebay, behind its back, and
under a fill.
"""

import contextlib
import http.client
import json
import os
import random
import threading
import time

import pytest
from lib import daemon, faultproxy, origins
from lib.history import History, body_of, write_of
from lib.rawhttp import Call
from lib.stand import Stand, parallel

pytestmark = pytest.mark.daemon

ROUNDS = 10_000 if os.environ.get("FOREBAY_FULL") == "1" else 1_000
SIZES = [40, 4_000, 70_000, 300_000]
TTL = 2


@pytest.fixture
def stack():
    """Ends what a test started."""
    with contextlib.ExitStack() as made:
        yield made


def put(connection, signer, history, key, bucket="bkt"):
    """One whole overwrite that must be acknowledged; returns its number and ETag."""
    number = history.begin_write(key)
    body = body_of(key, number, SIZES[number % len(SIZES)])
    answer = connection.call(Call("PUT", f"/{bucket}/{key}", body=body), signer)
    assert answer.status == 200, answer
    history.end_write(key, number)
    return number, answer.headers["etag"]


class Reader:
    """Reads over one connection and notes every whole read; a read that broke off is counted and
    tried again.
    """

    def __init__(self, target, history, etags, bucket="bkt"):
        self.target, self.history, self.etags, self.bucket = target, history, etags, bucket
        self.signer = target.signer()
        self.connection = target.connect()
        self.done = self.broken = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.connection.close()
        # A version that changes under a read may end it with an error or short, never with wrong
        # bytes.
        assert (
            kind or self.broken <= 1 + self.done // 50
        ), f"{self.broken} of {self.done} reads broke off"

    def get(self, key):
        """One whole read; its ETag must be the one that this very write was given."""
        for _ in range(5):
            began = time.monotonic()
            self.done += 1
            try:
                answer = self.connection.call(Call("GET", f"/{self.bucket}/{key}"), self.signer)
            except (http.client.IncompleteRead, ConnectionError):
                self.connection.close()
                self.connection = self.target.connect()
                self.broken += 1
                continue
            if answer.status >= 500:
                self.broken += 1
                continue
            assert answer.status == 200, answer
            number = self.history.read(key, began, answer.body)
            etag = answer.headers["etag"]
            assert (
                self.etags.get((key, number), etag) == etag
            ), f"ETag of another write than {number}"
            return number
        raise AssertionError(f"{key}: five reads in a row broke off")


@pytest.mark.parametrize("kind", ["dir", "seaweedfs"])
@pytest.mark.parametrize("freshness", ["exact", "ttl:60s", "immutable"])
def test_overwrite_then_read(servers, stack, kind, freshness):
    """8 writers and 8 readers on 8 keys: after an acknowledgement nobody reads anything older, in
    any mode.
    """
    origin = servers.origin(kind)
    name = f"fresh-{time.time_ns()}"
    origin.make_bucket(name)
    forebay = stack.enter_context(daemon.Forebay())
    forebay.cli(
        "bucket",
        "create",
        "bkt",
        "--origin",
        origin.url(name),
        "--freshness",
        freshness,
        env=origin.credentials(),
    )
    target, history, etags = forebay.target(), History(), {}
    keys = [f"key-{i}" for i in range(8)]
    over = threading.Event()
    with target.connect() as connection:
        for key in keys:
            put(connection, target.signer(), history, key)

    def work(number):
        """Threads 0-7 write and read back what they wrote; threads 8-15 read anything until the
        writers end.
        """
        rng, signer = random.Random(number), target.signer()
        with Reader(target, history, etags) as reader, target.connect() as connection:
            if number >= 8:
                while not over.is_set():
                    reader.get(rng.choice(keys))
                return
            for turn in range(ROUNDS // 8):
                key = keys[(number + turn % 2) % 8]  # each key has two writers
                written, etag = put(connection, signer, history, key)
                etags[key, written] = etag
                reader.get(key)

    writers_left = threading.Semaphore(0)

    def counted(number):
        """Runs one thread's work and tells the readers when the last writer is done."""
        try:
            work(number)
        except BaseException:
            over.set()
            raise
        finally:
            if number < 8:
                writers_left.release()

    def watch():
        """Waits for the eight writers, then stops the readers."""
        for _ in range(8):
            writers_left.acquire()
        over.set()

    threading.Thread(target=watch, daemon=True).start()
    parallel(16, counted, 600)
    history.check()
    assert history.acknowledged() == ROUNDS // 8 * 8 + 8
    assert sum(map(len, history.reads.values())) >= ROUNDS
    forebay.restart()
    with Reader(forebay.target(), history, etags) as reader:
        for key in keys:
            reader.get(key)
    history.check()


@pytest.mark.parametrize("freshness", ["exact", f"ttl:{TTL}s"])
def test_renamed_behind_its_back(servers, stack, freshness):
    """Files replaced in a `dir` origin: `exact` shows it at once, `ttl` after its ttl at the
    latest.
    """
    origin = servers.origin("dir")
    name = f"rename-{time.time_ns()}"
    origin.make_bucket(name)
    forebay = stack.enter_context(daemon.Forebay())
    forebay.cli("bucket", "create", "bkt", "--origin", origin.url(name), "--freshness", freshness)
    target, history = forebay.target(), History()
    keys = [f"key-{i}" for i in range(4)]
    over = time.monotonic() + (20 if ROUNDS > 1000 else 8)

    def replace(key, rng):
        """Replaces one file by rename, mostly with an old mtime and an unchanged size."""
        number = history.begin_write(key)
        origin.put(name, key, body_of(key, number, 70_000), age=rng.choice([10, 10, 3600, None]))
        history.end_write(key, number)

    for key in keys:
        replace(key, random.Random(0))

    def work(number):
        """Threads 0 and 1 replace files of their own, the others read."""
        rng = random.Random(number)
        with Reader(target, history, {}) as reader:
            while time.monotonic() < over:
                if number < 2:
                    replace(keys[number * 2 + rng.randrange(2)], rng)
                    time.sleep(rng.choice([0.001, 0.05, 1.5]))
                else:
                    reader.get(rng.choice(keys))

    parallel(8, work, 120)
    history.check(grace=0 if freshness == "exact" else TTL)
    assert (
        forebay.metric("forebay_unit_reads_total", result="hit") > 0
    ), "nothing was read from cache"


def test_immutable_is_believed_until_written_through(servers, stack):
    """`immutable` may serve what was replaced behind its back, but whole, and never after a write
    through Forebay.
    """
    origin = servers.origin("dir")
    name = f"immutable-{time.time_ns()}"
    origin.make_bucket(name)
    forebay = stack.enter_context(daemon.Forebay())
    forebay.cli("bucket", "create", "bkt", "--origin", origin.url(name), "--freshness", "immutable")
    target = forebay.target()
    origin.put(name, "k", body_of("k", 1, 70_000), age=10)
    assert write_of("k", target.get("bkt", "k").body) == 1
    origin.put(name, "k", body_of("k", 2, 70_000), age=10)
    assert write_of("k", target.get("bkt", "k").body) in (1, 2)
    assert target.call("PUT", "/bkt/k", body=body_of("k", 3, 70_000)).status == 200
    assert write_of("k", target.get("bkt", "k").body) == 3


def test_buckets_made_through_s3_take_the_setting(stack, tmp_path):
    """`--freshness` is what a bucket gets that CreateBucket makes, if it has an origin: what is in
    a native one is known.
    """
    setting = ["--freshness", "immutable"]
    for flags, told in [
        ([*setting, "--default-origin", f"dir://{tmp_path}/folders"], "immutable"),
        (setting, None),
    ]:
        forebay = stack.enter_context(daemon.Forebay(flags=flags))
        assert forebay.target().call("PUT", "/bkt").status == 200
        shown = json.loads(forebay.cli("bucket", "show", "bkt", "--json"))
        assert shown.get("freshness") == told


@pytest.mark.parametrize("freshness", ["exact", "ttl:60s", "immutable"])
@pytest.mark.parametrize("kind", ["dir", "seaweedfs"])
def test_delete_is_seen_at_once(servers, stack, kind, freshness):
    """A deleted key is gone for reads, ranges and lists in every mode, and a new object under it is
    seen.
    """
    origin = servers.origin(kind)
    name = f"delete-{time.time_ns()}"
    origin.make_bucket(name)
    forebay = stack.enter_context(daemon.Forebay())
    forebay.cli(
        "bucket",
        "create",
        "bkt",
        "--origin",
        origin.url(name),
        "--freshness",
        freshness,
        env=origin.credentials(),
    )
    target = forebay.target()
    for turn in range(5):
        body = body_of("k", turn, 70_000)
        assert target.call("PUT", "/bkt/k", body=body).status == 200
        assert target.get("bkt", "k").body == body
        assert target.call("DELETE", "/bkt/k").status == 204
        assert target.get("bkt", "k").status == 404
        assert target.get("bkt", "k", Range="bytes=0-3").status == 404
        assert b"<Key>" not in target.call("GET", "/b", query=[("list-type", "2")]).body


def test_new_object_behind_its_back(servers, stack):
    """In `exact`, a key that was just answered 404 is found as soon as the origin has it."""
    with origins.DirOrigin() as origin:
        origin.make_bucket("o")
        forebay = stack.enter_context(daemon.Forebay())
        forebay.cli("bucket", "create", "bkt", "--origin", origin.url("o"), "--freshness", "exact")
        for number in range(20):
            assert forebay.target().get("bkt", f"k{number}").status == 404
            origin.put("o", f"k{number}", b"now")
            assert forebay.target().get("bkt", f"k{number}").body == b"now"


def whole_or_nothing(stand, key, allowed):
    """Reads once; returns the body's write number, or None for an error or a connection that closed
    short.
    """
    try:
        answer = stand.get(key)
    except (http.client.IncompleteRead, ConnectionError):
        return None
    if answer.status != 200:
        assert answer.status >= 500, answer
        return None
    number = write_of(key, answer.body)
    assert number in allowed
    return number


def test_version_changes_under_a_fill(servers, stack):
    """The origin's object is replaced in the middle of a slow fill: a reader gets one whole version
    or an error.
    """
    s = Stand(stack, servers.origin("seaweedfs"), freshness="exact")
    size = 12 << 20
    for turn in range(1, 9, 2):
        s.origin.put(s.bucket, "k", body_of("k", turn, size))
        s.proxy.rate = 20e6
        results = []
        reader = threading.Thread(
            target=lambda seen=results, t=turn: seen.append(whole_or_nothing(s, "k", (t, t + 1)))
        )
        reader.start()
        time.sleep(0.05 + 0.12 * turn / 2)
        s.origin.put(s.bucket, "k", body_of("k", turn + 1, size))
        reader.join(60)
        assert results, "the reader failed"
        s.proxy.rate = None
        assert whole_or_nothing(s, "k", (turn + 1,)) == turn + 1
        assert whole_or_nothing(s, "k", (turn + 1,)) == turn + 1


@pytest.mark.parametrize(
    "fault",
    [
        {"reset_after": 3 << 20},
        {"close_after": 3 << 20},
        {"reset_after": 0},
        {"status": 503},
        {"status": 403},
    ],
    ids=lambda f: "-".join(f"{n}-{v}" for n, v in f.items()),
)
def test_origin_fails(servers, stack, fault):
    """An origin that breaks off or refuses never makes a wrong or short body, and nothing bad is
    kept.
    """
    s = Stand(stack, servers.origin("seaweedfs"))
    body = body_of("k", 1, 12 << 20)
    s.origin.put(s.bucket, "k", body)
    s.proxy.fault = lambda exchange: faultproxy.Fault(**fault) if exchange.method == "GET" else None
    for _ in range(3):
        try:
            answer = s.get("k")
        except (http.client.IncompleteRead, ConnectionError):
            continue
        assert answer.body == body if answer.status == 200 else answer.status >= 400
    s.proxy.fault = None
    assert s.get("k").body == body
    s.settle()  # a read that comes before the unit is named joins its fill
    answer = s.get("k")
    assert answer.body == body
    came = {name: n for (name, _), n in s.forebay.metrics().items() if "_fills_" in name}
    assert answer.headers["x-cache"] == "hit", came
