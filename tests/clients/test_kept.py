"""What is known of cached objects outlives the process, and never a write."""

import contextlib
import time

import pytest
from lib import daemon, origins, rawhttp

pytestmark = pytest.mark.daemon

COUNT = 300
# Longer than rows wait to be written together.
WRITTEN = 0.3


@pytest.fixture
def stand():
    """A folder of objects and a Forebay over it."""
    with contextlib.ExitStack() as made:
        origin = made.enter_context(origins.DirOrigin())
        forebay = made.enter_context(daemon.Forebay(flags=["--threads", "2"]))
        yield origin, forebay


def bucket_of(origin, forebay, freshness, count=COUNT):
    """A bucket with objects that are old enough to be cached at once; its name."""
    name = f"kept-{time.time_ns()}"
    origin.make_bucket(name)
    for number in range(count):
        origin.put(name, f"dir/{number:04d}", b"old %d" % number, age=60)
    forebay.create_bucket(name, origin, freshness)
    return name


def read_all(forebay, bucket, count=COUNT):
    """Reads every object over one connection; the bodies in order, None for one that is missing."""
    bodies, target = [], forebay.target()
    with target.connect() as connection:
        for number in range(count):
            call = rawhttp.Call("GET", f"/{bucket}/dir/{number:04d}")
            answer = connection.call(call, target.signer())
            assert answer.status in (200, 404), answer
            bodies.append(answer.body if answer.status == 200 else None)
    return bodies


def checks(forebay):
    """Questions to origins since the daemon began."""
    return forebay.metric("forebay_head_checks_total")


def kill_and_start(forebay):
    """kill -9, and the same data again."""
    forebay.kill()
    forebay.start()


OLD = [b"old %d" % number for number in range(COUNT)]


@pytest.mark.parametrize("orderly", [True, False])
def test_what_is_cached_is_read_after_a_restart_without_a_question(stand, orderly):
    origin, forebay = stand
    bucket = bucket_of(origin, forebay, "immutable")
    assert read_all(forebay, bucket) == OLD
    forebay.wait_idle()
    time.sleep(WRITTEN)
    assert forebay.metric("forebay_head_rows_written_total") == COUNT
    for _ in range(2):
        if orderly:
            forebay.restart()
        else:
            kill_and_start(forebay)
        assert read_all(forebay, bucket) == OLD
        assert checks(forebay) == 0
        assert forebay.metric("forebay_heads_believed_total") == COUNT
        assert read_all(forebay, bucket) == OLD
        assert checks(forebay) == 0


def test_a_ttl_is_not_believed_after_a_restart(stand):
    origin, forebay = stand
    bucket = bucket_of(origin, forebay, "ttl:1h")
    read_all(forebay, bucket)
    forebay.wait_idle()
    time.sleep(WRITTEN)
    for number in range(COUNT):
        origin.put(bucket, f"dir/{number:04d}", b"new %d" % number, age=50)
    assert read_all(forebay, bucket) == OLD
    forebay.restart()
    assert read_all(forebay, bucket) == [b"new %d" % number for number in range(COUNT)]


@pytest.mark.parametrize("freshness", ["immutable", "ttl:1h"])
def test_a_write_is_seen_whatever_dies_after_it(stand, freshness):
    origin, forebay = stand
    bucket = bucket_of(origin, forebay, freshness)
    expected = read_all(forebay, bucket)
    forebay.wait_idle()
    time.sleep(WRITTEN)
    target = forebay.target()
    for number in range(0, COUNT, 3):
        path, body = f"/{bucket}/dir/{number:04d}", b"new %d" % number
        assert target.call("PUT", path, body=body).status == 200
        expected[number] = body
    for number in range(1, COUNT, 3):
        if number % 2:
            assert target.call("DELETE", f"/{bucket}/dir/{number:04d}").status == 204
            expected[number] = None
    kill_and_start(forebay)
    assert read_all(forebay, bucket) == expected


def test_many_deletes_at_once_are_seen_too(stand):
    origin, forebay = stand
    bucket = bucket_of(origin, forebay, "immutable", 1000)
    read_all(forebay, bucket, 1000)
    forebay.wait_idle()
    time.sleep(WRITTEN)
    s3 = forebay.target().boto3()
    keys = [{"Key": f"dir/{number:04d}"} for number in range(1000)]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    assert not answer.get("Errors")
    assert forebay.metric("forebay_head_rows_removed_total") == 1000
    kill_and_start(forebay)
    assert read_all(forebay, bucket, 1000) == [None] * 1000
