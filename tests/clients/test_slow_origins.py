"""Units of an S3 origin that limits each connection: they come over several, each byte once."""

import contextlib
import random
import re

import pytest
from lib.faultproxy import Fault
from lib.stand import Stand

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024
SIZE = 24 * MIB
SLOW = 4_000_000  # bytes per second of each connection
PIECE = 256 * 1024  # of what may be on its way when an answer is broken off


@pytest.fixture
def stand(servers):
    """One loop, so that it is known who has learned of the origin."""
    with contextlib.ExitStack() as stack:
        made = Stand(stack, servers.origin("seaweedfs"), flags=["--threads", "1"])
        made.proxy.each = SLOW
        yield made


def put(stand, key, size=SIZE):
    """Writes an object into the origin and returns its bytes."""
    body = random.Random(key).randbytes(size)
    stand.origin.put(stand.bucket, key, body)
    return body


def splits(stand):
    """Streams beside the first, so far."""
    return stand.forebay.metric("forebay_fill_splits_total")


def asked(stand):
    """The ranges of data that the origin was asked for, in order of their places."""
    fields = [e.headers["range"] for e in stand.proxy.seen("GET") if "range" in e.headers]
    return sorted(tuple(int(n) for n in re.findall(r"\d+", field)) for field in fields)


def read_cold(stand, key, body):
    """Reads a cold object; returns how many body bytes Forebay got of the origin for it."""
    before = stand.forebay.metric("forebay_origin_bytes_total")
    answer = stand.get(key)
    assert answer.status == 200
    assert answer.headers["x-cache"] == "miss"
    assert answer.body == body
    stand.forebay.wait_idle()
    return stand.forebay.metric("forebay_origin_bytes_total") - before


def test_a_unit_comes_over_several_connections(stand):
    """The first one finds out; the next begins with what has paid off, in shares that make up the
    unit. Each byte is fetched once, and then it is all here.
    """
    first, second = put(stand, "first"), put(stand, "second")
    assert read_cold(stand, "first", first) == SIZE
    added = splits(stand)
    assert added >= 3
    assert len(asked(stand)) == added + 1
    # Whose end was given to others has been broken off; no more than was on its way came twice.
    assert SIZE <= stand.proxy.body_bytes() <= SIZE + added * PIECE
    stand.settle()

    assert read_cold(stand, "second", second) == SIZE
    at_once = asked(stand)
    assert len(at_once) >= 4
    assert len(at_once) == splits(stand) - added + 1
    assert stand.proxy.body_bytes() <= SIZE + PIECE * len(at_once)
    stand.settle()

    for key, body in (("first", first), ("second", second)):
        answer = stand.get(key)
        assert answer.headers["x-cache"] == "hit"
        assert answer.body == body
    assert asked(stand) == []


def test_a_small_unit_and_a_fast_origin_are_asked_once(stand):
    """What is too small for two shares is one request, however slow."""
    body = put(stand, "small", 4 * MIB - 1)
    assert read_cold(stand, "small", body) == len(body)
    assert len(asked(stand)) == 1
    assert splits(stand) == 0


def test_shares_that_break_go_on_where_they_were(stand):
    """Each first answer to a share is reset on its way; the reader sees nothing of it."""
    broken = set()

    def fault(exchange):
        """Breaks the first answer to each range."""
        place = exchange.headers.get("range", "bytes=0-")
        if place.startswith("bytes=0-") or place in broken or len(broken) > 3:
            return None
        broken.add(place)
        return Fault(reset_after=MIB)

    body = put(stand, "key")
    stand.proxy.fault = fault
    assert read_cold(stand, "key", body) == SIZE
    assert broken
    assert stand.forebay.metric("forebay_fills_failed_total") == 0


def test_an_origin_that_takes_one_connection_is_read_by_one(stand):
    """Others are told to slow down: their shares go back, and the next unit is asked for once."""

    def fault(exchange):
        """Refuses what comes beside another."""
        data = exchange.method == "GET" and "?" not in exchange.path
        beside = data and not exchange.headers.get("range", "").startswith("bytes=0-")
        return Fault(status=503, code="SlowDown") if beside else None

    first, second = put(stand, "first", 12 * MIB), put(stand, "second", 12 * MIB)
    stand.proxy.fault = fault
    assert read_cold(stand, "first", first) == len(first)
    assert splits(stand) == 1
    stand.proxy.clear()
    assert read_cold(stand, "second", second) == len(second)
    assert len(asked(stand)) == 1
    assert stand.forebay.metric("forebay_fills_failed_total") == 0
