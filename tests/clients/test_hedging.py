"""Questions to an S3 origin that are asked a second time since the answer is late: through a proxy
that holds back one answer now and then, seen by counters and by what the origin was asked.
"""

import contextlib
import itertools
import random
import threading

import pytest
from lib.faultproxy import Fault
from lib.history import History
from lib.stand import Stand, parallel
from test_freshness import Reader
from test_freshness import put as put_through

pytestmark = pytest.mark.daemon

KNOWN = 100  # answers of a kind that must be known (src/origin/s3/hedge.h)
EVERY = 150  # one question of so many is slow
LATE = 20.0  # seconds; nobody is to wait for that


@pytest.fixture
def stand(servers):
    """One loop, so that it is known who has learned of the origin. Each read asks."""
    with contextlib.ExitStack() as stack:
        made = Stand(
            stack, servers.origin("seaweedfs"), flags=["--threads", "1"], freshness="exact"
        )
        yield made


def hedges(stand, outcome):
    """How many late questions ended so."""
    return stand.forebay.metric("forebay_hedges_total", outcome=outcome)


def put(stand, key, size=2000):
    """Writes an object into the origin and returns its bytes."""
    body = random.Random(key).randbytes(size)
    stand.origin.put(stand.bucket, key, body)
    return body


def slow_now_and_then(method):
    """A fault for every so many of these questions, and how many it was."""
    count, slow = itertools.count(1), []

    def fault(exchange):
        """Holds back the answer; the next question, the second of its kind, goes through."""
        if exchange.method != method or next(count) % EVERY:
            return None
        slow.append(exchange.path)
        return Fault(delay=LATE)

    return fault, slow


def teach(stand, key):
    """As many answers as must be known."""
    for _ in range(KNOWN):
        assert stand.get(key).status == 200


def test_a_question_whose_answer_is_late_is_asked_again(stand):
    """Checks and fills: nobody waits for the answers that are held back, every byte is right."""
    body = put(stand, "key")
    cold = {f"cold/{n}": random.Random(n).randbytes(70_000) for n in range(KNOWN + 60)}
    s3 = stand.origin.s3()
    for key, bytes_of in cold.items():
        s3.put_object(Bucket=stand.bucket, Key=key, Body=bytes_of)
    stand.forebay.cli("bucket", "set", "bkt", "--hedge", "p99")
    teach(stand, "key")
    fault, slow = slow_now_and_then("HEAD")
    stand.proxy.fault = fault
    for _ in range(2 * EVERY):
        answer = stand.get("key")
        assert answer.status == 200 and answer.body == body
    assert len(slow) == 2
    assert hedges(stand, "won") >= 2
    assert hedges(stand, "failed") == 0

    won = hedges(stand, "won")
    fault, slow = slow_now_and_then("GET")
    stand.proxy.fault = fault
    for key, bytes_of in cold.items():
        answer = stand.get(key)
        assert answer.status == 200 and answer.body == bytes_of
    assert len(slow) == 1
    assert hedges(stand, "won") > won
    assert stand.forebay.metric("forebay_fills_failed_total") == 0


def test_off_asks_once(stand):
    """As a bucket is made, and once it is set back."""
    put(stand, "key")
    teach(stand, "key")
    assert "hedge: off" in stand.forebay.cli("bucket", "show", "bkt")
    for setting in (None, "off"):
        if setting:
            stand.forebay.cli("bucket", "set", "bkt", "--hedge", "p99")
            stand.forebay.cli("bucket", "set", "bkt", "--hedge", setting)
        stand.proxy.fault = lambda e: Fault(delay=0.5) if e.method == "HEAD" else None
        stand.proxy.clear()
        assert stand.get("key").status == 200
        assert len(stand.proxy.seen("HEAD")) == 1
        stand.proxy.fault = None
    assert all(hedges(stand, o) == 0 for o in ("won", "lost", "failed", "withheld"))


def test_an_origin_that_is_slow_as_a_whole_is_asked_a_twentieth_more(stand):
    """What is late is told by what is usual, and what is asked again is bounded."""
    put(stand, "key")
    stand.forebay.cli("bucket", "set", "bkt", "--hedge", "p95")
    teach(stand, "key")
    asked = len(stand.proxy.seen("HEAD"))
    stand.proxy.fault = lambda e: Fault(delay=0.05)
    stand.proxy.clear()
    reads = 100
    for _ in range(reads):
        assert stand.get("key").status == 200
    # What was earned by those before is spent as well.
    assert len(stand.proxy.seen("HEAD")) <= reads + (asked + reads) / 20 + 1
    assert hedges(stand, "withheld") > 0 or hedges(stand, "lost") < reads / 10


def test_the_setting_is_kept_and_is_an_s3_origins(stand, tmp_path):
    """Over a restart; other buckets have none."""
    stand.forebay.cli("bucket", "set", "bkt", "--hedge", "p99")
    stand.forebay.stop()
    stand.forebay.start()
    assert "hedge: p99" in stand.forebay.cli("bucket", "show", "bkt")
    for origin in (["--origin", f"dir://{tmp_path}"], []):
        with pytest.raises(RuntimeError):
            stand.forebay.cli("bucket", "create", "other", "--hedge", "p99", *origin)
    assert "other" not in stand.forebay.cli("bucket", "ls")


def test_no_read_is_older_than_an_acknowledged_write(stand):
    """Four writers, four readers, and of the answers to checks and fills one in twenty comes late,
    with what was so when it was asked.
    """
    stand.forebay.cli("bucket", "set", "bkt", "--hedge", "p95")
    target, history = stand.forebay.target(), History()
    keys = [f"key-{n}" for n in range(4)]
    with target.connect() as connection:
        for key in keys:
            put_through(connection, target.signer(), history, key)
    for n in range(2 * KNOWN):
        assert stand.get(keys[n % 4]).status == 200
    lot, over = random.Random(7), threading.Event()
    stand.proxy.fault = (
        lambda e: Fault(delay=0.3) if e.method in ("HEAD", "GET") and lot.random() < 0.05 else None
    )

    def work(number):
        """0-3 write and read back; the others read until these are done."""
        rng, signer = random.Random(number), target.signer()
        with Reader(target, history, {}) as reader, target.connect() as connection:
            if number >= 4:
                while not over.is_set():
                    reader.get(rng.choice(keys))
                return
            for turn in range(60):
                key = keys[(number + turn % 2) % 4]
                put_through(connection, signer, history, key)
                reader.get(key)

    def writers_and_readers(number):
        """The readers end with the last writer."""
        try:
            work(number)
        finally:
            with left:
                count[0] -= number < 4
                if count[0] == 0:
                    over.set()

    count, left = [4], threading.Lock()
    parallel(8, writers_and_readers)
    history.check()
    assert hedges(stand, "won") > 0
