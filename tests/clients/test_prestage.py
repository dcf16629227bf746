"""HEAD with `Range: bytes=0-0`: the whole object is fetched before it is read, by a bounded
queue.
"""

import contextlib
import threading

import pytest
from lib import proc, rawhttp
from lib.stand import Stand, parallel

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024
BODY = b"".join(i.to_bytes(8, "big") * (MIB // 8) for i in range(16))
MOST = 1000  # objects in the queue: object/stager.h
STAGE = {"Range": "bytes=0-0"}


@pytest.fixture
def stand(servers):
    """Makes stands over the session's SeaweedFS and ends their daemons after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: Stand(stack, servers.origin("seaweedfs"), **options)


def head(stand, key, **headers):
    """A HEAD of that key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return stand.forebay.target().call("HEAD", f"/bkt/{key}", headers=named)


def test_it_answers_at_once_and_then_all_is_there(stand):
    """`prestage` with no body, then the object's bytes once from the origin, then `hit`; what only
    looks like it fetches nothing.
    """
    s = stand()
    s.origin.put(s.bucket, "k", BODY)
    for headers in ({}, {"Range": "bytes=0-9"}, STAGE | {"Cache-Control": "no-store"},
                    STAGE | {"If-Match": '"another"'}):
        answer = head(s, "k", **headers)
        assert "x-cache" not in answer.headers and answer.body == b"", headers
    assert s.settle() == 0
    s.proxy.rate = 20e6
    answer = head(s, "k", **STAGE)
    assert answer.status == 206 and answer.body == b""
    assert answer.headers["content-range"] == f"bytes 0-0/{len(BODY)}"
    assert answer.headers["x-cache"] == "prestage"
    assert "preference-applied" not in answer.headers
    assert s.proxy.body_bytes() < len(BODY), "the answer has not waited"
    proc.wait_until(
        "it is there", lambda: s.forebay.metric("forebay_cache_bytes") == len(BODY), 60
    )
    assert s.settle() == len(BODY)
    assert head(s, "k", **STAGE).headers["x-cache"] == "hit"
    answer = s.get("k")
    assert answer.body == BODY and answer.headers["x-cache"] == "hit"
    assert s.settle() == 0
    assert s.forebay.metric("forebay_staged_objects_total", result="good") == 1


def test_who_prefers_to_wait(stand):
    """`Prefer: wait` is answered when all is there, and says so; its time may end before."""
    s = stand()
    s.origin.put(s.bucket, "k", BODY)
    answer = head(s, "k", Prefer="wait", **STAGE)
    assert answer.headers["preference-applied"] == "wait"
    assert answer.headers["x-cache"] == "prestage"
    assert s.get("k").headers["x-cache"] == "hit"
    assert s.settle() == len(BODY)
    assert head(s, "k", Prefer="wait", **STAGE).headers["x-cache"] == "hit"
    s.origin.put(s.bucket, "slow", BODY)
    s.proxy.rate = 1e6
    answer = head(s, "slow", Prefer="wait=1", **STAGE)
    assert answer.headers["x-cache"] == "prestage" and "preference-applied" not in answer.headers
    s.proxy.rate = None


def test_the_queue_is_bounded(stand):
    """So many objects may wait, one more is told to come again; when there is room it may."""
    s = stand(freshness="immutable")
    client = s.origin.s3()
    parallel(8, lambda i: [client.put_object(Bucket=s.bucket, Key=f"k{n}", Body=b"x" * 10)
                           for n in range(i, MOST + 1, 8)])
    go = threading.Event()
    s.proxy.fault = lambda exchange: exchange.method == "GET" and go.wait(60) and None
    target = s.forebay.target()

    def ask(number):
        """Stages every eighth of them over one connection."""
        answers = []
        with target.connect() as connection:
            for key in range(number, MOST + 1, 8):
                call = rawhttp.Call("HEAD", f"/bkt/k{key}", headers=STAGE)
                answers.append((key, connection.call(call, target.signer())))
        return answers

    answers = [answer for some in parallel(8, ask) for answer in some]
    refused = [(key, answer) for key, answer in answers if answer.status == 503]
    assert len(refused) == 1 and all(a.status == 206 for k, a in answers if k != refused[0][0])
    assert refused[0][1].headers["retry-after"] == "1"
    assert s.forebay.metric("forebay_staging_objects") == MOST
    assert s.forebay.metric("forebay_staged_objects_total", result="refused") == 1
    go.set()
    proc.wait_until(
        "all have come", lambda: s.forebay.metric("forebay_staging_objects") == 0, 60
    )
    s.settle()
    assert s.forebay.metric("forebay_cache_units") == MOST
    again = head(s, f"k{refused[0][0]}", Prefer="wait", **STAGE)
    assert again.headers["preference-applied"] == "wait"
