"""A cache folder that is removed while the daemon runs: told once, made again, no read harmed."""

import contextlib
import json
import shutil

import pytest
from lib import daemon, origins, proc, rawhttp, small

pytestmark = pytest.mark.daemon


@pytest.mark.parametrize("part", ["", "index", "segments", "units", "forebay-disk"])
def test_a_lost_disk_is_told_and_comes_back(part):
    """Reads go on meanwhile, and are cached again afterwards."""
    with origins.DirOrigin() as origin, daemon.Forebay(default_origin=origin) as forebay:
        client = forebay.target().boto3()
        client.create_bucket(Bucket="bkt")
        bodies = {f"k{n}": bytes([n]) * size for n, size in enumerate((100, 70_000, 2_000_000))}
        for key, body in bodies.items():
            client.put_object(Bucket="bkt", Key=key, Body=body)

        def read_all():
            for key, body in bodies.items():
                assert client.get_object(Bucket="bkt", Key=key)["Body"].read() == body
            return forebay.metric("forebay_unit_reads_total", result="hit")

        read_all()
        lost = forebay.data / "cache" / part
        shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
        proc.wait_until(
            "the loss is seen",
            lambda: read_all() >= 0 and forebay.metric("forebay_disk_lost_total") == 1,
            20,
        )
        proc.wait_until("it is back", lambda: forebay.metric("forebay_disk_healthy") == 1, 20)
        status = json.loads(forebay.cli("status", "--json"))
        assert status["healthy"] and status["disks"][0]["trouble"] == ""
        before = read_all()
        proc.wait_until("reads are hits again", lambda: read_all() >= before + 3, 20)

        def told():
            return (forebay.root / "log").read_text().count("a disk is back")

        proc.wait_until("an operator is told", lambda: told() >= 1, 20)
        assert told() == 1, "once"
        assert lost.exists()


@pytest.mark.parametrize("size", [4_000_000, 200_000_000])
def test_a_folder_that_goes_while_a_body_comes(tmp_path, size):
    """Whoever writes is told to come again, not that the key is not there."""
    disk = tmp_path / "disk"
    with daemon.Forebay(flags=["--disk", str(disk)]) as forebay:
        forebay.create_native("nat")
        target = forebay.target()
        with target.connect() as connection:
            half = rawhttp.Call("PUT", "/nat/k", headers={"Content-Length": str(size)},
                                body=bytes(size // 2), payload="UNSIGNED-PAYLOAD")
            connection.send(half, target.signer())
            proc.wait_until("its file", lambda: list(disk.glob("new/*")), 30)
            shutil.rmtree(disk, ignore_errors=True)
            with contextlib.suppress(OSError):  # it may have been refused already
                connection.sock.sendall(bytes(size - size // 2))
            answer = connection.receive("PUT")
        assert answer.status == 503, answer
        assert target.get("nat", "k").status in (404, 503)


def test_a_disk_that_is_full_at_start(tmp_path):
    """The daemon starts without it, says so, and takes it in as soon as there is room."""
    origin = origins.DirOrigin()
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(small.tmpfs(tmp_path / "disk"))
        forebay = daemon.Forebay(default_origin=origin, flags=["--disk", str(disk.place)])
        forebay.prefix = disk.enter
        stack.enter_context(origin)
        stack.enter_context(forebay)
        client = forebay.target().boto3()
        client.create_bucket(Bucket="bkt")
        client.put_object(Bucket="bkt", Key="k", Body=b"b" * 100_000)
        forebay.stop()
        disk.fill()
        forebay.start()
        client = forebay.target().boto3()
        assert client.get_object(Bucket="bkt", Key="k")["Body"].read() == b"b" * 100_000
        assert forebay.metric("forebay_disk_healthy") == 0
        assert "must be free" in forebay.cli("status")
        disk.empty()
        proc.wait_until("it is back", lambda: forebay.metric("forebay_disk_healthy") == 1, 20)

        def hit():
            assert client.get_object(Bucket="bkt", Key="k")["Body"].read() == b"b" * 100_000
            return forebay.metric("forebay_unit_reads_total", result="hit") > 0

        proc.wait_until("reads are hits again", hit, 20)


def test_what_cannot_be_made_again_is_told_by_all(tmp_path):
    """A file in the folder's place: reads pass, health says no, and the log tells it once."""
    with origins.DirOrigin() as origin, daemon.Forebay(default_origin=origin) as forebay:
        client = forebay.target().boto3()
        client.create_bucket(Bucket="bkt")
        client.put_object(Bucket="bkt", Key="k", Body=b"bytes")
        cache = forebay.data / "cache"
        cache.rename(tmp_path / "aside")
        cache.write_text("no folder")
        proc.wait_until("the disk is out", lambda: forebay.metric("forebay_disk_healthy") == 0, 20)
        status = json.loads(forebay.cli("status", "--json"))
        assert not status["healthy"] and status["disks"][0]["trouble"]

        def logged():
            return (forebay.root / "log").read_text().count("a disk is out")

        proc.wait_until("a line in the log", lambda: logged() >= 1, 20)
        said = logged()
        for _ in range(20):
            assert client.get_object(Bucket="bkt", Key="k")["Body"].read() == b"bytes"
        assert logged() == said <= 2, "told once for each reason, not at each look"
        cache.unlink()
        proc.wait_until("it is back", lambda: forebay.metric("forebay_disk_healthy") == 1, 20)
