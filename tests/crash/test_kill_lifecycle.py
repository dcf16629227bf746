"""kill -9 while rules end objects of native buckets, round after round: what no rule is about
stays, what was overwritten while a pass looked at it is what was written, and no space is lost.
"""

import functools
import os
import random
import threading
import time
from collections import defaultdict

import pytest
from lib import daemon, proc, rawhttp
from lib.history import body_of
from lib.workers import Workers

pytestmark = pytest.mark.daemon

ROUNDS = 50 if os.environ.get("FOREBAY_FULL") == "1" else 5
SIZES = [0, 100, 5_000, 66_000, 300_000]
BUCKETS = ["plain", "kept"]  # the second keeps versions
KEYS = [f"k{i}" for i in range(3)]
RULES = b"""<LifecycleConfiguration>
<Rule><ID>%d</ID><Filter><Tag><Key>end</Key><Value>yes</Value></Tag></Filter>
<Status>Enabled</Status><Expiration><Date>2020-01-01T00:00:00Z</Date></Expiration></Rule>
<Rule><ID>alone</ID><Filter/><Status>Enabled</Status>
<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>
</LifecycleConfiguration>"""


class Told:
    """What clients were told."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sure = {}  # (bucket, key) → the body that must be there
        self.versions = defaultdict(dict)  # key → id → body, of the bucket that keeps them
        self.count = 0
        self.ended = 0

    def number(self):
        """A number of its own for each write."""
        with self.lock:
            self.count += 1
            return self.count


class Load(Workers):
    """Each writer has a key of its own, whose object it makes one that a rule ends, and then one
    that none does; meanwhile the rules are said again and again, which brings on pass after pass.
    """

    def __init__(self, target, told, seed):
        self.told = told
        work = [functools.partial(self._swap, b, k) for b in BUCKETS for k in KEYS]
        work += [functools.partial(self._say, b) for b in BUCKETS]
        super().__init__(target, work, seed)

    def _call(self, connection, method, path, body=b"", headers=None, query=()):
        call = rawhttp.Call(method, path, query=list(query), body=body, headers=headers or {})
        return connection.call(call, self.target.signer())

    def _put(self, connection, rng, bucket, key, headers):
        body = body_of(key, self.told.number(), rng.choice(SIZES))
        answer = self._call(connection, "PUT", f"/{bucket}/{key}", body, headers)
        assert answer.status == 200, answer
        if bucket == "kept":
            self.told.versions[key][answer.headers["x-amz-version-id"]] = body
        return body

    def _swap(self, bucket, key, connection, rng):
        self.told.sure.pop((bucket, key), None)
        body = self._put(connection, rng, bucket, key, {"x-amz-tagging": "end=yes"})
        time.sleep(rng.choice([0, 0, 0.01, 0.1]))
        if rng.random() < 0.3:
            answer = self._call(connection, "GET", f"/{bucket}/{key}")
            assert answer.status == 404 or answer.body == body, answer
            self.told.ended += answer.status == 404
        body = self._put(connection, rng, bucket, key, {})
        self.told.sure[bucket, key] = body
        time.sleep(rng.choice([0, 0.01, 0.1]))
        answer = self._call(connection, "GET", f"/{bucket}/{key}")
        assert answer.status == 200 and answer.body == body, f"{bucket}/{key}: {answer.status}"

    def _say(self, bucket, connection, rng):
        rules = RULES % self.told.number()
        answer = self._call(connection, "PUT", f"/{bucket}", rules, query=[("lifecycle", "")])
        assert answer.status == 200, answer
        time.sleep(rng.uniform(0, 0.2))


def check(forebay, told):
    """All that was told is so."""
    signer = forebay.target().signer()
    with forebay.target().connect() as connection:
        for (bucket, key), body in told.sure.items():
            answer = connection.call(rawhttp.Call("GET", f"/{bucket}/{key}"), signer)
            assert answer.status == 200 and answer.body == body, f"{bucket}/{key} has ended"
        for key in KEYS:
            for version, body in told.versions[key].items():
                call = rawhttp.Call("GET", f"/kept/{key}", query=[("versionId", version)])
                answer = connection.call(call, signer)
                assert answer.status == 200 and answer.body == body, f"{key} {version} is lost"


def held(client):
    """How many bytes and versions lists tell, of both buckets together."""
    size = number = 0
    for bucket in BUCKETS:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in page.get("Versions", []):
                size += one["Size"]
                number += 1
    return size, number


def test_kill_9_of_lifecycle():
    """Passes of rules, and writers of what they are about, are killed at random moments."""
    seed = int(os.environ.get("FOREBAY_SEED") or time.time())
    print(f"FOREBAY_SEED={seed}")
    rng = random.Random(seed)
    told = Told()
    with daemon.Forebay(flags=["--cache-size", "2GiB"]) as forebay:
        for bucket in BUCKETS:
            forebay.create_native(bucket)
        forebay.target().boto3().put_bucket_versioning(
            Bucket="kept", VersioningConfiguration={"Status": "Enabled"}
        )
        for turn in range(10 * ROUNDS):
            if turn >= ROUNDS and told.ended > 0:
                break  # a busy machine may need more rounds until a pass is met
            load = Load(forebay.target(), told, seed + turn)
            time.sleep(rng.choice([0.3, 1.0, 2.5]) * rng.uniform(0.5, 1.5))
            if load.failures:
                raise load.failures[0]
            forebay.kill()
            load.join()
            forebay.start()
            if turn % 5 < 3:  # sometimes the next load begins at once on what the crash left
                check(forebay, told)
        assert told.ended > 0, "no pass was met"
        forebay.restart()
        check(forebay, told)
        client = forebay.target().boto3()
        for bucket in BUCKETS:
            client.delete_bucket_lifecycle(Bucket=bucket)
        size, versions = held(client)

        def only_what_lives():
            """The whole pages of what lives, and nothing else."""
            return size <= forebay.metric("forebay_native_bytes") <= size + versions * 8192

        proc.wait_until("the space of what is gone", only_what_lives, 90)
        assert forebay.metric("forebay_native_lost_total") == 0
