"""What clients see of a disk that dies, becomes read-only or is taken away, with cached units, with
native objects, with the rows of the data folder: docs/guide/when-things-break.md. In every case
nothing that was acknowledged is lost, nothing that was deleted comes back, and no wrong byte is
given out. These need root, for file systems of their own.
"""

import contextlib
import http.client
import time

import pytest
from lib import daemon, origins, proc, small

pytestmark = pytest.mark.daemon

LARGE, SMALL = 300_000, 1000
GOOD = "good"


def body_of(number):
    """Bytes that tell objects apart, by turns large and small."""
    return f"{number:08}".encode() * ((SMALL if number % 2 else LARGE) // 8)


class Stand:
    """A Forebay with a backed bucket `bkt`, all of it cached, and a native one, `own`."""

    def __init__(self, stack, place, data):
        """The disk is a small file system at `place`; with `data` the data folder is."""
        self.system = stack.enter_context(small.ext4(place))
        self.origin = stack.enter_context(origins.DirOrigin())
        disk = place.parent / "elsewhere" if data else self.system.place / "disk"
        self.disk = self.system.outside / "disk"
        self.forebay = daemon.Forebay(flags=["--disk", str(disk)])
        if data:
            self.forebay.data = self.system.place / "data"
        self.forebay.prefix = self.system.enter
        stack.enter_context(self.forebay)
        self.forebay.create_native("own")
        self.origin.make_bucket("bkt")
        # A file system that dies forgets what it has not written yet, and the machine goes on:
        # cached bytes are then only believed where they are compared each time.
        self.forebay.create_bucket("bkt", self.origin, "immutable", verify="always")
        t = self.forebay.target()
        for n in range(8):
            for bucket in ("own", "bkt"):
                assert t.call("PUT", f"/{bucket}/k{n}", body=body_of(n)).status == 200
        self.acknowledged = {f"k{n}" for n in range(8)}  # of the native bucket
        for n in range(8):
            assert t.get("bkt", f"k{n}").body == body_of(n)
            self.origin.put("bkt", f"c{n}", body_of(n), age=10)
        self.forebay.wait_idle()
        time.sleep(1.5)  # what is written in the background is

    def get(self, bucket, key):
        """GOOD, a status, or "cut"; never a wrong byte."""
        try:
            answer = self.forebay.target().get(bucket, key)
        except (http.client.IncompleteRead, ConnectionError):
            return "cut"
        if answer.status != 200:
            return answer.status
        assert answer.body == body_of(int(key[1:])), "wrong bytes under a complete answer"
        return GOOD

    def write(self, bucket, number):
        """Puts an object; GOOD or a status."""
        answer = self.forebay.target().call("PUT", f"/{bucket}/n{number}", body=body_of(number))
        if answer.status == 200 and bucket == "own":
            self.acknowledged.add(f"n{number}")
        return GOOD if answer.status == 200 else answer.status

    def remove(self, bucket, key):
        """Deletes one; GOOD or a status."""
        status = self.forebay.target().call("DELETE", f"/{bucket}/{key}").status
        if status == 204 and bucket == "own":
            self.acknowledged.discard(key)
        return GOOD if status == 204 else status

    def all_there(self):
        """Of the native bucket what was acknowledged is there, and only that; the other reads."""
        for key in sorted(self.acknowledged):
            assert self.get("own", key) == GOOD, key
        page = self.forebay.target().boto3().list_objects_v2(Bucket="own")
        assert {o["Key"] for o in page["Contents"]} == self.acknowledged
        for n in range(7):
            assert self.get("bkt", f"k{n}") == GOOD

    def says_so(self):
        """The metric and the status tell of a disk that is out."""

        def out():
            # Somebody must want something of it.
            self.get("bkt", "k0"), self.get("own", "k0"), self.write("own", 0)
            return self.forebay.metric("forebay_disk_healthy") == 0

        proc.wait_until("the disk is out", out, 20)
        assert "out of service" in self.forebay.cli("status")

    def mend(self):
        """Sound again, with the daemon started anew."""
        self.forebay.kill()
        self.system.mend()
        self.forebay.start()


@pytest.fixture
def stand(tmp_path, request):
    """With the data folder on the file system that breaks where a test says so."""
    with contextlib.ExitStack() as stack:
        yield Stand(stack, tmp_path / "small", getattr(request, "param", False))


@pytest.mark.parametrize("fault", ["read-only", "dead"])
def test_a_disk_of_units(stand, fault):
    """Backed buckets go on, but for what was being sent; native ones are 5xx until it is mended."""
    stand.system.become_read_only() if fault == "read-only" else stand.system.die()
    for n in range(8):
        assert stand.get("bkt", f"c{n}") == GOOD, "cold reads pass"
        first = stand.get("bkt", f"k{n}")
        # It had begun with a good status when the disk gave up.
        assert first == GOOD or (fault == "dead" and first == "cut")
        assert stand.get("bkt", f"k{n}") in (GOOD, "cut")
        assert stand.write("bkt", n) == GOOD
        read, written = stand.get("own", f"k{n}"), stand.write("own", n)
        assert read in (GOOD, "cut", 500, 503)
        assert written in (500, 503)
    assert stand.remove("bkt", "k7") == GOOD
    stand.remove("own", "k7")
    stand.says_so()
    assert stand.get("own", "k0") == 503, "it may come back"
    for n in range(7):
        assert stand.get("bkt", f"k{n}") == GOOD, "no reader is cut off any more"
    stand.mend()
    assert stand.forebay.metric("forebay_disk_healthy") == 1
    stand.all_there()
    assert stand.write("own", 20) == GOOD


@pytest.mark.parametrize("stand", [True], indirect=True, ids=["data"])
@pytest.mark.parametrize("fault", ["read-only", "dead"])
def test_the_disk_of_the_rows(stand, fault):
    """All reads go on; native writes are 503, and what is not acknowledged is not there."""
    stand.system.become_read_only() if fault == "read-only" else stand.system.die()
    for n in range(7):
        for bucket, key in (("own", f"k{n}"), ("bkt", f"k{n}"), ("bkt", f"c{n}")):
            assert stand.get(bucket, key) == GOOD
        assert stand.write("own", n) == 503
        assert stand.write("bkt", n) == GOOD, "nothing was believed of this key"
    assert stand.remove("own", "k7") == 503
    assert stand.remove("bkt", "k7") == 503, "its head would be believed after a restart"
    assert stand.get("bkt", "k7") == GOOD
    proc.wait_until("it says so", lambda: not stand.forebay.metric("forebay_rows_writable"), 20)
    assert "rows_trouble" in stand.forebay.cli("status")
    stand.mend()
    stand.all_there()
    assert stand.write("own", 20) == GOOD
    assert stand.remove("own", "k7") == GOOD


def test_a_native_disk_that_is_taken_away(stand, tmp_path):
    """5xx meanwhile; once its folder is back all is as it was, without a restart."""
    stand.disk.rename(stand.disk.parent / "aside")
    proc.wait_until(
        "the loss is seen", lambda: stand.forebay.metric("forebay_disk_healthy") == 0, 20
    )
    for n in range(4):
        assert stand.get("own", f"k{n}") == 503, "it may come back"
        assert stand.write("own", n) == 503
        assert stand.get("bkt", f"k{n}") == GOOD
        assert stand.write("bkt", n) == GOOD
    assert not stand.disk.exists(), sorted(str(p) for p in stand.disk.rglob("*"))
    (stand.disk.parent / "aside").rename(stand.disk)
    proc.wait_until("it is back", lambda: stand.forebay.metric("forebay_disk_healthy") == 1, 20)
    stand.all_there()
    assert stand.write("own", 20) == GOOD


@pytest.mark.parametrize("stand", [True], indirect=True, ids=["data"])
def test_a_data_folder_that_is_taken_away(stand):
    """Nothing is acknowledged that would be gone after a restart; it goes on once it is back."""
    data, aside = stand.system.outside / "data", stand.system.outside / "aside"
    data.rename(aside)
    for n in range(4):
        assert stand.write("own", n) == 503
        assert stand.get("own", f"k{n}") == GOOD
        assert stand.get("bkt", f"k{n}") == GOOD
    data.mkdir()
    assert stand.write("own", 5) == 503, "another folder in its place"
    proc.wait_until("it says so", lambda: not stand.forebay.metric("forebay_rows_writable"), 20)
    data.rmdir()
    aside.rename(data)
    assert stand.write("own", 6) == GOOD
    stand.all_there()
    stand.forebay.kill()
    stand.forebay.start()
    stand.all_there()
