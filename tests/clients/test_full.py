"""Disks that are full: what is cached goes past them, what is native is refused and not lost, and
all goes on by itself once there is room.
"""

import contextlib
import time

import pytest
from lib import daemon, origins, proc, small

pytestmark = pytest.mark.daemon

SMALL = b"s" * 1000
LARGE = b"L" * 2_000_000


def body_of(size, number):
    """Bytes that tell objects apart."""
    return f"{number:08}".encode() * (size // 8)


@contextlib.contextmanager
def forebay_on(place, data=False, origin=None, size="48m"):
    """A daemon whose disk, or whose data folder, is a small file system: both of them."""
    with contextlib.ExitStack() as stack:
        system = stack.enter_context(small.tmpfs(place, size))
        if origin:
            stack.enter_context(origin)
        elsewhere = place.parent / "elsewhere"
        disk = elsewhere if data else system.place / "disk"
        forebay = daemon.Forebay(default_origin=origin, flags=["--disk", str(disk)])
        if data:
            forebay.data = system.place / "data"
        forebay.prefix = system.enter
        stack.enter_context(forebay)
        yield forebay, system


def test_a_full_cache_disk(tmp_path):
    """Reads and writes pass; what is here is served from here; then it is a cache again."""
    with forebay_on(tmp_path / "small", origin=origins.DirOrigin()) as (forebay, system):
        t = forebay.target()
        assert t.call("PUT", "/bkt").status == 200
        for key in ("small", "large"):
            assert t.call("PUT", f"/bkt/warm-{key}", body=SMALL).status == 200
        forebay.wait_idle()
        system.fill()
        for n in range(300):
            assert t.call("PUT", f"/bkt/{n}", body=body_of(1000, n)).status == 200
            assert t.get("bkt", str(n)).body == body_of(1000, n)
        assert t.call("PUT", "/bkt/large", body=LARGE).status == 200
        assert t.get("bkt", "large").body == LARGE
        assert t.get("bkt", "warm-small").body == SMALL
        time.sleep(7)  # beyond the five seconds after which RocksDB would try again by itself
        assert t.get("bkt", "large").body == LARGE
        system.empty()

        def cached():
            return t.get("bkt", "large").headers["x-cache"] == "hit"

        proc.wait_until("it is a cache again", cached, 20)
        assert forebay.metric("forebay_disk_healthy") == 1


def refuse(forebay, kept, count, all_sizes):
    """Writes to a native bucket while there is no room: what is refused is so in plain words, and
    what is not (a small one where room had been taken ahead) is kept.
    """
    t = forebay.target()
    for n in range(count):
        for size in (1000, 300_000):
            key, body = f"refused-{n}-{size}", body_of(size, n)
            answer = t.call("PUT", f"/own/{key}", body=body)
            if answer.status == 200 and size == 1000 and not all_sizes:
                kept[key] = body
            else:
                assert (answer.status, answer.code()) == (507, "InsufficientStorage"), answer.body


def all_there(forebay, kept):
    """Everything that was acknowledged is there, and nothing that was refused."""
    t = forebay.target()
    for key, body in kept.items():
        assert t.get("own", key).body == body
    listed = [o["Key"] for o in t.boto3().list_objects_v2(Bucket="own").get("Contents", [])]
    assert sorted(listed) == sorted(kept)


@pytest.mark.parametrize("data", [False, True], ids=["disk", "data"])
def test_native_objects(tmp_path, data):
    """Writes are 507 and nothing of them stays; reads and deletes go on; then writes do."""
    with forebay_on(tmp_path / "small", data=data) as (forebay, system):
        forebay.create_native("own")
        t = forebay.target()
        kept = {}
        for n in range(40):
            kept[f"k{n}"] = body_of(1000 if n % 2 else 100_000, n)
            assert t.call("PUT", f"/own/k{n}", body=kept[f"k{n}"]).status == 200
        units = forebay.metric("forebay_native_units")
        system.fill()
        refuse(forebay, kept, 30 if data else 2, data)
        all_there(forebay, kept)
        if data:
            assert forebay.metric("forebay_native_units") == units, "nothing stays of them"
            time.sleep(7)  # beyond RocksDB's own tries
            refuse(forebay, kept, 3, data)
        system.empty()
        for n in range(100, 110):
            kept[f"k{n}"] = body_of(100_000, n)

            def again(n=n):
                return t.call("PUT", f"/own/k{n}", body=kept[f"k{n}"]).status == 200

            proc.wait_until("it takes writes again", again, 20)
        all_there(forebay, kept)
        forebay.kill()
        forebay.start()
        all_there(forebay, kept)


def test_deletes_make_room_in_the_data_folder(tmp_path):
    """With little room left rows are not added, but removed."""
    with forebay_on(tmp_path / "small", data=True) as (forebay, system):
        forebay.create_native("own")
        t = forebay.target()
        assert t.call("PUT", "/own/k", body=SMALL).status == 200
        system.fill(leave=300 << 10)
        assert t.call("PUT", "/own/l", body=SMALL).status == 507
        assert t.call("DELETE", "/own/k").status == 204
        assert t.get("own", "k").status == 404
        assert t.call("DELETE", "/own/k").status == 204, "nothing to do"


def test_a_full_data_folder_of_backed_buckets(tmp_path):
    """Reads pass. Writes do too where no row must be written before."""
    origin = origins.DirOrigin()
    with forebay_on(tmp_path / "small", data=True, origin=origin) as (forebay, system):
        t = forebay.target()
        assert t.call("PUT", "/bkt").status == 200
        assert t.call("PUT", "/bkt/k", body=SMALL).status == 200
        system.fill()
        proc.wait_until("it says so", lambda: not forebay.metric("forebay_rows_writable"), 20)
        assert "no room for rows" in forebay.cli("status")
        for n in range(100):
            assert t.call("PUT", f"/bkt/{n}", body=body_of(1000, n)).status == 200
            assert t.get("bkt", str(n)).body == body_of(1000, n)
        refused = t.call("PUT", "/other")
        assert (refused.status, refused.code()) == (507, "InsufficientStorage")
        assert t.get("bkt", "k").body == SMALL
        system.empty()
        assert t.call("PUT", "/other").status == 200
        proc.wait_until("it says so", lambda: forebay.metric("forebay_rows_writable"), 20)
        forebay.restart()
        assert forebay.target().get("bkt", "50").body == body_of(1000, 50)
