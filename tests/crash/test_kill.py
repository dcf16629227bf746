"""kill -9 at random moments: what is served afterwards is right, and what was acknowledged is
there.
"""

import contextlib
import hashlib
import os
import random
import time

import pytest
from lib import daemon, faultproxy, origins, proc, rawhttp
from lib.history import History, body_of, write_of
from lib.workers import Workers

pytestmark = pytest.mark.daemon

MIB = 1024 * 1024
ROUNDS = 100 if os.environ.get("FOREBAY_FULL") == "1" else 5
CACHE = "64MiB"  # the data set below is twice that, so fills evict all the time
SIZES = [100, 5_000, 66_000, 300_000, 2 * MIB]
KEYS = [f"written/{i}" for i in range(12)]


class Load(Workers):
    """Readers and writers that go on until the daemon is gone; they note only what was
    acknowledged.
    """

    def __init__(self, forebay, buckets, data, history, seed, deletes=False):
        self.buckets = buckets
        self.data = data
        self.history = history
        work = [self._write] * 4 + [self._upload] + [self._read] * 5
        super().__init__(forebay.target(), work + [self._delete] * (2 if deletes else 0), seed)

    def _write(self, connection, rng):
        """Overwrites one key; it counts as acknowledged when the whole answer is here."""
        bucket, key = rng.choice(self.buckets), rng.choice(KEYS)
        name = f"{bucket}/{key}"
        number = self.history.begin_write(name)
        body = body_of(name, number, rng.choice(SIZES))
        answer = connection.call(rawhttp.Call("PUT", f"/{name}", body=body), self.target.signer())
        assert answer.status == 200, answer
        self.history.end_write(name, number)

    def _delete(self, connection, rng):
        """Deletes one key; now and then, so that there is something to be found."""
        name = f"{rng.choice(self.buckets)}/{rng.choice(KEYS)}"
        time.sleep(rng.uniform(0, 0.05))
        number = self.history.begin_delete(name)
        answer = connection.call(rawhttp.Call("DELETE", f"/{name}"), self.target.signer())
        assert answer.status == 204, answer
        self.history.end_write(name, number)

    def _upload(self, connection, rng):
        """Overwrites one key by a multipart upload."""
        name = f"{rng.choice(self.buckets)}/{rng.choice(KEYS)}"
        signer = self.target.signer()
        begun = connection.call(rawhttp.Call("POST", f"/{name}", query=[("uploads", "")]), signer)
        assert begun.status == 200, begun
        upload = begun.body.decode().split("<UploadId>")[1].split("<")[0]
        number = self.history.begin_write(name)
        body = body_of(name, number, 6 * MIB)
        parts = ""
        for part, piece in ((1, body[: 5 * MIB]), (2, body[5 * MIB :])):
            answer = connection.call(
                rawhttp.Call(
                    "PUT",
                    f"/{name}",
                    body=piece,
                    query=[("partNumber", str(part)), ("uploadId", upload)],
                ),
                signer,
            )
            assert answer.status == 200, answer
            parts += (
                f"<Part><PartNumber>{part}</PartNumber><ETag>{answer.headers['etag']}</ETag></Part>"
            )
        done = connection.call(
            rawhttp.Call(
                "POST",
                f"/{name}",
                query=[("uploadId", upload)],
                body=f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode(),
            ),
            signer,
        )
        if done.status == 200 and not done.code():
            self.history.end_write(name, number)

    def _read(self, connection, rng):
        """Reads an object of the data set, or a range of it, or a written key; checks every
        byte.
        """
        if not self.data or rng.random() < 0.3:
            name = f"{rng.choice(self.buckets)}/{rng.choice(KEYS)}"
            began = time.monotonic()
            answer = connection.call(rawhttp.Call("GET", f"/{name}"), self.target.signer())
            assert answer.status in (200, 404), answer
            if answer.status == 200:
                self.history.read(name, began, answer.body)
            return
        check_data(connection, self.target, self.data, rng.choice(list(self.data)), rng)


def check_data(connection, target, data, key, rng=None):
    """Reads one object of the data set, or with `rng` sometimes a range, and checks it."""
    body = data[key]
    headers = {}
    first, last = 0, len(body) - 1
    if rng and rng.random() < 0.5:
        first = rng.randrange(len(body))
        last = min(last, first + rng.choice([0, 1000, MIB]))
        headers["Range"] = f"bytes={first}-{last}"
    answer = connection.call(rawhttp.Call("GET", f"/far/{key}", headers=headers), target.signer())
    assert answer.status == (206 if headers else 200), answer.status
    assert answer.body == body[first : last + 1], f"{key} {headers}: wrong bytes"


def check_all(forebay, buckets, data, history):
    """After a restart: the data set is right, every key has its last acknowledged or a later write,
    nothing else.
    """
    target = forebay.target()
    with target.connect() as connection:
        for key in data:
            check_data(connection, target, data, key)
        for bucket in buckets:
            found = set()
            for key in KEYS:
                name = f"{bucket}/{key}"
                possible, must_exist = history.possible(name)
                answer = connection.call(rawhttp.Call("GET", f"/{name}"), target.signer())
                if answer.status == 404:
                    assert not must_exist, f"{name}: an acknowledged write is lost"
                    continue
                assert answer.status == 200, answer
                number = write_of(name, answer.body)
                assert (
                    number in possible
                ), f"{name}: write {number} served, possible are {sorted(possible)}"
                found.add(key)
            listed = connection.call(
                rawhttp.Call("GET", f"/{bucket}", query=[("list-type", "2"), ("prefix", "")]),
                target.signer(),
            )
            keys = {k.split("</Key>")[0] for k in listed.body.decode().split("<Key>")[1:]}
            assert {
                k for k in keys if not k.startswith("data/")
            } == found, "a list shows what is not there"


def test_kill_9():
    """Fills, evictions, writes and multipart uploads are killed at random moments, round after
    round.
    """
    seed = int(os.environ.get("FOREBAY_SEED") or time.time())
    print(f"FOREBAY_SEED={seed}")
    rng = random.Random(seed)
    with contextlib.ExitStack() as stack:
        far = stack.enter_context(origins.SeaweedOrigin())
        near = stack.enter_context(origins.DirOrigin())
        proxy = stack.enter_context(faultproxy.FaultProxy(far.endpoint, rate=150e6))
        far.make_bucket("far")
        near.make_bucket("near")
        data = {
            f"data/{i}-{size}": random.Random(i).randbytes(size)
            for i, size in enumerate([12 * MIB] * 8 + [3 * MIB] * 10 + [40_000] * 60)
        }
        for key, body in data.items():
            far.put("far", key, body)
        forebay = stack.enter_context(daemon.Forebay(flags=["--cache-size", CACHE]))
        forebay.create_bucket("far", far, endpoint=proxy.endpoint)
        forebay.create_bucket("near", near)
        buckets, history = ["far", "near"], History()
        for turn in range(ROUNDS):
            load = Load(forebay, buckets, data, history, seed + turn)
            time.sleep(rng.choice([0.05, 0.2, 0.5, 1.0, 2.0]) * rng.uniform(0.5, 1.5))
            if load.failures:
                raise load.failures[0]  # the others go on: they would be waited for in vain
            forebay.kill()
            load.join()
            history.check()
            forebay.start()
            if turn % 5 < 3:  # sometimes the next load begins at once on what the crash left
                check_all(forebay, buckets, data, history)
        check_all(forebay, buckets, data, history)
        assert history.acknowledged() > ROUNDS
        assert sum(map(len, data.values())) > 2 * 60 * MIB
        forebay.restart()
        check_all(forebay, buckets, data, history)


def test_kill_9_of_a_native_bucket():
    """Objects that are nowhere else: puts, overwrites, deletes and multipart uploads are killed at
    random moments; what was acknowledged is there, what was deleted is not, and no space is lost.
    """
    seed = int(os.environ.get("FOREBAY_SEED") or time.time())
    print(f"FOREBAY_SEED={seed}")
    rng = random.Random(seed)
    with daemon.Forebay(flags=["--cache-size", "2GiB"]) as forebay:
        forebay.create_native("native")
        history = History()
        for turn in range(ROUNDS):
            load = Load(forebay, ["native"], {}, history, seed + turn, deletes=True)
            time.sleep(rng.choice([0.05, 0.2, 0.5, 1.0]) * rng.uniform(0.5, 1.5))
            if load.failures:
                raise load.failures[0]  # the others go on: they would be waited for in vain
            forebay.kill()
            load.join()
            history.check()
            forebay.start()
            if turn % 5 < 3:
                check_all(forebay, ["native"], {}, history)
        check_all(forebay, ["native"], {}, history)
        assert history.acknowledged() > ROUNDS
        # Of all that was written and let go only what lives stays, once it has been swept.
        forebay.restart()
        check_all(forebay, ["native"], {}, history)
        client = forebay.target().boto3()
        for upload in client.list_multipart_uploads(Bucket="native").get("Uploads", []):
            client.abort_multipart_upload(
                Bucket="native", Key=upload["Key"], UploadId=upload["UploadId"]
            )
        objects = client.list_objects_v2(Bucket="native").get("Contents", [])
        live = sum(one["Size"] for one in objects)

        def only_what_lives():
            """The whole pages of what lives, and nothing else."""
            return live <= forebay.metric("forebay_native_bytes") <= live + len(KEYS) * 8192

        proc.wait_until("the space of what is gone", only_what_lives, 90)
        assert forebay.metric("forebay_native_lost_total") == 0


def test_kill_9_keeps_the_cache():
    """What was cached before a kill -9 is still served from disk: a crash does not cost the origin
    its bytes again.
    """
    body = random.Random(5).randbytes(32 * MIB)
    with contextlib.ExitStack() as stack:
        far = stack.enter_context(origins.SeaweedOrigin())
        proxy = stack.enter_context(faultproxy.FaultProxy(far.endpoint))
        far.make_bucket("far")
        far.put("far", "big", body)
        for i in range(100):
            far.put("far", f"small{i}", body[i * 1000 : i * 1000 + 5000])
        forebay = stack.enter_context(daemon.Forebay())
        forebay.create_bucket("far", far, endpoint=proxy.endpoint)

        def read_all():
            """Reads everything once and checks it."""
            digest = hashlib.sha256(forebay.target().get("far", "big").body).digest()
            assert digest == hashlib.sha256(body).digest()
            for i in range(100):
                assert (
                    forebay.target().get("far", f"small{i}").body
                    == body[i * 1000 : i * 1000 + 5000]
                )

        read_all()
        forebay.wait_idle()
        time.sleep(2)  # rows of clean units are committed in batches, nobody waits for them
        forebay.kill()
        proxy.clear()
        forebay.start()
        read_all()
        assert proxy.body_bytes() == 0
