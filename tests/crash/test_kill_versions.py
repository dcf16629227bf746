"""kill -9 of a native bucket that keeps versions: each version that was acknowledged is there under
its id, none that was deleted comes back, and no space is lost.
"""

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
KEYS = [f"k{i}" for i in range(6)]
MARKER = b"a delete marker"


class Told:
    """What clients were told of versions."""

    def __init__(self):
        self.lock = threading.Lock()
        self.there = defaultdict(dict)  # key → id → body
        self.gone = defaultdict(set)  # key → ids
        self.count = 0

    def number(self):
        """A number of its own for each write."""
        with self.lock:
            self.count += 1
            return self.count

    def made(self, key, version, body):
        """A version, or a marker, was acknowledged."""
        with self.lock:
            assert version not in self.there[key] and version not in self.gone[key]
            self.there[key][version] = body

    def take(self, key, rng):
        """An id that is to be deleted, and from now on may be gone; None where there is none."""
        with self.lock:
            if not self.there[key]:
                return None
            version = rng.choice(list(self.there[key]))
            del self.there[key][version]
            return version

    def removed(self, key, version):
        """Its delete was acknowledged."""
        with self.lock:
            self.gone[key].add(version)


class Load(Workers):
    """Writers and deleters that go on until the daemon is gone."""

    def __init__(self, target, told, seed):
        self.told = told
        super().__init__(target, [self._put] * 5 + [self._mark] + [self._delete] * 2, seed)

    def _call(self, connection, method, key, query=(), body=b""):
        call = rawhttp.Call(method, f"/kept/{key}", query=list(query), body=body)
        return connection.call(call, self.target.signer())

    def _put(self, connection, rng):
        """A new version."""
        key = rng.choice(KEYS)
        body = body_of(key, self.told.number(), rng.choice(SIZES))
        answer = self._call(connection, "PUT", key, body=body)
        assert answer.status == 200, answer
        self.told.made(key, answer.headers["x-amz-version-id"], body)

    def _mark(self, connection, rng):
        """A delete marker; seldom."""
        key = rng.choice(KEYS)
        time.sleep(rng.uniform(0, 0.03))
        answer = self._call(connection, "DELETE", key)
        assert answer.status == 204, answer
        self.told.made(key, answer.headers["x-amz-version-id"], MARKER)

    def _delete(self, connection, rng):
        """Deletes a version for good."""
        key = rng.choice(KEYS)
        version = self.told.take(key, rng)
        if version is None:
            time.sleep(0.01)
            return
        answer = self._call(connection, "DELETE", key, [("versionId", version)])
        assert answer.status == 204, answer
        self.told.removed(key, version)


def listed(client):
    """Key → ids that the bucket lists, and how many bytes all versions have."""
    found, size = defaultdict(set), 0
    for page in client.get_paginator("list_object_versions").paginate(
        Bucket="kept", PaginationConfig={"PageSize": 100}
    ):
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            assert one["VersionId"] not in found[one["Key"]], "it is listed twice"
            found[one["Key"]].add(one["VersionId"])
            size += one.get("Size", 0)
    return found, size


def check(forebay, told):
    """All that was told is so."""
    found, size = listed(forebay.target().boto3())
    signer = forebay.target().signer()
    with forebay.target().connect() as connection:
        for key in KEYS:
            assert set(told.there[key]) <= found[key], f"{key}: an acknowledged version is lost"
            assert not told.gone[key] & found[key], f"{key}: a deleted version is back"
            for version, body in told.there[key].items():
                call = rawhttp.Call("GET", f"/kept/{key}", query=[("versionId", version)])
                answer = connection.call(call, signer)
                if body is MARKER:
                    assert answer.status == 405, answer
                else:
                    assert answer.status == 200 and answer.body == body, f"{key} {version}"
    return size, sum(map(len, found.values()))


def test_kill_9_of_versions():
    """Puts, markers and deletes by id are killed at random moments, round after round."""
    seed = int(os.environ.get("FOREBAY_SEED") or time.time())
    print(f"FOREBAY_SEED={seed}")
    rng = random.Random(seed)
    told = Told()
    with daemon.Forebay(flags=["--cache-size", "2GiB"]) as forebay:
        forebay.create_native("kept")
        forebay.target().boto3().put_bucket_versioning(
            Bucket="kept", VersioningConfiguration={"Status": "Enabled"}
        )
        for turn in range(ROUNDS):
            load = Load(forebay.target(), told, seed + turn)
            time.sleep(rng.choice([0.05, 0.2, 0.5, 1.0]) * rng.uniform(0.5, 1.5))
            if load.failures:
                raise load.failures[0]
            forebay.kill()
            load.join()
            forebay.start()
            if turn % 5 < 3:  # sometimes the next load begins at once on what the crash left
                check(forebay, told)
        assert told.count > ROUNDS
        forebay.restart()
        size, versions = check(forebay, told)

        def only_what_lives():
            """The whole pages of what lives, and nothing else."""
            return size <= forebay.metric("forebay_native_bytes") <= size + versions * 8192

        proc.wait_until("the space of what is gone", only_what_lives, 90)
        assert forebay.metric("forebay_native_lost_total") == 0
